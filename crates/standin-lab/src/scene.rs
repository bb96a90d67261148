//! The rules in force and the roles of the hosts: one immutable picture that every step consults.

use std::time::Duration;

use http::StatusCode;

use crate::fault::{Fault, Flaw, State};
use crate::host::Role;
use crate::service::{Port, Service};

/// Everything that can change while a lab runs, at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// Counts changes, so that one can wait for a change to be in effect.
    pub(crate) version: u64,
    roles: Vec<Role>,
    rules: Vec<Rule>,
    next_rule: u64,
}

#[derive(Clone, Debug)]
struct Rule {
    id: u64,
    host: usize,
    /// `None` strikes the whole host.
    service: Option<Service>,
    fault: Fault,
    /// Of a server that flaps.
    turn: Turn,
}

/// Whose turn it is at a server that flaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Down,
    Up,
}

/// Whether there was a rule to turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turned {
    Yes,
    No,
}

/// What a port does with TLS handshakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// Shows a certificate, good or flawed.
    Shows(Option<Flaw>),
    /// Stalls once so many bytes of it are out.
    Stalls(usize),
    /// Ends it with an alert.
    Alerts,
}

/// How a port treats connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Open,
    Closed,
    BlackHole,
    Silent,
    /// Whoever comes is sent away; whoever is there stays.
    HangUp,
}

/// What a broker does on connections that are WebSockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Neither reads nor writes.
    Mute,
    /// Says that it is not running, and closes.
    NotRunning,
    /// Resets them.
    Cut,
}

/// How an answer drips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drops {
    /// How far apart they are.
    pub(crate) every: Duration,
    /// How many bytes each has.
    pub(crate) bytes: usize,
}

impl Drops {
    const fn bytes_each(every: Duration) -> Self {
        Self { every, bytes: 1 }
    }

    /// Drops of 10 ms, or single bytes where a second has fewer than a hundred.
    fn in_a_second(bytes: u32) -> Self {
        match bytes.max(1) {
            few @ ..100 => Self::bytes_each(Duration::from_secs(1) / few),
            many => Self {
                every: Duration::from_millis(10),
                bytes: many.div_ceil(100) as usize,
            },
        }
    }
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Head and body.
    Answer,
    Body,
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answer,
    Hold,
    DelayBy(Duration),
    DelayUpTo(Duration),
    Unavailable(Option<u32>),
    NotReady,
    DatabaseDown,
    InternalError,
    ResetBody(usize),
    ResetRequest,
    ResetAnswer(usize),
    Drip(Drops, Part),
    ShortBody(usize),
    LongBody(usize),
    Garbage,
    HtmlPage,
    Answers(StatusCode),
    RedirectLoop,
}

impl Scene {
    pub(crate) fn new(roles: Vec<Role>) -> Self {
        Self {
            version: 0,
            roles,
            rules: Vec::new(),
            next_rule: 0,
        }
    }

    pub(crate) fn add(&mut self, host: usize, service: Option<Service>, fault: Fault) -> u64 {
        let id = self.next_rule;
        self.next_rule += 1;
        self.rules.push(Rule {
            id,
            host,
            service,
            fault,
            turn: Turn::Down,
        });
        id
    }

    pub(crate) fn remove(&mut self, id: u64) {
        self.rules.retain(|rule| rule.id != id);
    }

    pub(crate) fn turn(&mut self, id: u64, turn: Turn) -> Turned {
        match self.rules.iter_mut().find(|rule| rule.id == id) {
            Some(rule) => {
                rule.turn = turn;
                Turned::Yes
            }
            None => Turned::No,
        }
    }

    pub(crate) fn promote(&mut self, host: usize) {
        if let Some(role) = self.roles.get_mut(host) {
            *role = Role::Master;
        }
    }

    pub(crate) fn role(&self, host: usize) -> Role {
        self.roles.get(host).copied().unwrap_or(Role::Pool)
    }

    /// Whether the host's role has a server on that port at all.
    pub(crate) fn listens(&self, host: usize, port: Port) -> bool {
        match self.role(host) {
            Role::Master => true,
            Role::Replica => !matches!(port, Port::Orchestrator | Port::CodeManager),
            Role::Pool => matches!(port, Port::Puppet | Port::PcpBroker),
        }
    }

    /// Whether the host's role serves that service: not the same as listening on its port.
    pub(crate) fn serves(&self, host: usize, service: Service) -> bool {
        match self.role(host) {
            Role::Master => true,
            Role::Replica => !matches!(
                service,
                Service::CertificateAuthority | Service::Orchestrator | Service::CodeManager
            ),
            Role::Pool => matches!(
                service,
                Service::PuppetServer | Service::FileSync | Service::PcpBroker
            ),
        }
    }

