//! The rules of failing over, on the real driver of requests, in worlds that a random script plays.
//!
//! A [`World`](world::World) is a transport on tokio's paused clock: minutes of it take
//! milliseconds, and what happens in it depends on its [`Script`](script::Script) and a seed alone. A
//! test puts a client on a [`Stage`](stage::Stage), has it ask, and reads the
//! [`Journal`](journal::Journal). proptest prints the smallest world in which a rule does not
//! hold; `STANDIN_WALKS=20` plays twenty times as many.
//!
//! One file a rule:
//!
//! - `order`, `apart`: who is tried, and on what evidence
//! - `reaching`, `deadlines`, `worst_case`, `harmful`: what a request can count on
//! - `patience`, `stuck`, `probes`: slow or silent, and how that is asked
//! - `flapping`, `busy`, `grace`: a master that goes and comes, is overloaded, or reloads
//! - `dropped`, `lists`, `memory`: callers, lists and processes that change
//! - `seam`: what a transport of one's own makes

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

mod journal;
mod script;
mod stage;
mod world;

mod apart;
mod busy;
mod deadlines;
mod dropped;
mod flapping;
mod grace;
mod harmful;
mod lists;
mod memory;
mod order;
mod patience;
mod probes;
mod reaching;
mod seam;
mod stuck;
mod worst_case;
