//! What is known of every service at every host, and what changed.

use std::collections::VecDeque;
use std::time::Duration;

use standin::{Installation, Role, Server, Service, Snapshot, State as Health};
use standin_core::Moment;

use crate::status::{Found, State, worse};

/// Services by hosts.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) hosts: Vec<Host>,
    pub(super) rows: Vec<Row>,
    /// The newest first.
    pub(super) events: VecDeque<Event>,
    /// How many hosts are to the left of the screen.
    pub(super) passed: usize,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) role: Role,
}

/// A service.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) service: Service,
    pub(super) holder: Option<Server>,
    /// One for each host, if the service is there.
    pub(super) cells: Vec<Option<Cell>>,
}

/// A service at a server.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) server: Server,
    /// What it says of itself; nothing before it was asked.
    pub(super) state: Option<State>,
    pub(super) health: Health,
    /// When either became what it is.
    pub(super) since: Option<Moment>,
    /// When it served requests, the oldest first.
    served: VecDeque<Moment>,
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// By the clock on the wall.
    pub(super) time: String,
    pub(super) story: String,
}

impl Model {
    pub(super) fn new(installation: &Installation) -> Self {
        let mut hosts: Vec<Host> = Vec::new();
        let lists = installation.lists();
        let lists = lists.filter(|(service, _)| !service.status_names().is_empty());
        let lists: Vec<_> = lists.collect();
        for entry in lists.iter().flat_map(|(_, list)| list.entries()) {
            let name = entry.server.host();
            if hosts.iter().all(|host| host.name != name) {
                hosts.push(Host {
                    name: name.to_owned(),
                    role: entry.role,
                });
            }
        }
        let rows = lists.iter().map(|(service, list)| Row {
            service: *service,
            holder: None,
            cells: hosts
                .iter()
                .map(|host| {
                    let mut servers = list.servers();
                    let server = servers.find(|server| server.host() == host.name)?;
                    Some(Cell::of(server.clone()))
                })
                .collect(),
        });
        Self {
            rows: rows.collect(),
            hosts,
            events: VecDeque::new(),
            passed: 0,
        }
    }

    /// Takes in what all servers said of themselves.
    pub(super) fn round(&mut self, found: &[Found], now: Moment, time: &str) {
        for found in found {
            let (service, server) = (found.question.service, &found.question.server);
            let Some(cell) = self.cell(service, server) else {
                continue;
            };
            let state = found.state();
            if cell.state.as_ref() == Some(state) {
                continue;
            }
            let before = cell.state.replace(state.clone());
            cell.since = Some(now);
            if let Some(before) = before {
                self.tell(time, format!("{service} at {server}: {before} -> {state}"));
            }
        }
    }

    /// Takes in what was learned of servers here.
    pub(super) fn health(&mut self, snapshot: &Snapshot, now: Moment, time: &str) {
        let services: Vec<Service> = self.rows.iter().map(|row| row.service).collect();
        for service in services {
            let mut classes = snapshot.classes.iter();
            let Some(class) = classes.find(|class| class.class == service.name()) else {
                continue;
            };
            for entry in &class.entries {
                let health = worse(entry.server_state, entry.service_state);
                let Some(cell) = self.cell(service, &entry.server) else {
                    continue;
                };
                if cell.health != health {
                    let before = word(std::mem::replace(&mut cell.health, health));
                    cell.since = Some(now);
                    let (server, after) = (&entry.server, word(health));
                    self.tell(time, format!("{service} at {server}: {before} -> {after}"));
                }
            }
            let holder = &class.holder;
            let row = self.rows.iter_mut().find(|row| row.service == service);
            let before = row.and_then(|row| row.holder.replace(holder.clone()));
            if let Some(before) = before.filter(|before| before != holder) {
                self.tell(time, format!("{service} moved from {before} to {holder}"));
            }
        }
    }

    /// A request was served.
    pub(super) fn served(&mut self, service: Service, server: &Server, now: Moment) {
        if let Some(cell) = self.cell(service, server) {
            cell.forget_before(now.before(SPAN));
            cell.served.push_back(now);
        }
    }

    pub(super) fn left(&mut self) {
        self.passed = self.passed.saturating_sub(1);
    }

    pub(super) fn right(&mut self) {
        self.passed = (self.passed + 1).min(self.hosts.len().saturating_sub(1));
    }

    fn cell(&mut self, service: Service, server: &Server) -> Option<&mut Cell> {
        let row = self.rows.iter_mut().find(|row| row.service == service)?;
        let mut cells = row.cells.iter_mut().flatten();
        cells.find(|cell| cell.server == *server)
    }

    fn tell(&mut self, time: &str, story: String) {
        let time = time.to_owned();
        self.events.push_front(Event { time, story });
        self.events.truncate(EVENTS);
    }
}

impl Cell {
    fn of(server: Server) -> Self {
        Self {
            server,
            state: None,
            health: Health::Ready,
            since: None,
            served: VecDeque::new(),
        }
    }

    /// Requests that it served, a second.
    pub(super) fn rate(&self, now: Moment) -> f64 {
        let from = now.before(SPAN);
        let served = self.served.iter().filter(|at| **at >= from).count();
        u32::try_from(served).map_or(f64::MAX, f64::from) / SPAN.as_secs_f64()
    }

    fn forget_before(&mut self, from: Moment) {
        while self.served.front().is_some_and(|at| *at < from) {
            self.served.pop_front();
        }
    }
}

pub(super) const fn word(health: Health) -> &'static str {
    match health {
        Health::Ready => "ready",
        Health::Suspect => "suspect",
        Health::Probing => "probing",
        Health::Benched => "benched",
    }
}

/// Over which rates are counted.
const SPAN: Duration = Duration::from_secs(10);

/// More than any screen has lines.
const EVENTS: usize = 200;
