//! The status API, which every port has: `/status/v1/simple` and `/status/v1/services`, with and without a name.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, Asked, Place};
use crate::Role;
use crate::fault::State;
use crate::service::{Port, Service};

pub(crate) fn is_status(path: &str) -> bool {
    path.starts_with(ROOT)
}

/// The services that a status path is about: the one named, or all of the port.
pub(crate) fn services(port: Port, path: &str) -> &'static [Service] {
    let name = path.rsplit('/').next().unwrap_or_default();
    REGISTERED
        .iter()
        .find(|entry| entry.port == port && entry.name == name)
        .map(|entry| entry.service.as_slice())
        .filter(|named| !named.is_empty())
        .unwrap_or_else(|| port.services())
}

pub(crate) fn answer(place: &Place<'_>, port: Port, asked: &Asked) -> Answer {
    let level = asked.parameter("level").unwrap_or("info");
    let parts = asked.below(ROOT).unwrap_or_default();
    match parts.as_slice() {
        ["simple"] | ["simple", ""] => simple(worst(place, port)),
        ["simple", name] => match find(place, port, name) {
            Some(entry) => simple(entry.state(place)),
            None => Answer::text(StatusCode::NOT_FOUND, format!("not found: {name}")),
        },
        ["services"] | ["services", ""] => {
            let all: Map<_, _> = registered(place, port)
                .map(|entry| {
                    (
                        entry.name.to_owned(),
                        Value::Object(entry.body(place, level)),
                    )
                })
                .collect();
            Answer::json(code(worst(place, port)), &Value::Object(all))
        }
        ["services", name] => match find(place, port, name) {
            Some(entry) => {
                let mut body = entry.body(place, level);
                body.insert("service_name".to_owned(), entry.name.into());
                Answer::json(code(entry.state(place)), &Value::Object(body))
            }
            None => Answer::json(
                StatusCode::NOT_FOUND,
                &json!({"kind": "service-not-found", "msg": format!("No status information found for service {name}")}),
            ),
        },
        _ => Answer::no_such_page(&asked.path),
    }
}

/// One line of the status of a port.
struct Entry {
    port: Port,
    name: &'static str,
    /// `None` is always well and on every host that has the port.
    service: Option<Service>,
    version: &'static str,
    on: On,
}

/// Which hosts have it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    EveryHost,
    /// The master, or a promoted replica.
    Master,
    /// A compile master.
    Pool,
}

impl Entry {
    const fn new(
        port: Port,
        name: &'static str,
        service: Service,
        version: &'static str,
        on: On,
    ) -> Self {
        Self {
            port,
            name,
            service: Some(service),
            version,
            on,
        }
    }

    const fn well(port: Port, name: &'static str, version: &'static str) -> Self {
        Self {
            port,
            name,
            service: None,
            version,
            on: On::EveryHost,
        }
    }

    fn state(&self, place: &Place<'_>) -> State {
        let Some(service) = self.service else {
            return State::Running;
        };
        let state = place.scene.state(place.host, service);
        if service == Service::PcpBroker && state == State::Running && place.has_isolated_broker() {
            return State::Error;
        }
        state
    }

    fn body(&self, place: &Place<'_>, level: &str) -> Map<String, Value> {
        let state = self.state(place);
        let status = match (level, state) {
            // The callback failed, and that is all there is to say.
            (_, State::Unknown) => json!(format!(
                "Status check for {} threw an exception: java.lang.IllegalStateException: Service has not started",
                self.name
            )),
            ("critical", _) => json!({}),
            _ => self.details(place, state),
        };
        let body = json!({
            "service_version": self.version,
            "service_status_version": 1,
            "detail_level": level,
            "state": state.to_string(),
            "status": status,
            "active_alerts": [],
        });
        match body {
            Value::Object(body) => body,
            _ => Map::new(),
        }
    }

    fn details(&self, place: &Place<'_>, state: State) -> Value {
        let is_up = state == State::Running;
        let mode = match place.role() {
            Role::Master => "source",
            Role::Replica => "replica",
            Role::Pool => "none",
        };
        let replication = json!({"mode": mode, "status": "running"});
        match self.service {
            Some(Service::PuppetDb) => json!({
                "maintenance_mode?": state == State::Starting,
                "queue_depth": 0,
                "read_db_up?": is_up,
                "write_db_up?": is_up,
                "write_dbs_up?": is_up,
                "write_db": {"default": {"up?": is_up}},
            }),
            Some(Service::NodeClassifier) => json!({
                "db_up": is_up, "db_pool": {"state": "ready"}, "rbac_up": true, "activity_up": true,
                "replication": replication,
            }),
            Some(Service::Rbac) => json!({
                "db_up": is_up, "db_pool": {"state": "ready"}, "activity_up": true, "replication": replication,
            }),
            Some(Service::Activity) => {
                json!({"db_up": is_up, "db_pool": {"state": "ready"}, "replication": replication})
            }
            Some(Service::Orchestrator) => json!({
                "db_up": is_up, "classifier_up": true, "rbac_up": true, "puppetserver_up": true, "puppetdb_up": true,
                "replication": replication,
            }),
            Some(Service::PcpBroker) => json!({"metrics": {}}),
            _ => json!({}),
        }
    }
}

