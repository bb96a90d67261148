//! Lists whose entries stand at places of their own.

use standin_core::{InvalidServerList, Server, ServerList};

use crate::{Origin, SettingsError};

/// The list of these servers, which was found at `whole`, each server with its own origin.
pub(crate) fn listed<'a>(
    servers: impl IntoIterator<Item = (&'a Server, &'a Origin)>,
    whole: &Origin,
) -> Result<ServerList, SettingsError> {
    let mut found: Vec<Server> = Vec::new();
    for (server, origin) in servers {
        let server = server.clone();
        if found.contains(&server) {
            let fault = InvalidServerList::Repeated { server };
            return Err(SettingsError::new(origin, fault));
        }
        found.push(server);
    }
    ServerList::new(found).map_err(|fault| SettingsError::new(whole, fault))
}
