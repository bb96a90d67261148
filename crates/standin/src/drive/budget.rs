//! What a request's repeats are paid from.

use std::sync::Arc;

use standin_core::budget::Budget;

use crate::shared::Shared;

/// A budget of repeats of its own, in a request's extensions: what is sent in the background leaves
/// that of live work alone.
#[derive(Clone, Debug)]
pub(crate) struct OwnBudget(pub(crate) Arc<Budget>);

/// Its own, or the one that all requests share.
pub(super) fn of<'a>(own: Option<&'a OwnBudget>, shared: &'a Shared) -> &'a Budget {
    own.map_or_else(|| shared.health.budget(), |own| &own.0)
}
