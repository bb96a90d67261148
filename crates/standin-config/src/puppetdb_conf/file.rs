//! The grammar of `puppetdb.conf`, and reading its settings by name.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::CutShort;
use crate::origin::{Reading, Readings};
use crate::value::{is_space, trim};
use crate::{Origin, Rule, SettingsError, SettingsFault, Unused};

/// The settings of `[main]`, and the lines of those that are no more.
pub(super) struct File {
    main: BTreeMap<String, Stated>,
    pub(super) cut_short: Vec<CutShort>,
    pub(super) retired: Vec<Origin>,
    pub(super) readings: Readings,
}

/// A setting of `[main]`: what its last line says, and where the others stand.
struct Stated {
    text: String,
    origin: Origin,
    unused: Vec<Unused>,
}

impl File {
    pub(super) fn parse(text: &str, path: &Arc<Path>) -> Result<Self, SettingsError> {
        let mut file = Self {
            main: BTreeMap::new(),
            cut_short: Vec::new(),
            retired: Vec::new(),
            readings: Readings::default(),
        };
        let mut section = None;
        for (index, line) in text.lines().enumerate() {
            let origin = Origin::File {
                path: Arc::clone(path),
                line: index + 1,
            };
            match (Line::parse(line), section) {
                (Line::Header(name), _) => section = Some(name),
                (Line::Setting("server" | "port", _), _) => file.retired.push(origin),
                (Line::Setting(name, value), Some("main")) => file.state(name, value, origin),
                (Line::Setting(..), Some(_)) | (Line::Nothing, _) => {}
                (Line::Setting(name, _), None) => {
                    let fault = SettingsFault::OutsideSection;
                    return Err(SettingsError::new(&origin, fault).about(name));
                }
                (Line::Unknown, _) => {
                    let text = line.into();
                    return Err(SettingsError::new(&origin, SettingsFault::Line { text }));
                }
            }
        }
        Ok(file)
    }

    /// Of two settings of one name the later counts, other than in `puppet.conf`.
    fn state(&mut self, name: &str, text: &str, origin: Origin) {
        let mut unused = Vec::new();
        if let Some(before) = self.main.remove(name) {
            unused = before.unused;
            unused.push(Unused {
                origin: before.origin,
                why: "the last of two in this file counts",
            });
        }
        let text = text.to_owned();
        let stated = Stated {
            text,
            origin,
            unused,
        };
        self.main.insert(name.to_owned(), stated);
    }

    pub(super) fn setting<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, SettingsFault>,
    ) -> Result<T, SettingsError> {
        let default = DEFAULTS.iter().find(|(key, _)| *key == name);
        let default = default.map_or("", |(_, value)| value);
        let (stated, rule) = match self.main.remove(name) {
            Some(stated) => (stated, Rule::Stated),
            None => (Stated::default(default), Rule::Default),
        };
        let value = read(&stated.text)
            .map_err(|fault| SettingsError::new(&stated.origin, fault).about(name))?;
        let mut reading = Reading::new(stated.text, stated.origin, rule);
        reading.unused = stated.unused;
        self.readings.insert(name, reading);
        Ok(value)
    }

    /// A number as Ruby's `to_i` reads it, which is what the terminus uses: the digits at the
    /// beginning, and 0 without any.
    pub(super) fn number(&mut self, name: &'static str) -> Result<u32, SettingsError> {
        let read = self.setting(name, number)?;
        if let Some(reading) = self.readings.get_mut(name)
            && reading.value != read.to_string()
        {
            let written = std::mem::replace(&mut reading.value, read.to_string());
            reading.written = Some(written.clone());
            self.cut_short.push(CutShort {
                setting: name,
                written,
                read,
                origin: reading.origin.clone(),
            });
        }
        Ok(read)
    }
}

impl Stated {
    fn default(text: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            origin: Origin::Default(text),
            unused: Vec::new(),
        }
    }
}

/// Ruby's `to_i`: a sign, digits and single underscores between them.
fn number(text: &str) -> Result<u32, SettingsFault> {
    let fault = || SettingsFault::Number {
        text: text.to_owned(),
        least: 0,
    };
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let mut digits = String::new();
    let mut before = '_';
    for c in unsigned.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '_' if before != '_' => {}
            _ => break,
        }
        before = c;
    }
    match digits.as_str() {
        "" if text.starts_with('-') => Err(fault()),
        "" => Ok(0),
        digits => digits.parse().map_err(|_| fault()),
    }
}

enum Line<'a> {
    Header(&'a str),
    Setting(&'a str, &'a str),
    Nothing,
    Unknown,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Self {
        // No blank before the bracket, unlike in puppet.conf, and none after the other.
        let header = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .map(|name| name.trim_end_matches(is_space));
        if let Some(name) = header.filter(|name| is_name(name)) {
            return Self::Header(name);
        }
        let line = trim(line);
        if line.is_empty() || line.starts_with(['#', ';']) {
            return Self::Nothing;
        }
        match line.split_once('=') {
            Some((name, value)) if is_name(trim(name)) => Self::Setting(trim(name), trim(value)),
            _ => Self::Unknown,
        }
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.bytes().all(allowed)
}

/// `config.rb`, `load`.
const DEFAULTS: [(&str, &str); 9] = [
    ("command_broadcast", "false"),
    ("include_unchanged_resources", "false"),
    ("min_successful_submissions", "1"),
    ("server_url_timeout", "30"),
    ("server_urls", "https://puppetdb:8081"),
    ("soft_write_failure", "false"),
    ("sticky_read_failover", "false"),
    ("submit_only_server_urls", ""),
    ("verify_client_certificate", "true"),
];
