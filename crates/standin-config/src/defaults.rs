//! Defaults: what Puppet assumes of the machine and the user it runs as.

use std::path::PathBuf;

use crate::SettingsFault;

/// What the defaults of Puppet's settings are made of.
///
/// Handed in, so that reading settings asks the machine for nothing but the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// Whose directories are used.
    pub account: Account,
    /// The user's home, for [`Account::User`] and for paths that begin with `~/`.
    pub home: PathBuf,
    /// The machine's full name. In lower case it is the certname that nobody set.
    pub hostname: String,
}

/// Who Puppet runs as.
///
/// Exhaustive on purpose: Puppet knows two layouts of directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// The superuser, with the system's directories.
    Root,
    /// Anybody else, with directories below the own home.
    User,
}

impl Defaults {
    /// Where the settings files are if nobody says otherwise.
    #[must_use]
    pub fn confdir(&self) -> PathBuf {
        self.dir("/etc/puppetlabs/puppet", ".puppetlabs/etc/puppet")
    }

    /// Where changing state is kept if nobody says otherwise.
    #[must_use]
    pub fn vardir(&self) -> PathBuf {
        self.dir(
            "/opt/puppetlabs/puppet/cache",
            ".puppetlabs/opt/puppet/cache",
        )
    }

    /// The certname that nobody set.
    #[must_use]
    pub fn certname(&self) -> String {
        let name = self.hostname.strip_suffix('.').unwrap_or(&self.hostname);
        name.to_lowercase()
    }

    /// The domain of the machine, empty where it has none: the default of `srv_domain`.
    #[must_use]
    pub fn domain(&self) -> String {
        let name = self.hostname.trim_end_matches('.');
        let domain = name.split_once('.').map_or("", |(_, domain)| domain);
        domain.to_owned()
    }

    /// A path as Ruby's `File.expand_path` has it: the home for a `~` at its beginning, and nothing
    /// of `.`, `..` and needless slashes. Relative paths stay so, for what they are relative to is
    /// not asked here.
    pub(crate) fn path(&self, text: &str) -> Result<String, SettingsFault> {
        let home = self.home.to_str().ok_or(SettingsFault::NotUtf8)?;
        let text = match text.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            Some(_) => return Err(SettingsFault::OtherHome { text: text.into() }),
            None => text.to_owned(),
        };
        if text.is_empty() {
            return Ok(text);
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." if text.starts_with('/') || parts.last().is_some_and(|last| *last != "..") => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        let root = if text.starts_with('/') { "/" } else { "" };
        Ok(format!("{root}{}", parts.join("/")))
    }

    /// Both layouts: `run_mode.rb` of Puppet 8, the packages of Puppet itself on Unix.
    pub(crate) fn dir(&self, of_root: &str, below_home: &str) -> PathBuf {
        match self.account {
            Account::Root => of_root.into(),
            Account::User => self.home.join(below_home),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn defaults(account: Account) -> Defaults {
        Defaults {
            account,
            home: "/home/ann".into(),
            hostname: "Agent1.Example.com.".into(),
        }
    }

    #[test]
    fn root_has_the_directories_of_the_system() {
        let defaults = defaults(Account::Root);
        assert_eq!(defaults.confdir(), Path::new("/etc/puppetlabs/puppet"));
        assert_eq!(defaults.vardir(), Path::new("/opt/puppetlabs/puppet/cache"));
    }

    #[test]
    fn others_have_directories_below_their_home() {
        let defaults = defaults(Account::User);
        assert_eq!(
            defaults.confdir(),
            Path::new("/home/ann/.puppetlabs/etc/puppet")
        );
        assert_eq!(
            defaults.vardir(),
            Path::new("/home/ann/.puppetlabs/opt/puppet/cache")
        );
    }

    #[test]
    fn the_certname_is_the_full_name_in_lower_case() {
        assert_eq!(defaults(Account::Root).certname(), "agent1.example.com");
    }

    #[test]
    fn a_tilde_stands_for_the_own_home() {
        let defaults = defaults(Account::Root);
        let path = |text| defaults.path(text).unwrap();
        assert_eq!(path("~"), "/home/ann");
        assert_eq!(path("~/ssl"), "/home/ann/ssl");
        assert_eq!(path("/a/~/b"), "/a/~/b");
        assert!(matches!(
            defaults.path("~bob/ssl"),
            Err(SettingsFault::OtherHome { .. })
        ));
    }

    #[test]
    fn a_path_has_no_needless_parts() {
        let defaults = defaults(Account::Root);
        let path = |text| defaults.path(text).unwrap();
        assert_eq!(path("/srv//x/../ssl/./y/"), "/srv/ssl/y");
        assert_eq!(path("/../a"), "/a");
        assert_eq!(path("/"), "/");
        assert_eq!(path("a/../../b"), "../b");
        assert_eq!(path(""), "");
    }
}
