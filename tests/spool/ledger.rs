//! What agents said, what servers got, and what lies in the spool between them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::Value;
use standin::spool::Entry;
use standin_lab::Lab;

/// A report or a command of one run of one agent.
type Marker = (String, String);

pub(crate) struct Ledger<'a> {
    lab: &'a Lab,
    spool: PathBuf,
    acknowledged: BTreeSet<Marker>,
    /// What was in no spool any more when nobody was at it, and how often it had arrived by then.
    removed: BTreeMap<Marker, usize>,
    returned: usize,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(lab: &'a Lab, spool: &Path) -> Self {
        Self {
            lab,
            spool: spool.to_path_buf(),
            acknowledged: BTreeSet::new(),
            removed: BTreeMap::new(),
            returned: 0,
        }
    }

    /// Takes down what an agent said.
    pub(crate) fn acknowledge(&mut self, lines: &[String]) {
        for line in lines {
            let line: Value = serde_json::from_str(line).unwrap();
            let Some(outcome) = line["outcome"].as_str() else {
                continue;
            };
            assert!(["taken", "spooled"].contains(&outcome), "{line}");
            let field = |name: &str| line[name].as_str().unwrap().to_owned();
            let marker = (field("kind"), field("transaction"));
            self.acknowledged.insert(marker);
        }
    }

    /// Looks at servers and spool while no agent lives.
    pub(crate) fn look(&mut self) {
        let (received, kept) = (self.received(), self.in_spool());
        let count = |marker: &Marker| received.get(marker).copied().unwrap_or_default();
        for (marker, before) in &self.removed {
            self.returned += usize::from(count(marker) != *before);
        }
        for marker in self.acknowledged.difference(&kept) {
            self.removed.insert(marker.clone(), count(marker));
        }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }

    /// What was acknowledged and is nowhere.
    pub(crate) fn lost(&self) -> usize {
        let (received, kept) = (self.received(), self.in_spool());
        let is_lost = |marker: &&Marker| !received.contains_key(*marker) && !kept.contains(*marker);
        self.acknowledged.iter().filter(is_lost).count()
    }

    /// What arrived more than once, as it may.
    pub(crate) fn doubled(&self) -> usize {
        self.received().values().filter(|times| **times > 1).count()
    }

    /// What was delivered though it was removed before.
    pub(crate) fn returned(&self) -> usize {
        self.returned
    }

    /// Entries that were broken.
    pub(crate) fn set_aside(&self) -> usize {
        fs::read_dir(self.spool.join("set-aside")).unwrap().count()
    }

    /// What lies in the spool, each entry whole.
    pub(crate) fn in_spool(&self) -> BTreeSet<Marker> {
        let mut markers = BTreeSet::new();
        let Ok(directory) = fs::read_dir(&self.spool) else {
            return markers;
        };
        for file in directory.map(|file| file.unwrap().path()) {
            let kind = file.extension().unwrap_or_default().to_string_lossy();
            if kind == "report" || kind == "command" {
                let entry = Entry::decode(&fs::read(&file).unwrap().into()).unwrap();
                assert_eq!(entry.kind().to_string(), kind);
                markers.insert(marker(&kind, entry.body()));
            }
        }
        markers
    }

    /// How often each was received whole, at either host.
    fn received(&self) -> BTreeMap<Marker, usize> {
        let mut received = BTreeMap::new();
        for host in self.lab.hosts() {
            let reports = host.store().reports().into_iter();
            let reports = reports.map(|report| marker("report", &report.body));
            let commands = host.store().commands().into_iter();
            let commands = commands.map(|command| marker("command", &command.body));
            for marker in reports.chain(commands) {
                *received.entry(marker).or_default() += 1;
            }
        }
        received
    }
}

fn marker(kind: &str, body: &Bytes) -> Marker {
    let body: Value = serde_json::from_slice(body).unwrap();
    let transaction = match kind {
        "report" => &body["transaction_uuid"],
        _ => &body["values"]["transaction"],
    };
    (kind.to_owned(), transaction.as_str().unwrap().to_owned())
}
