//! The search for a setting's value: overrides, `[agent]`, `[main]`, default; then its variables.
//!
//! Source: `ChainedValues` in `lib/puppet/settings.rb` of Puppet 8.

use std::path::Path;

use super::grammar::{Document, Section};
use crate::{Defaults, Origin, Overrides, Place, Rule, SettingsError, SettingsFault, Unused};

/// Finds values for an agent.
#[derive(Debug)]
pub(crate) struct Search<'a> {
    document: &'a Document,
    overrides: &'a Overrides,
    defaults: &'a Defaults,
    of_machine: Vec<(&'static str, String)>,
}

/// A value with its variables replaced, and how the setting was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) text: String,
    /// The value with its variables.
    pub(crate) written: String,
    pub(crate) origin: Origin,
    pub(crate) rule: Rule,
    pub(crate) unused: Vec<Unused>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        document: &'a Document,
        overrides: &'a Overrides,
        defaults: &'a Defaults,
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
            ("srv_domain", defaults.domain()),
            ("vardir", text(&defaults.vardir())?),
        ];
        for (name, of_root, below_home) in OTHER_DIRS {
            of_machine.push((name, text(&defaults.dir(of_root, below_home))?));
        }
        let search = Self {
            document,
            overrides,
            defaults,
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
        let unknown = || {
            SettingsError::new(Place::Default("none"), SettingsFault::UnknownSetting).about(name)
        };
        let (raw, origin, rule) = self.raw(name).ok_or_else(unknown)?;
        let mut replacements = MOST_REPLACEMENTS;
        let text = self
            .replaced(name, &mut replacements)?
            .ok_or_else(unknown)?;
        Ok(Found {
            text,
            written: raw.to_owned(),
            unused: self.unused(name, &origin, rule),
            origin,
            rule,
        })
    }

    /// Where else the setting stands.
    fn unused(&self, name: &str, chosen: &Origin, rule: Rule) -> Vec<Unused> {
        let others = self
            .document
            .all(name)
            .filter(|other| other.origin != *chosen);
        others
            .map(|other| Unused {
                origin: other.origin.clone(),
                why: match (other.section, rule) {
                    (Section::Server | Section::Master | Section::User, _) => OF_OTHERS,
                    (_, Rule::Override) => "the command line comes before the file",
                    (Section::Main, Rule::AgentSection) => "[agent] comes before [main]",
                    _ => "the first of two in one section counts",
                },
            })
            .collect()
    }

    fn replaced(
        &self,
        name: &str,
        replacements: &mut u32,
    ) -> Result<Option<String>, SettingsError> {
        let Some((raw, origin, _)) = self.raw(name) else {
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
                        Some(found) => text.push_str(&found),
                        None => return Err(refused(SettingsFault::Variable { name })),
                    }
                }
            }
            rest = after;
        }
        text.push_str(rest);
        if PATHS.contains(&name) {
            return self.defaults.path(&text).map(Some).map_err(refused);
        }
        Ok(Some(text))
    }

    fn raw(&self, name: &str) -> Option<(&str, Origin, Rule)> {
        if let Some(value) = self.overrides.get(name) {
            return Some((value, Origin::Override, Rule::Override));
        }
        // What [server], [master] and [user] say is for other commands of Puppet.
        let sections = [
            (Section::Agent, Rule::AgentSection),
            (Section::Main, Rule::MainSection),
        ];
        let found = sections
            .into_iter()
            .find_map(|(section, rule)| Some((self.document.first(section, name)?, rule)));
        match found {
            Some((setting, rule)) => Some((&setting.value, setting.origin.clone(), rule)),
            None => self
                .default(name)
                .map(|(value, assumed)| (value, Origin::Default(assumed), Rule::Default)),
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

/// What Puppet makes absolute and plain wherever it is used, in other paths too.
const PATHS: [&str; 19] = [
    "certdir",
    "codedir",
    "confdir",
    "hostcert",
    "hostcrl",
    "hostprivkey",
    "localcacert",
    "logdir",
    "passfile",
    "privatedir",
    "privatekeydir",
    "publicdir",
    "publickeydir",
    "requestdir",
    "rundir",
    "ssl_trust_store",
    "ssldir",
    "statedir",
    "vardir",
];

const OF_MACHINE: &str = "of this machine and user";

const OF_OTHERS: &str = "its section is for other commands than the agent";

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
const DEFAULTS: [(&str, &str); 38] = [
    ("ca_port", "$serverport"),
    ("ca_server", "$server"),
    ("certdir", "$ssldir/certs"),
    ("certificate_revocation", "chain"),
    ("environment", "production"),
    ("hostcert", "$certdir/$certname.pem"),
    ("hostcrl", "$ssldir/crl.pem"),
    ("hostprivkey", "$privatekeydir/$certname.pem"),
    ("http_connect_timeout", "2m"),
    ("http_extra_headers", ""),
    ("http_keepalive_timeout", "4s"),
    ("http_proxy_host", "none"),
    ("http_proxy_password", "none"),
    ("http_proxy_port", "3128"),
    ("http_proxy_user", "none"),
    ("http_read_timeout", "10m"),
    ("http_user_agent", ""),
    ("localcacert", "$certdir/ca.pem"),
    ("masterport", "8140"),
    ("no_proxy", "localhost, 127.0.0.1"),
    ("passfile", "$privatedir/password"),
    ("privatedir", "$ssldir/private"),
    ("privatekeydir", "$ssldir/private_keys"),
    ("publickeydir", "$ssldir/public_keys"),
    ("report_port", "$serverport"),
    ("report_server", "$server"),
    ("requestdir", "$ssldir/certificate_requests"),
    ("runinterval", "30m"),
    ("runtimeout", "1h"),
    ("server", "puppet"),
    ("server_list", ""),
    ("serverport", "$masterport"),
    ("splaylimit", "$runinterval"),
    ("ssl_trust_store", ""),
    ("ssldir", "$confdir/ssl"),
    ("statedir", "$vardir/state"),
    ("use_srv_records", "false"),
    ("usecacheonfailure", "true"),
];

#[cfg(test)]
mod tests;
