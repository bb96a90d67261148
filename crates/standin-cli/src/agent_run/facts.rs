//! The facts of a machine, from Facter or from a file.

use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::check::now;
use crate::code::Code;
use crate::day::moment;
use crate::failure::Failure;

/// Facts by name.
#[derive(Debug)]
pub(super) struct Facts(Map<String, Value>);

impl Facts {
    /// Those of `file`, or else what Facter says.
    ///
    /// # Errors
    /// When there is no Facter, or they cannot be read.
    pub(super) async fn of(file: Option<&Path>) -> Result<Self, Failure> {
        match file {
            Some(path) => {
                let place = format!("--facts {}", path.display());
                let text = read(path).map_err(|error| unreadable(&place, &error))?;
                Self::parse(&text, &place)
            }
            None => {
                let text = ask_facter().await?;
                Self::parse(&text, "what Facter says")
            }
        }
    }

    pub(super) fn parse(text: &[u8], place: &str) -> Result<Self, Failure> {
        let facts: Value =
            serde_json::from_slice(text).map_err(|error| unreadable(place, &error))?;
        let Value::Object(mut facts) = facts else {
            let story = format!("{place}: facts are a JSON object, such as facter --json writes");
            return Err(Failure::new(Code::USAGE, story));
        };
        // As `puppet facts` of Puppet 6 writes them.
        if let (Some(Value::String(_)), Some(Value::Object(values))) =
            (facts.get("name"), facts.get("values"))
        {
            facts = values.clone();
        }
        Ok(Self(facts))
    }

    /// As an agent sends them: with what it says of itself, until when they hold.
    pub(super) fn wire(&self, certname: &str, runinterval: Duration) -> String {
        let mut values = self.0.clone();
        values.insert("clientcert".to_owned(), certname.into());
        values.insert("clientnoop".to_owned(), true.into());
        let now = now();
        let time = |at: SystemTime| moment(at).unwrap_or_default();
        json!({
            "name": certname,
            "values": values,
            "timestamp": time(now),
            "expiration": time(now.checked_add(runinterval).unwrap_or(now)),
        })
        .to_string()
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path != "-" {
        return fs::read(path);
    }
    let mut text = Vec::new();
    io::stdin().lock().read_to_end(&mut text)?;
    Ok(text)
}

async fn ask_facter() -> Result<Vec<u8>, Failure> {
    for program in FACTERS {
        let mut facter = Command::new(program);
        facter.arg("--json").stdin(Stdio::null()).kill_on_drop(true);
        let asked = tokio::time::timeout(LONGEST, facter.output()).await;
        let story = match asked {
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => continue,
            Ok(Ok(output)) if output.status.success() => return Ok(output.stdout),
            Ok(Ok(output)) => {
                let said = String::from_utf8_lossy(&output.stderr);
                format!("{program} failed ({}): {}", output.status, said.trim())
            }
            Ok(Err(error)) => format!("{program} cannot be asked: {error}"),
            Err(_) => format!("{program} did not end within {} s", LONGEST.as_secs()),
        };
        let story = format!("{story}; mend it, or name a file with --facts");
        return Err(Failure::new(Code::USAGE, story));
    }
    let story = "there is no Facter on this machine; write its facts elsewhere with facter --json, and \
                 name the file with --facts";
    Err(Failure::new(Code::USAGE, story))
}

fn unreadable(place: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::caused(
        Code::USAGE,
        &format!("{place}: facts cannot be read"),
        error,
    )
}

/// Where it is: on the path, else where Puppet's packages put it.
const FACTERS: [&str; 2] = ["facter", "/opt/puppetlabs/bin/facter"];

/// Facter waits for cloud metadata that does not come, and takes seconds on slow machines.
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Map<String, Value> {
        Facts::parse(text.as_bytes(), "here").unwrap().0
    }

    #[test]
    fn both_of_puppets_forms_are_read() {
        let plain = parsed(r#"{"kernel":"Linux","values":{"a":1}}"#);
        assert_eq!(plain["kernel"], "Linux");
        let wrapped = parsed(r#"{"name":"a.test","values":{"kernel":"Linux"}}"#);
        assert_eq!(wrapped["kernel"], "Linux");
        assert!(!wrapped.contains_key("values"));
    }

    #[test]
    fn what_are_no_facts_is_refused() {
        for text in ["", "[]", "kernel: Linux"] {
            let failure = Facts::parse(text.as_bytes(), "--facts a").unwrap_err();
            assert_eq!(failure.code(), Code::USAGE);
            assert!(failure.to_string().starts_with("--facts a: "), "{failure}");
        }
    }

    #[test]
    fn they_are_sent_with_who_they_are_of() {
        let facts = Facts(parsed(r#"{"kernel":"Linux"}"#));
        let wire: Value = serde_json::from_str(&facts.wire("a.test", Duration::ZERO)).unwrap();
        assert_eq!(wire["values"]["clientcert"], "a.test");
        assert_eq!(wire["values"]["kernel"], "Linux");
        assert_eq!(wire["timestamp"], wire["expiration"]);
    }
}
