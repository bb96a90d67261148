//! Commands of PuppetDB that are not simply for the first server that takes them.

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt};
use futures_util::stream::FuturesUnordered;
use http::Request;
use standin_core::policy::{Commands, Submission as Who, WriteFailure};
use standin_core::{Class, Installation, Operation, Policy, Repeat, Server, Verdict};
use tokio::sync::watch;

use crate::drive::{Answer, Walk};
use crate::rebase::Prepared;
use crate::shared::Shared;
use crate::submissions::{Outcome, State, Submissions, TooFew};
use crate::transport::Transport;
use crate::{Attempt, Body, Error, ErrorKind, Served, producer};

/// Whether a request is a command, and the policy says anything of those.
pub(crate) fn concerns(shared: &Shared, request: &Request<Body>) -> bool {
    shared.health.policy().commands != Commands::default() && producer::is_command(request)
}

/// Submits a command as the policy has it.
pub(crate) async fn submit<T: Transport>(
    shared: &Arc<Shared>,
    transport: &T,
    request: Request<Body>,
    operation: Operation,
) -> Result<Answer<T::ResponseBody>, Error> {
    let commands = &shared.health.policy().commands;
    let submitted = match (commands.submission, operation.repeat) {
        (Who::Broadcast { least }, Repeat::Harmless) => {
            match Broadcast::begin(shared, transport, request, operation, least) {
                Ok(begun) => begun.finish().await,
                Err(error) => Err(error),
            }
        }
        (Who::Broadcast { least }, Repeat::Harmful) if least > NonZeroUsize::MIN => {
            let error = Error::new(ErrorKind::TooFew, Some(operation));
            Err(error.beneath(TooFew::MayArriveOnce { least }))
        }
        _ => to_the_first(shared, transport, request, operation).await,
    };
    submitted.map_err(|error| match commands.failure {
        WriteFailure::FailsTheRun => error,
        WriteFailure::IsLogged => {
            tracing::error!(%error, "a command was not taken by PuppetDB; the run goes on without it");
            error.softened()
        }
    })
}

async fn to_the_first<T: Transport>(
    shared: &Arc<Shared>,
    transport: &T,
    mut request: Request<Body>,
    operation: Operation,
) -> Result<Answer<T::ResponseBody>, Error> {
    let walk = Walk::new(shared, transport, &mut request, operation)?;
    walk.go(Some(request)).await
}

/// More servers have to take each command than there are.
#[derive(Debug, thiserror::Error)]
#[error(
    "{least} servers have to take each command of PuppetDB and {servers} are named for it; ask for \
     fewer (min_successful_submissions), or name more (server_urls)"
)]
struct TooManyWanted {
    least: NonZeroUsize,
    servers: usize,
}

/// Whether as many PuppetDBs are listed as have to take a command. As in the terminus of PuppetDB,
/// those that are only submitted to do not count here.
pub(crate) fn check(installation: &Installation, policy: &Policy) -> Result<(), Error> {
    let list = installation.list(Class::Commands.service());
    match (policy.commands.submission, list) {
        (Who::Broadcast { least }, Some(list)) if least.get() > list.len() => {
            let servers = list.len();
            let error = TooManyWanted { least, servers };
            Err(Error::because(ErrorKind::Local, error))
        }
        _ => Ok(()),
    }
}

/// A command on its way to every server.
struct Broadcast<T: Transport> {
    transport: T,
    operation: Operation,
    least: NonZeroUsize,
    under_way: UnderWay<T>,
    tell: watch::Sender<State>,
}

type UnderWay<T> = FuturesUnordered<BoxFuture<'static, Done<<T as Transport>::ResponseBody>>>;

/// What came of the walk to one server.
struct Done<B> {
    server: Server,
    result: Result<Answer<B>, Error>,
}

impl<T: Transport> Broadcast<T> {
    fn begin(
        shared: &Arc<Shared>,
        transport: &T,
        mut request: Request<Body>,
        operation: Operation,
        least: NonZeroUsize,
    ) -> Result<Self, Error> {
        let version = &shared.hub.puppet_version;
        let not_kept = || Error::new(ErrorKind::BodyNotKept, Some(operation));
        let prepared = Prepared::of(&mut request, operation, T::GIVES_BACK, version);
        let prepared = prepared.ok_or_else(not_kept)?;
        let under_way = FuturesUnordered::new();
        let places = shared
            .health
            .list(Class::Commands)
            .map_or(0, |list| list.len());
        for place in 0..places {
            let (Some((server, _)), Some(target)) = (
                shared.server(Class::Commands, place),
                shared.target(Class::Commands, place),
            ) else {
                continue;
            };
            let server = server.clone();
            let mut copy = prepared.copy(target).ok_or_else(not_kept)?;
            let walk = Walk::to_one(shared, transport, &mut copy, operation, place)?;
            let going = walk.go(Some(copy));
            under_way.push(going.map(|result| Done { server, result }).boxed());
        }
        if under_way.is_empty() {
            return Err(Error::new(ErrorKind::NoServers, Some(operation)));
        }
        Ok(Self {
            transport: transport.clone(),
            operation,
            least,
            tell: watch::Sender::new(State::expecting(under_way.len())),
            under_way,
        })
    }

