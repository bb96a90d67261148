//! Names to addresses: what the caller says first, then the system's resolver.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Resolves host names afresh at each connection.
///
/// A name that was [given an address](Names::with) keeps it, as with curl's `--resolve`, and the
/// system is not asked.
#[derive(Clone, Debug, Default)]
pub struct Names {
    given: Arc<HashMap<String, Vec<IpAddr>>>,
}

impl Names {
    /// The system's names only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more address for `name`, in any case.
    #[must_use]
    pub fn with(mut self, name: &str, address: IpAddr) -> Self {
        Arc::make_mut(&mut self.given)
            .entry(name.to_ascii_lowercase())
            .or_default()
            .push(address);
        self
    }

    /// The addresses of `host`, at least one. IPv6 may be in brackets.
    ///
    /// # Errors
    /// When it has none, or the system's resolver cannot be asked.
    pub async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, NameError> {
        let found = self.addresses(host, 0).await?;
        Ok(found.into_iter().map(|address| address.ip()).collect())
    }

    /// At least one address, with `port`. `host` is as it stands in a URI: IPv6 in brackets.
    pub(crate) async fn addresses(
        &self,
        host: &str,
        port: u16,
    ) -> Result<Vec<SocketAddr>, NameError> {
        let name = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        if let Some(given) = self.given.get(&name.to_ascii_lowercase()) {
            return Ok(given.iter().map(|ip| SocketAddr::new(*ip, port)).collect());
        }
        let none = |source| NameError {
            name: name.to_owned(),
            source,
        };
        let found = tokio::net::lookup_host((name, port)).await.map_err(none)?;
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() {
            return Err(none(io::ErrorKind::NotFound.into()));
        }
        Ok(found)
    }
}

/// A host name has no address.
#[derive(Debug, thiserror::Error)]
#[error("the name {name} cannot be resolved")]
pub struct NameError {
    name: String,
    #[source]
    source: io::Error,
}
