//! `classifier.yaml`: where the node classifiers are.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};
use standin_core::{Server, ServerList};

use crate::listed::listed;
use crate::origin::Reading;
use crate::value::port;
use crate::{Origin, Place, Rule, SettingsError, SettingsFault};

/// The settings of `classifier.yaml`, each with the default of the classifier's terminus where it
/// is not set.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClassifierYaml {
    /// The servers. Roles are assumed as [`ServerList::new`] says.
    pub servers: ServerList,
    /// What the file says of each, in the order of `servers`.
    pub entries: Vec<ClassifierEntry>,
    /// Where the list was found.
    pub origin: Origin,
    /// How each key of each entry was read.
    pub(crate) readings: Vec<(&'static str, Reading)>,
}

/// One node classifier.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassifierEntry {
    /// Where it is; `server` and `port`, by default `classifier` and 1262. Puppet Enterprise
    /// writes 4433.
    pub server: Server,
    /// What stands before the paths of its API; `prefix`, by default nothing. Puppet Enterprise
    /// writes `/classifier-api`.
    pub prefix: String,
    /// Where the entry begins.
    pub origin: Origin,
}

impl ClassifierYaml {
    /// The name of the file in the confdir.
    pub const FILE: &'static str = "classifier.yaml";

    /// Reads `text`, which stands in `classifier.yaml` of the directory `confdir`: one mapping, or
    /// a list of them.
    ///
    /// # Errors
    /// When the text is neither, or a setting has a value that cannot be used.
    pub fn parse(text: &str, confdir: &Path) -> Result<Self, SettingsError> {
        let path: Arc<Path> = confdir.join(Self::FILE).into();
        let whole = || Place::Whole(path.to_path_buf());
        // The place is told beside the error, and the text would be lines long with it.
        let options = serde_saphyr::options! { with_snippet: false };
        let document: Spanned<Document> = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| {
                let place = error
                    .location()
                    .map_or_else(whole, |location| place(&path, location));
                SettingsError::new(place, SettingsFault::Yaml(error.into()))
            })?;
        let origin = origin(&path, document.referenced);
        let items = match document.value {
            Document::One(item) => vec![(*item, document.referenced)],
            Document::List(items) => items
                .into_iter()
                .map(|item| (item.value, item.referenced))
                .collect(),
        };
        let mut readings = Vec::new();
        let entries = items
            .into_iter()
            .map(|(item, begins)| item.entry(&path, begins, &mut readings))
            .collect::<Result<Vec<_>, _>>()?;
        let places = entries.iter().map(|entry| (&entry.server, &entry.origin));
        Ok(Self {
            servers: listed(places, &origin)?,
            entries,
            origin,
            readings,
        })
    }
}

enum Document {
    One(Box<Item>),
    List(Vec<Spanned<Item>>),
}

#[derive(Deserialize)]
struct Item {
    server: Option<Spanned<String>>,
    port: Option<Spanned<String>>,
    prefix: Option<Spanned<String>>,
}

impl Item {
    fn entry(
        self,
        path: &Arc<Path>,
        begins: Location,
        readings: &mut Vec<(&'static str, Reading)>,
    ) -> Result<ClassifierEntry, SettingsError> {
        let mut text = |name, value: Option<Spanned<String>>, assumed: &'static str| {
            let (text, at, origin, rule) = match value {
                Some(set) => {
                    let origin = origin(path, set.referenced);
                    (set.value, set.referenced, origin, Rule::Stated)
                }
                None => {
                    let origin = Origin::Default(assumed);
                    (assumed.to_owned(), begins, origin, Rule::Default)
                }
            };
            readings.push((name, Reading::new(text.clone(), origin, rule)));
            (text, place(path, at))
        };
        let (host, of_host) = text("server", self.server, DEFAULT_SERVER);
        let (number, of_number) = text("port", self.port, DEFAULT_PORT);
        let (prefix, _) = text("prefix", self.prefix, "");
        let number =
            port(&number).map_err(|fault| SettingsError::new(of_number, fault).about("port"))?;
        let server = Server::new(&host, number)
            .map_err(|fault| SettingsError::new(of_host, fault).about("server"))?;
        Ok(ClassifierEntry {
            server,
            prefix,
            origin: origin(path, begins),
        })
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

/// Both forms by hand: an untagged enum would lose where the values stand.
struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping with server, port and prefix, or a list of them")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Document, A::Error> {
        let item = Item::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Document::One(Box::new(item)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Document, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Document::List(items))
    }
}

fn origin(path: &Arc<Path>, location: Location) -> Origin {
    Origin::File {
        path: Arc::clone(path),
        line: usize::try_from(location.line()).unwrap_or(usize::MAX),
    }
}

