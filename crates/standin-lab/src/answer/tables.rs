//! What a PuppetDB knows, as the rows that queries choose from.

use std::collections::BTreeSet;
use std::fmt::Write;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use crate::{Command, Store};

/// The rows of an entity; `None` for one that the lab does not keep.
pub(super) fn rows(store: &Store, entity: &str) -> Option<Vec<Value>> {
    let newest = store.newest_commands();
    let of = |command: &'static str| newest.iter().filter(move |entry| entry.command == command);
    match entity {
        "nodes" => {
            let certnames: BTreeSet<_> = newest.iter().map(|entry| &*entry.certname).collect();
            let node = |certname| node(certname, &newest);
            Some(certnames.into_iter().map(node).collect())
        }
        "facts" => Some(of("replace_facts").flat_map(facts).collect()),
        "reports" => Some(of("store_report").map(whole).collect()),
        "catalogs" => Some(of("replace_catalog").map(whole).collect()),
        _ => None,
    }
}

fn node(certname: &str, newest: &[Command]) -> Value {
    let find = |command: &str| {
        let mut entries = newest.iter();
        entries.find(|entry| entry.certname == certname && entry.command == command)
    };
    let (facts, catalog, report) = (
        find("replace_facts"),
        find("replace_catalog"),
        find("store_report"),
    );
    let time = |entry: Option<&Command>| entry.map(|entry| entry.producer_timestamp.clone());
    let field = |entry: Option<&Command>, name: &str| {
        entry.and_then(|entry| body(entry).get(name).cloned())
    };
    json!({
        "certname": certname,
        "deactivated": time(find("deactivate_node")),
        "expired": null,
        "facts_environment": field(facts, "environment"),
        "facts_timestamp": time(facts),
        "catalog_environment": field(catalog, "environment"),
        "catalog_timestamp": time(catalog),
        "report_environment": field(report, "environment"),
        "report_timestamp": time(report),
        "cached_catalog_status": field(report, "cached_catalog_status"),
        "latest_report_hash": report.map(hash),
        "latest_report_status": field(report, "status"),
        "latest_report_noop": field(report, "noop"),
        "latest_report_noop_pending": field(report, "noop_pending"),
        "latest_report_corrective_change": field(report, "corrective_change"),
        "latest_report_job_id": field(report, "job_id"),
    })
}

fn facts(entry: &Command) -> Vec<Value> {
    let body = body(entry);
    let values = body["values"].as_object().into_iter().flatten();
    values
        .map(|(name, value)| {
            json!({
                "certname": entry.certname, "environment": body["environment"], "name": name, "value": value,
            })
        })
        .collect()
}

/// The command's own body, whatever it is.
fn whole(entry: &Command) -> Value {
    let mut row = body(entry);
    if !row.is_object() {
        row = json!({});
    }
    row["certname"] = entry.certname.as_str().into();
    row
}

fn body(entry: &Command) -> Value {
    serde_json::from_slice(&entry.body).unwrap_or_default()
}

/// Tells reports apart, as the real one's does.
fn hash(report: &Command) -> String {
    let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &report.body);
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
