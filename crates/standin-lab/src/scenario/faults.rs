//! The faults of a scenario that is played.

use std::collections::HashMap;

use super::Strike;
use super::report::Event;
use super::run::Stage;
use crate::{FaultGuard, LabError, Target};

/// The faults that are on.
#[derive(Default)]
pub(super) struct Faults {
    struck: usize,
    named: HashMap<String, Vec<(usize, FaultGuard)>>,
    /// Those without a name, which stay on.
    rest: Vec<FaultGuard>,
}

impl Faults {
    pub(super) async fn strike(&mut self, stage: &Stage, strike: &Strike) -> Result<(), LabError> {
        let Strike {
            host,
            service,
            what,
            name,
        } = strike;
        let target = match service {
            Some(service) => Target::Service(host, *service),
            None => Target::Host(host),
        };
        self.struck += 1;
        let number = self.struck;
        // Before it is in effect, so that what it does is not told before it.
        stage.note(Event::Fault {
            number,
            host: host.clone(),
            service: *service,
            what: what.to_string(),
        });
        let guard = stage.lab.fault(target, what.clone()).await?;
        match name {
            Some(name) => self
                .named
                .entry(name.clone())
                .or_default()
                .push((number, guard)),
            None => self.rest.push(guard),
        }
        Ok(())
    }

    pub(super) async fn lift(&mut self, stage: &Stage, name: &str) {
        for (number, guard) in self.named.remove(name).unwrap_or_default() {
            guard.lift().await;
            stage.note(Event::Lifted { number });
        }
    }
}
