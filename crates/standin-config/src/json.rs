//! JSON, each value with its line.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::SettingsFault;
use crate::tree::{Lines, MOST_LEVELS, Member, Node, TreeError, Value};

/// Reads JSON. A key that an object names twice is an error, for it is not JSON that says which
/// counts.
pub(crate) fn read(text: &str) -> Result<Node, TreeError> {
    let raw: &RawValue = serde_json::from_str(text).map_err(syntax)?;
    let lines = Lines::of(text);
    Reader { text, lines }.node(raw, MOST_LEVELS)
}

struct Reader<'a> {
    text: &'a str,
    lines: Lines,
}

impl<'a> Reader<'a> {
    fn node(&self, raw: &'a RawValue, levels: usize) -> Result<Node, TreeError> {
        let text = raw.get();
        let line = self.line(raw);
        let deeper = || {
            let deeper = levels.checked_sub(1);
            deeper.ok_or_else(|| TreeError::at(line, SettingsFault::Depth))
        };
        let value = match text.as_bytes().first() {
            Some(b'{') => Value::Map(self.members(text, deeper()?)?),
            Some(b'[') => {
                let levels = deeper()?;
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(syntax)?;
                let items = items.into_iter().map(|raw| self.node(raw, levels));
                Value::List(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::Text(serde_json::from_str(text).map_err(syntax)?),
            Some(b'n') => Value::Null,
            _ => Value::Word(text.to_owned()),
        };
        Ok(Node::new(line, value))
    }

    fn members(&self, text: &'a str, levels: usize) -> Result<Vec<Member>, TreeError> {
        let Members(found) = serde_json::from_str(text).map_err(syntax)?;
        let mut keys = BTreeSet::new();
        let mut members = Vec::with_capacity(found.len());
        for (key, raw) in found {
            let node = self.node(raw, levels)?;
            if !keys.insert(key.clone()) {
                return Err(TreeError::at(node.line, SettingsFault::Twice { key }));
            }
            members.push(Member { key, node });
        }
        Ok(members)
    }

    /// A raw value is a part of the text: how far in says on which line it begins.
    fn line(&self, raw: &RawValue) -> usize {
        let start = (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        self.lines.line(start)
    }
}

fn syntax(error: serde_json::Error) -> TreeError {
    TreeError {
        line: Some(error.line()).filter(|line| *line != 0),
        column: Some(error.column()).filter(|column| *column != 0),
        fault: SettingsFault::Json(error),
    }
}

/// The members of an object, repeats included.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}
