//! Clients: standin's, and some that do wrong.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use standin::{Body, Deadline, Error, ErrorKind, Installation, Names, Policy, SslFiles, Tls};
use standin_lab::{Ended, Lab, Service};
use standin_net::Connector;
use tokio::time::timeout;

use crate::strike::{MASTER, REPLICA};

/// What clients of one lab have in common: its files are read once.
pub(crate) struct Clients {
    tls: Tls,
    names: Names,
}

/// One client.
pub(crate) enum Client {
    Standin(standin::Client),
    Wrong(Wrong),
}

/// A client that does wrong: it asks the master, and if that fails it has its vice.
pub(crate) struct Wrong {
    connector: Connector,
    vice: Vice,
}

/// What is wrong with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vice {
    /// Whatever failed is sent to the replica, whatever it is.
    SendsOn,
    /// What failed is said to be done.
    Forgets,
    /// It knows no deadline.
    Dawdles,
}

/// What came of a request, and what its error promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) ended: Ended,
    pub(crate) promise: Promise,
}

/// What is promised of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    Nothing,
    /// That no server has it.
    NotProcessed,
}

impl Clients {
    pub(crate) fn of(lab: &Lab) -> Self {
        let files = SslFiles::in_dir(lab.ssl_dir(), "agent.test");
        let add = |names: Names, (host, address): (String, IpAddr)| names.with(&host, address);
        Self {
            tls: Tls::from_files(&files).unwrap(),
            names: lab.resolve().into_iter().fold(Names::new(), add),
        }
    }

    /// A client that knows nothing yet.
    pub(crate) fn standin(&self) -> Client {
        self.with(&Policy::default())
    }

    pub(crate) fn with(&self, policy: &Policy) -> Client {
        let installation = Installation::of_hosts(MASTER, Some(REPLICA)).unwrap();
        let builder = standin::Client::builder(installation, self.tls.clone());
        let builder = builder.names(self.names.clone()).policy(policy.clone());
        Client::Standin(builder.build().unwrap())
    }

    pub(crate) fn wrong(&self, vice: Vice) -> Client {
        Client::Wrong(Wrong {
            connector: Connector::new(self.tls.clone(), self.names.clone()),
            vice,
        })
    }
}

impl Client {
    /// Sends a request and calls `at_head` when its answer or error is there; then reads the body.
    pub(crate) async fn send(
        &self,
        service: Service,
        request: Request<Bytes>,
        within: Duration,
        at_head: impl FnOnce(),
    ) -> Ending {
        match self {
            Self::Standin(client) => {
                let mut request = request.map(Body::from);
                request.extensions_mut().insert(Deadline::within(within));
                let response = client.request(request).await;
                at_head();
                match response {
                    Ok(response) => {
                        let ended = ended(response.status());
                        // Whether it is whole is another matter.
                        let _ = response.into_body().collect().await;
                        Ending::to(ended)
                    }
                    Err(error) => Ending::of(&error),
                }
            }
            Self::Wrong(wrong) => {
                let came = wrong.send(service, request, within).await;
                at_head();
                Ending::to(came)
            }
        }
    }
}

impl Ending {
    fn to(ended: Ended) -> Self {
        Self {
            ended,
            promise: Promise::Nothing,
        }
    }

    fn of(error: &Error) -> Self {
        let promise = match error.kind() {
            ErrorKind::NotDuringFailover | ErrorKind::TwoMasters => Promise::NotProcessed,
            _ => Promise::Nothing,
        };
        Self {
            ended: Ended::NotAcknowledged,
            promise,
        }
    }
}

fn ended(status: StatusCode) -> Ended {
    if status.is_success() || status == StatusCode::SEE_OTHER {
        Ended::Acknowledged
    } else {
        Ended::NotAcknowledged
    }
}

impl Wrong {
    async fn send(&self, service: Service, request: Request<Bytes>, within: Duration) -> Ended {
        let within = match self.vice {
            Vice::Dawdles => within * 10,
            Vice::SendsOn | Vice::Forgets => within / 2,
        };
        match (self.ask(MASTER, service, &request, within).await, self.vice) {
            (Some(status), _) => ended(status),
            (None, Vice::Forgets) => Ended::Acknowledged,
            (None, Vice::Dawdles) => Ended::NotAcknowledged,
            (None, Vice::SendsOn) => {
                let there = self.ask(REPLICA, service, &request, within).await;
                there.map_or(Ended::NotAcknowledged, ended)
            }
        }
    }

    async fn ask(
        &self,
        host: &str,
        service: Service,
        request: &Request<Bytes>,
        within: Duration,
    ) -> Option<StatusCode> {
        let asking = async {
            let server = standin::Server::new(host, service.port()).unwrap();
            let stream = self.connector.connect(&server, within).await.ok()?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(stream).await.ok()?;
            tokio::spawn(connection);
            let (mut head, body) = request.clone().into_parts();
            head.headers.insert("host", host.parse().unwrap());
            let request = Request::from_parts(head, Full::new(body));
            Some(sender.send_request(request).await.ok()?.status())
        };
        timeout(within, asking).await.ok()?
    }
}
