//! What failing over costs when the master is in trouble, on loopback with real TLS.
//!
//! `cargo bench --bench failover` prints a line for each trouble and, last, one line of all:
//! `refused_ms=.. blackhole_cold_ms=.. blackhole_known_ms=.. blackhole_next_process_ms=..
//! silent_pre_tls_ms=.. silent_post_tls_ms=.. status_good_work_silent_ms=.. pdb_run_ms=..`
//!
//! "Added" is the median of paired differences between the work done by way of master and replica
//! and the same work sent straight to the replica, which does it in both cases, over connections in
//! the same state: new ones where the client is new, kept ones where it is not. Pairs are taken in
//! the order ABBA. The policy is the default one throughout.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "what a benchmark sets up has to work")]

use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::BodyExt;
use standin::config::{Account, Defaults, Settings, Sources};
use standin::{Body, Client, Installation, Names, Served};
use standin_lab::{Fault, FaultGuard, Lab, Service, Target};

const MASTER: &str = "master.test";
const REPLICA: &str = "replica.test";
const AGENT: &str = "agent.test";

/// Where and what a process measures that the benchmark starts as the next one.
const NEXT_PROCESS: &str = "STANDIN_BENCH_NEXT_PROCESS";

#[tokio::main]
async fn main() {
    if let Ok(task) = std::env::var(NEXT_PROCESS) {
        return next_process(&task).await;
    }
    let rounds = match std::env::args().any(|argument| argument == "--test") {
        true => Rounds { quick: 2, slow: 1 },
        false => Rounds { quick: 20, slow: 4 },
    };
    let bench = Bench::start(rounds).await;
    let figures = [
        ("refused_ms", bench.refused().await),
        ("blackhole_cold_ms", bench.black_hole_cold().await),
        ("blackhole_known_ms", bench.black_hole_known().await),
        (
            "blackhole_next_process_ms",
            bench.black_hole_next_process().await,
        ),
        ("silent_pre_tls_ms", bench.silent(Fault::Silent).await),
        (
            "silent_post_tls_ms",
            bench.silent(Fault::SilentAfterTls).await,
        ),
        ("status_good_work_silent_ms", bench.work_silent().await),
        ("pdb_run_ms", bench.puppetdb_run().await),
    ];
    for (name, added) in &figures {
        println!("{name:<28} {added:>9.1}");
    }
    let line = figures.map(|(name, added)| format!("{name}={added:.1}"));
    println!("{}", line.join(" "));
}

/// How often what takes milliseconds is measured, and what takes seconds.
#[derive(Clone, Copy)]
struct Rounds {
    quick: usize,
    slow: usize,
}

struct Bench {
    lab: Lab,
    site: Site,
    rounds: Rounds,
}

/// Where an agent finds its settings and its servers.
struct Site {
    conf_dir: String,
    addresses: Vec<(String, IpAddr)>,
}

/// Who is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The master first, then the replica.
    Both,
    /// The replica alone.
    Straight,
}

impl Site {
    fn client(&self, way: Way) -> Client {
        self.build(way, false)
    }

    fn build(&self, way: Way, remembers: bool) -> Client {
        let defaults = Defaults {
            account: Account::Root,
            home: "/root".into(),
            hostname: AGENT.into(),
        };
        let sources = Sources::new(Path::new(&self.conf_dir), defaults);
        let settings = Settings::read(&sources).unwrap();
        let add = |names: Names, (host, address): &(String, IpAddr)| names.with(host, *address);
        let names = self.addresses.iter().fold(Names::new(), add);
        let mut builder = Client::from_settings(&settings).unwrap().names(names);
        if way == Way::Straight {
            builder = builder.installation(Installation::of_hosts(REPLICA, None).unwrap());
        }
        if !remembers {
            builder = builder.without_memory();
        }
        builder.build().unwrap()
    }
}

impl Bench {
    async fn start(rounds: Rounds) -> Self {
        let lab = Lab::builder().start().await.unwrap();
        let site = Site {
            conf_dir: lab.conf_dir().to_str().unwrap().to_owned(),
            addresses: lab.resolve(),
        };
        Self { lab, site, rounds }
    }

    async fn fault(&self, service: Service, fault: Fault) -> FaultGuard {
        let target = Target::Service(MASTER, service);
        self.lab.fault(target, fault).await.unwrap()
    }

    /// Pairs of new clients, each asked once.
    async fn cold(&self, rounds: usize) -> f64 {
        let mut added = Vec::new();
        for round in 0..rounds {
            let both = self.site.client(Way::Both);
            let straight = self.site.client(Way::Straight);
            added.push(paired(round, || node(&both), || node(&straight)).await);
        }
        median(added)
    }

    async fn refused(&self) -> f64 {
        let _fault = self.fault(Service::PuppetServer, Fault::Refuse).await;
        self.cold(self.rounds.quick).await
    }

    async fn black_hole_cold(&self) -> f64 {
        let _fault = self.fault(Service::PuppetServer, Fault::BlackHole).await;
        self.cold(self.rounds.slow).await
    }

