//! The grammar of `puppet.conf`.
//!
//! Sources: `lib/puppet/settings/ini_file.rb`, `config_file.rb` and `value_translator.rb` of
//! Puppet 8.

use std::path::Path;
use std::sync::Arc;

use crate::value::{is_space, trim};
use crate::{Origin, SettingsError, SettingsFault};

/// The settings of a file, in its order.
#[derive(Debug)]
pub(crate) struct Document(Vec<Setting>);

#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) section: Section,
    name: String,
    pub(crate) value: String,
    pub(crate) origin: Origin,
}

/// The sections that the file may have: `ALLOWED_SECTION_NAMES` of `settings.rb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Main,
    Server,
    Master,
    Agent,
    User,
}

impl Document {
    /// Reads the text of the file at `path`.
    pub(crate) fn parse(text: &str, path: &Arc<Path>) -> Result<Self, SettingsError> {
        let mut section = Section::Main;
        let mut settings = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let origin = Origin::File {
                path: Arc::clone(path),
                line: index + 1,
            };
            match Line::parse(line) {
                Line::Header(name) => {
                    section = Section::of(name).ok_or_else(|| {
                        SettingsError::new(&origin, SettingsFault::Section { name: name.into() })
                    })?;
                }
                Line::Setting(name, _) if ENVIRONMENT_ONLY.contains(&name) => {
                    let fault = SettingsFault::EnvironmentOnly;
                    return Err(SettingsError::new(&origin, fault).about(name));
                }
                Line::Setting(name, value) => settings.push(Setting {
                    section,
                    name: name.into(),
                    value: without_file_options(translated(value))
                        .map_err(|fault| SettingsError::new(&origin, fault).about(name))?,
                    origin,
                }),
                Line::Nothing => {}
                Line::Unknown => {
                    let text = line.into();
                    return Err(SettingsError::new(&origin, SettingsFault::Line { text }));
                }
            }
        }
        Ok(Self(settings))
    }

    /// The first setting of this name in this section, whose headers may be several.
    pub(crate) fn first(&self, section: Section, name: &str) -> Option<&Setting> {
        self.all(name).find(|setting| setting.section == section)
    }

    /// Every setting of this name, in the order of the file.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &Setting> {
        self.0.iter().filter(move |setting| setting.name == name)
    }
}

impl Section {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "main" => Self::Main,
            "server" => Self::Server,
            "master" => Self::Master,
            "agent" => Self::Agent,
            "user" => Self::User,
            _ => return None,
        })
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
        let line = trim(line);
        if line.is_empty() || line.starts_with('#') {
            return Self::Nothing;
        }
        let header = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(name) = header.filter(|name| is_name(name)) {
            return Self::Header(name);
        }
        match line.split_once('=') {
            Some((name, value)) if is_name(name.trim_end_matches(is_space)) => {
                Self::Setting(trim(name), trim(value))
            }
            _ => Self::Unknown,
        }
    }
}

/// A value as Puppet takes it from a file or a command line: no quote at either end, and the words
/// true and false in lower case.
pub(crate) fn translated(value: &str) -> &str {
    for word in ["true", "false"] {
        if value.eq_ignore_ascii_case(word) {
            return word;
        }
    }
    const QUOTES: [char; 2] = ['"', '\''];
    let value = value.strip_prefix(QUOTES).unwrap_or(value);
    let value = value.strip_suffix(QUOTES).unwrap_or(value);
    value.trim_end_matches(is_space)
}

/// The value without `{owner = x, group = y, mode = 0644}`, which says how to create a file.
///
/// The braces of `${name}` stay: Puppet itself takes them for such options, refuses the file and
/// goes on without it, which nobody can have wanted.
fn without_file_options(value: &str) -> Result<String, SettingsFault> {
    for (open, _) in value.match_indices('{') {
        let Some(length) = value[open..].find('}') else {
            break;
        };
        let inside = &value[open + 1..open + length];
        let variable = value[..open].ends_with('$') && is_name(inside);
        if inside.is_empty() || variable {
            continue;
        }
        let close = open + length + 1;
        if !inside.split(',').all(is_file_option) {
            let text = value[open..close].into();
            return Err(SettingsFault::FileOptions { text });
        }
        let rest = [&value[..open], &value[close..]].concat();
        return Ok(rest.trim_end_matches(is_space).into());
    }
    Ok(value.into())
}

fn is_file_option(text: &str) -> bool {
    text.split_once('=').is_some_and(|(key, value)| {
        let value = trim(value);
        match trim(key) {
            "owner" | "group" => is_name(value),
            "mode" => !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        }
    })
}

