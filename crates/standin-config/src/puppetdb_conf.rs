//! `puppetdb.conf`: where the PuppetDBs are and how they are spoken to.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use standin_core::{InvalidServerList, Server, ServerList};

mod file;

use file::File;

use crate::origin::Readings;
use crate::value::{entries, switch, without_user};
use crate::{Origin, SettingsError, SettingsFault};

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
            submission: submission(read, servers.len(), write_failure)?,
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

fn submission(
    read: &mut File,
    servers: usize,
    write_failure: WriteFailure,
) -> Result<Submission, SettingsError> {
    let all = read.setting("command_broadcast", |text| {
        switch(text, Submission::Broadcast { least: 1 }, Submission::First)
    })?;
    const LEAST: &str = "min_successful_submissions";
    let least = read.number(LEAST)?;
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
        return Err(SettingsError::new(&read.readings.of(LEAST), fault).about(LEAST));
    }
    Ok(match all {
        Submission::Broadcast { .. } => Submission::Broadcast { least },
        Submission::First => Submission::First,
    })
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

#[cfg(test)]
mod tests;
