//! What the ready-made client does in a second, beside hyper-util's client alone.
//!
//! `cargo bench --bench throughput` prints, for a GET and for a POST of 16 KiB, 1 and 64 in flight,
//! requests a second and the time that 99 of 100 take at most, and, last, medians over all pairs:
//! `throughput_ratio=R p99_ratio=R`, ours divided by hyper-util's. More is better for the first, less
//! for the second.
//!
//! Both speak TLS on loopback with the same rustls configuration and without Nagle's delay, to a
//! plain hyper server that has a thread and a runtime of its own. It is not the lab's: what that does
//! for each request, its journal and its faults, would cost both so much that no difference showed.
//! Nothing is switched off for ours: health, copies for replay, deadlines, patience and `Served` are
//! all on, and a replica stands behind the master.
//!
//! A pair is ours, theirs, theirs, ours, so that drift of the machine falls on both alike.

#![allow(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![allow(clippy::unwrap_used, reason = "what a benchmark sets up has to work")]

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use standin::{Client, Installation, Server, ServerList, Service, Tls};

#[path = "throughput/server.rs"]
mod server;

use server::{AGENT, HOST, Site};

fn main() {
    let site = Site::start();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let extent = match std::env::args().any(|argument| argument == "--test") {
        true => Extent {
            pairs: 2,
            requests: 200,
        },
        false => Extent {
            pairs: 12,
            requests: 4_000,
        },
    };
    runtime.block_on(async {
        // An agent's runtime always has a timer pending, that of the next run at least. Without one, to
        // wait with a time-out would be ours alone.
        let next_run = tokio::spawn(tokio::time::sleep(Duration::from_secs(1800)));
        measure(&site, extent).await;
        next_run.abort();
    });
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    pairs: usize,
    /// In each leg, of which a pair has four.
    requests: usize,
}

async fn measure(site: &Site, extent: Extent) {
    let tls = Tls::from_files(&site.files).unwrap();
    let ours = ours(site, tls.clone());
    let theirs = Theirs::new(site, &tls);
    let mut all = Vec::new();
    println!(
        "{} pairs, medians: ours, hyper-util's alone, and their ratio",
        extent.pairs
    );
    for (name, work) in [("GET", Work::Get), ("POST 16 KiB", Work::Post)] {
        for flights in [1, 64] {
            let cell = cell(&ours, &theirs, work, flights, extent).await;
            let of = |value: fn(&Pair) -> f64| median(cell.iter().map(value));
            println!(
                "{name:<11} {flights:>2} in flight {:>7.0} {:>7.0} a second {:.3}   p99 {:>8.3} {:>8.3} ms {:.3}",
                of(|pair| pair.ours.rate),
                of(|pair| pair.theirs.rate),
                of(Pair::throughput),
                of(|pair| pair.ours.p99),
                of(|pair| pair.theirs.p99),
                of(Pair::p99),
            );
            all.extend(cell);
        }
    }
    println!(
        "throughput_ratio={:.3} p99_ratio={:.3}",
        median(all.iter().map(Pair::throughput)),
        median(all.iter().map(Pair::p99))
    );
}

/// The pairs of one kind of work with so many in flight.
async fn cell(
    ours: &Ours,
    theirs: &Theirs,
    work: Work,
    flights: usize,
    extent: Extent,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    // One more than is counted, which makes the connections.
    for _ in 0..=extent.pairs {
        let first = leg(ours, work, flights, extent.requests).await;
        let second = leg(theirs, work, flights, extent.requests).await;
        let third = leg(theirs, work, flights, extent.requests).await;
        let fourth = leg(ours, work, flights, extent.requests).await;
        pairs.push(Pair {
            ours: first.and(fourth),
            theirs: second.and(third),
        });
    }
    pairs.split_off(1)
}

#[derive(Clone, Copy)]
enum Work {
    Get,
    Post,
}

/// Ours and theirs, of two legs each.
struct Pair {
    ours: Leg,
    theirs: Leg,
}

