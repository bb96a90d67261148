//! Notes: what was assumed where settings say nothing, and what they say in vain.

use std::fmt;
use std::path::PathBuf;

use standin_core::{Role, Server};

use crate::roles::Roles;
use crate::stated::Stated;
use crate::{CutShort, Origin, Settings};

/// Something that a person should know about settings that can be used all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// There is no `puppet.conf`, so that Puppet's defaults hold.
    NoPuppetConf {
        /// Where it would be.
        path: PathBuf,
    },
    /// `server` is set and not used, for `server_list` is set too.
    ServerNotUsed {
        /// Where `server` is set.
        server: Origin,
        /// Where `server_list` is set.
        server_list: Origin,
    },
    /// Puppet knows no roles. Those of the servers of `server_list` were assumed as
    /// [`Settings::lists`] says.
    RolesAssumed {
        /// Where the list is set.
        server_list: Origin,
        /// The servers, each with what its host was taken for.
        entries: Vec<(Server, Role)>,
    },
    /// A classifier has its API below a prefix that requests are not sent with.
    OtherPrefix {
        /// The prefix.
        prefix: String,
        /// The entry.
        origin: Origin,
    },
    /// A replica that is not enabled, and so in no list.
    NotEnabled {
        /// Its host.
        host: String,
        /// Where `ha_enabled_replicas` leaves it out.
        origin: Origin,
    },
    /// A number of which only the beginning is read.
    CutShort(CutShort),
    /// A setting that PuppetDB knows no more, and which is not heeded.
    Retired {
        /// Where it is set.
        origin: Origin,
    },
}

impl Settings {
    /// What was assumed, and what is set in vain.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        let puppet = &self.puppet;
        if self.puppet_conf.is_none() {
            notes.push(Note::NoPuppetConf {
                path: puppet.path.to_path_buf(),
            });
        }
        let stated = Stated::of(self);
        let roles = Roles::of(self, &stated);
        if let Some(list) = &stated.server_list
            && self.hosts.is_none()
        {
            let server_list = list.origin.clone();
            if puppet.sets("server") {
                notes.push(Note::ServerNotUsed {
                    server: puppet.readings.of("server"),
                    server_list: server_list.clone(),
                });
            }
            notes.push(Note::RolesAssumed {
                server_list,
                entries: roles.assign(&list.servers),
            });
        }
        notes.extend(roles.not_enabled().map(|(host, origin)| Note::NotEnabled {
            host: host.to_owned(),
            origin: origin.clone(),
        }));
        let entries = self.classifier.iter().flat_map(|conf| &conf.entries);
        let others = entries.filter(|entry| !USUAL_PREFIXES.contains(&entry.prefix.as_str()));
        notes.extend(others.map(|entry| Note::OtherPrefix {
            prefix: entry.prefix.clone(),
            origin: entry.origin.clone(),
        }));
        let cut_short = self.puppetdb.iter().flat_map(|conf| &conf.cut_short);
        notes.extend(cut_short.cloned().map(Note::CutShort));
        let retired = self.puppetdb.iter().flat_map(|conf| &conf.retired);
        notes.extend(retired.map(|origin| Note::Retired {
            origin: origin.clone(),
        }));
        notes
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPuppetConf { path } => write!(
                f,
                "{}: there is no such file, so that Puppet's defaults hold",
                path.display()
            ),
            Self::ServerNotUsed {
                server,
                server_list,
            } => write!(
                f,
                "{server}: server is not used, for {server_list} sets server_list; take it out"
            ),
            Self::RolesAssumed {
                server_list,
                entries,
            } => {
                write!(f, "{server_list}: taken to be")?;
                for (index, (server, role)) in entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma} {server} {role}")?;
                }
                Ok(())
            }
            Self::OtherPrefix { prefix, origin } => write!(
                f,
                "{origin}: the prefix {prefix:?} is not used; requests name /classifier-api"
            ),
            Self::NotEnabled { host, origin } => write!(
                f,
                "{origin}: {host} is no enabled replica and is not used; enable it, or take it \
                 out of the lists"
            ),
            Self::CutShort(CutShort {
                setting,
                written,
                read,
                origin,
            }) => write!(
                f,
                "{origin}: {setting}: {written:?} is read as {read}; write a whole number alone"
            ),
            Self::Retired { origin } => write!(
                f,
                "{origin}: server and port are not heeded any more; write server_urls"
            ),
        }
    }
}

/// What Puppet Enterprise writes, and what nobody has to write.
const USUAL_PREFIXES: [&str; 2] = ["", "/classifier-api"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    fn said(settings: &Settings) -> Vec<String> {
        settings.notes().iter().map(Note::to_string).collect()
    }

    #[test]
    fn a_missing_file_is_said() {
        assert_eq!(
            said(&settings("", "", "", "")),
            ["/c/puppet.conf: there is no such file, so that Puppet's defaults hold"]
        );
    }

    #[test]
    fn a_server_beside_a_list_is_said_and_so_are_roles() {
        assert_eq!(
            said(&settings("server = a\nserver_list = a,b", "", "", "")),
            [
                "/c/puppet.conf:1: server is not used, for /c/puppet.conf:2 sets server_list; \
                 take it out",
                "/c/puppet.conf:2: taken to be a:8140 master, b:8140 replica",
            ]
        );
    }

    #[test]
    fn a_prefix_that_is_not_used_is_said() {
        let yaml =
            "- {server: a, prefix: /x}\n- {server: b, prefix: /classifier-api}\n- {server: c}";
        assert_eq!(
            said(&settings("server = a", "", yaml, "")),
            ["/c/classifier.yaml:1: the prefix \"/x\" is not used; requests name /classifier-api"]
        );
    }

    #[test]
    fn a_retired_setting_is_said() {
        assert_eq!(
            said(&settings("server = a", "[main]\nport = 1\n", "", "")),
            ["/c/puppetdb.conf:2: server and port are not heeded any more; write server_urls"]
        );
    }
}
