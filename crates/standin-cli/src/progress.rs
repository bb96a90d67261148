//! How far it is, for people who wait at a terminal: on standard error, and gone once it is over.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::streams::Verbosity;

/// Shown until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

/// That something is being waited for.
pub(crate) fn spinner(what: &'static str, verbosity: Verbosity) -> Progress {
    let bar = ProgressBar::with_draw_target(None, target(verbosity));
    Progress::start(bar.with_message(what), "{spinner} {msg}")
}

/// How many of `servers` have answered.
pub(crate) fn servers(servers: usize, verbosity: Verbosity) -> Progress {
    let length = u64::try_from(servers).ok();
    let bar = ProgressBar::with_draw_target(length, target(verbosity));
    Progress::start(bar, "{spinner} {pos} of {len} servers answered")
}

impl Progress {
    fn start(bar: ProgressBar, template: &str) -> Self {
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// One more has answered.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Nowhere beside the steps of `-v`, nor where nobody looks.
fn target(verbosity: Verbosity) -> ProgressDrawTarget {
    match verbosity {
        Verbosity::Failures => ProgressDrawTarget::stderr(),
        Verbosity::Everything => ProgressDrawTarget::hidden(),
    }
}
