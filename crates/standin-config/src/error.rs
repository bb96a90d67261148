//! Errors: which file, which line, what is wrong, what to write.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use standin_core::{InvalidServer, InvalidServerList, Server};

use crate::{HoconFault, Origin};

/// Settings that cannot be used as they stand.
///
/// The text is for people and may change; [`SettingsError::fault`] is for programs.
#[derive(Debug)]
pub struct SettingsError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    setting: Option<String>,
    fault: SettingsFault,
}

/// Where in the settings something is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A file or directory as a whole.
    Whole(PathBuf),
    /// A place in a file.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The character in the line, counted from 1, where the format tells it.
        column: Option<usize>,
    },
    /// What the caller passed beside the files.
    Override,
    /// A variable of the environment.
    Environment(&'static str),
    /// No file: a value that was assumed, and how it is written.
    Default(&'static str),
}

impl SettingsError {
    pub(crate) fn new(place: impl Into<Place>, fault: impl Into<SettingsFault>) -> Self {
        Self(Box::new(Inner {
            place: place.into(),
            setting: None,
            fault: fault.into(),
        }))
    }

    /// The same, known to be about the setting `name`.
    pub(crate) fn about(mut self, name: &str) -> Self {
        self.0.setting = Some(name.to_owned());
        self
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.0.place
    }

    /// The file, if it is in one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self.place() {
            Place::Whole(path) | Place::Line { path, .. } => Some(path),
            Place::Override | Place::Environment(_) | Place::Default(_) => None,
        }
    }

    /// The line in the file, counted from 1, if one is to blame.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self.place() {
            Place::Line { line, .. } => Some(*line),
            _ => None,
        }
    }

    /// The setting, as its file names it, if one is to blame.
    #[must_use]
    pub fn setting(&self) -> Option<&str> {
        self.0.setting.as_deref()
    }

    /// What is wrong.
    #[must_use]
    pub fn fault(&self) -> &SettingsFault {
        &self.0.fault
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.0.place)?;
        if let Some(setting) = &self.0.setting {
            write!(f, "{setting}: ")?;
        }
        self.0.fault.fmt(f)
    }
}

impl Error for SettingsError {
    // The fault stands in the text already, so the chain goes on below it.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.fault.source()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(path) => write!(f, "{}", path.display()),
            Self::Line { path, line, column } => {
                write!(f, "{}:{line}", path.display())?;
                column.map_or(Ok(()), |column| write!(f, ":{column}"))
            }
            Self::Override => f.pad("override"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Default(assumed) => write!(f, "default {assumed}"),
        }
    }
}

impl From<&Origin> for Place {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::File { path, line } => Self::Line {
                path: path.to_path_buf(),
                line: *line,
                column: None,
            },
            Origin::Override => Self::Override,
            Origin::Environment(name) => Self::Environment(name),
            Origin::Default(assumed) => Self::Default(assumed),
        }
    }
}

