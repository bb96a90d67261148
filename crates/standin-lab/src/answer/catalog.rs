//! A small catalog, made for one node by one server.

use serde_json::{Value, json};

use super::uuid;
use crate::clock;

/// Compiles the lab's site: a notify that names the server, a file with content, and a class with a file from a module.
pub(super) fn compile(server: &str, certname: &str, environment: &str) -> Value {
    let site = format!("/etc/puppetlabs/code/environments/{environment}/manifests/site.pp");
    let module =
        format!("/etc/puppetlabs/code/environments/{environment}/modules/demo/manifests/init.pp");
    let greeting = format!("compiled by {server}");
    json!({
        "tags": ["settings", "default", "demo", "node", "class"],
        "name": certname,
        "version": clock::today().unix_timestamp(),
        "code_id": null,
        "catalog_uuid": uuid(),
        "catalog_format": 2,
        "environment": environment,
        "resources": [
            {"type": "Stage", "title": "main", "tags": ["stage"], "exported": false, "kind": "compilable_type",
             "parameters": {"name": "main"}},
            {"type": "Class", "title": "Settings", "tags": ["class", "settings"], "exported": false, "kind": "unknown"},
            {"type": "Class", "title": "main", "tags": ["class"], "exported": false, "kind": "unknown",
             "parameters": {"name": "main"}},
            {"type": "Node", "title": "default", "tags": ["node", "default", "class"], "exported": false,
             "kind": "unknown"},
            {"type": "Notify", "title": greeting, "tags": ["notify", "node", "default", "class"], "file": site,
             "line": 2, "exported": false, "kind": "compilable_type", "parameters": {"message": server}},
            {"type": "File", "title": "/tmp/managed.txt", "tags": ["file", "node", "default", "class"], "file": site,
             "line": 3, "exported": false, "kind": "compilable_type",
             "parameters": {"content": format!("for {certname}\n")}},
            {"type": "Class", "title": "Demo", "tags": ["class", "demo", "node", "default"], "exported": false,
             "kind": "unknown"},
            {"type": "File", "title": "/tmp/a.txt", "tags": ["file", "class", "demo", "node", "default"],
             "file": module, "line": 1, "exported": false, "kind": "compilable_type",
             "parameters": {"source": "puppet:///modules/demo/a.txt"}},
        ],
        "edges": [
            {"source": "Stage[main]", "target": "Class[Settings]"},
            {"source": "Stage[main]", "target": "Class[main]"},
            {"source": "Class[main]", "target": "Node[default]"},
            {"source": "Node[default]", "target": format!("Notify[{greeting}]")},
            {"source": "Node[default]", "target": "File[/tmp/managed.txt]"},
            {"source": "Stage[main]", "target": "Class[Demo]"},
            {"source": "Class[Demo]", "target": "File[/tmp/a.txt]"},
        ],
        "classes": ["settings", "default", "demo"],
    })
}
