//! The report, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;
use standin::config::Place;
use standin::config::check::{Finding, Report, Severity};

use crate::prose::wrapped;

/// # Errors
/// When it cannot be written.
pub(super) fn write_json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let json = Json {
        errors: report.count(Severity::Error),
        warnings: report.count(Severity::Warning),
        notes: report.count(Severity::Note),
        findings: report.findings(),
    };
    serde_json::to_writer_pretty(&mut *out, &json)?;
    writeln!(out)
}

/// # Errors
/// When it cannot be written.
pub(super) fn write_text(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings() {
        let rule = finding.rule;
        match &finding.place {
            Place::Override => write!(out, "command line")?,
            place => write!(out, "{place}")?,
        }
        writeln!(out, ": {} ({rule})", rule.severity())?;
        writeln!(
            out,
            "{}",
            wrapped(&format!("{} {}", finding.what, rule.why()), "  ", "  ")
        )?;
        writeln!(
            out,
            "{}\n",
            wrapped(&format!("-> {}", finding.fix), "  ", "     ")
        )?;
    }
    let counted = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ];
    let counted = counted.map(|(severity, word)| plural(report.count(severity), word));
    writeln!(out, "{}", counted.join(", "))
}

#[derive(Serialize)]
struct Json<'a> {
    errors: usize,
    warnings: usize,
    notes: usize,
    findings: &'a [Finding],
}

fn plural(count: usize, word: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {word}{s}")
}