/// What is wrong with settings, and what to write instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsFault {
    /// The directory of the settings is not there.
    #[error("there is no such directory; name Puppet's confdir")]
    NoConfDir,
    /// Settings are text, and so are the paths in them.
    #[error("the path is not UTF-8; Puppet could not write it into a setting")]
    NotUtf8,
    /// The operating system does not give the file out, or it is not UTF-8.
    #[error("the file cannot be read; see that it exists, is UTF-8 and readable for this user")]
    Unreadable(#[source] io::Error),
    /// A line that no grammar knows.
    #[error("{text:?} is no [section], no setting = value, no comment and not blank")]
    Line {
        /// The line.
        text: String,
    },
    /// A section that `puppet.conf` does not have.
    #[error("there is no section [{name}]; there are [main], [server], [master], [agent], [user]")]
    Section {
        /// The name between the brackets.
        name: String,
    },
    /// `puppetdb.conf` knows no settings outside of a section.
    #[error("a setting stands before the first section; put [main] above it")]
    OutsideSection,
    /// Braces after a value that are not the owner, group and mode of a file.
    #[error("{text:?} is no {{owner = x, group = y, mode = 0644}}; take the braces out")]
    FileOptions {
        /// The braces and what is between them.
        text: String,
    },
    /// The caller overrides a setting that is not read here.
    #[error("no such setting is read here; leave the override out")]
    UnknownSetting,
    /// A variable that nothing gives a value.
    #[error("${name} has no value; set {name} or write the value itself")]
    Variable {
        /// Its name.
        name: String,
    },
    /// Variables that need themselves, or that grow without end.
    #[error("${name} leads back to itself or expands without end; write the value itself")]
    EndlessVariable {
        /// The variable at which it was given up.
        name: String,
    },
    /// A path that begins with the home of somebody else.
    #[error("{text:?} begins with another's home; write the path itself")]
    OtherHome {
        /// The path.
        text: String,
    },
    /// A setting that Puppet refuses in `puppet.conf`.
    #[error("Puppet takes this in environment.conf alone, and no puppet.conf that has it")]
    EnvironmentOnly,
    /// A required text is empty.
    #[error("the value is empty; write one or take the line out")]
    Empty,
    /// A name that Puppet would refuse in a certificate.
    #[error("{text:?} is no certname; write lower-case printable ASCII without a slash")]
    Certname {
        /// The name.
        text: String,
    },
    /// Not a time.
    #[error("{text:?} is no time; write a whole number and y, d, h, m or s, like 30m")]
    Duration {
        /// What stands there.
        text: String,
    },
    /// Not a whole number in the range.
    #[error("{text:?} is no number; write a whole one that is at least {least}")]
    Number {
        /// What stands there.
        text: String,
        /// The least that may stand there.
        least: u32,
    },
    /// Not a port.
    #[error("{text:?} is no port; write a number from 1 to 65535")]
    Port {
        /// What stands there.
        text: String,
    },
    /// Not one of the words that the setting knows.
    #[error("{text:?} is not known here; write {known}")]
    Word {
        /// What stands there.
        text: String,
        /// What may stand there.
        known: &'static str,
    },
    /// Not a server.
    #[error("the value names no server")]
    Server(#[source] InvalidServer),
    /// Not a list of servers.
    #[error("the value is no list of servers")]
    Servers(#[source] InvalidServerList),
    /// A URL with another scheme, or without the one it needs.
    #[error("{text:?} does not begin with {scheme}; write {scheme}HOST:PORT")]
    Scheme {
        /// The URL.
        text: String,
        /// What it has to begin with.
        scheme: &'static str,
    },
    /// A URL with a user, which would be sent to nobody.
    #[error("a user or password has no place in a server; write https://HOST:PORT")]
    User,
    /// A URL with more than a scheme, a host and a port.
    #[error("{text:?} has more than a host and a port; write https://HOST:PORT")]
    Path {
        /// The URL.
        text: String,
    },
    /// A server that may be both read and only written.
    #[error("{server} is in server_urls too; take it out of one of the two")]
    Overlap {
        /// The server.
        server: Server,
    },
    /// A least number of submissions without a broadcast.
    #[error("more than 1 needs command_broadcast = true")]
    NeedsBroadcast,
    /// More submissions wanted than there are servers.
    #[error("server_urls names {servers}, not {wanted}; write no more than it names")]
    TooManySubmissions {
        /// How many submissions are wanted.
        wanted: u32,
        /// How many servers `server_urls` has.
        servers: usize,
    },
    /// Failures of writes cannot be both ignored and counted.
    #[error("above 1 not together with soft_write_failure = true; take one of them out")]
    SoftAndCounted,
    /// A proxy's password that could not stand in a URL.
    #[error("@, !, #, / and blanks are not allowed in it; write them percent-encoded, like %40")]
    ProxyPassword,
    /// Not the URL of a proxy, which is not repeated since it may have a password.
    #[error("the value is no proxy; write http://HOST:PORT")]
    Proxy,
    /// Not a header, which is not repeated since it may be a token.
    #[error("an entry is no header; write NAME:VALUE with commas between")]
    Header,
    /// DNS cannot be asked for servers of no domain.
    #[error("the machine has no domain to look in; set srv_domain")]
    NoSrvDomain,
    /// Not YAML, or YAML of another shape than the file's.
    #[error("the file is not the YAML that is wanted here; see what is wrong at this place")]
    Yaml(#[source] Box<dyn Error + Send + Sync>),
    /// Not JSON.
    #[error("the file is not JSON; see what is wrong at this place")]
    Json(#[source] serde_json::Error),
    /// Neither JSON nor HOCON.
    #[error("the file is neither JSON nor HOCON; see what is wrong at this place")]
    Hocon(#[from] HoconFault),
    /// Not an object, which `pxp-agent.conf` is.
    #[error("the file is no object; write {{ KEY: VALUE }}")]
    NoObject,
    /// Neither a mapping of parameters nor a list of groups.
    #[error("the file has no parameters; write a mapping of names to values")]
    Parameters,
    /// A key that an object or mapping has twice.
    #[error("{key:?} stands here a second time; take one of the two out")]
    Twice {
        /// The key.
        key: String,
    },
    /// A parameter that two classes set, and not alike.
    #[error("{first} says something else; leave in what is meant for this host")]
    SaidTwice {
        /// Where it is said first.
        first: Origin,
    },
    /// Text that nests without end.
    #[error("values are nested too deeply; no settings file needs that")]
    Depth,
    /// JSON of another type than the setting's.
    #[error("the value has to be {wanted}")]
    Type {
        /// What it has to be.
        wanted: &'static str,
    },
    /// Two settings of which one is allowed.
    #[error("set together with broker-ws-uris; take one of them out")]
    TwoBrokerSettings,
}

impl From<InvalidServer> for SettingsFault {
    fn from(source: InvalidServer) -> Self {
        Self::Server(source)
    }
}

impl From<InvalidServerList> for SettingsFault {
    fn from(source: InvalidServerList) -> Self {
        Self::Servers(source)
    }
}
