//! The search for a setting's value: overrides, `[agent]`, `[main]`, default; then its variables.
//!
//! Source: `ChainedValues` in `lib/puppet/settings.rb` of Puppet 8.

use std::path::Path;

use super::grammar::{Document, Section};
use crate::{Defaults, Origin, Overrides, Place, SettingsError, SettingsFault};

/// Finds values for an agent.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    document: &'a Document,
    overrides: &'a Overrides,
    of_machine: Vec<(&'static str, String)>,
}

/// A value with its variables replaced, and where the setting was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        document: &'a Document,
        overrides: &'a Overrides,
        defaults: &Defaults,
        confdir: &Path,
    ) -> Result<Self, SettingsError> {
        let text = |path: &Path| {
            path.to_str()
                .map(str::to_owned)
                .ok_or_else(|| not_utf8(path))
        };
        let mut of_machine = vec![
            ("confdir", text(confdir)?),
            ("certname", defaults.certname()),
            ("vardir", text(&defaults.vardir())?),
        ];
        for (name, of_root, below_home) in OTHER_DIRS {
            of_machine.push((name, text(&defaults.dir(of_root, below_home))?));
        }
        let search = Self {
            document,
            overrides,
            of_machine,
        };
        let unknown = overrides
            .names()
            .find(|name| search.default(name).is_none());
        match unknown {
            Some(name) => {
                let fault = SettingsFault::UnknownSetting;
                Err(SettingsError::new(&Origin::Override, fault).about(name))
            }
            None => Ok(search),
        }
    }

    /// The value of the setting `name`, which has to be one that has a default.
    pub(crate) fn value(&self, name: &str) -> Result<Found, SettingsError> {
        let mut replacements = MOST_REPLACEMENTS;
        self.replaced(name, &mut replacements)?.ok_or_else(|| {
            SettingsError::new(Place::Default("none"), SettingsFault::UnknownSetting).about(name)
        })
    }

    fn replaced(&self, name: &str, replacements: &mut u32) -> Result<Option<Found>, SettingsError> {
        let Some((raw, origin)) = self.raw(name) else {
            return Ok(None);
        };
        let refused = |fault| SettingsError::new(&origin, fault).about(name);
        let mut text = String::new();
        let mut rest = raw;
        while let Some((before, variable, after)) = next_variable(rest) {
            text.push_str(before);
            match variable {
                "run_mode" => text.push_str("agent"),
                // Puppet leaves this one as it stands, except in config_version.
                "environment" => text.push_str(&rest[before.len()..rest.len() - after.len()]),
                _ => {
                    let name = variable.to_owned();
                    *replacements = match replacements.checked_sub(1) {
                        Some(left) => left,
                        None => return Err(refused(SettingsFault::EndlessVariable { name })),
                    };
                    match self.replaced(variable, replacements)? {
                        Some(found) => text.push_str(&found.text),
                        None => return Err(refused(SettingsFault::Variable { name })),
                    }
                }
            }
            rest = after;
        }
        text.push_str(rest);
        Ok(Some(Found { text, origin }))
    }

    fn raw(&self, name: &str) -> Option<(&str, Origin)> {
        if let Some(value) = self.overrides.get(name) {
            return Some((value, Origin::Override));
        }
        // What [server], [master] and [user] say is for other commands of Puppet.
        let sections = [Section::Agent, Section::Main];
        let setting = sections
            .into_iter()
            .find_map(|section| self.document.first(section, name));
        match setting {
            Some(setting) => Some((&setting.value, setting.origin.clone())),
            None => self
                .default(name)
                .map(|(value, assumed)| (value, Origin::Default(assumed))),
        }
    }

    fn default(&self, name: &str) -> Option<(&str, &'static str)> {
        let written = DEFAULTS.into_iter().find(|(key, _)| *key == name);
        if let Some((_, value)) = written {
            return Some((value, value));
        }
        let found = self.of_machine.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (value.as_str(), OF_MACHINE))
    }
}

/// What stands before the first variable, its name, and what stands after it.
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('$').find_map(|(dollar, _)| {
        let after = &text[dollar + 1..];
        let (name, length) = match after.strip_prefix('{') {
            Some(braced) => {
                let name = word(braced);
                (
                    name,
                    braced[name.len()..]
                        .starts_with('}')
                        .then(|| name.len() + 2)?,
                )
            }
            None => (word(after), word(after).len()),
        };
        (!name.is_empty()).then(|| (&text[..dollar], name, &after[length..]))
    })
}

/// What Ruby's `\w+` matches at the beginning: ASCII only.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn not_utf8(path: &Path) -> SettingsError {
    SettingsError::new(Place::Whole(path.to_path_buf()), SettingsFault::NotUtf8)
}

/// Real files nest variables three deep or so; text made to grow without end is stopped here.
const MOST_REPLACEMENTS: u32 = 100;

const OF_MACHINE: &str = "of this machine and user";

/// Directories that are not read here but may stand in paths: `run_mode.rb` of Puppet 8.
const OTHER_DIRS: [(&str, &str, &str); 4] = [
    ("codedir", "/etc/puppetlabs/code", ".puppetlabs/etc/code"),
    (
        "logdir",
        "/var/log/puppetlabs/puppet",
        ".puppetlabs/var/log",
    ),
    ("rundir", "/var/run/puppetlabs", ".puppetlabs/var/run"),
    (
        "publicdir",
        "/opt/puppetlabs/puppet/public",
        ".puppetlabs/opt/puppet/public",
    ),
];

/// `lib/puppet/defaults.rb` of Puppet 8. `serverport` is an alias there: where it is not set it has
/// the value of `masterport`, and not the other way round.
const DEFAULTS: [(&str, &str); 26] = [
    ("ca_port", "$serverport"),
    ("ca_server", "$server"),
    ("certdir", "$ssldir/certs"),
    ("certificate_revocation", "chain"),
    ("environment", "production"),
    ("hostcert", "$certdir/$certname.pem"),
    ("hostcrl", "$ssldir/crl.pem"),
    ("hostprivkey", "$privatekeydir/$certname.pem"),
    ("http_connect_timeout", "2m"),
    ("http_keepalive_timeout", "4s"),
    ("http_read_timeout", "10m"),
    ("localcacert", "$certdir/ca.pem"),
    ("masterport", "8140"),
    ("privatedir", "$ssldir/private"),
    ("privatekeydir", "$ssldir/private_keys"),
    ("publickeydir", "$ssldir/public_keys"),
    ("report_port", "$serverport"),
    ("report_server", "$server"),
    ("requestdir", "$ssldir/certificate_requests"),
    ("runinterval", "30m"),
    ("server", "puppet"),
    ("server_list", ""),
    ("serverport", "$masterport"),
    ("splaylimit", "$runinterval"),
    ("ssldir", "$confdir/ssl"),
    ("statedir", "$vardir/state"),
];

#[cfg(test)]
mod tests;
