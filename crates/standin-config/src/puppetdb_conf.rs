//! `puppetdb.conf`: where the PuppetDBs are and how they are spoken to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use standin_core::{InvalidServerList, Server, ServerList};

use crate::origin::{Reading, Readings};
use crate::value::{entries, is_space, switch, trim, without_user};
use crate::{Origin, Rule, SettingsError, SettingsFault, Unused};

/// The settings of `puppetdb.conf`, each with the default of PuppetDB's terminus where it is not
/// set.
///
/// Source: `puppet/lib/puppet/util/puppetdb/config.rb` of PuppetDB.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PuppetDbConf {
    /// The servers for queries and commands; `server_urls`, by default `https://puppetdb:8081`. A
    /// port left out is 443, as in any `https` URL. Roles are assumed as [`ServerList::new`] says.
    pub servers: ServerList,
    /// Servers that take commands and are never queried; `submit_only_server_urls`.
    pub submit_only: Vec<Server>,
    /// The most that a request to one server may take; `server_url_timeout`, 30 s by default. None
    /// when it is 0, which for PuppetDB's terminus bounds nothing.
    pub timeout: Option<Duration>,
    /// Where a query begins; `sticky_read_failover`.
    pub first_queried: FirstQueried,
    /// Who gets a command; `command_broadcast` and `min_successful_submissions`.
    pub submission: Submission,
    /// What follows when nobody takes a command; `soft_write_failure`.
    pub write_failure: WriteFailure,
    /// Whether servers are shown the client's certificate; `verify_client_certificate`.
    pub client_certificate: ClientCertificate,
    /// Whether catalogs and reports tell of resources that did not change;
    /// `include_unchanged_resources`. Nothing that this library sends depends on it.
    pub unchanged_resources: UnchangedResources,
    /// Numbers of which PuppetDB's terminus reads only the beginning.
    pub cut_short: Vec<CutShort>,
    /// The lines of `server` and `port`, which PuppetDB knows no more and does not heed.
    pub retired: Vec<Origin>,
    pub(crate) readings: Readings,
}

/// Where a query begins. Exhaustive on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstQueried {
    /// With the first server; `sticky_read_failover = false`, the default.
    FirstListed,
    /// With the server that last answered a query; `sticky_read_failover = true`.
    LastGood,
}

/// Who gets a command. Exhaustive on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The first server that takes it; `command_broadcast = false`, the default.
    First,
    /// Every server, and it has succeeded when this many took it, submit-only ones included;
    /// `command_broadcast = true`. At least 1 and no more than `server_urls` names.
    Broadcast {
        /// `min_successful_submissions`, 1 by default.
        least: u32,
    },
}

/// What follows when nobody takes a command. Exhaustive on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFailure {
    /// The run fails; `soft_write_failure = false`, the default.
    FailsTheRun,
    /// It is logged and the run goes on; `soft_write_failure = true`.
    IsLogged,
}

/// Whether servers are shown the client's certificate. The server's is verified in any case.
/// Exhaustive on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// They are; `verify_client_certificate = true`, the default.
    Shown,
    /// They are not; `verify_client_certificate = false`.
    NotShown,
}

/// Whether reports tell of resources that did not change. Exhaustive on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnchangedResources {
    /// They do not; `include_unchanged_resources = false`, the default.
    LeftOut,
    /// They do; `include_unchanged_resources = true`.
    Included,
}

/// A number of which only the beginning is read, as Ruby's `to_i` does: `2m` is 2, `abc` is 0.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CutShort {
    /// The setting.
    pub setting: &'static str,
    /// What is written.
    pub written: String,
    /// What it means.
    pub read: u32,
    /// Where it stands.
    pub origin: Origin,
}

impl PuppetDbConf {
    /// The name of the file in the confdir.
    pub const FILE: &'static str = "puppetdb.conf";

