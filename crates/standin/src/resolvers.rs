//! Sources of server lists that may change: the settings files, DNS, or the caller.

#[cfg(feature = "puppet-settings")]
mod settings_files;

#[cfg(all(feature = "puppet-settings", feature = "srv"))]
pub use crate::settings::srv_options;
#[cfg(feature = "puppet-settings")]
pub use settings_files::SettingsFiles;
pub use standin_net::Resolver;
pub use standin_net::resolvers::Fixed;
#[cfg(feature = "srv")]
pub use standin_net::resolvers::{InvalidSrv, Srv, SrvOptions};
