//! The report of a run in which nothing was applied.

use serde_json::{Value, json};

use super::catalog::Catalog;
use super::errand::Agent;
use super::story::Story;
use crate::check::now;
use crate::day::moment;

/// In format 12, that of Puppet 7 and 8. It says that it is of a run without effects, so that nobody
/// takes it for one of Puppet's.
pub(super) fn of(agent: &Agent, catalog: Option<&Catalog>, story: &Story) -> Value {
    let time = moment(now()).unwrap_or_default();
    let (status, version, uuid) = match catalog {
        Some(catalog) => (
            "unchanged",
            catalog.version().clone(),
            catalog.uuid().clone(),
        ),
        None => ("failed", Value::Null, Value::Null),
    };
    json!({
        "host": agent.certname,
        "time": time,
        "configuration_version": version,
        "transaction_uuid": agent.transaction.to_string(),
        "report_format": 12,
        "puppet_version": REPORTED_VERSION,
        "status": status,
        "transaction_completed": true,
        "noop": true,
        "noop_pending": false,
        "environment": agent.environment,
        "logs": [{
            "level": "notice",
            "message": "standin run: nothing was applied",
            "source": "standin",
            "tags": ["notice"],
            "time": time,
            "file": null,
            "line": null,
        }],
        "metrics": {},
        "resource_statuses": {},
        "corrective_change": false,
        "server_used": story.compiled_by(),
        "catalog_uuid": uuid,
        "cached_catalog_status": "not_used",
    })
}

/// What requests of this library name to Puppet Servers.
const REPORTED_VERSION: &str = "8.10.0";
