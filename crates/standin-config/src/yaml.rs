//! YAML, each value with its line.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::SettingsFault;
use crate::tree::{Member, Node, TreeError, Value};

/// Reads YAML.
pub(crate) fn read(text: &str) -> Result<Node, TreeError> {
    // The place is told beside the error, and the text would be lines long with it.
    let options = serde_saphyr::options! { with_snippet: false };
    let document: Spanned<Yaml> =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| TreeError {
            line: error.location().and_then(|at| number(at.line())),
            column: error.location().and_then(|at| number(at.column())),
            fault: SettingsFault::Yaml(error.into()),
        })?;
    Ok(node(document))
}

fn node(spanned: Spanned<Yaml>) -> Node {
    // An empty document has no line, and counts as the first.
    let line = number(spanned.referenced.line()).unwrap_or(1);
    Node::new(line, spanned.value.0)
}

fn number(number: u64) -> Option<usize> {
    usize::try_from(number).ok().filter(|number| *number != 0)
}

struct Yaml(Value);

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlVisitor).map(Self)
    }
}

struct YamlVisitor;

impl<'de> Visitor<'de> for YamlVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Yaml::deserialize(deserializer).map(|yaml| yaml.0)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Word(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Word(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Word(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Word(value.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(node(item));
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Spanned<Yaml>>()? {
            let node = node(value);
            members.push(Member { key, node });
        }
        Ok(Value::Map(members))
    }
}
