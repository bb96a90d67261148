//! Trees: what JSON, HOCON and YAML all say, each value with its line.

use std::path::Path;

use crate::{Place, SettingsError, SettingsFault};

/// A value and the line on which it begins, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    /// A number, `true` or `false`, as it is written.
    Word(String),
    Text(String),
    List(Vec<Node>),
    /// In the order of the text; no key twice.
    Map(Vec<Member>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) const fn new(line: usize, value: Value) -> Self {
        Self { line, value }
    }

    /// What a string, a number or a boolean says.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Word(text) | Value::Text(text) => Some(text),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What a map has for `key`.
    pub(crate) fn member(&self, key: &str) -> Option<&Self> {
        let Value::Map(members) = &self.value else {
            return None;
        };
        let member = members.iter().find(|member| member.key == key);
        member.map(|member| &member.node)
    }

    /// What a string says.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Where the lines of a text begin.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        let ends = text.match_indices('\n').map(|(end, _)| end + 1);
        Self([0].into_iter().chain(ends).collect())
    }

    /// The line of the byte at `offset`, counted from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

/// Why a text is no tree.
#[derive(Debug)]
pub(crate) struct TreeError {
    /// The line, counted from 1, if one is to blame.
    pub(crate) line: Option<usize>,
    /// The character in the line, counted from 1, if it is known.
    pub(crate) column: Option<usize>,
    pub(crate) fault: SettingsFault,
}

impl TreeError {
    pub(crate) const fn at(line: usize, fault: SettingsFault) -> Self {
        Self {
            line: Some(line),
            column: None,
            fault,
        }
    }

    /// The same as an error of the file at `path`.
    pub(crate) fn of(self, path: &Path) -> SettingsError {
        let path = path.to_path_buf();
        let place = match self.line {
            Some(line) => Place::Line {
                path,
                line,
                column: self.column,
            },
            None => Place::Whole(path),
        };
        SettingsError::new(place, self.fault)
    }
}

/// Settings files nest a handful of levels; deeper text could only be made to exhaust the stack.
pub(crate) const MOST_LEVELS: usize = 64;
