//! The file server: one module `demo` with a file, and a plugin that brings a fact.

use std::fmt::Write;

use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// Whose records are wanted, and what they are to say.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) server: &'a str,
    /// Only repeated: there are no links.
    pub(super) links: &'a str,
    pub(super) permissions: Permissions,
}

/// What records say of who may do what, as `source_permissions` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permissions {
    /// What the source has.
    Use,
    /// What is harmless.
    Ignore,
}

/// The records of everything below a mount's root, as `file_metadatas` gives them.
pub(super) fn metadatas(
    wanted: &Wanted<'_>,
    path: &[&str],
    recurse: Option<&str>,
) -> Option<String> {
    let path = path.join("/");
    let below = TREE
        .iter()
        .filter(|entry| entry.path == path || is_below(entry.path, &path));
    let records: Vec<Value> = below
        .filter(|entry| entry.path == path || recurse == Some("true"))
        .map(|entry| entry.record(wanted, &path, relative(entry.path, &path)))
        .collect();
    (!records.is_empty()).then(|| Value::Array(records).to_string())
}

/// One record, as `file_metadata` gives it.
pub(super) fn metadata(wanted: &Wanted<'_>, path: &[&str]) -> Option<String> {
    let path = path.join("/");
    let entry = TREE.iter().find(|entry| entry.path == path)?;
    Some(entry.record(wanted, &path, None).to_string())
}

/// The bytes of a file.
pub(super) fn content(path: &[&str]) -> Option<&'static str> {
    let path = path.join("/");
    TREE.iter().find(|entry| entry.path == path)?.content
}

/// Whether the path begins with a mount that there is.
pub(super) fn is_mounted(path: &str) -> bool {
    let mount = path.split('/').next();
    TREE.iter()
        .any(|entry| entry.path.split('/').next() == mount)
}

/// A file, or a directory if it has no content.
struct Entry {
    path: &'static str,
    content: Option<&'static str>,
}

impl Entry {
    fn record(&self, asked: &Wanted<'_>, root: &str, relative_path: Option<&str>) -> Value {
        let Wanted {
            server,
            links,
            permissions,
        } = asked;
        let mode = match (self.content, permissions) {
            (None, Permissions::Use) => 0o755,
            _ => 0o644,
        };
        let (kind, checksum) = match self.content {
            Some(content) => ("file", json!({"type": "sha256", "value": sha256(content)})),
            None => (
                "directory",
                json!({"type": "ctime", "value": "{ctime}2026-11-23 04:46:08 +0000"}),
            ),
        };
        // As a real one, which names the directory that was asked for and the rest beside it.
        let directory = if relative_path.is_some() {
            root
        } else {
            self.path
        };
        json!({
            "path": format!("/etc/puppetlabs/code/on/{server}/{directory}"),
            "relative_path": relative_path,
            "links": links,
            "owner": 0,
            "group": 0,
            "mode": mode,
            "checksum": checksum,
            "type": kind,
            "destination": null,
        })
    }
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn relative<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    if path == root {
        Some(".")
    } else {
        path.strip_prefix(root)
            .map(|rest| rest.trim_start_matches('/'))
    }
}

fn sha256(content: &str) -> String {
    digest(&SHA256, content.as_bytes()).as_ref().iter().fold(
        "{sha256}".to_owned(),
        |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        },
    )
}

const TREE: &[Entry] = &[
    Entry {
        path: "plugins",
        content: None,
    },
    Entry {
        path: "plugins/facter",
        content: None,
    },
    Entry {
        path: "plugins/facter/demo_fact.rb",
        content: Some("Facter.add(:demo_fact) { setcode { 'demo' } }\n"),
    },
    Entry {
        path: "pluginfacts",
        content: None,
    },
    Entry {
        path: "locales",
        content: None,
    },
    Entry {
        path: "modules/demo",
        content: None,
    },
    Entry {
        path: "modules/demo/a.txt",
        content: Some("a file\n"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_real() {
        // `printf 'a file\n' | sha256sum`
        assert_eq!(
            sha256("a file\n"),
            "{sha256}da69f286f03c0d2131b3f95afe7c8d31b4f65cbf5ca49a12c41d8bf02d366a34"
        );
    }
}
