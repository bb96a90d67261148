//! What a catalog asks for: the sources of its files.

use std::fmt;

use serde_json::Value;

/// A catalog as a server sent it.
#[derive(Debug)]
pub(super) struct Catalog(Value);

/// A file whose content comes from servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// The first that there is counts.
    pub(super) sources: Vec<Source>,
    pub(super) recursion: Recursion,
}

/// Where a file comes from: `puppet:///PATH`, or of one server `puppet://HOST/PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) authority: Option<String>,
    /// As `modules/NAME/...`.
    pub(super) path: String,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.authority.as_deref().unwrap_or_default();
        write!(f, "puppet://{authority}/{}", self.path)
    }
}

/// Whether what is below a directory is asked for too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recursion {
    None,
    All,
}

impl Catalog {
    /// `None` for what is no catalog.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let catalog: Value = serde_json::from_slice(text).ok()?;
        catalog.get("resources")?.as_array()?;
        Some(Self(catalog))
    }

    pub(super) fn resources(&self) -> usize {
        self.0["resources"].as_array().map_or(0, Vec::len)
    }

    /// As the server has it: a number, or what `config_version` says.
    pub(super) fn version(&self) -> &Value {
        &self.0["version"]
    }

    pub(super) fn uuid(&self) -> &Value {
        &self.0["catalog_uuid"]
    }

    /// The files whose metadata an agent asks for: a static catalog brings some along.
    pub(super) fn files(&self) -> Vec<File> {
        let resources = self.0["resources"].as_array();
        let resources = resources.map_or(&[][..], Vec::as_slice).iter();
        resources
            .filter(|resource| resource["type"] == "File")
            .filter(|resource| !self.brings_along(&resource["title"]))
            .filter_map(|resource| file(&resource["parameters"]))
            .collect()
    }

    fn brings_along(&self, title: &Value) -> bool {
        let Some(title) = title.as_str() else {
            return false;
        };
        ["metadata", "recursive_metadata"]
            .iter()
            .any(|kept| self.0[kept].get(title).is_some())
    }
}

fn file(parameters: &Value) -> Option<File> {
    if parameters["ensure"] == "absent" {
        return None;
    }
    let sources: Vec<Source> = match &parameters["source"] {
        Value::Array(all) => all.iter().filter_map(source).collect(),
        one => source(one).into_iter().collect(),
    };
    let recursion = match &parameters["recurse"] {
        Value::Bool(true) => Recursion::All,
        Value::String(word) if word == "true" || word == "remote" => Recursion::All,
        _ => Recursion::None,
    };
    (!sources.is_empty()).then_some(File { sources, recursion })
}

/// `None` for what comes from elsewhere: a file of the machine's own, or a web server's.
fn source(source: &Value) -> Option<Source> {
    let (authority, path) = source
        .as_str()?
        .strip_prefix("puppet://")?
        .split_once('/')?;
    Some(Source {
        authority: (!authority.is_empty()).then(|| authority.to_owned()),
        path: path.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn files(catalog: Value) -> Vec<File> {
        Catalog(catalog).files()
    }

    fn at(path: &str) -> Source {
        Source {
            authority: None,
            path: path.to_owned(),
        }
    }

    #[test]
    fn sources_at_servers_are_asked_for() {
        let found = files(json!({"resources": [
            {"type": "File", "title": "/a", "parameters": {"source": "puppet:///modules/m/a"}},
            {"type": "File", "title": "/b", "parameters": {
                "source": ["puppet:///modules/m/b.x", "puppet:///modules/m/b"], "recurse": true}},
            {"type": "File", "title": "/c", "parameters": {"source": "puppet://f.test:18140/m/c"}},
        ]}));
        assert_eq!(found[0].sources, [at("modules/m/a")]);
        assert_eq!(found[1].sources, [at("modules/m/b.x"), at("modules/m/b")]);
        assert_eq!(found[1].recursion, Recursion::All);
        assert_eq!(
            found[2].sources[0].authority.as_deref(),
            Some("f.test:18140")
        );
    }

    #[test]
    fn what_needs_no_server_is_not_asked_for() {
        let found = files(json!({
            "metadata": {"/kept": {}},
            "resources": [
                {"type": "File", "title": "/kept", "parameters": {"source": "puppet:///modules/m/a"}},
                {"type": "File", "title": "/own", "parameters": {"source": "/srv/own"}},
                {"type": "File", "title": "/web", "parameters": {"source": "https://w.test/a"}},
                {"type": "File", "title": "/text", "parameters": {"content": "a"}},
                {"type": "File", "title": "/gone", "parameters": {
                    "source": "puppet:///modules/m/a", "ensure": "absent"}},
                {"type": "Class", "title": "puppet:///modules/m/a"},
            ],
        }));
        assert_eq!(found, []);
    }

    #[test]
    fn what_is_no_catalog_is_none() {
        for text in ["", "[]", r#"{"resources":{}}"#] {
            assert!(Catalog::read(text.as_bytes()).is_none(), "{text}");
        }
    }
}
