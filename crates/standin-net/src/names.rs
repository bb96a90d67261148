//! Names to addresses: what the caller says first, then the system's resolver.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

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
}

/// A host name has no address.
#[derive(Debug, thiserror::Error)]
#[error("the name {name} cannot be resolved")]
pub struct NameError {
    name: String,
    #[source]
    source: io::Error,
}

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = NameError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, NameError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NameError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let given = self.given.get(&name.as_str().to_ascii_lowercase()).cloned();
        Box::pin(async move {
            // The port is put in by the connector.
            let addresses: Vec<SocketAddr> = match given {
                Some(given) => given.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect(),
                None => tokio::net::lookup_host((name.as_str(), 0))
                    .await
                    .map_err(|source| NameError {
                        name: name.as_str().to_owned(),
                        source,
                    })?
                    .collect(),
            };
            Ok(addresses.into_iter())
        })
    }
}
