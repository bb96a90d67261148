//! A small catalog, made for one node by one server.

use std::path::Path;

use serde_json::{Value, json};

use super::uuid;
use crate::clock;

/// What a catalog is compiled from.
pub(super) struct Request<'a> {
    pub(super) server: &'a str,
    pub(super) certname: &'a str,
    pub(super) environment: &'a str,
    /// Where the files go, so that an agent that applies the catalog changes nothing else.
    pub(super) managed: &'a Path,
    /// The node's facts, as far as they could be read.
    pub(super) facts: Value,
}

/// Compiles the lab's site: a notify that names the server, a file with a fact in it, and a class with a file from a
/// module.
pub(super) fn compile(request: &Request<'_>) -> Value {
    let Request {
        server,
        certname,
        environment,
        managed,
        facts,
    } = request;
    let fact = facts["values"]["demo_fact"].as_str().unwrap_or_default();
    let site = format!("/etc/puppetlabs/code/environments/{environment}/manifests/site.pp");
    let module =
        format!("/etc/puppetlabs/code/environments/{environment}/modules/demo/manifests/init.pp");
    let file = |name: &str| managed.join(name).to_string_lossy().into_owned();
    let (from_text, from_module) = (file("managed.txt"), file("a.txt"));
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
            {"type": "File", "title": from_text, "tags": ["file", "node", "default", "class"], "file": site,
             "line": 3, "exported": false, "kind": "compilable_type",
             "parameters": {"content": format!("{certname} has demo_fact {fact}\n")}},
            {"type": "Class", "title": "Demo", "tags": ["class", "demo", "node", "default"], "exported": false,
             "kind": "unknown"},
            {"type": "File", "title": from_module, "tags": ["file", "class", "demo", "node", "default"],
             "file": module, "line": 1, "exported": false, "kind": "compilable_type",
             "parameters": {"source": "puppet:///modules/demo/a.txt"}},
        ],
        "edges": [
            {"source": "Stage[main]", "target": "Class[Settings]"},
            {"source": "Stage[main]", "target": "Class[main]"},
            {"source": "Class[main]", "target": "Node[default]"},
            {"source": "Node[default]", "target": format!("Notify[{greeting}]")},
            {"source": "Node[default]", "target": format!("File[{from_text}]")},
            {"source": "Stage[main]", "target": "Class[Demo]"},
            {"source": "Class[Demo]", "target": format!("File[{from_module}]")},
        ],
        "classes": ["settings", "default", "demo"],
    })
}

/// The facts of a catalog request's form, where they are encoded once more. `Null` if they are none.
pub(super) fn facts(form: &[(String, String)]) -> Value {
    let coded = form.iter().find(|(key, _)| key == "facts");
    let decoded = coded.and_then(|(_, facts)| decode(facts));
    decoded
        .and_then(|facts| serde_json::from_slice(&facts).ok())
        .unwrap_or_default()
}

/// Undoes percent encoding; `None` where it is broken off.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_encoded_twice_in_a_form() {
        let form = crate::answer::pairs(b"facts_format=application%2Fjson&facts=%257B%2522values%2522%253A%257B%2522a%2522%253A%2522b%2520%25C3%25BC%2522%257D%257D");
        assert_eq!(facts(&form), json!({"values": {"a": "b \u{fc}"}}));
        for broken in ["facts=%25", "facts=%257", "facts=nonsense", "other=1"] {
            assert_eq!(facts(&crate::answer::pairs(broken.as_bytes())), Value::Null);
        }
    }
}