fn registered<'a>(place: &'a Place<'_>, port: Port) -> impl Iterator<Item = &'static Entry> + 'a {
    let role = place.role();
    REGISTERED.iter().filter(move |entry| {
        let is_here = match entry.on {
            On::EveryHost => true,
            On::Master => role == Role::Master,
            On::Pool => role == Role::Pool,
        };
        entry.port == port && is_here
    })
}

fn find(place: &Place<'_>, port: Port, name: &str) -> Option<&'static Entry> {
    registered(place, port).find(|entry| entry.name == name)
}

fn worst(place: &Place<'_>, port: Port) -> State {
    registered(place, port)
        .map(|entry| entry.state(place))
        .max()
        .unwrap_or(State::Running)
}

fn simple(state: State) -> Answer {
    Answer::text(code(state), state.to_string())
}

fn code(state: State) -> StatusCode {
    if state == State::Running {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

const ROOT: &str = "/status/v1/";

const PUPPET_SERVER: &str = "7.9.5";
const PUPPETDB: &str = "7.12.1";
const ENTERPRISE: &str = "2021.7.1";
const STATUS: &str = "1.1.1";

const REGISTERED: &[Entry] = &[
    Entry::well(Port::Puppet, "puppet-profiler", PUPPET_SERVER),
    Entry::well(Port::Puppet, "jruby-metrics", PUPPET_SERVER),
    Entry::new(
        Port::Puppet,
        "ca",
        Service::CertificateAuthority,
        PUPPET_SERVER,
        On::Master,
    ),
    Entry::new(
        Port::Puppet,
        "master",
        Service::PuppetServer,
        PUPPET_SERVER,
        On::EveryHost,
    ),
    Entry::new(
        Port::Puppet,
        "server",
        Service::PuppetServer,
        PUPPET_SERVER,
        On::EveryHost,
    ),
    Entry::new(
        Port::Puppet,
        "pe-master",
        Service::PuppetServer,
        PUPPET_SERVER,
        On::EveryHost,
    ),
    Entry::new(
        Port::Puppet,
        "file-sync-client-service",
        Service::FileSync,
        ENTERPRISE,
        On::EveryHost,
    ),
    Entry::new(
        Port::Puppet,
        "file-sync-storage-service",
        Service::FileSync,
        ENTERPRISE,
        On::Master,
    ),
    // Puppet Enterprise registers it in Puppet Server's process; the port of its API answers for it too.
    Entry::new(
        Port::Puppet,
        "code-manager-service",
        Service::CodeManager,
        ENTERPRISE,
        On::Master,
    ),
    // A compile master's broker lives in Puppet Server's process, a master's in the orchestrator's. A replica that was not
    // promoted shows none.
    Entry::new(
        Port::Puppet,
        "broker-service",
        Service::PcpBroker,
        ENTERPRISE,
        On::Pool,
    ),
    Entry::well(Port::Puppet, "status-service", STATUS),
    Entry::new(
        Port::PuppetDb,
        "puppetdb-status",
        Service::PuppetDb,
        PUPPETDB,
        On::EveryHost,
    ),
    Entry::well(Port::PuppetDb, "status-service", STATUS),
    Entry::new(
        Port::ConsoleServices,
        "classifier-service",
        Service::NodeClassifier,
        ENTERPRISE,
        On::EveryHost,
    ),
    Entry::new(
        Port::ConsoleServices,
        "rbac-service",
        Service::Rbac,
        ENTERPRISE,
        On::EveryHost,
    ),
    Entry::new(
        Port::ConsoleServices,
        "activity-service",
        Service::Activity,
        ENTERPRISE,
        On::EveryHost,
    ),
    Entry::well(Port::ConsoleServices, "status-service", STATUS),
    Entry::new(
        Port::Orchestrator,
        "orchestrator-service",
        Service::Orchestrator,
        ENTERPRISE,
        On::Master,
    ),
    Entry::new(
        Port::Orchestrator,
        "broker-service",
        Service::PcpBroker,
        ENTERPRISE,
        On::Master,
    ),
    Entry::well(Port::Orchestrator, "status-service", STATUS),
    Entry::new(
        Port::CodeManager,
        "code-manager-service",
        Service::CodeManager,
        ENTERPRISE,
        On::Master,
    ),
    Entry::well(Port::CodeManager, "status-service", STATUS),
];