fn place(path: &Path, location: Location) -> Place {
    let [line, column] = [location.line(), location.column()]
        .map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    if line == 0 {
        return Place::Whole(path.to_path_buf());
    }
    Place::Line {
        path: path.to_path_buf(),
        line,
        column: Some(column),
    }
}

/// The defaults of the classifier's terminus. Not those of Puppet Enterprise, which writes every
/// key.
const DEFAULT_SERVER: &str = "classifier";
const DEFAULT_PORT: &str = "1262";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use standin_core::{InvalidServerList, Role};

    fn parse(text: &str) -> Result<ClassifierYaml, SettingsError> {
        ClassifierYaml::parse(text, Path::new("/c"))
    }

    fn read(text: &str) -> ClassifierYaml {
        parse(text).unwrap()
    }

    /// Facts 5.3, a comment of it included.
    const LIST: &str = "\
# list form (2016.5.1 and later, one item per classifier_host)
- server: primary.example.com
  port: 4433
  prefix: /classifier-api
- server: replica.example.com
  port: 4433
  prefix: /classifier-api
";

    #[test]
    fn the_list_form_is_read() {
        let conf = read(LIST);
        assert_eq!(
            conf.servers.to_string(),
            "primary.example.com:4433,replica.example.com:4433"
        );
        assert_eq!(conf.servers.entries()[1].role, Role::Replica);
        assert_eq!(conf.entries[0].prefix, "/classifier-api");
        assert_eq!(conf.entries[1].origin.to_string(), "/c/classifier.yaml:5");
    }

    #[test]
    fn the_mapping_form_is_read() {
        let conf = read("---\nserver: primary.example.com\nport: 4433\nprefix: /classifier-api\n");
        assert_eq!(conf.servers.to_string(), "primary.example.com:4433");
        assert_eq!(conf.origin.to_string(), "/c/classifier.yaml:2");
    }

    #[test]
    fn a_port_may_be_quoted() {
        assert_eq!(
            read("server: a\nport: \"4433\"").servers.to_string(),
            "a:4433"
        );
        assert_eq!(read("- {server: a, port: '1'}").servers.to_string(), "a:1");
    }

    #[test]
    fn keys_left_out_have_the_defaults_of_the_terminus() {
        let conf = read("- server: a\n- port: 1\n- {}\n");
        assert_eq!(
            conf.servers.to_string(),
            "a:1262,classifier:1,classifier:1262"
        );
        assert_eq!(conf.entries[0].prefix, "");
    }

    #[test]
    fn keys_that_are_not_known_do_not_count() {
        assert_eq!(
            read("server: a\ntimeout: [1, 2]").servers.to_string(),
            "a:1262"
        );
    }

    #[test]
    fn json_is_yaml() {
        let conf = read("[{\"server\": \"a\", \"port\": 4433}]");
        assert_eq!(conf.servers.to_string(), "a:4433");
    }

    #[test]
    fn a_bad_port_is_refused_where_it_stands() {
        for port in ["0", "65536", "x", "4_4", "0x10", "''"] {
            let error = parse(&format!("- server: a\n  port: {port}\n")).unwrap_err();
            assert!(
                matches!(error.fault(), SettingsFault::Port { .. }),
                "{port}"
            );
            let place = error.place().to_string();
            assert_eq!(place, "/c/classifier.yaml:2:9", "{port}");
        }
    }

    #[test]
    fn a_server_that_is_none_is_refused_where_it_stands() {
        for server in ["'::1::'", "a b", "''", "a:4433", "https://a"] {
            let error = parse(&format!("- port: 1\n- server: {server}\n")).unwrap_err();
            assert!(
                matches!(error.fault(), SettingsFault::Server(_)),
                "{server}"
            );
            assert_eq!(error.line(), Some(2), "{server}");
        }
    }

    #[test]
    fn a_server_named_again_is_refused_where_it_stands() {
        let error = parse("- server: a\n- server: b\n- server: A.\n").unwrap_err();
        assert_eq!(error.line(), Some(3));
    }

    #[test]
    fn no_server_at_all_is_refused() {
        for text in ["[]", "", "---\n", "# nothing\n", "null"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        let error = parse("[]").unwrap_err();
        assert!(matches!(
            error.fault(),
            SettingsFault::Servers(InvalidServerList::Empty)
        ));
    }

    #[test]
    fn what_is_neither_form_is_refused_with_its_line() {
        for text in [
            "\n- a\n",
            "\n- [server]\n",
            "\nserver: [a]\n",
            "\nserver: a: b\n",
        ] {
            let error = parse(text).unwrap_err();
            assert!(matches!(error.fault(), SettingsFault::Yaml(_)), "{text:?}");
            assert_eq!(error.line(), Some(2), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(server: |port: |prefix: |- |[\\[\\]{}&*!|>'\"%@,:#a-z0-9\n ]|\\PC){0,30}") {
            let _ = parse(&text);
        }
    }
}