/// `ENVIRONMENT_CONF_ONLY_SETTINGS` of `environment_conf.rb`.
const ENVIRONMENT_ONLY: [&str; 3] = ["config_version", "manifest", "modulepath"];

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Document, SettingsError> {
        Document::parse(text, &Path::new("/c/puppet.conf").into())
    }

    fn main(text: &str, name: &str) -> Option<String> {
        let document = parse(text).unwrap();
        document
            .first(Section::Main, name)
            .map(|setting| setting.value.clone())
    }

    #[test]
    fn settings_before_any_section_are_main() {
        assert_eq!(
            main("server = a\n[agent]\nserver = b", "server").unwrap(),
            "a"
        );
    }

    #[test]
    fn blanks_around_names_values_and_headers_do_not_count() {
        let text = "\t[agent] \n  server\t=  a b \r\n";
        let document = parse(text).unwrap();
        let setting = document.first(Section::Agent, "server").unwrap();
        assert_eq!(setting.value, "a b");
    }

    #[test]
    fn repeated_headers_merge_and_the_first_setting_wins() {
        let text = "[main]\nserver = a\n[agent]\n[main]\nserver = b\nca_server = c\n";
        assert_eq!(main(text, "server").unwrap(), "a");
        assert_eq!(main(text, "ca_server").unwrap(), "c");
    }

    #[test]
    fn a_sharp_begins_a_comment_only_at_the_start_of_a_line() {
        let text = "  # server = a\nserver = b # c\n";
        assert_eq!(main(text, "server").unwrap(), "b # c");
    }

    #[test]
    fn a_semicolon_is_no_comment() {
        let error = parse("[main]\n; server = a").unwrap_err();
        assert!(matches!(error.fault(), SettingsFault::Line { .. }));
        assert_eq!(error.line(), Some(2));
    }

    #[test]
    fn a_line_that_is_nothing_is_refused() {
        for line in [
            "server",
            "[main",
            "[ma in]",
            "server-list = a",
            "= a",
            "[] ",
            "\u{a0}a = b",
        ] {
            let error = parse(line).unwrap_err();
            assert!(
                matches!(error.fault(), SettingsFault::Line { .. }),
                "{line}"
            );
        }
    }

    #[test]
    fn an_unknown_section_is_refused() {
        let error = parse("server = a\n[production]\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "/c/puppet.conf:2: there is no section [production]; \
             there are [main], [server], [master], [agent], [user]"
        );
    }

    #[test]
    fn an_empty_value_is_a_value() {
        assert_eq!(main("server =\n", "server").unwrap(), "");
    }

    #[test]
    fn one_quote_at_each_end_is_taken_off() {
        assert_eq!(main("server = \"a\"", "server").unwrap(), "a");
        assert_eq!(main("server = 'a \"", "server").unwrap(), "a");
        assert_eq!(main("server = \"", "server").unwrap(), "");
        assert_eq!(main("server = a'b", "server").unwrap(), "a'b");
    }

    #[test]
    fn true_and_false_are_read_in_any_case() {
        assert_eq!(main("splay = TRUE", "splay").unwrap(), "true");
        assert_eq!(main("splay = False", "splay").unwrap(), "false");
    }

    #[test]
    fn file_options_are_taken_off() {
        let text = "ssldir = /ssl { owner = service, mode = 0771 }";
        assert_eq!(main(text, "ssldir").unwrap(), "/ssl");
        assert_eq!(main("ssldir = /s{group=a}l", "ssldir").unwrap(), "/sl");
    }

    #[test]
    fn braces_of_a_variable_are_no_file_options() {
        let text = "ssldir = ${vardir}/ssl {mode = 0771}";
        assert_eq!(main(text, "ssldir").unwrap(), "${vardir}/ssl");
    }

    #[test]
    fn unknown_file_options_are_refused() {
        for value in [
            "/a {colour = red}",
            "/a {mode = rwx}",
            "/a {x}",
            "/a { }",
            "/a {owner=}",
        ] {
            let error = parse(&format!("ssldir = {value}")).unwrap_err();
            assert!(
                matches!(error.fault(), SettingsFault::FileOptions { .. }),
                "{value}"
            );
            assert_eq!(error.setting(), Some("ssldir"));
        }
    }

    #[test]
    fn braces_that_enclose_nothing_stay() {
        assert_eq!(main("server = a{}", "server").unwrap(), "a{}");
        assert_eq!(main("server = a{b", "server").unwrap(), "a{b");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([\\[\\]{}$=#,\"' a-z\n]|\\PC){0,80}") {
            let _ = parse(&text);
        }
    }
}
