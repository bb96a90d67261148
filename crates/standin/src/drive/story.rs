//! What a walk tells: who served an answer, what was tried before, and why there is none.

use http::{Response, StatusCode};
use standin_core::health::Mark;
use standin_core::{Moment, Verdict};

use super::{SharedError, Walk};
use crate::error::{InALine, Masters};
use crate::run::PinFate;
use crate::transport::Transport;
use crate::{Attempt, Error, ErrorKind, RequestBodyError, Served, Switched, meter};

impl<T: Transport> Walk<T> {
    /// Says on the answer who served it, and keeps to that server.
    pub(super) fn sign(
        &mut self,
        response: &mut Response<T::ResponseBody>,
        place: usize,
        began: Moment,
        now: Moment,
    ) {
        let holder = self.shared.health.holder(self.class);
        if holder.is_some_and(|holder| holder != place && !self.is_calm(holder)) {
            let moved = self.shared.health.take_over(self.class, place, now);
            self.shared.tell(moved.into_iter().collect());
        }
        let switched = self.run.as_ref().map_or(Switched::No, |run| {
            let Some(server) = self.shared.health.id(self.class, place) else {
                return Switched::No;
            };
            // One that is in no list any more is lost too.
            let pinned = self.pin.filter(|pin| *pin != server);
            let is_lost = pinned.is_some_and(|pin| {
                let pinned = self.shared.health.place(self.class, pin);
                pinned.is_none_or(|pinned| !self.is_calm(pinned))
            });
            let fate = match is_lost {
                true => PinFate::Lost,
                false => PinFate::Kept,
            };
            run.answered(self.class, server, fate)
        });
        meter::budget(self.shared.health.budget());
        if let Some((server, role)) = self.shared.server(self.class, place) {
            meter::attempt(self.class, server, Verdict::Answered);
            let status = response.status().as_u16();
            tracing::debug!(service = %self.class, %server, status, "attempt answered");
            response.extensions_mut().insert(Served {
                server: server.clone(),
                role,
                sent_after: began.since(self.begun),
                took: now.since(self.begun),
                switched,
                failed: std::mem::take(&mut self.failed),
            });
        }
    }

    /// Records an attempt that got no answer: for health, for the plan, and for the story.
    pub(super) fn note(
        &mut self,
        place: usize,
        mark: Option<Mark>,
        verdict: Verdict,
        error: Option<SharedError>,
        began: Moment,
    ) {
        let now = self.shared.clock.now();
        self.shared.record(self.class, place, mark, verdict);
        self.plan.record(place, verdict, now, fastrand::u64(..));
        self.remember(place, verdict, None, error, began, now);
    }

    pub(super) fn remember(
        &mut self,
        place: usize,
        verdict: Verdict,
        status: Option<StatusCode>,
        error: Option<SharedError>,
        began: Moment,
        now: Moment,
    ) {
        let Some((server, role)) = self.shared.server(self.class, place) else {
            return;
        };
        meter::attempt(self.class, server, verdict);
        let attempt = Attempt {
            server: server.clone(),
            role,
            verdict,
            status,
            after: began.since(self.begun),
            took: now.since(began),
            error,
        };
        tracing::debug!(service = %self.class, server = %attempt.server, attempt = %InALine(&attempt), "attempt failed");
        self.failed.push(attempt);
    }

    /// The end of the walk because there is no body to send.
    pub(super) fn fail_unsendable(&mut self, error: RequestBodyError) -> Error {
        let lost = |attempt: &Attempt| matches!(attempt.verdict, Verdict::Lost(_));
        let kind = match error {
            RequestBodyError::NotMade(_) => ErrorKind::Local,
            RequestBodyError::NotKept if self.failed.iter().any(lost) => ErrorKind::MaybeProcessed,
            RequestBodyError::NotKept => ErrorKind::BodyNotKept,
        };
        self.fail(kind).beneath(error)
    }

    /// The end of the walk without an answer.
    pub(super) fn fail(&mut self, kind: ErrorKind) -> Error {
        meter::budget(self.shared.health.budget());
        let error = Error::after(kind, &self.plan, std::mem::take(&mut self.failed));
        match kind {
            ErrorKind::TwoMasters => {
                let hosts = self.shared.health.sources().map(ToOwned::to_owned);
                error.beneath(Masters(hosts.collect()))
            }
            _ => error,
        }
    }
}
