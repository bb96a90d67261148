//! Overrides: settings from a command line, and proxies from the environment.

use std::fmt;

use crate::Secret;
use crate::puppet_conf::translated;

/// Settings that beat those of `puppet.conf`, like `--server_list=...` on Puppet's command line.
///
/// ```
/// use standin_config::Overrides;
///
/// let overrides = Overrides::new().with("--server_list", "a.example.com,b.example.com");
/// assert_eq!(overrides.get("server_list"), Some("a.example.com,b.example.com"));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    settings: Vec<(String, String)>,
    http_proxy: Option<(&'static str, Secret)>,
    no_proxy: Option<(&'static str, String)>,
}

impl Overrides {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with `value` for the setting `name`; dashes before the name do not count.
    ///
    /// A switch may stand without a value, as on Puppet's command line: `--usecacheonfailure` is true
    /// and `--no-usecacheonfailure` false.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name = name.trim_start_matches('-');
        let (name, switch) = match name.strip_prefix("no-") {
            Some(name) => (name, "false"),
            None => (name, "true"),
        };
        let value = match value {
            "" if SWITCHES.contains(&name) => switch,
            value => translated(value),
        };
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with the proxies that the environment names, which beat the settings of proxies
    /// even where those are overridden.
    ///
    /// `variable` tells the value of a variable. The first that is set of `http_proxy` and
    /// `HTTP_PROXY` counts, and of `no_proxy` and `NO_PROXY`, as Puppet's `http/proxy.rb` has it.
    #[must_use]
    pub fn with_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: [&'static str; 2]| {
            names
                .into_iter()
                .find_map(|name| Some((name, variable(name)?)))
        };
        self.http_proxy =
            first(["http_proxy", "HTTP_PROXY"]).map(|(name, url)| (name, Secret::new(&url)));
        self.no_proxy = first(["no_proxy", "NO_PROXY"]);
        self
    }

    pub(crate) fn http_proxy(&self) -> Option<(&'static str, &str)> {
        let (name, url) = self.http_proxy.as_ref()?;
        Some((name, url.reveal()))
    }

    pub(crate) fn no_proxy(&self) -> Option<(&'static str, &str)> {
        let (name, entries) = self.no_proxy.as_ref()?;
        Some((name, entries))
    }

    /// The value of the setting `name`; of two, the later.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut newest_first = self.settings.iter().rev();
        newest_first
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The settings that are overridden.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.settings.iter().map(|(name, _)| name.as_str())
    }
}

/// Names only: among the values may be a password.
impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Overrides {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        pairs
            .into_iter()
            .fold(Self::new(), |all, (name, value)| all.with(name, value))
    }
}

/// The settings that are true or false.
const SWITCHES: [&str; 2] = ["use_srv_records", "usecacheonfailure"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_counts() {
        let overrides = Overrides::from_iter([("server", "a"), ("--server", "b")]);
        assert_eq!(overrides.get("server"), Some("b"));
    }

    #[test]
    fn a_switch_needs_no_value() {
        let overrides =
            Overrides::from_iter([("--use_srv_records", ""), ("--no-usecacheonfailure", "")]);
        assert_eq!(overrides.get("use_srv_records"), Some("true"));
        assert_eq!(overrides.get("usecacheonfailure"), Some("false"));
        assert_eq!(Overrides::new().with("server", "").get("server"), Some(""));
    }

    #[test]
    fn quotes_around_a_value_do_not_count() {
        let overrides = Overrides::new().with("certname", "'a'");
        assert_eq!(overrides.get("certname"), Some("a"));
    }
}
