//! Origins: where a value was found, and which rule chose it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value comes from.
///
/// Exhaustive on purpose: an explanation has to have words for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line, counted from 1.
        line: usize,
    },
    /// The caller, as by `--setting=value`.
    Override,
    /// A variable of the environment.
    Environment(&'static str),
    /// Nobody set it. What was assumed instead, as Puppet writes it or in words.
    Default(&'static str),
}

impl Origin {
    /// Whether a file or the caller set the value, as Puppet's `set_by_config?` asks.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        !matches!(self, Self::Default(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Override => f.pad("override"),
            Self::Environment(name) => write!(f, "environment: {name}"),
            Self::Default(assumed) => write!(f, "default: {assumed}"),
        }
    }
}

/// The rule by which a value was chosen among all that were there.
///
/// Exhaustive on purpose: an explanation has to have words for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// What the caller passes comes before any file.
    Override,
    /// The variable of the environment comes before the file.
    Environment,
    /// The section of the agent comes before `[main]`.
    AgentSection,
    /// `[main]`, or what stands before any section, counts where `[agent]` says nothing.
    MainSection,
    /// The file says it, and no other may.
    Stated,
    /// This setting comes before another one of the same file that means the same.
    Before(&'static str),
    /// The file says it in vain, for another of its settings means the same and comes before it.
    Behind(&'static str),
    /// Nobody sets it, so the default holds.
    Default,
}

/// A setting that stands somewhere and has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unused {
    /// Where it stands.
    pub origin: Origin,
    /// Why it has none.
    pub why: &'static str,
}

/// A value as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    /// What is used, as it would be written.
    pub(crate) value: String,
    /// What stands at the origin, where that is something else.
    pub(crate) written: Option<String>,
    pub(crate) origin: Origin,
    pub(crate) rule: Rule,
    pub(crate) unused: Vec<Unused>,
}

impl Reading {
    pub(crate) fn new(value: impl Into<String>, origin: Origin, rule: Rule) -> Self {
        Self {
            value: value.into(),
            written: None,
            origin,
            rule,
            unused: Vec::new(),
        }
    }
}

/// How the settings of a file were read, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readings(BTreeMap<&'static str, Reading>);

impl Readings {
    pub(crate) fn insert(&mut self, name: &'static str, reading: Reading) {
        self.0.insert(name, reading);
    }

    /// Has `reading` in the place of what was read before, which has no effect now.
    pub(crate) fn put_before(&mut self, name: &'static str, mut reading: Reading) {
        if let Some(passed_over) = self.0.remove(name)
            && passed_over.origin.is_set()
        {
            reading.unused = passed_over.unused;
            reading.unused.push(Unused {
                origin: passed_over.origin,
                why: "the environment comes before it",
            });
        }
        self.insert(name, reading);
    }

    /// Says of two settings that mean the same that `second` is without effect.
    pub(crate) fn put_behind(&mut self, second: &'static str, first: &'static str) {
        for (name, rule) in [(first, Rule::Before(second)), (second, Rule::Behind(first))] {
            if let Some(reading) = self.get_mut(name) {
                reading.rule = rule;
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Reading> {
        self.0.get(name)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Reading> {
        self.0.get_mut(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &Reading)> {
        self.0.iter().map(|(name, reading)| (*name, reading))
    }

    pub(crate) fn origin(&self, name: &str) -> Option<&Origin> {
        self.get(name).map(|reading| &reading.origin)
    }

    /// The origin of a setting that is always read, or else its name as what was assumed.
    pub(crate) fn of(&self, name: &'static str) -> Origin {
        self.origin(name).cloned().unwrap_or(Origin::Default(name))
    }
}
