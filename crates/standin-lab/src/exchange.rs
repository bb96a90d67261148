//! One request and its answer: into the journal, through the faults, to the service.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use http::header::{DATE, HeaderMap};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, sleep_until};

use crate::answer::{self, Answer, Asked, Place};
use crate::body::ReplyBody;
use crate::broker::{self, Upgrade};
use crate::clock;
use crate::journal::{Entry, Line, Purpose, Told};
use crate::scene::Fate;
use crate::service::{Port, Service};
use crate::shared::Shared;
use crate::tap::{Flow, Tap};
use crate::wire::Cut;

/// What the requests of one connection have in common.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) shared: Arc<Shared>,
    pub(crate) host: usize,
    pub(crate) port: Port,
    pub(crate) certname: Option<Arc<str>>,
    pub(crate) cut: Arc<Cut>,
    pub(crate) tap: Arc<Tap>,
    /// What the connection is to become, once that was answered.
    pub(crate) upgrade: Mutex<Option<Upgrade>>,
}

/// What a request is about.
#[derive(Clone, Copy, Debug)]
enum Subject {
    Work(Service),
    Status(&'static [Service]),
}

impl Exchange {
    pub(crate) async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
    ) -> Result<Response<ReplyBody>, Infallible> {
        let on_upgrade = hyper::upgrade::on(&mut request);
        let (head, body) = request.into_parts();
        let subject = self.subject(head.uri.path());
        let line = self.enter(&head, subject);
        let Some(body) = read(body, &line).await else {
            // The client went away or wrote nonsense: either way nobody is to be answered.
            return self.reset().await;
        };
        let asked = self.asked(head, body);
        let fate = self.fate(subject, &asked.headers).await;
        if fate == Fate::ResetRequest {
            return self.reset().await;
        }
        let answer = self.act(subject, &fate, &asked);
        let told = told(&fate, answer.status);
        if fate != Fate::Garbage {
            line.answered(answer.status);
        }
        self.tap.next(flow(subject, &fate, &answer), line, told);
        if answer.status == StatusCode::SWITCHING_PROTOCOLS {
            self.upgrade
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .replace(Upgrade {
                    client_type: broker::upgrade::client_type(&asked.path)
                        .unwrap_or_default()
                        .to_owned(),
                    on_upgrade,
                });
        }
        let broken = match fate {
            Fate::ResetBody(after) if answer.status != StatusCode::SWITCHING_PROTOCOLS => {
                Some((after, Arc::clone(&self.cut)))
            }
            _ => None,
        };
        let mut response = answer.into_response(&asked.method, broken);
        let ahead = self.shared.scene().clock_ahead(self.host);
        if let Some(date) = clock::http_date(ahead) {
            response.headers_mut().insert(DATE, date);
        }
        Ok(response)
    }

