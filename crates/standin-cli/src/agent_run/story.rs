//! Who served what, told as it happens or as a whole.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use standin::{Installation, Role, Server, ServerList, Service};

use super::errand::{Agent, Errand};
use super::step::{Came, Step, line};
use crate::code::Code;
use crate::failure::{Failure, written};

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A line for each step, as it happens.
    Text,
    /// All of it at the end.
    Json,
}

/// The story so far.
#[derive(Debug)]
pub(super) struct Story {
    form: Form,
    steps: Vec<Step>,
    /// How long the name of a server is at most.
    width: usize,
    /// Files of one server, which become one line.
    files: Option<Files>,
    trouble: Option<Code>,
}

#[derive(Debug)]
struct Files {
    server: Option<(Server, Role)>,
    asked: usize,
    took: Duration,
    note: String,
}

impl Story {
    pub(super) fn new(installation: &Installation, form: Form) -> Self {
        let servers = installation.list(Service::PuppetServer);
        let servers = servers.map_or(&[][..], ServerList::entries).iter();
        let widths = servers.map(|entry| entry.server.to_string().len());
        Self {
            form,
            steps: Vec::new(),
            width: widths.max().unwrap_or_default(),
            files: None,
            trouble: None,
        }
    }

    /// Takes in what came of an errand, and tells of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn tell(
        &mut self,
        errand: &Errand,
        came: Came,
        took: Duration,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let step = Step::of(errand, came, took);
        self.trouble = self.trouble.or(step.trouble);
        if self.form == Form::Text {
            let told = match errand {
                Errand::Source { .. } => self.tell_of_file(&step, out),
                _ => self
                    .end_files(out)
                    .and_then(|()| step.write(self.width, out)),
            };
            written(told.and_then(|()| out.flush()))?;
        }
        self.steps.push(step);
        Ok(())
    }

    /// How it came out.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn end(&mut self, agent: &Agent, out: &mut dyn Write) -> Result<(), Failure> {
        written(match self.form {
            Form::Text => self
                .end_files(out)
                .and_then(|()| writeln!(out, "{}", self.moral())),
            Form::Json => self.write_json(agent, out),
        })
    }

    pub(super) fn code(&self) -> Code {
        self.trouble.unwrap_or(Code::DONE)
    }

    /// The server that compiled the catalog.
    pub(super) fn compiled_by(&self) -> Option<String> {
        let mut steps = self.steps.iter();
        let catalog = steps.find(|step| step.step == Errand::Catalog.name())?;
        Some(catalog.served.as_ref()?.server.to_string())
    }

    fn moral(&self) -> String {
        let mut servers: Vec<String> = Vec::new();
        for served in self.steps.iter().filter_map(|step| step.served.as_ref()) {
            let server = format!("{} ({})", served.server, served.role);
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        let by = match servers.is_empty() {
            true => "nobody".to_owned(),
            false => servers.join(", then "),
        };
        match self.trouble {
            None => format!("The whole run was served by {by}."),
            Some(_) => {
                format!("Not all of the run was served well; what was answered came from {by}.")
            }
        }
    }

    fn tell_of_file(&mut self, step: &Step, out: &mut dyn Write) -> io::Result<()> {
        let server = step
            .served
            .as_ref()
            .map(|served| (served.server.clone(), served.role));
        let is_first = step
            .served
            .as_ref()
            .is_some_and(|served| !served.failed.is_empty());
        let goes_on = self
            .files
            .as_ref()
            .is_some_and(|files| files.server == server);
        if step.trouble.is_some() || is_first || !goes_on {
            self.end_files(out)?;
        }
        if step.trouble.is_some() {
            return step.write(self.width, out);
        }
        step.write_tried(out)?;
        let files = self.files.get_or_insert_with(|| Files {
            server,
            asked: 0,
            took: Duration::ZERO,
            note: step.moved().to_owned(),
        });
        files.asked += 1;
        files.took += step.seconds;
        Ok(())
    }

    fn end_files(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some(files) = self.files.take() else {
            return Ok(());
        };
        let (server, role) = match &files.server {
            Some((server, role)) => (server.to_string(), role.to_string()),
            None => ("named by the source".to_owned(), String::new()),
        };
        let s = if files.asked == 1 { "" } else { "s" };
        let note = format!("{} file{s}{}", files.asked, files.note);
        line(
            out,
            "files",
            [&server, &role, "200"],
            self.width,
            files.took,
            &note,
        )
    }

    fn write_json(&self, agent: &Agent, out: &mut dyn Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Told<'a> {
            certname: &'a str,
            environment: &'a str,
            transaction_uuid: String,
            steps: &'a [Step],
        }
        let told = Told {
            certname: &agent.certname,
            environment: &agent.environment,
            transaction_uuid: agent.transaction.to_string(),
            steps: &self.steps,
        };
        serde_json::to_writer_pretty(&mut *out, &told)?;
        writeln!(out)
    }
}
