//! One step of a run: what was asked for, and what came of it.

use std::io::{self, Write};
use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use standin::{Served, Switched};

use super::catalog::Catalog;
use super::errand::{Errand, Others};
use crate::code::Code;
use crate::failure::chain;

/// What came of an errand.
#[derive(Debug)]
pub(super) enum Came {
    Answer {
        status: StatusCode,
        /// Not of one that names its server itself.
        served: Option<Served>,
        text: Vec<u8>,
    },
    Nothing {
        code: Code,
        why: String,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) step: &'static str,
    what: Option<String>,
    status: Option<u16>,
    #[serde(serialize_with = "seconds")]
    pub(super) seconds: Duration,
    pub(super) served: Option<Served>,
    note: Option<String>,
    error: Option<String>,
    /// What it makes the command end with.
    #[serde(skip)]
    pub(super) trouble: Option<Code>,
}

impl Step {
    pub(super) fn of(errand: &Errand, came: Came, took: Duration) -> Self {
        let step = Self {
            step: errand.name(),
            what: match errand {
                Errand::Source { source, .. } => Some(source.to_string()),
                _ => None,
            },
            status: None,
            seconds: took,
            served: None,
            note: None,
            error: None,
            trouble: None,
        };
        match came {
            Came::Answer {
                status,
                served,
                text,
            } => {
                let (note, error) = match (status.is_success(), errand) {
                    (true, Errand::Catalog) if Catalog::read(&text).is_none() => {
                        (None, Some("the answer is no catalog".to_owned()))
                    }
                    (true, _) => (note(errand, &text), None),
                    (false, _) => (None, Some(first_words(&text))),
                };
                Self {
                    status: Some(status.as_u16()),
                    served,
                    trouble: match (status.is_success(), &error) {
                        (true, Some(_)) => Some(Code::BROKEN),
                        _ => trouble(status, errand),
                    },
                    note,
                    error,
                    ..step
                }
            }
            Came::Nothing { code, why } => Self {
                error: Some(why),
                trouble: Some(code),
                ..step
            },
        }
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, width: usize, out: &mut dyn Write) -> io::Result<()> {
        self.write_tried(out)?;
        let (server, role) = match &self.served {
            Some(served) => (served.server.to_string(), served.role.to_string()),
            None => ("-".to_owned(), String::new()),
        };
        let status = self
            .status
            .map_or_else(|| "-".to_owned(), |status| status.to_string());
        let notes = [self.what.as_deref(), self.note.as_deref()];
        let note: Vec<&str> = notes.into_iter().flatten().collect();
        let note = note.join(", ") + self.moved();
        line(
            out,
            self.step,
            [&server, &role, &status],
            width,
            self.seconds,
            &note,
        )?;
        for cause in self.error.iter().flat_map(|error| error.lines()) {
            writeln!(out, "{:NAME$}  {}", "", cause.trim())?;
        }
        Ok(())
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_tried(&self, out: &mut dyn Write) -> io::Result<()> {
        for attempt in self.served.iter().flat_map(|served| &served.failed) {
            writeln!(out, "{:NAME$}  tried {}", "", chain(attempt))?;
        }
        Ok(())
    }

    /// Whether the run was served by another server before.
    pub(super) fn moved(&self) -> &'static str {
        match self.served.as_ref().map(|served| served.switched) {
            Some(Switched::Yes) => ", moved from the server before",
            _ => "",
        }
    }
}

/// # Errors
/// When it cannot be written.
pub(super) fn line(
    out: &mut dyn Write,
    step: &str,
    [server, role, status]: [&str; 3],
    width: usize,
    took: Duration,
    note: &str,
) -> io::Result<()> {
    let took = took.as_secs_f64();
    let line =
        format!("{step:NAME$}  {server:width$}  {role:7}  {status:>3}  {took:>7.3} s  {note}");
    writeln!(out, "{}", line.trim_end())
}

/// What a status says of the run, if it is nothing good. A source that is not there is no trouble while
/// another may be.
fn trouble(status: StatusCode, errand: &Errand) -> Option<Code> {
    let others = matches!(
        errand,
        Errand::Source {
            others: Others::Follow,
            ..
        }
    );
    match status {
        StatusCode::NOT_FOUND if others => None,
        status if status.is_client_error() => Some(Code::REFUSED),
        status if status.is_server_error() => Some(Code::BROKEN),
        _ => None,
    }
}

fn note(errand: &Errand, text: &[u8]) -> Option<String> {
    let value = || serde_json::from_slice::<Value>(text).ok();
    match errand {
        Errand::Node => {
            let node = value()?;
            Some(format!(
                "environment {}",
                node.get("environment")?.as_str()?
            ))
        }
        Errand::PluginFacts | Errand::Plugins => {
            let records = value()?;
            let files = records.as_array()?.iter();
            let files = files.filter(|record| record["type"] == "file").count();
            let s = if files == 1 { "" } else { "s" };
            Some(format!("{files} file{s}"))
        }
        Errand::Catalog => {
            let catalog = Catalog::read(text)?;
            let version = match catalog.version() {
                Value::String(version) => version.clone(),
                version => version.to_string(),
            };
            let count = catalog.resources();
            Some(format!("{count} resources, version {version}"))
        }
        Errand::Source { .. } | Errand::Report(_) => None,
    }
}

/// Of what a server says when it refuses, enough to know why.
fn first_words(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let message = serde_json::from_str::<Value>(&text).ok();
    let message = message
        .as_ref()
        .and_then(|value| value.get("message")?.as_str());
    let line = message.unwrap_or(&text).lines().next().unwrap_or_default();
    line.chars().take(MOST_WORDS).collect()
}

/// To the millisecond: the rest is noise.
fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 1000.0).round() / 1000.0)
}

/// The length of the longest name of a step.
const NAME: usize = 11;

const MOST_WORDS: usize = 500;
