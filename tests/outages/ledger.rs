//! What the servers got and the agents were told, and the rules that both are held to.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// One for a whole simulation, which is one thread.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Rc<RefCell<Book>>);

#[derive(Default)]
struct Book {
    /// The servers that got a request whole and may have done what it asks, by its number.
    got: BTreeMap<u64, Vec<String>>,
    trace: Vec<String>,
    broken: Vec<String>,
    answers: BTreeMap<String, usize>,
}

impl Ledger {
    pub(crate) fn got(&self, number: u64, server: &str) {
        self.tell(&format!("{server} got {number}"));
        let mut book = self.0.borrow_mut();
        book.got.entry(number).or_default().push(server.to_owned());
    }

    /// The servers that got a request whole, in order.
    pub(crate) fn whole(&self, number: u64) -> Vec<String> {
        self.0
            .borrow()
            .got
            .get(&number)
            .cloned()
            .unwrap_or_default()
    }

    /// An agent was told this, by a server or by nobody.
    pub(crate) fn answered(&self, by: &str) {
        *self
            .0
            .borrow_mut()
            .answers
            .entry(by.to_owned())
            .or_default() += 1;
    }

    pub(crate) fn answers(&self, by: &str) -> usize {
        self.0.borrow().answers.get(by).copied().unwrap_or_default()
    }

    /// A line of the trace, with the time of the simulation.
    pub(crate) fn tell(&self, what: &str) {
        let now = turmoil::sim_elapsed().unwrap_or_default();
        self.tell_at(now, what);
    }

    pub(crate) fn tell_at(&self, now: Duration, what: &str) {
        let line = format!("{:10.6} {what}", now.as_secs_f64());
        self.0.borrow_mut().trace.push(line);
    }

    /// Notes what should not be.
    pub(crate) fn hold(&self, is_so: bool, rule: impl FnOnce() -> String) {
        if !is_so {
            let broken = rule();
            self.tell(&format!("BROKEN {broken}"));
            self.0.borrow_mut().broken.push(broken);
        }
    }

    pub(crate) fn close(&self) -> (Vec<String>, Vec<String>) {
        let mut book = self.0.borrow_mut();
        (
            std::mem::take(&mut book.trace),
            std::mem::take(&mut book.broken),
        )
    }
}