impl Pair {
    fn throughput(&self) -> f64 {
        self.ours.rate / self.theirs.rate
    }

    fn p99(&self) -> f64 {
        self.ours.p99 / self.theirs.p99
    }
}

/// Requests a second, and the milliseconds that 99 of 100 take at most.
#[derive(Clone, Copy)]
struct Leg {
    rate: f64,
    p99: f64,
}

impl Leg {
    fn and(self, other: Self) -> Self {
        Self {
            rate: (self.rate + other.rate) / 2.0,
            p99: (self.p99 + other.p99) / 2.0,
        }
    }
}

async fn leg(client: &impl Sends, work: Work, flights: usize, requests: usize) -> Leg {
    let begun = now();
    let flying: Vec<_> = (0..flights)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut took = Vec::with_capacity(requests / flights);
                for _ in 0..requests / flights {
                    let begun = now();
                    client.send(work).await;
                    took.push(now().duration_since(begun));
                }
                took
            })
        })
        .collect();
    let mut took = Vec::with_capacity(requests);
    for one in flying {
        took.extend(one.await.unwrap());
    }
    let whole = now().duration_since(begun);
    took.sort_unstable();
    let p99: Duration = took[took.len() * 99 / 100];
    Leg {
        rate: took.len() as f64 / whole.as_secs_f64(),
        p99: p99.as_secs_f64() * 1000.0,
    }
}

/// Sends a request and reads the answer to its end.
trait Sends: Clone + Send + 'static {
    fn send(&self, work: Work) -> impl Future<Output = ()> + Send;
}

const GET: &str = "/puppet/v3/node/agent.test?environment=production";
const POST: &str = "/puppet/v3/catalog/agent.test?environment=production";
const CONTENT: &[u8] = &[b'x'; 16 * 1024];

/// Ours, with the paths parsed as theirs are.
#[derive(Clone)]
struct Ours {
    client: Client,
    get: Uri,
    post: Uri,
}

impl Sends for Ours {
    async fn send(&self, work: Work) {
        let (request, body) = match work {
            Work::Get => (Request::get(self.get.clone()), Bytes::new()),
            Work::Post => (
                Request::post(self.post.clone()),
                Bytes::from_static(CONTENT),
            ),
        };
        let request = server::with_headers(request).body(body).unwrap();
        let response = self.client.request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap();
    }
}

fn ours(site: &Site, tls: Tls) -> Ours {
    // Nobody is at the replica's address, and nobody asks.
    let servers = [(HOST, site.port), ("replica.test", site.port)];
    let servers = servers.map(|(host, port)| Server::new(host, port).unwrap());
    let list = ServerList::new(servers).unwrap();
    let installation = Installation::new().with(Service::PuppetServer, list);
    let builder = Client::builder(installation, tls).agent(AGENT);
    Ours {
        client: builder.build().unwrap(),
        get: Uri::from_static(GET),
        post: Uri::from_static(POST),
    }
}

/// hyper-util's client, and where it sends what ours sends by path alone.
#[derive(Clone)]
struct Theirs {
    client: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    get: Uri,
    post: Uri,
}

impl Theirs {
    fn new(site: &Site, tls: &Tls) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(tls.config().as_ref().clone())
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        let uri = |path: &str| {
            format!("https://{HOST}:{}{path}", site.port)
                .parse()
                .unwrap()
        };
        Self {
            client: legacy::Client::builder(TokioExecutor::new()).build(https),
            get: uri(GET),
            post: uri(POST),
        }
    }
}

impl Sends for Theirs {
    async fn send(&self, work: Work) {
        let (request, body) = match work {
            Work::Get => (Request::get(self.get.clone()), Bytes::new()),
            Work::Post => (
                Request::post(self.post.clone()),
                Bytes::from_static(CONTENT),
            ),
        };
        let request = server::with_headers(request).body(Full::new(body)).unwrap();
        let response = self.client.request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap();
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}