    async fn black_hole_known(&self) -> f64 {
        let _fault = self.fault(Service::PuppetServer, Fault::BlackHole).await;
        let both = self.site.client(Way::Both);
        let straight = self.site.client(Way::Straight);
        node(&both).await;
        node(&straight).await;
        let mut added = Vec::new();
        for round in 0..self.rounds.quick {
            added.push(paired(round, || node(&both), || node(&straight)).await);
        }
        median(added)
    }

    async fn black_hole_next_process(&self) -> f64 {
        let _fault = self.fault(Service::PuppetServer, Fault::BlackHole).await;
        let first = self.site.build(Way::Both, true);
        node(&first).await;
        first.remember().await.unwrap();
        let hosts = self.site.addresses.iter();
        let hosts = hosts.map(|(host, address)| format!(",{host}={address}"));
        let task = self.site.conf_dir.clone() + &hosts.collect::<String>();
        let mut added = Vec::new();
        for round in 0..self.rounds.quick {
            let mut next = Command::new(std::env::current_exe().unwrap());
            next.env(NEXT_PROCESS, format!("{round},{task}"));
            let run = tokio::task::spawn_blocking(move || next.output().unwrap());
            let output = run.await.unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let milliseconds = text.trim().parse();
            added.push(milliseconds.unwrap_or_else(|_| panic!("{output:?}")));
        }
        median(added)
    }

    async fn silent(&self, fault: Fault) -> f64 {
        let _fault = self.fault(Service::PuppetServer, fault).await;
        self.cold(self.rounds.slow).await
    }

    async fn work_silent(&self) -> f64 {
        let mut added = Vec::new();
        for round in 0..self.rounds.slow {
            let both = self.site.client(Way::Both);
            let straight = self.site.client(Way::Straight);
            // So that it is known what a look-up usually takes.
            for _ in 0..5 {
                assert_eq!(ask(&both, look_up()).await, MASTER);
                node(&straight).await;
            }
            let _fault = self.fault(Service::PuppetServer, Fault::WorkSilent).await;
            added.push(paired(round, || node(&both), || node(&straight)).await);
        }
        median(added)
    }

    /// Three commands and a query, as a run has them.
    async fn puppetdb_run(&self) -> f64 {
        let _fault = self.fault(Service::PuppetDb, Fault::BlackHole).await;
        let mut added = Vec::new();
        for round in 0..self.rounds.slow {
            let both = self.site.client(Way::Both);
            let straight = self.site.client(Way::Straight);
            added.push(paired(round, || puppetdb_work(&both), || puppetdb_work(&straight)).await);
        }
        median(added)
    }
}

/// The difference between the two in milliseconds; who goes first changes with the round.
async fn paired<A, B>(round: usize, ours: impl Fn() -> A, straight: impl Fn() -> B) -> f64
where
    A: Future<Output = Duration>,
    B: Future<Output = Duration>,
{
    let (ours, straight) = if matches!(round % 4, 0 | 3) {
        let ours = ours().await;
        (ours, straight().await)
    } else {
        let straight = straight().await;
        (ours().await, straight)
    };
    (ours.as_secs_f64() - straight.as_secs_f64()) * 1000.0
}

/// A look-up that the replica answers, and how long it took.
async fn node(client: &Client) -> Duration {
    let begun = now();
    assert_eq!(ask(client, look_up()).await, REPLICA);
    now().duration_since(begun)
}

async fn puppetdb_work(client: &Client) -> Duration {
    let query = || {
        Request::get("/pdb/query/v4/nodes")
            .body(Body::empty())
            .unwrap()
    };
    let command = |name| {
        let stamp = "2026-11-24T00:00:00.000Z";
        let path = format!(
            "/pdb/cmd/v1?command={name}&version=5&certname={AGENT}&producer-timestamp={stamp}"
        );
        let body = Body::from(format!(r#"{{"certname":"{AGENT}","values":{{}}}}"#));
        Request::post(path).body(body).unwrap()
    };
    let begun = now();
    for request in [
        command("replace_facts"),
        query(),
        command("replace_catalog"),
        command("store_report"),
    ] {
        assert_eq!(ask(client, request).await, REPLICA);
    }
    now().duration_since(begun)
}

fn look_up() -> Request<Body> {
    let path = format!("/puppet/v3/node/{AGENT}?environment=production");
    Request::get(path).body(Body::empty()).unwrap()
}

/// Sends a request and reads the answer to its end; says who gave it.
async fn ask(client: &Client, request: Request<Body>) -> String {
    let response = client.request(request).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    let served = response.extensions().get::<Served>().unwrap();
    let host = served.server.host().to_owned();
    response.into_body().collect().await.unwrap();
    host
}

/// Another process, which has only the memory to go by.
async fn next_process(task: &str) {
    let mut parts = task.split(',');
    let round: usize = parts.next().unwrap().parse().unwrap();
    let conf_dir = parts.next().unwrap().to_owned();
    let addresses = parts.map(|part| {
        let (host, address) = part.split_once('=').unwrap();
        (host.to_owned(), address.parse().unwrap())
    });
    let site = Site {
        conf_dir,
        addresses: addresses.collect(),
    };
    let both = site.build(Way::Both, true);
    let straight = site.client(Way::Straight);
    println!(
        "{}",
        paired(round, || node(&both), || node(&straight)).await
    );
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
