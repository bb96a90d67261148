use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const MASTER: &str = "master.example.com";

/// A name server that answers as it is told to.
#[derive(Clone, Default)]
struct Server {
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
}

#[derive(Clone, Default)]
enum Answer {
    Addresses(Vec<IpAddr>),
    #[default]
    NoSuchName,
    /// After so long, an address.
    Late(Duration, IpAddr),
}

impl Lookup for Server {
    fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answer.lock().unwrap().clone();
        async move {
            match answer {
                Answer::Addresses(addresses) => Ok(addresses),
                Answer::NoSuchName => Err(io::ErrorKind::NotFound.into()),
                Answer::Late(after, address) => {
                    tokio::time::sleep(after).await;
                    Ok(vec![address])
                }
            }
        }
        .boxed()
    }
}

impl Server {
    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

async fn resolve(names: &Names) -> Result<Vec<IpAddr>, NameError> {
    let found = names.addresses(MASTER, 8140).await?;
    Ok(found.into_iter().map(|address| address.ip()).collect())
}

const A: &str = "192.0.2.1";
const B: &str = "2001:db8::2";

#[tokio::test(start_paused = true)]
async fn a_name_is_resolved_again_at_each_connect() {
    let server = Server::default();
    let names = Names::asking(server.clone());
    server.answers(Answer::Addresses(vec![ip(A)]));
    assert_eq!(resolve(&names).await.unwrap(), [ip(A)]);
    server.answers(Answer::Addresses(vec![ip(B), ip(A)]));
    assert_eq!(resolve(&names).await.unwrap(), [ip(B), ip(A)]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_stops_resolving_keeps_its_last_addresses_for_a_while() {
    let server = Server::default();
    let names = Names::asking(server.clone()).keep(Duration::from_secs(60));
    server.answers(Answer::Addresses(vec![ip(A)]));
    resolve(&names).await.unwrap();
    server.answers(Answer::NoSuchName);
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(resolve(&names).await.unwrap(), [ip(A)]);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(resolve(&names).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_never_resolved_has_no_address() {
    let names = Names::asking(Server::default());
    let error = resolve(&names).await.unwrap_err();
    assert!(error.to_string().contains(MASTER), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_name_server_costs_half_a_second_and_its_late_answer_is_taken_in() {
    let server = Server::default();
    let names = Names::asking(server.clone());
    server.answers(Answer::Addresses(vec![ip(A)]));
    resolve(&names).await.unwrap();
    server.answers(Answer::Late(Duration::from_secs(10), ip(B)));
    let begun = tokio::time::Instant::now();
    assert_eq!(resolve(&names).await.unwrap(), [ip(A)]);
    assert_eq!(begun.elapsed(), PATIENCE);
    tokio::time::sleep(Duration::from_secs(10)).await;
    server.answers(Answer::NoSuchName);
    assert_eq!(resolve(&names).await.unwrap(), [ip(B)]);
}

#[tokio::test(start_paused = true)]
async fn however_many_connect_a_silent_name_server_is_asked_once() {
    let server = Server::default();
    let names = Names::asking(server.clone());
    server.answers(Answer::Late(Duration::from_secs(5), ip(A)));
    let all = futures_util::future::join_all((0..50).map(|_| resolve(&names))).await;
    assert!(all.into_iter().all(|found| found.unwrap() == [ip(A)]));
    assert_eq!(server.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_address_is_its_own_name_and_nobody_is_asked() {
    let server = Server::default();
    let names = Names::asking(server.clone());
    let found = names.addresses("[::1]", 8140).await.unwrap();
    assert_eq!(found, ["[::1]:8140".parse().unwrap()]);
    assert_eq!(server.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_address_at_a_port_comes_before_one_at_every_port() {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let names = Names::new()
        .with(MASTER, address("10.0.0.1"))
        .with_at(MASTER, 8081, address("10.0.0.2"))
        .with_at("replica.example.com", 8140, address("10.0.0.3"));
    let at = async |host: &str, port| {
        let found = names.addresses(host, port).await.unwrap();
        found[0].to_string()
    };
    assert_eq!(at(MASTER, 8140).await, "10.0.0.1:8140");
    assert_eq!(at("MASTER.example.com", 8081).await, "10.0.0.2:8081");
    assert_eq!(at("replica.example.com", 8140).await, "10.0.0.3:8140");
    assert_eq!(
        names.lookup("replica.example.com").await.unwrap(),
        [address("10.0.0.3")]
    );
}
