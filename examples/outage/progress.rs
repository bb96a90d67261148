//! What is shown while the agents work.

use std::io::{IsTerminal, Write, stderr};

use crate::agent::Outcome;
use crate::phase::Phase;

/// One line that lives on a terminal, or one line for each phase elsewhere.
pub(crate) struct Progress {
    names: Vec<&'static str>,
    current: usize,
    done: usize,
    live: Live,
}

enum Live {
    Terminal,
    Lines,
}

impl Progress {
    pub(crate) fn begin(phases: &[Phase]) -> Self {
        Self {
            names: phases.iter().map(|phase| phase.name).collect(),
            current: 0,
            done: 0,
            live: match stderr().is_terminal() {
                true => Live::Terminal,
                false => Live::Lines,
            },
        }
    }

    pub(crate) fn enter(&mut self, phase: usize) {
        self.current = phase;
        if let Live::Lines = self.live {
            self.show("\n");
        }
    }

    pub(crate) fn tick(&mut self, _: &Outcome) {
        self.done += 1;
        if let Live::Terminal = self.live
            && self.done.is_multiple_of(5)
        {
            self.show("");
        }
    }

    pub(crate) fn end(&self) {
        if let Live::Terminal = self.live {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    fn show(&self, end: &str) {
        let (current, all) = (self.current + 1, self.names.len());
        let name = self.names[self.current];
        let start = match self.live {
            Live::Terminal => "\r\x1b[K",
            Live::Lines => "",
        };
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(
            stderr(),
            "{start}[{current}/{all}] {name}: {} requests so far{end}",
            self.done
        );
        let _ = stderr().flush();
    }
}
