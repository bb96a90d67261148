//! `standin explain`: why a setting has its value.

use std::io::{self, Write};

use clap::Args;
use serde::Serialize;
use standin::config::{Explanation, Origin, Settings};

use crate::cli::Common;
use crate::code::Code;
use crate::failure::{Failure, written};
use crate::prose::wrapped;
use crate::streams::Streams;

/// Say why a setting has its value, and where else it stands in vain
///
/// Every setting that is read can be explained, the defaults too: those of puppet.conf, puppetdb.conf,
/// classifier.yaml, pxp-agent.conf and files of --parameters. Without one, all of them are listed.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct ExplainArgs {
    /// The setting, as its file names it: server_list, server_urls, broker-ws-uris ...
    setting: Option<String>,
    /// Write JSON instead of text
    #[arg(long)]
    json: bool,
}

/// Explains.
///
/// # Errors
/// When the settings cannot be used, or none is called so.
pub(crate) fn run(
    args: &ExplainArgs,
    common: &Common,
    streams: &mut Streams<'_>,
) -> Result<Code, Failure> {
    let settings = common.settings(streams)?;
    let explanations = match &args.setting {
        None => settings.explanations(),
        Some(setting) => explain(&settings, setting)?,
    };
    written(match (args.json, &args.setting) {
        (true, _) => write_json(&explanations, streams.out),
        (false, Some(_)) => write_text(&explanations, streams.out),
        (false, None) => write_list(&explanations, streams.out),
    })?;
    Ok(Code::DONE)
}

fn explain(settings: &Settings, setting: &str) -> Result<Vec<Explanation>, Failure> {
    let found = settings.explain(setting);
    if !found.is_empty() {
        return Ok(found);
    }
    let all = settings.explanations();
    let mut similar: Vec<&str> = all
        .iter()
        .map(|one| one.setting.as_str())
        .filter(|other| is_similar(other, setting))
        .collect();
    similar.dedup();
    let hint = match similar.is_empty() {
        true => "standin explain lists all".to_owned(),
        false => format!(
            "there are {}; standin explain lists all",
            similar.join(", ")
        ),
    };
    let story = format!("no setting that is read here is called {setting:?}; {hint}");
    Err(Failure::new(Code::USAGE, story))
}

fn is_similar(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    let (one, other) = (plain(one), plain(other));
    !other.is_empty() && (one.contains(&other) || other.contains(&one))
}

fn write_json(explanations: &[Explanation], out: &mut dyn Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Shown<'a> {
        setting: &'a str,
        file: &'a str,
        value: &'a str,
        written: Option<&'a str>,
        origin: String,
        unused: Vec<InVain>,
        explanation: String,
    }
    #[derive(Serialize)]
    struct InVain {
        origin: String,
        why: &'static str,
    }
    let shown = explanations.iter().map(|one| Shown {
        setting: &one.setting,
        file: &one.file,
        value: &one.value,
        written: one.written.as_deref(),
        origin: one.origin.to_string(),
        unused: one
            .unused
            .iter()
            .map(|unused| InVain {
                origin: unused.origin.to_string(),
                why: unused.why,
            })
            .collect(),
        explanation: one.to_string(),
    });
    serde_json::to_writer_pretty(&mut *out, &shown.collect::<Vec<_>>())?;
    writeln!(out)
}

fn write_text(explanations: &[Explanation], out: &mut dyn Write) -> io::Result<()> {
    for explanation in explanations {
        let text = format!("{}: {explanation}", explanation.file);
        writeln!(out, "{}", wrapped(&text, "", "  "))?;
    }
    Ok(())
}

fn write_list(explanations: &[Explanation], out: &mut dyn Write) -> io::Result<()> {
    for explanation in explanations {
        let Explanation {
            setting,
            file,
            value,
            origin,
            ..
        } = explanation;
        let origin = match origin {
            Origin::Default(_) => "default".to_owned(),
            Origin::Override => "command line".to_owned(),
            origin => origin.to_string(),
        };
        writeln!(out, "{file}: {setting} = {value} ({origin})")?;
    }
    Ok(())
}

const AFTER: &str = "\
Exit codes:
   0  explained
   1  it cannot be written to standard output
   2  command line or settings, or no setting is called so

Examples:
  Which of the two server_lists counts?
    standin explain server_list

  What would it be with another file?
    standin explain server_urls --confdir ./puppet

  What did somebody set on this machine?
    standin explain | grep -v '(default)$'";
