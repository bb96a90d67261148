//! What Puppet's own Ruby code makes of a corpus of settings files, and what we make of it.
//!
//! The answers of Ruby are kept in `expected`, so that this needs none. `ask_ruby.rb` gives them and
//! `tests/real_puppet/settings`, of the repository's root, asks it again and compares. It has a main
//! of its own so that its last line is always seen.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]
#![expect(clippy::print_stdout, reason = "the count is what it is run for")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::Value;

mod by_design;
mod ours;

use by_design::{BY_DESIGN, Difference, Differs};

/// What somebody makes of a file.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Answer {
    Values(BTreeMap<String, Value>),
    Refused(String),
}

fn main() -> ExitCode {
    let mut count = Count::default();
    for (kind, read) in [
        ("puppet.conf", ours::puppet_conf as fn(&str) -> Answer),
        ("puppetdb.conf", ours::puppetdb_conf),
    ] {
        let expected = fs::read_to_string(here().join(format!("expected/{kind}.json"))).unwrap();
        let expected: BTreeMap<String, Answer> = serde_json::from_str(&expected).unwrap();
        let corpus = here().join("corpus").join(kind);
        assert_eq!(files(&corpus), expected.keys().cloned().collect::<Vec<_>>());
        for (file, theirs) in &expected {
            let text = fs::read_to_string(corpus.join(file)).unwrap();
            let name = file.strip_suffix(".conf").unwrap();
            count.compare(&format!("{kind}/{name}"), theirs, &read(&text));
        }
    }
    count.find_stale_rows();
    for line in &count.wrong {
        println!("{line}");
    }
    println!(
        "{} files, {} values compared, {} differ by design, {} differ",
        count.files,
        count.values,
        count.met.len(),
        count.wrong.len()
    );
    if count.wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[derive(Default)]
struct Count {
    files: usize,
    values: usize,
    met: Vec<(&'static str, &'static str)>,
    wrong: Vec<String>,
}

impl Count {
    fn compare(&mut self, file: &str, theirs: &Answer, ours: &Answer) {
        self.files += 1;
        match (theirs, ours) {
            (Answer::Values(theirs), Answer::Values(ours)) => {
                assert!(theirs.keys().eq(ours.keys()), "{file}: other settings");
                for (setting, value) in theirs {
                    let own = &ours[setting];
                    self.values += 1;
                    if value != own {
                        let text = format!("Ruby has {value}, we have {own}");
                        self.differs(file, setting, Differs::Value, &text);
                    }
                }
            }
            (Answer::Refused(_), Answer::Refused(_)) => self.values += 1,
            (Answer::Values(_), Answer::Refused(why)) => {
                self.values += 1;
                let text = format!("we refuse it: {why}");
                self.differs(file, "*", Differs::OnlyWeRefuse, &text);
            }
            (Answer::Refused(why), Answer::Values(_)) => {
                self.values += 1;
                let text = format!("Ruby refuses it: {why}");
                self.differs(file, "*", Differs::OnlyRubyRefuses, &text);
            }
        }
    }

    /// A row of the table that nothing differs by is wrong too.
    fn find_stale_rows(&mut self) {
        for Difference {
            file, setting, why, ..
        } in BY_DESIGN
        {
            if !self.met.contains(&(*file, *setting)) {
                let text =
                    format!("{file} {setting}: it does not differ, yet the table says: {why}");
                self.wrong.push(text);
            }
        }
    }

    fn differs(&mut self, file: &str, setting: &str, how: Differs, text: &str) {
        let meant = |difference: &&Difference| {
            difference.file == file && difference.setting == setting && difference.how == how
        };
        match BY_DESIGN.iter().find(meant) {
            Some(difference) => self.met.push((difference.file, difference.setting)),
            None => self.wrong.push(format!("{file} {setting}: {text}")),
        }
    }
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/equivalence")
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
