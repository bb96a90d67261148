//! The walk of a request that is for one server and for no other.

use std::sync::Arc;

use http::Request;
use standin_core::Operation;

use super::{OwnBudget, Walk};
use crate::rebase::Prepared;
use crate::shared::Shared;
use crate::transport::Transport;
use crate::{Body, Deadline, Error, ErrorKind};

impl<T: Transport> Walk<T> {
    /// A walk that leads to the server at `place` alone, and belongs to no run.
    pub(crate) fn to_one(
        shared: &Arc<Shared>,
        transport: &T,
        request: &mut Request<Body>,
        operation: Operation,
        place: usize,
    ) -> Result<Self, Error> {
        let begun = shared.clock.now();
        let deadline = request.extensions().get::<Deadline>();
        let deadline = deadline.map(|deadline| begun + deadline.left());
        let own_budget = request.extensions().get::<OwnBudget>().cloned();
        let random = fastrand::u64(..);
        let health = &shared.health;
        let Some(plan) = health.plan_at(operation, place, deadline, begun, random) else {
            return Err(Error::new(ErrorKind::NoServers, Some(operation)));
        };
        let version = &shared.hub.puppet_version;
        let Some(prepared) = Prepared::of(request, operation, T::GIVES_BACK, version) else {
            return Err(Error::new(ErrorKind::BodyNotKept, Some(operation)));
        };
        Ok(Self {
            shared: Arc::clone(shared),
            transport: transport.clone(),
            plan,
            prepared,
            own_budget,
            class: operation.class(),
            run: None,
            pin: None,
            begun,
            left_silent_work: false,
            too_large: false,
            stale: None,
            failed: Vec::new(),
        })
    }
}