    pub(crate) fn door(&self, host: usize, port: Port) -> Door {
        let listens = self.listens(host, port);
        self.rules_at(host, port.services())
            .find_map(|rule| match (&rule.fault, rule.service) {
                // A host that is off the network does not even refuse.
                (Fault::BlackHole, None) => Some(Door::BlackHole),
                _ if !listens => None,
                (Fault::BlackHole, Some(_)) => Some(Door::BlackHole),
                (Fault::Refuse, _) => Some(Door::Closed),
                (Fault::Flapping { .. }, _) if rule.turn == Turn::Down => Some(Door::Closed),
                (Fault::Silent, _) => Some(Door::Silent),
                (Fault::HangUp, _) => Some(Door::HangUp),
                _ => None,
            })
            .unwrap_or(if listens { Door::Open } else { Door::Closed })
    }

    pub(crate) fn handshake(&self, host: usize, port: Port) -> Handshake {
        self.faults_at(host, port.services())
            .find_map(|fault| match fault {
                Fault::Untrusted(flaw) => Some(Handshake::Shows(Some(*flaw))),
                Fault::StallTls { after } => Some(Handshake::Stalls(*after)),
                Fault::AlertTls => Some(Handshake::Alerts),
                _ => None,
            })
            .unwrap_or(Handshake::Shows(None))
    }

    pub(crate) fn work(&self, host: usize, service: Service) -> Fate {
        self.faults_at(host, &[service])
            .find_map(|fault| match fault {
                // A broker's work begins after the upgrade.
                Fault::WorkSilent | Fault::NotReady(State::Starting | State::Stopping)
                    if service == Service::PcpBroker =>
                {
                    Some(Fate::Answer)
                }
                Fault::SilentAfterTls | Fault::WorkSilent => Some(Fate::Hold),
                Fault::Unavailable { retry_after } => Some(Fate::Unavailable(*retry_after)),
                Fault::NotReady(_) => Some(Fate::NotReady),
                Fault::DatabaseDown => Some(Fate::DatabaseDown),
                Fault::InternalError => Some(Fate::InternalError),
                Fault::ResetBody { after } => Some(Fate::ResetBody(*after)),
                Fault::ResetRequest => Some(Fate::ResetRequest),
                Fault::ResetAnswer { after } => Some(Fate::ResetAnswer(*after)),
                Fault::Drip(every) => Some(Fate::Drip(Drops::bytes_each(*every), Part::Answer)),
                Fault::DripBody(every) => Some(Fate::Drip(Drops::bytes_each(*every), Part::Body)),
                Fault::Bandwidth(bytes) => {
                    Some(Fate::Drip(Drops::in_a_second(*bytes), Part::Answer))
                }
                Fault::ShortBody { by } => Some(Fate::ShortBody(*by)),
                Fault::LongBody { by } => Some(Fate::LongBody(*by)),
                Fault::Garbage => Some(Fate::Garbage),
                Fault::HtmlPage => Some(Fate::HtmlPage),
                Fault::Answers(status) => Some(Fate::Answers(*status)),
                Fault::RedirectLoop => Some(Fate::RedirectLoop),
                Fault::Delay(by) | Fault::WorkDelay(by) => Some(Fate::DelayBy(*by)),
                Fault::Jitter(most) => Some(Fate::DelayUpTo(*most)),
                Fault::Refuse
                | Fault::Flapping { .. }
                | Fault::StallTls { .. }
                | Fault::AlertTls
                | Fault::BlackHole
                | Fault::Silent
                | Fault::HangUp
                | Fault::Untrusted(_)
                | Fault::ClockAhead(_) => None,
            })
            .unwrap_or(Fate::Answer)
    }

    /// What the broker does on connections that are WebSockets.
    pub(crate) fn mood(&self, host: usize) -> Mood {
        self.faults_at(host, &[Service::PcpBroker])
            .find_map(|fault| match fault {
                Fault::SilentAfterTls | Fault::WorkSilent => Some(Mood::Mute),
                Fault::NotReady(State::Starting | State::Stopping) => Some(Mood::NotRunning),
                Fault::ResetBody { .. } => Some(Mood::Cut),
                _ => None,
            })
            .unwrap_or(Mood::Well)
    }

