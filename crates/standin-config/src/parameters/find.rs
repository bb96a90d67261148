//! Finding parameters, whatever class they are of and however deep that stands.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::tree::{Node, Value};
use crate::{Origin, SettingsError, SettingsFault};

/// The parameters that are read.
const NAMES: [&str; 12] = [
    "agent-server-urls",
    "classifier_host",
    "classifier_port",
    "ha_enabled_replicas",
    "master_uris",
    "pcp_broker_list",
    "pcp_broker_ws_uris",
    "primary_uris",
    "puppetdb_host",
    "puppetdb_port",
    REPLICATION,
    "server_list",
];

/// Each class says it of itself, so they need not say the same.
pub(super) const REPLICATION: &str = "replication_mode";

/// What stands for each parameter, in the order of the file.
pub(super) type Found<'a> = BTreeMap<&'static str, Vec<&'a Node>>;

/// Every parameter of `tree` that is read.
pub(super) fn find<'a>(tree: &'a Node, path: &Arc<Path>) -> Result<Found<'a>, SettingsError> {
    let mut found = Found::new();
    match &tree.value {
        Value::Map(_) | Value::List(_) => look(tree, &mut found),
        Value::Null => {}
        Value::Word(_) | Value::Text(_) => {
            let origin = origin(tree, path);
            return Err(SettingsError::new(&origin, SettingsFault::Parameters));
        }
    }
    for (name, nodes) in found.iter().filter(|(name, _)| **name != REPLICATION) {
        let [first, others @ ..] = nodes.as_slice() else {
            continue;
        };
        if let Some(other) = others.iter().find(|other| !alike(first, other)) {
            let first = origin(first, path);
            let fault = SettingsFault::SaidTwice { first };
            return Err(SettingsError::new(&origin(other, path), fault).about(name));
        }
    }
    Ok(found)
}

pub(super) fn origin(node: &Node, path: &Arc<Path>) -> Origin {
    Origin::File {
        path: Arc::clone(path),
        line: node.line,
    }
}

fn look<'a>(node: &'a Node, found: &mut Found<'a>) {
    match &node.value {
        Value::List(groups) => groups.iter().for_each(|group| look(group, found)),
        Value::Map(members) => {
            for member in members {
                let name = parameter(&member.key);
                let name = name.and_then(|name| NAMES.iter().find(|known| **known == name));
                match name {
                    Some(_) if member.node.value == Value::Null => {}
                    Some(name) => found.entry(name).or_default().push(&member.node),
                    None if holds_classes(&member.key) => look(&member.node, found),
                    None => {}
                }
            }
        }
        Value::Null | Value::Word(_) | Value::Text(_) => {}
    }
}

/// The name of a parameter without its class, if that is one of Puppet Enterprise or left out.
fn parameter(key: &str) -> Option<&str> {
    match key.rsplit_once("::") {
        None => Some(key),
        Some((class, name)) if is_of_puppet_enterprise(class) => Some(name),
        Some(_) => None,
    }
}

fn holds_classes(key: &str) -> bool {
    matches!(key, "classes" | "config_data" | "parameters") || is_of_puppet_enterprise(key)
}

fn is_of_puppet_enterprise(class: &str) -> bool {
    let rest = class.strip_prefix("puppet_enterprise");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether two values say the same, wherever they stand.
fn alike(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::List(ones), Value::List(others)) => {
            ones.len() == others.len()
                && ones
                    .iter()
                    .zip(others)
                    .all(|(one, other)| alike(one, other))
        }
        _ => match (one.scalar(), other.scalar()) {
            (Some(one), Some(other)) => one == other,
            _ => one.value == other.value,
        },
    }
}
