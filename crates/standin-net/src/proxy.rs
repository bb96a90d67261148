//! Which servers are reached through a proxy.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use standin_core::Server;

/// An HTTP proxy, which is asked by `CONNECT` for a way to the server. TLS is spoken with the server,
/// so the proxy sees its name and nothing of what is said.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    server: Server,
    authorization: Option<String>,
}

/// Which servers are reached through a proxy. None by default.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Option<Through>);

#[derive(Clone)]
struct Through {
    proxy: Proxy,
    is_direct: Arc<IsDirect>,
}

/// Whether a host and port are reached without the proxy.
type IsDirect = dyn Fn(&str, u16) -> bool + Send + Sync;

impl Proxy {
    /// A proxy that asks nobody who he is.
    #[must_use]
    pub const fn new(server: Server) -> Self {
        Self {
            server,
            authorization: None,
        }
    }

    /// The same with a name and password for it (RFC 7617).
    #[must_use]
    pub fn with_account(mut self, user: &str, password: &str) -> Self {
        let account = STANDARD.encode(format!("{user}:{password}"));
        self.authorization = Some(format!("Basic {account}"));
        self
    }

    /// Where it is.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Proxies {
    /// Every server is reached through `proxy`.
    #[must_use]
    pub fn through(proxy: Proxy) -> Self {
        Self::through_unless(proxy, |_, _| false)
    }

    /// Every server is reached through `proxy`, except where `is_direct` says of its host and port that
    /// it is reached without. An IPv6 address comes without brackets.
    #[must_use]
    pub fn through_unless(
        proxy: Proxy,
        is_direct: impl Fn(&str, u16) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Through {
            proxy,
            is_direct: Arc::new(is_direct),
        }))
    }

    /// The proxy for a server, whose host is as it stands in a URI; `None` when it is reached directly.
    pub(crate) fn for_server(&self, host: &str, port: u16) -> Option<&Proxy> {
        let Through { proxy, is_direct } = self.0.as_ref()?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!is_direct(host, port)).then_some(proxy)
    }
}

impl fmt::Debug for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.proxy.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy() -> Proxy {
        Proxy::new(Server::new("proxy.example.com", 3128).unwrap())
    }

    #[test]
    fn servers_are_reached_directly_unless_there_is_a_proxy() {
        assert_eq!(Proxies::default().for_server("m", 8140), None);
        let all = Proxies::through(proxy());
        assert_eq!(all.for_server("m", 8140), Some(&proxy()));
    }

    #[test]
    fn a_server_may_be_left_out_by_host_and_port() {
        let proxies = Proxies::through_unless(proxy(), |host, port| host == "::1" && port == 8140);
        assert_eq!(proxies.for_server("[::1]", 8140), None);
        assert!(proxies.for_server("[::1]", 8081).is_some());
    }

    #[test]
    fn an_account_is_never_shown() {
        let proxies = Proxies::through(proxy().with_account("user", "secret"));
        let shown = format!("{proxies:?}");
        assert!(shown.contains("proxy.example.com"), "{shown}");
        assert!(!shown.contains(&STANDARD.encode("user:secret")), "{shown}");
    }
}
