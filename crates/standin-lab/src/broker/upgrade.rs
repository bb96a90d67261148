//! From HTTP to WebSocket.

use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::hub::Handlers;
use crate::answer::{Answer, Asked, Place};

/// A connection that is about to become a WebSocket.
#[derive(Debug)]
pub(crate) struct Upgrade {
    pub(crate) client_type: String,
    pub(crate) on_upgrade: OnUpgrade,
}

/// Switches protocols, if a WebSocket was asked for where the broker has one. With its handlers stopped there is nothing
/// behind any path, and Jetty says so.
pub(crate) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    let handlers = place.shared.machine(place.host).hub.state().handlers;
    let key = asked.headers.get(SEC_WEBSOCKET_KEY);
    match (handlers, client_type(&asked.path), key) {
        (Handlers::Running, Some(_), Some(key)) if is_handshake(asked) => {
            Answer::empty(StatusCode::SWITCHING_PROTOCOLS)
                .header(UPGRADE, "websocket")
                .header(CONNECTION, "Upgrade")
                .header(SEC_WEBSOCKET_ACCEPT, &derive_accept_key(key.as_bytes()))
        }
        _ => Answer::no_such_page(&asked.path),
    }
}

/// The type that a client asks for by the path: `/pcp2/TYPE`, and `agent` if it names none.
pub(crate) fn client_type(path: &str) -> Option<&str> {
    match path.strip_prefix("/pcp2")? {
        "" | "/" => Some("agent"),
        rest => rest
            .strip_prefix('/')
            .filter(|client_type| !client_type.contains('/')),
    }
}

fn is_handshake(asked: &Asked) -> bool {
    asked.method == Method::GET
        && lists(&asked.headers, &CONNECTION, "upgrade")
        && lists(&asked.headers, &UPGRADE, "websocket")
        && lists(&asked.headers, &SEC_WEBSOCKET_VERSION, "13")
}

fn lists(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_type_of_the_client() {
        assert_eq!(client_type("/pcp2/agent"), Some("agent"));
        assert_eq!(client_type("/pcp2/controller"), Some("controller"));
        assert_eq!(client_type("/pcp2/"), Some("agent"));
        assert_eq!(client_type("/pcp2"), Some("agent"));
        assert_eq!(client_type("/pcp2/a/b"), None);
        assert_eq!(client_type("/pcp/agent"), None);
        assert_eq!(client_type("/pcp2x"), None);
    }
}
