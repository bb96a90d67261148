//! TCP to a host: all its addresses, none of which can take the time of the others.

use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use standin_core::policy::Connect;
use standin_core::verdict::{Unreached, Verdict};
use tokio::net::TcpStream;
use tower_service::Service;

use crate::racing::Racing;
use crate::tunnel::{self, TunnelError};
use crate::{Clock, ConnectError, Names, Proxies, Sockets};

/// Connects to the addresses of a host as RFC 8305 has it: families by turns, each address a little
/// after the one before it or as soon as that failed, and the first that answers is taken.
///
/// hyper-util's own connector tries those of one family one after another, so that a dead one takes
/// all the time there is, and tells the error of the family tried last.
#[derive(Clone, Debug)]
pub(crate) struct Tcp {
    pub(crate) names: Names,
    pub(crate) sockets: Sockets,
    pub(crate) proxies: Proxies,
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Self::Response, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        self.clone().connect(server).boxed()
    }
}

impl Tcp {
    async fn connect(self, server: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let host = server.host().unwrap_or_default();
        let port = server.port_u16().unwrap_or(443);
        let Some(proxy) = self.proxies.for_server(host, port) else {
            let stream = race_addresses(&self.names, host, port).await?;
            self.sockets.apply(&stream);
            return Ok(TokioIo::new(stream));
        };
        let mut stream = race_addresses(&self.names, proxy.server().host(), proxy.server().port())
            .await
            .map_err(|error| ConnectError::judge(TunnelError::unreached(proxy, error).into()))?;
        self.sockets.apply(&stream);
        let opened = tunnel::open(&mut stream, proxy, host, port).await;
        opened.map_err(|error| ConnectError::judge(error.into()))?;
        Ok(TokioIo::new(stream))
    }
}

async fn race_addresses(names: &Names, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let addresses = names.addresses(host, port).await;
    let addresses = by_turns(&addresses.map_err(|error| ConnectError::judge(error.into()))?);
    let times = Connect {
        head_start: BETWEEN_ADDRESSES,
        preference: Duration::ZERO,
        ..Connect::default()
    };
    let mut racing = Racing::new(addresses.len(), Clock::start(), &times);
    let won = racing.run(|lane| {
        let connecting = TcpStream::connect(addresses[lane]);
        connecting.map(|result| result.map_err(|error| ConnectError::judge(error.into())))
    });
    match won.await {
        Some((_, stream)) => Ok(stream),
        None => {
            let failed = racing.take_failed().into_iter();
            Err(most_telling(failed.map(|(_, error)| error)))
        }
    }
}

/// Families by turns, beginning with the one that the resolver put first.
fn by_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_ipv6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<SocketAddr>, Vec<SocketAddr>) = addresses
        .iter()
        .partition(|address| address.is_ipv6() == first_is_ipv6);
    (0..addresses.len())
        .flat_map(|turn| [first.get(turn), second.get(turn)])
        .flatten()
        .copied()
        .collect()
}

/// What one address shows of the host counts for more than that another has no route from here, as
/// those of a family often have none.
fn most_telling(failed: impl Iterator<Item = ConnectError>) -> ConnectError {
    failed
        .min_by_key(|error| match error.verdict() {
            Verdict::Unreached(Unreached::NoRoute) => 1,
            Verdict::Local => 2,
            _ => 0,
        })
        .unwrap_or_else(ConnectError::timed_out)
}

/// The connection attempt delay that RFC 8305 advises.
const BETWEEN_ADDRESSES: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn failure(kind: io::ErrorKind) -> ConnectError {
        ConnectError::judge(io::Error::from(kind).into())
    }

    #[test]
    fn families_take_turns_and_keep_their_order() {
        let [a, b, c, d] = ["[::1]:1", "[::2]:1", "[::3]:1", "127.0.0.1:1"]
            .map(|address| address.parse::<SocketAddr>().unwrap());
        assert_eq!(by_turns(&[a, b, c, d]), [a, d, b, c]);
        assert_eq!(by_turns(&[d, a, b, c]), [d, a, b, c]);
    }

    #[test]
    fn a_refusal_says_more_than_a_family_without_a_route() {
        let failed = [
            io::ErrorKind::NetworkUnreachable,
            io::ErrorKind::ConnectionRefused,
            io::ErrorKind::NetworkUnreachable,
        ];
        let error = most_telling(failed.map(failure).into_iter());
        assert_eq!(error.verdict(), Verdict::Unreached(Unreached::Refused));
    }

    #[test]
    fn a_fault_of_our_own_is_told_when_there_is_nothing_else() {
        let error = most_telling([failure(io::ErrorKind::AddrNotAvailable)].into_iter());
        assert_eq!(error.verdict(), Verdict::Local);
    }
}
