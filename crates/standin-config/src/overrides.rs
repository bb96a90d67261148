//! Overrides: settings from a command line.

use crate::puppet_conf::translated;

/// Settings that beat those of `puppet.conf`, like `--server_list=...` on Puppet's command line.
///
/// ```
/// use standin_config::Overrides;
///
/// let overrides = Overrides::new().with("--server_list", "a.example.com,b.example.com");
/// assert_eq!(overrides.get("server_list"), Some("a.example.com,b.example.com"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides(Vec<(String, String)>);

impl Overrides {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with `value` for the setting `name`; dashes before the name do not count.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let name = name.trim_start_matches('-').to_owned();
        self.0.push((name, translated(value).to_owned()));
        self
    }

    /// The value of the setting `name`; of two, the later.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut newest_first = self.0.iter().rev();
        newest_first
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The settings that are overridden.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Overrides {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        pairs
            .into_iter()
            .fold(Self::new(), |all, (name, value)| all.with(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_two_counts() {
        let overrides = Overrides::from_iter([("server", "a"), ("--server", "b")]);
        assert_eq!(overrides.get("server"), Some("b"));
    }

    #[test]
    fn quotes_around_a_value_do_not_count() {
        let overrides = Overrides::new().with("certname", "'a'");
        assert_eq!(overrides.get("certname"), Some("a"));
    }
}
