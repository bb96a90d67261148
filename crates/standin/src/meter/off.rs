//! Nothing is counted without the feature `metrics`.

use std::time::Duration;

use standin_core::budget::Budget;
use standin_core::health::{Events, Snapshot};
use standin_core::{Class, Server, Verdict};

#[inline(always)]
pub(crate) fn attempt(_: Class, _: &Server, _: Verdict) {}

#[inline(always)]
pub(crate) fn budget(_: &Budget) {}

#[inline(always)]
pub(crate) fn events(_: &Events) {}

#[inline(always)]
pub(crate) fn probe(_: &Server, _: Duration) {}

#[inline(always)]
pub(crate) fn spool(_: usize) {}

#[inline(always)]
pub(crate) fn states(_: impl FnOnce() -> Snapshot) {}
