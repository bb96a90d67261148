//! What is sent, as the real ones send it.

use serde_json::{Value, json};

use super::CERTNAME;

pub(super) fn facts_command(certname: &str) -> Value {
    json!({
        "certname": certname,
        "environment": "production",
        "values": {"asked": "by a test"},
        "producer_timestamp": "2026-11-23T04:54:34.000Z",
        "producer": CERTNAME,
    })
}

/// A report as the PuppetDB terminus 7.12 sends it on, with nothing to tell.
pub(super) fn report_command(version: &str) -> Value {
    json!({
        "certname": CERTNAME,
        "puppet_version": "7.23.0",
        "report_format": 12,
        "configuration_version": version,
        "producer_timestamp": "2026-11-23T04:54:34.000Z",
        "start_time": "2026-11-23T04:51:01.991Z",
        "end_time": "2026-11-23T04:51:05.991Z",
        "environment": "production",
        "transaction_uuid": "2f98757c-8a35-46ea-8225-629cd0b92939",
        "status": "unchanged",
        "noop": false,
        "noop_pending": false,
        "corrective_change": false,
        "logs": [],
        "metrics": [],
        "resources": [],
        "catalog_uuid": "4ed422c9-434a-4801-92f7-94b32d637f4f",
        "code_id": null,
        "job_id": null,
        "cached_catalog_status": "not_used",
        "producer": CERTNAME,
    })
}

/// A report as agent 7.23 sends it, with nothing to tell.
pub(super) fn report(version: &str) -> Value {
    json!({
        "host": CERTNAME,
        "time": "2026-11-23T04:51:01.991261089+00:00",
        "configuration_version": version,
        "transaction_uuid": "2f98757c-8a35-46ea-8225-629cd0b92939",
        "report_format": 12,
        "puppet_version": "7.23.0",
        "status": "unchanged",
        "transaction_completed": true,
        "noop": false,
        "noop_pending": false,
        "environment": "production",
        "logs": [],
        "metrics": {},
        "resource_statuses": {},
        "corrective_change": false,
        "server_used": "master.test:8140",
        "catalog_uuid": "4ed422c9-434a-4801-92f7-94b32d637f4f",
        "cached_catalog_status": "not_used",
    })
}