    /// What the connection is to become, if it is to become something else.
    pub(crate) fn upgrade(&self) -> Option<Upgrade> {
        self.upgrade
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn subject(&self, path: &str) -> Subject {
        // A broker's port has nothing but the broker.
        if self.port != Port::PcpBroker && answer::status::is_status(path) {
            Subject::Status(answer::status::services(self.port, path))
        } else {
            Subject::Work(Service::of_path(self.port, path))
        }
    }

    fn enter(&self, head: &Parts, subject: Subject) -> Line {
        let (service, purpose) = match subject {
            Subject::Work(service) => (service, Purpose::Work),
            Subject::Status([one, ..]) => (*one, Purpose::Status),
            Subject::Status([]) => (self.port.first(), Purpose::Status),
        };
        let path_and_query = head.uri.path_and_query();
        self.shared.journal().open(Entry {
            host: Arc::clone(&self.shared.machine(self.host).name),
            role: self.shared.scene().role(self.host),
            service,
            purpose,
            method: head.method.clone(),
            path_and_query: path_and_query.map_or_else(String::new, ToString::to_string),
            certname: self.certname.clone(),
        })
    }

    fn asked(&self, head: Parts, body: Bytes) -> Asked {
        Asked {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: answer::pairs(head.uri.query().unwrap_or_default().as_bytes()),
            headers: head.headers,
            body,
            certname: self.certname.clone(),
        }
    }

    /// Waits as long as the faults want this request to wait, and tells what comes then.
    async fn fate(&self, subject: Subject, headers: &HeaderMap) -> Fate {
        let arrived = Instant::now();
        let share = fastrand::f64();
        let mut scene = self.shared.subscribe();
        loop {
            let fate = {
                let scene = scene.borrow_and_update();
                match subject {
                    Subject::Work(service) => scene.work(self.host, service),
                    Subject::Status(services) => scene.status(self.host, services),
                }
            };
            let fate = match fate {
                Fate::DelayUpTo(most) => Fate::DelayBy(most.mul_f64(share)),
                other => other,
            };
            let until = match (fate, subject) {
                (Fate::Hold, _) => None,
                (Fate::Unavailable(Some(_)), Subject::Work(service))
                    if answer::failure::queues(service, headers) =>
                {
                    None
                }
                (Fate::DelayBy(by), _) if arrived.elapsed() < by => arrived.checked_add(by),
                (Fate::DelayBy(_), _) => return Fate::Answer,
                (fate, _) => return fate,
            };
            tokio::select! {
                _ = scene.changed() => {}
                () = at(until) => {}
            }
        }
    }

    fn act(&self, subject: Subject, fate: &Fate, asked: &Asked) -> Answer {
        let place = Place {
            shared: &self.shared,
            host: self.host,
            scene: self.shared.scene(),
        };
        match subject {
            Subject::Status(_) => answer::status::answer(&place, self.port, asked),
            Subject::Work(service) => match fate {
                Fate::Answer
                | Fate::ResetBody(_)
                | Fate::ResetAnswer(_)
                | Fate::Drip(..)
                | Fate::ShortBody(_)
                | Fate::LongBody(_) => answer::work(&place, service, asked),
                failed => answer::failure::answer(&place, service, failed, asked),
            },
        }
    }

    /// Cuts the connection, which ends this future too.
    async fn reset<T>(&self) -> T {
        self.cut.now();
        std::future::pending().await
    }
}

/// How the answer leaves. One that switches protocols is no answer yet, and always runs.
fn flow(subject: Subject, fate: &Fate, answer: &Answer) -> Flow {
    let Subject::Work(service) = subject else {
        return Flow::Runs;
    };
    let raw = |stated| Flow::Is(answer.stating(stated));
    match fate {
        Fate::Garbage => Flow::Is(Bytes::from_static(GARBAGE)),
        _ if answer.status == StatusCode::SWITCHING_PROTOCOLS => Flow::Runs,
        Fate::ResetAnswer(after) => Flow::BreaksOff(*after),
        Fate::Drip(_, part) => Flow::Drips(service, *part),
        Fate::ShortBody(by) => raw(answer.len().saturating_add(*by)),
        Fate::LongBody(by) => raw(answer.len().saturating_sub(*by)),
        _ => Flow::Runs,
    }
}

/// What the head of the answer tells of the work, once it is out.
fn told(fate: &Fate, status: StatusCode) -> Told {
    let declines = [
        StatusCode::NOT_FOUND,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    match fate {
        Fate::RedirectLoop => Told::NotDone,
        Fate::HtmlPage | Fate::InternalError | Fate::Garbage => Told::Nothing,
        _ if declines.contains(&status) => Told::NotDone,
        Fate::Answers(_) => Told::Nothing,
        _ if status.is_success() || status.is_redirection() => Told::Done,
        _ => Told::Nothing,
    }
}

/// The greeting of a mail server: somebody else listens there.
const GARBAGE: &[u8] = b"220 mail.test ESMTP\r\n";

/// Waits for that moment, or for ever.
pub(crate) async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// Reads a body to its end, whatever its size, and keeps the beginning. `None` if the client went away.
async fn read(mut body: Incoming, line: &Line) -> Option<Bytes> {
    let mut kept = BytesMut::new();
    let mut seen = 0;
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else {
            break;
        };
        let data = frame.ok()?.into_data().unwrap_or_default();
        seen += data.len() as u64;
        let room = KEPT_BODY.saturating_sub(kept.len()).min(data.len());
        kept.extend_from_slice(&data[..room]);
        line.got(seen);
    }
    line.got_all(seen);
    Some(kept.freeze())
}

/// How much of a body is kept for the store.
const KEPT_BODY: usize = 4 << 20;