    /// Waits until enough servers have taken it, and leaves the others to the background. Where not
    /// enough do, all are waited for: the story is then told whole.
    async fn finish(mut self) -> Result<Answer<T::ResponseBody>, Error> {
        let mut refusal = None;
        let mut refused = Vec::new();
        while let Some(Done { server, result }) = self.under_way.next().await {
            let (outcome, answer) = outcome_of(result);
            let is_taken = matches!(outcome, Outcome::Taken);
            self.tell.send_modify(|state| state.note(server, outcome));
            match answer {
                Some(answer) if is_taken && self.is_enough() => return Ok(self.leave(answer)),
                Some(answer) if is_taken => self.drain(answer),
                Some(answer) => {
                    refused.extend(as_attempt(&answer));
                    refusal = Some(answer);
                }
                None => {}
            }
        }
        let took_none = self.tell.borrow().took().next().is_none();
        match refusal {
            // It is an answer, as that of the only server would be.
            Some(answer) if took_none => Ok(self.sign(answer)),
            _ => Err(self.error(refused)),
        }
    }

    fn is_enough(&self) -> bool {
        self.tell.borrow().took().count() >= self.least.get()
    }

    /// Hands the answer back, and waits for the rest in the background.
    fn leave(mut self, answer: Answer<T::ResponseBody>) -> Answer<T::ResponseBody> {
        let answer = self.sign(answer);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                while let Some(Done { server, result }) = self.under_way.next().await {
                    let (outcome, answer) = outcome_of(result);
                    self.tell.send_modify(|state| state.note(server, outcome));
                    if let Some(answer) = answer {
                        self.drain(answer);
                    }
                }
            });
        }
        answer
    }

    /// Nobody reads this answer, and its connection is kept for the next command.
    fn drain(&self, answer: Answer<T::ResponseBody>) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(self.transport.drain(answer.response.into_body()));
        }
    }

    /// Says on the answer what became of the command elsewhere.
    fn sign(&self, mut answer: Answer<T::ResponseBody>) -> Answer<T::ResponseBody> {
        let state = self.tell.borrow();
        let failed = state.errors().flat_map(Error::attempts).cloned();
        let extensions = answer.response.extensions_mut();
        if let Some(served) = extensions.get_mut::<Served>() {
            served.failed.extend(failed);
        }
        extensions.insert(Submissions::of(self.tell.subscribe()));
        answer
    }

    /// Fewer took it than have to.
    fn error(&self, refused: Vec<Attempt>) -> Error {
        let state = self.tell.borrow();
        let took: Vec<Server> = state.took().cloned().collect();
        let attempts = state.errors().flat_map(Error::attempts).cloned();
        let attempts = attempts.chain(refused).collect();
        let least = self.least;
        if !took.is_empty() {
            let error = Error::new(ErrorKind::TooFew, Some(self.operation)).tried(attempts);
            return error.beneath(TooFew::Took { took, least });
        }
        let mut kinds = state.errors().map(Error::kind);
        let first = kinds
            .next()
            .filter(|first| kinds.all(|kind| kind == *first));
        let kind = first.unwrap_or(ErrorKind::Exhausted);
        Error::new(kind, Some(self.operation)).tried(attempts)
    }
}

fn outcome_of<B>(result: Result<Answer<B>, Error>) -> (Outcome, Option<Answer<B>>) {
    match result {
        Ok(answer) => {
            let status = answer.response.status();
            let outcome = match status.is_success() {
                true => Outcome::Taken,
                false => Outcome::Refused(status),
            };
            (outcome, Some(answer))
        }
        Err(error) => (Outcome::Failed(Arc::new(error)), None),
    }
}

/// An answer that did not count.
fn as_attempt<B>(answer: &Answer<B>) -> Option<Attempt> {
    let served = answer.response.extensions().get::<Served>()?;
    Some(Attempt {
        server: served.server.clone(),
        role: served.role,
        verdict: Verdict::Answered,
        status: Some(answer.response.status()),
        after: served.sent_after,
        took: served.took.saturating_sub(served.sent_after),
        error: None,
    })
}
