//! Which servers are reached through a proxy: what Puppet's settings and the environment say.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use standin_core::{InvalidServer, Server};
use url::Url;

/// An HTTP proxy, which is asked by `CONNECT` for a way to the server. TLS is spoken with the server,
/// so the proxy sees its name and nothing of what is said.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    server: Server,
    authorization: Option<String>,
}

/// Which servers are reached through a proxy. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    proxy: Option<Proxy>,
    exempt: Vec<Exempt>,
}

/// The settings of `puppet.conf` about proxies, as they stand there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxySettings {
    /// `http_proxy_host`; `none` and the empty text are as good as nothing.
    pub host: Option<String>,
    /// `http_proxy_port`, by default [`PROXY_PORT`].
    pub port: Option<u16>,
    /// `http_proxy_user`; likewise.
    pub user: Option<String>,
    /// `http_proxy_password`; likewise.
    pub password: Option<String>,
    /// `no_proxy`; likewise. Puppet's default is `localhost, 127.0.0.1`.
    pub no_proxy: Option<String>,
}

/// Squid's port, which is Puppet's default.
pub const PROXY_PORT: u16 = 3128;

/// A proxy cannot be what the settings or the environment say.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidProxy {
    /// The host is no host.
    #[error("http_proxy_host cannot be used; set it to the name of a host, or to none")]
    Host(#[source] InvalidServer),
    /// The environment's is no URL.
    #[error("the environment's {variable} is no URL; write it as http://HOST:PORT, or unset it")]
    Url {
        /// `http_proxy` or `HTTP_PROXY`.
        variable: &'static str,
        /// Why.
        source: url::ParseError,
    },
    /// The environment's is not of a kind that is spoken here.
    #[error("the environment's {variable} is for a {scheme} proxy; only http is spoken here")]
    Scheme {
        /// `http_proxy` or `HTTP_PROXY`.
        variable: &'static str,
        /// What it asks for.
        scheme: String,
    },
}

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
    pub const fn through(proxy: Proxy) -> Self {
        Self {
            proxy: Some(proxy),
            exempt: Vec::new(),
        }
    }

    /// The same but for servers that `no_proxy` names: hosts, separated by commas, each perhaps with
    /// a port. A host stands for those beneath it too, and `*` for anything.
    #[must_use]
    pub fn except(mut self, no_proxy: &str) -> Self {
        let entries = no_proxy.split(',').map(str::trim);
        self.exempt = entries
            .filter(|entry| !entry.is_empty())
            .map(Exempt::parse)
            .collect();
        self
    }

    /// As Puppet has it: `http_proxy` or `HTTP_PROXY` of the environment before the settings, and
    /// `no_proxy` or `NO_PROXY` before theirs. `variable` looks into the environment:
    /// `|name| std::env::var(name).ok()`.
    ///
    /// # Errors
    /// When either names a proxy that cannot be one.
    pub fn of(
        settings: &ProxySettings,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidProxy> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let either = |names: [&'static str; 2]| {
            let mut names = names.into_iter();
            names.find_map(|name| Some((name, given(variable(name))?)))
        };
        let set = |text: &Option<String>| given(text.clone()).filter(|text| text != "none");
        let proxy = match either(["http_proxy", "HTTP_PROXY"]) {
            Some((variable, url)) => Some(from_url(variable, &url)?),
            None => match set(&settings.host) {
                Some(host) => {
                    let port = settings.port.unwrap_or(PROXY_PORT);
                    let server = Server::new(&host, port).map_err(InvalidProxy::Host)?;
                    let proxy = Proxy::new(server);
                    Some(match set(&settings.user) {
                        Some(user) => {
                            proxy.with_account(&user, &set(&settings.password).unwrap_or_default())
                        }
                        None => proxy,
                    })
                }
                None => None,
            },
        };
        let none = Self {
            proxy,
            exempt: Vec::new(),
        };
        Ok(match either(["no_proxy", "NO_PROXY"]) {
            Some((_, no_proxy)) => none.except(&no_proxy),
            None => none.except(&set(&settings.no_proxy).unwrap_or_default()),
        })
    }

    /// The proxy for a server; `None` when it is reached directly.
    #[must_use]
    pub fn for_server(&self, host: &str, port: u16) -> Option<&Proxy> {
        let proxy = self.proxy.as_ref()?;
        let exempt = self.exempt.iter().any(|exempt| exempt.covers(host, port));
        (!exempt).then_some(proxy)
    }
}

fn from_url(variable: &'static str, text: &str) -> Result<Proxy, InvalidProxy> {
    let url = match text.contains("://") {
        true => Url::parse(text),
        false => Url::parse(&format!("http://{text}")),
    };
    let url = url.map_err(|source| InvalidProxy::Url { variable, source })?;
    if url.scheme() != "http" {
        return Err(InvalidProxy::Scheme {
            variable,
            scheme: url.scheme().to_owned(),
        });
    }
    let host = url.host_str().unwrap_or_default();
    // A URL's own default port is 80, which is what Ruby makes of it too.
    let port = url.port_or_known_default().unwrap_or(PROXY_PORT);
    let server = Server::new(host, port).map_err(InvalidProxy::Host)?;
    let proxy = Proxy::new(server);
    Ok(match url.username() {
        "" => proxy,
        user => proxy.with_account(&decoded(user), &decoded(url.password().unwrap_or_default())),
    })
}

/// Without the per cent signs that a URL needs.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

/// An entry of `no_proxy`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Exempt {
    host: String,
    port: Option<u16>,
}

impl Exempt {
    fn parse(entry: &str) -> Self {
        let (host, port) = match entry.rsplit_once(':') {
            // An IPv6 address without brackets has no port.
            Some((host, _)) if host.contains(':') && !host.ends_with(']') => (entry, None),
            Some((host, port)) => match port.parse() {
                Ok(port) => (host, Some(port)),
                Err(_) => (entry, None),
            },
            None => (entry, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self {
            host: host.to_ascii_lowercase(),
            port,
        }
    }

    fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = host.to_ascii_lowercase();
        let begins = |at: usize| {
            let anywhere = self.host.starts_with(['.', '*']);
            at == 0 || anywhere || host.as_bytes()[at - 1] == b'.'
        };
        self.port.is_none_or(|own| own == port)
            && (0..host.len()).any(|at| {
                host.is_char_boundary(at) && begins(at) && is_like(&self.host, &host[at..])
            })
    }
}

/// Whether `text` is as `pattern` has it, in which `*` stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            let mut cuts = (0..=rest.len()).filter(|at| rest.is_char_boundary(*at));
            cuts.any(|at| is_like(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests;
