//! What is written, a line each: for people, and for programs.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use standin::{Role, Server};
use standin_pcp::{Broker, BrokerUri, ClientType, Event, Message, Status};

use super::chosen::why;

/// How it is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Text,
    Json,
}

/// Something to be told.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Line<'a> {
    List(List),
    Event(Told<'a>),
    Message(Came<'a>),
    #[serde(serialize_with = "end")]
    End(Status),
}

/// Where brokers are, in order.
#[derive(Serialize)]
#[serde(tag = "event", rename = "brokers")]
pub(super) struct List {
    /// The client's own address.
    client: String,
    brokers: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    server: Server,
    role: Role,
    uri: String,
}

/// What happened to the association.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    #[serde(flatten)]
    event: &'a Event,
    /// Why this broker, of one that associated.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// A message came.
#[derive(Serialize)]
#[serde(tag = "event", rename = "message")]
pub(super) struct Came<'a> {
    id: &'a str,
    message_type: &'a str,
    sender: Option<&'a str>,
}

impl<'a> Line<'a> {
    pub(super) fn list(broker: &Broker, client_type: &ClientType) -> Self {
        let status = broker.status();
        let entries = status.brokers.classes.into_iter();
        let entries = entries.flat_map(|class| class.entries);
        Self::List(List {
            client: broker.uri().to_string(),
            brokers: entries
                .map(|entry| Listed {
                    uri: BrokerUri::of(&entry.server, client_type).to_string(),
                    server: entry.server,
                    role: entry.role,
                })
                .collect(),
        })
    }

    /// `left` are the brokers with which an association ended.
    pub(super) fn event(event: &'a Event, broker: &Broker, left: &[Server]) -> Self {
        let why = match event {
            Event::Associated { server, failed } => {
                let status = broker.status();
                let class = status.brokers.classes.first();
                let entries = class.map_or(&[][..], |class| &class.entries);
                Some(why(server, failed, entries, left))
            }
            _ => None,
        };
        Self::Event(Told { event, why })
    }

    pub(super) fn message(message: &'a Message) -> Self {
        Self::Message(Came {
            id: message.id(),
            message_type: message.message_type(),
            sender: message.sender().map(|sender| sender.as_str()),
        })
    }

    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, form: Form, at: Duration, out: &mut dyn Write) -> io::Result<()> {
        match form {
            Form::Json => self.write_json(at, out),
            Form::Text => self.write_text(at, out),
        }
    }

    fn write_json(&self, at: Duration, out: &mut dyn Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Timed<'a> {
            /// In seconds since the beginning, to the millisecond.
            at: f64,
            #[serde(flatten)]
            line: &'a Line<'a>,
        }
        let at = (at.as_secs_f64() * 1000.0).round() / 1000.0;
        serde_json::to_writer(&mut *out, &Timed { at, line: self })?;
        writeln!(out)
    }

    fn write_text(&self, at: Duration, out: &mut dyn Write) -> io::Result<()> {
        if let Self::List(list) = self {
            return list.write_text(out);
        }
        write!(out, "{:>8.3} s  ", at.as_secs_f64())?;
        match self {
            Self::List(_) => Ok(()),
            Self::Event(Told {
                event: Event::Associated { server, .. },
                why: Some(why),
            }) => writeln!(out, "associated with {server}, {why}"),
            Self::Event(Told { event, .. }) => writeln!(out, "{event}"),
            Self::Message(came) => {
                let sender = came.sender.unwrap_or("the broker");
                writeln!(out, "got {} from {sender}", came.message_type)
            }
            Self::End(status) => match &status.association {
                Some(with) => {
                    let lasts = with.for_so_long.as_secs_f64();
                    writeln!(
                        out,
                        "ended, associated with {} for {lasts:.1} s",
                        with.server
                    )
                }
                None => writeln!(out, "ended, not associated"),
            },
        }
    }
}

impl List {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{} may associate with, in order", self.client)?;
        let width = |length: fn(&Listed) -> usize| self.brokers.iter().map(length).max();
        let server = width(|listed| listed.server.to_string().len()).unwrap_or_default();
        let role = width(|listed| listed.role.to_string().len()).unwrap_or_default();
        for listed in &self.brokers {
            let (name, place) = (listed.server.to_string(), listed.role.to_string());
            writeln!(out, "  {name:server$}  {place:role$}  {}", listed.uri)?;
        }
        Ok(())
    }
}

fn end<S: serde::Serializer>(status: &Status, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct End<'a> {
        event: &'static str,
        #[serde(flatten)]
        status: &'a Status,
    }
    let event = "ended";
    End { event, status }.serialize(serializer)
}
