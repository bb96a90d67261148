//! Findings: what hurts in an outage, where it stands, and what to write instead.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::{Rule, Severity};
use crate::Place;

/// One thing that was found.
///
/// As JSON it has `rule`, `severity`, `file`, `line`, `what`, `why` and `fix`. A place that is no
/// line of a file has a `line` of null; one that is in no file has a `file` of null too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked for.
    pub rule: Rule,
    /// Where it stands.
    pub place: Place,
    /// What was found, in sentences.
    pub what: String,
    /// What to do, in sentences.
    pub fix: String,
}

impl Finding {
    pub(crate) fn new(
        rule: Rule,
        place: impl Into<Place>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            place: place.into(),
            what: what.into(),
            fix: fix.into(),
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (file, line) = match &self.place {
            Place::Whole(path) => (Some(path), None),
            Place::Line { path, line, .. } => (Some(path), Some(line)),
            Place::Override | Place::Environment(_) | Place::Default(_) => (None, None),
        };
        let mut object = serializer.serialize_struct("Finding", 7)?;
        object.serialize_field("rule", &self.rule)?;
        object.serialize_field("severity", &self.rule.severity())?;
        object.serialize_field("file", &file.map(|path| path.to_string_lossy()))?;
        object.serialize_field("line", &line)?;
        object.serialize_field("what", &self.what)?;
        object.serialize_field("why", self.rule.why())?;
        object.serialize_field("fix", &self.fix)?;
        object.end()
    }
}

/// All that was found: the worst first, then by file and line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(Vec<Finding>);

impl Report {
    pub(crate) fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| {
            let key = |finding: &Finding| (finding.rule.severity(), order(&finding.place));
            key(a).cmp(&key(b)).then(a.rule.cmp(&b.rule))
        });
        findings.dedup();
        Self(findings)
    }

    /// The findings.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.0
    }

    /// How many findings are so bad.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let of = self
            .0
            .iter()
            .filter(|found| found.rule.severity() == severity);
        of.count()
    }
}

/// Files by name, then what is in none.
fn order(place: &Place) -> (bool, String, usize) {
    match place {
        Place::Whole(path) => (false, path.to_string_lossy().into_owned(), 0),
        Place::Line { path, line, .. } => (false, path.to_string_lossy().into_owned(), *line),
        Place::Override | Place::Environment(_) | Place::Default(_) => (true, place.to_string(), 0),
    }
}
