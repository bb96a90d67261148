//! Origins: where a value was found, so that it can be explained.

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
            Self::Default(assumed) => write!(f, "default: {assumed}"),
        }
    }
}

/// Where the settings of a file were found, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(BTreeMap<&'static str, Origin>);

impl Origins {
    pub(crate) fn insert(&mut self, name: &'static str, origin: Origin) {
        self.0.insert(name, origin);
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Origin> {
        self.0.get(name)
    }

    /// The origin of a setting that is always read, or else its name as what was assumed.
    pub(crate) fn of(&self, name: &'static str) -> Origin {
        self.get(name).cloned().unwrap_or(Origin::Default(name))
    }
}