    /// Reads `text`, which stands in `puppetdb.conf` of the directory `confdir`.
    ///
    /// # Errors
    /// When the grammar of PuppetDB's terminus does not allow the text, or a setting has a value
    /// that cannot be used. Numbers that Ruby cuts short (`2m` to 2, `abc` to 0) are read as it
    /// reads them, and [`PuppetDbConf::cut_short`] tells of each.
    pub fn parse(text: &str, confdir: &Path) -> Result<Self, SettingsError> {
        let path: Arc<Path> = confdir.join(Self::FILE).into();
        let mut file = File::parse(text, &path)?;
        let read = &mut file;
        let (on, off) = (FirstQueried::LastGood, FirstQueried::FirstListed);
        let first_queried = read.setting("sticky_read_failover", |text| switch(text, on, off))?;
        let (on, off) = (WriteFailure::IsLogged, WriteFailure::FailsTheRun);
        let write_failure = read.setting("soft_write_failure", |text| switch(text, on, off))?;
        let (on, off) = (ClientCertificate::Shown, ClientCertificate::NotShown);
        let client_certificate =
            read.setting("verify_client_certificate", |text| switch(text, on, off))?;
        let servers = read.setting("server_urls", |text| {
            ServerList::new(urls(text)?).map_err(SettingsFault::from)
        })?;
        Ok(Self {
            submit_only: read
                .setting("submit_only_server_urls", |text| disjoint(text, &servers))?,
            timeout: Some(read.number("server_url_timeout")?)
                .filter(|seconds| *seconds != 0)
                .map(|seconds| Duration::from_secs(seconds.into())),
            submission: read.submission(servers.len(), write_failure)?,
            servers,
            first_queried,
            write_failure,
            client_certificate,
            unchanged_resources: read.setting("include_unchanged_resources", |text| {
                let (on, off) = (UnchangedResources::Included, UnchangedResources::LeftOut);
                switch(text, on, off)
            })?,
            cut_short: file.cut_short,
            retired: file.retired,
            readings: file.readings,
        })
    }

    /// Where the value of the setting `name` was found; None for a setting that is not read.
    #[must_use]
    pub fn origin(&self, name: &str) -> Option<&Origin> {
        self.readings.origin(name)
    }
}

/// The settings of `[main]`, and the lines of those that are no more.
struct File {
    main: BTreeMap<String, Stated>,
    cut_short: Vec<CutShort>,
    retired: Vec<Origin>,
    readings: Readings,
}

/// A setting of `[main]`: what its last line says, and where the others stand.
struct Stated {
    text: String,
    origin: Origin,
    unused: Vec<Unused>,
}

impl File {
    fn parse(text: &str, path: &Arc<Path>) -> Result<Self, SettingsError> {
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

    fn setting<T>(
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
    fn number(&mut self, name: &'static str) -> Result<u32, SettingsError> {
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

    fn submission(
        &mut self,
        servers: usize,
        write_failure: WriteFailure,
    ) -> Result<Submission, SettingsError> {
        let all = self.setting("command_broadcast", |text| {
            switch(text, Submission::Broadcast { least: 1 }, Submission::First)
        })?;
        const LEAST: &str = "min_successful_submissions";
        let least = self.number(LEAST)?;
        let fault = match least {
            0 => Some(SettingsFault::Number {
                text: least.to_string(),
                least: 1,
            }),
            2.. if write_failure == WriteFailure::IsLogged => Some(SettingsFault::SoftAndCounted),
            2.. if all == Submission::First => Some(SettingsFault::NeedsBroadcast),
            wanted if usize::try_from(wanted).map_or(true, |wanted| wanted > servers) => {
                Some(SettingsFault::TooManySubmissions { wanted, servers })
            }
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(SettingsError::new(&self.readings.of(LEAST), fault).about(LEAST));
        }
        Ok(match all {
            Submission::Broadcast { .. } => Submission::Broadcast { least },
            Submission::First => Submission::First,
        })
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

fn urls(text: &str) -> Result<Vec<Server>, SettingsFault> {
    entries(text).map(url).collect()
}

fn url(text: &str) -> Result<Server, SettingsFault> {
    const SCHEME: &str = "https://";
    without_user(text)?;
    let scheme = text.get(..SCHEME.len());
    if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
        return Err(SettingsFault::Scheme {
            text: text.into(),
            scheme: SCHEME,
        });
    }
    let rest = &text[SCHEME.len()..];
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '?', '#']) {
        return Err(SettingsFault::Path { text: text.into() });
    }
    Ok(Server::parse(authority, HTTPS)?)
}

fn disjoint(text: &str, servers: &ServerList) -> Result<Vec<Server>, SettingsFault> {
    let mut found: Vec<Server> = Vec::new();
    for server in urls(text)? {
        if servers.position(&server).is_some() {
            return Err(SettingsFault::Overlap { server });
        }
        if found.contains(&server) {
            return Err(InvalidServerList::Repeated { server }.into());
        }
        found.push(server);
    }
    Ok(found)
}

/// The port of an `https` URL that names none.
const HTTPS: u16 = 443;

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

#[cfg(test)]
mod tests;