    /// What happens to a request for the status of these services.
    pub(crate) fn status(&self, host: usize, services: &[Service]) -> Fate {
        self.faults_at(host, services)
            .find_map(|fault| match fault {
                Fault::SilentAfterTls => Some(Fate::Hold),
                Fault::Delay(by) => Some(Fate::DelayBy(*by)),
                Fault::Jitter(most) => Some(Fate::DelayUpTo(*most)),
                _ => None,
            })
            .unwrap_or(Fate::Answer)
    }

    /// What the status of `service` says when it says something.
    pub(crate) fn state(&self, host: usize, service: Service) -> State {
        self.faults_at(host, &[service])
            .find_map(|fault| match fault {
                Fault::NotReady(state) => Some(*state),
                Fault::DatabaseDown => Some(State::Error),
                _ => None,
            })
            .unwrap_or(State::Running)
    }

    /// By how much the clock of the host is ahead.
    pub(crate) fn clock_ahead(&self, host: usize) -> Duration {
        let mut rules = self.rules.iter().rev().filter(|rule| rule.host == host);
        let ahead = rules.find_map(|rule| match rule.fault {
            Fault::ClockAhead(by) => Some(by),
            _ => None,
        });
        ahead.unwrap_or_default()
    }

    /// Whether nothing at all is wrong with `service`, slowness aside, so that replication can reach it.
    pub(crate) fn is_sound(&self, host: usize, service: Service) -> bool {
        self.door(host, Port::of(service)) == Door::Open
            && self.faults_at(host, &[service]).all(|fault| {
                matches!(
                    fault,
                    Fault::Delay(_)
                        | Fault::WorkDelay(_)
                        | Fault::Untrusted(_)
                        | Fault::ClockAhead(_)
                )
            })
    }

    /// The faults that strike any of `services`, the latest first.
    fn faults_at(&self, host: usize, services: &[Service]) -> impl Iterator<Item = &Fault> {
        self.rules_at(host, services).map(|rule| &rule.fault)
    }

    fn rules_at(&self, host: usize, services: &[Service]) -> impl Iterator<Item = &Rule> {
        self.rules.iter().rev().filter(move |rule| {
            rule.host == host && rule.service.is_none_or(|named| services.contains(&named))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene() -> Scene {
        Scene::new(vec![Role::Master, Role::Replica])
    }

    #[test]
    fn the_fault_switched_on_last_counts() {
        let mut scene = scene();
        scene.add(0, None, Fault::WorkSilent);
        let later = scene.add(0, Some(Service::PuppetServer), Fault::InternalError);
        assert_eq!(scene.work(0, Service::PuppetServer), Fate::InternalError);
        scene.remove(later);
        assert_eq!(scene.work(0, Service::PuppetServer), Fate::Hold);
    }

    #[test]
    fn a_fault_of_the_work_stays_with_its_service() {
        let mut scene = scene();
        scene.add(0, Some(Service::Rbac), Fault::InternalError);
        assert_eq!(scene.work(0, Service::NodeClassifier), Fate::Answer);
        assert_eq!(scene.work(1, Service::Rbac), Fate::Answer);
    }

    #[test]
    fn a_fault_of_the_connection_takes_the_port_along() {
        let mut scene = scene();
        scene.add(0, Some(Service::Rbac), Fault::BlackHole);
        assert_eq!(scene.door(0, Port::ConsoleServices), Door::BlackHole);
        assert_eq!(scene.door(0, Port::Puppet), Door::Open);
    }

    #[test]
    fn a_host_off_the_network_does_not_refuse_where_it_never_listened() {
        let mut scene = scene();
        scene.add(1, None, Fault::BlackHole);
        assert_eq!(scene.door(1, Port::CodeManager), Door::BlackHole);
        scene.add(1, None, Fault::Refuse);
        assert_eq!(scene.door(1, Port::PuppetDb), Door::Closed);
    }

    #[test]
    fn the_status_of_everything_waits_for_the_silent_one() {
        let mut scene = scene();
        scene.add(0, Some(Service::Rbac), Fault::SilentAfterTls);
        assert_eq!(
            scene.status(0, Port::ConsoleServices.services()),
            Fate::Hold
        );
        assert_eq!(scene.status(0, &[Service::Activity]), Fate::Answer);
    }

    #[test]
    fn a_replica_has_no_orchestrator_until_it_is_promoted() {
        let mut scene = scene();
        assert_eq!(scene.door(1, Port::Orchestrator), Door::Closed);
        assert!(!scene.serves(1, Service::CertificateAuthority));
        scene.promote(1);
        assert_eq!(scene.door(1, Port::Orchestrator), Door::Open);
        assert!(scene.serves(1, Service::CertificateAuthority));
    }
}
