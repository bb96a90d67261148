//! What is logged is what `telling` says: level, message and names of fields.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use standin::{Client, Installation, Names, Server, Service, SslFiles, Tls};
use standin_core::Class;
use standin_lab::{Fault, Lab, Target};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const NODE: &str = "/puppet/v3/node/agent.test?environment=production";

/// Level and fields, in the order of the table.
type Form = (String, Vec<String>);

/// Every message that was logged by the library, with its form.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<BTreeMap<String, Form>>>);

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let is_of = |name: &str| target == name || target.starts_with(&format!("{name}::"));
        metadata.is_event() && (is_of("standin") || is_of("standin_net"))
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        let metadata = event.metadata();
        let fields = metadata.fields().iter().map(|field| field.name());
        let fields = fields.filter(|name| *name != "message").map(str::to_owned);
        let level = metadata.level().to_string().to_lowercase();
        let form = (level, fields.collect());
        self.0.lock().unwrap().insert(message.0, form);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// The rows of the table of events.
fn documented() -> BTreeMap<String, Form> {
    let text = include_str!("../src/telling.rs");
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("//! | ")?.split(" | ");
        let level = cells.next()?;
        if !["warn", "info", "debug"].contains(&level) {
            return None;
        }
        let plain = |cell: &str| cell.trim_matches([' ', '|', '`']).to_owned();
        let message = plain(cells.next()?);
        let fields = cells.next().unwrap_or_default().split(", ").map(plain);
        let fields = fields.filter(|field| !field.is_empty()).collect();
        Some((message, (level.to_owned(), fields)))
    });
    rows.collect()
}

#[tokio::test]
async fn every_event_of_an_outage_has_the_form_that_is_documented() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let lab = Lab::builder().start().await.unwrap();
    let names = lab
        .resolve()
        .into_iter()
        .fold(Names::new(), |names, (host, address)| {
            names.with(&host, address)
        });
    let installation = Installation::of_hosts("master.test", Some("replica.test")).unwrap();
    let tls = Tls::from_files(&SslFiles::in_dir(lab.ssl_dir(), "agent.test")).unwrap();
    let client = Client::builder(installation.clone(), tls)
        .names(names)
        .build()
        .unwrap();

    client.get(NODE).await.unwrap();
    client.set_installation(&installation).unwrap();
    let puppetdb = Server::new("master.test", 8081).unwrap();
    let class = Class::Service(Service::PuppetDb);
    client.force_down(&standin::Target::Service(class, puppetdb));
    let _gone = lab
        .fault(Target::Host("master.test"), Fault::Refuse)
        .await
        .unwrap();
    client.get(NODE).await.unwrap();

    let documented = documented();
    let log = log.0.lock().unwrap();
    for (message, form) in log.iter() {
        assert_eq!(documented.get(message), Some(form), "{message}");
    }
    let seen: BTreeSet<&str> = log.keys().map(String::as_str).collect();
    for message in [
        "connecting",
        "connected",
        "sending",
        "attempt answered",
        "attempt failed",
        "server changed state",
        "service changed state",
        "failover",
    ] {
        assert!(seen.contains(message), "{message}: {seen:?}");
    }
}
