//! A relay breaks what passes through it, and nothing else: with plain TCP on both sides, so that each byte is seen.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use standin_lab::{Direction, PassageEnd, Relay, WireFault};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::support::{LONG, connects, soon};

const HOUR: Duration = Duration::from_secs(3600);

/// A server that does nothing by itself, behind a relay.
pub(crate) struct Wire {
    server: TcpListener,
    pub(crate) relay: Relay,
}

/// Both ends of one connection through a relay.
pub(crate) struct Ends {
    pub(crate) client: TcpStream,
    pub(crate) server: TcpStream,
}

impl Wire {
    pub(crate) async fn new() -> Self {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Relay::before(server.local_addr().unwrap())
            .start()
            .await
            .unwrap();
        Self { server, relay }
    }

    pub(crate) async fn connect(&self) -> Ends {
        self.ends(TcpStream::connect(self.relay.address()).await.unwrap())
            .await
    }

    async fn ends(&self, client: TcpStream) -> Ends {
        let (server, _) = timeout(LONG, self.server.accept()).await.unwrap().unwrap();
        Ends { client, server }
    }
}

impl Ends {
    pub(crate) async fn pass(&mut self) {
        assert_eq!(
            sent(&mut self.client, &mut self.server, b"ping").await,
            b"ping"
        );
        assert_eq!(
            sent(&mut self.server, &mut self.client, b"pong").await,
            b"pong"
        );
    }
}

pub(crate) async fn sent(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    from.write_all(bytes).await.unwrap();
    got(to, bytes.len()).await
}

pub(crate) async fn got(to: &mut TcpStream, bytes: usize) -> Vec<u8> {
    let mut buffer = vec![0; bytes];
    timeout(LONG, to.read_exact(&mut buffer))
        .await
        .unwrap()
        .unwrap();
    buffer
}

/// All that comes until the end, and how it came.
async fn rest(of: &mut TcpStream) -> (Vec<u8>, Result<(), ErrorKind>) {
    let mut bytes = Vec::new();
    let end = timeout(LONG, of.read_to_end(&mut bytes)).await.unwrap();
    (bytes, end.map(drop).map_err(|error| error.kind()))
}

async fn refused(address: SocketAddr) -> bool {
    let connected = TcpStream::connect(address).await;
    connected.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[tokio::test]
async fn bytes_pass_unchanged_and_are_counted() {
    let wire = Wire::new().await;
    let Ends {
        mut client,
        mut server,
    } = wire.connect().await;
    let much: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let (read, write) = client.split();
    let (mut read, mut write) = (read, write);
    let sending = async {
        write.write_all(&much).await.unwrap();
        write.shutdown().await.unwrap()
    };
    let ((), (came, end)) = tokio::join!(sending, rest(&mut server));
    assert!(came == much && end.is_ok());
    // Only one direction has ended.
    server.write_all(b"answer").await.unwrap();
    drop(server);
    let mut answer = Vec::new();
    read.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"answer");
    let passage = wire
        .relay
        .journal()
        .wait_for(|passage| passage.ended.is_some())
        .await;
    assert_eq!((passage.to_server, passage.to_client), (300_000, 6));
    assert_eq!(passage.ended, Some(PassageEnd::Done));
}

#[tokio::test]
async fn refuse_refuses_and_resets_until_it_is_lifted() {
    let wire = Wire::new().await;
    let mut ends = wire.connect().await;
    ends.pass().await;
    let fault = wire.relay.fault(WireFault::Refuse).await.unwrap();
    assert!(refused(wire.relay.address()).await);
    for end in [&mut ends.client, &mut ends.server] {
        assert_eq!(rest(end).await, (vec![], Err(ErrorKind::ConnectionReset)));
    }
    assert_eq!(
        wire.relay.journal().passages()[0].ended,
        Some(PassageEnd::ByFault)
    );
    fault.lift().await;
    wire.connect().await.pass().await;
}

#[tokio::test]
async fn a_dropped_guard_lifts_its_fault_and_a_forgotten_one_does_not() {
    let wire = Wire::new().await;
    drop(wire.relay.fault(WireFault::Refuse).await.unwrap());
    connects(wire.relay.address()).await;
    wire.relay.fault(WireFault::Refuse).await.unwrap().forget();
    assert!(refused(wire.relay.address()).await);
}

#[tokio::test]
async fn a_black_hole_drops_connects_and_silences_the_rest() {
    let wire = Wire::new().await;
    let mut ends = wire.connect().await;
    let fault = wire.relay.fault(WireFault::BlackHole).await.unwrap();
    assert!(
        soon(TcpStream::connect(wire.relay.address()))
            .await
            .is_none()
    );
    ends.client.write_all(b"ping").await.unwrap();
    assert!(soon(ends.server.read_u8()).await.is_none());
    fault.lift().await;
    assert_eq!(got(&mut ends.server, 4).await, b"ping");
    let client = connects(wire.relay.address()).await;
    wire.ends(client).await.pass().await;
    // The connections that filled the queue are not among them. The one that could not connect may be.
    let journal = wire.relay.journal();
    let done = |passage: &standin_lab::Passage| passage.to_server == 4;
    assert_eq!(journal.passages().into_iter().filter(done).count(), 2);
    assert!(journal.passages().len() <= 3, "{:?}", journal.passages());
}

#[tokio::test]
async fn silence_accepts_and_keeps_everything_for_later() {
    let wire = Wire::new().await;
    let mut old = wire.connect().await;
    let fault = wire.relay.fault(WireFault::Silent).await.unwrap();
    let mut client = TcpStream::connect(wire.relay.address()).await.unwrap();
    client.write_all(b"new").await.unwrap();
    old.client.write_all(b"old").await.unwrap();
    assert!(soon(wire.server.accept()).await.is_none());
    assert!(soon(old.server.read_u8()).await.is_none());
    fault.lift().await;
    assert_eq!(got(&mut old.server, 3).await, b"old");
    let mut new = wire.ends(client).await;
    assert_eq!(got(&mut new.server, 3).await, b"new");
}

#[tokio::test]
async fn hanging_up_spares_established_connections() {
    let wire = Wire::new().await;
    let mut old = wire.connect().await;
    let _fault = wire.relay.fault(WireFault::HangUp).await.unwrap();
    let mut client = TcpStream::connect(wire.relay.address()).await.unwrap();
    assert_eq!(rest(&mut client).await, (vec![], Ok(())));
    old.pass().await;
}

#[tokio::test]
async fn flapping_refuses_and_passes_by_turns() {
    let wire = Wire::new().await;
    let flapping = WireFault::Flapping {
        down: Duration::from_millis(300),
        up: Duration::from_millis(300),
    };
    let _fault = wire.relay.fault(flapping).await.unwrap();
    assert!(refused(wire.relay.address()).await);
    for _ in 0..2 {
        let mut client = connects(wire.relay.address()).await;
        // It lasts until the next turn.
        assert_eq!(rest(&mut client).await.1, Err(ErrorKind::ConnectionReset));
        assert!(refused(wire.relay.address()).await);
    }
}

#[tokio::test]
async fn a_reset_comes_after_so_many_bytes_either_way() {
    for direction in [Direction::ToClient, Direction::ToServer] {
        let wire = Wire::new().await;
        let Ends { client, server } = wire.connect().await;
        let reset = WireFault::Reset {
            direction,
            after: 5,
        };
        let _fault = wire.relay.fault(reset).await.unwrap();
        let (mut from, mut to) = match direction {
            Direction::ToClient => (server, client),
            Direction::ToServer => (client, server),
        };
        from.write_all(b"0123456789").await.unwrap();
        assert_eq!(
            rest(&mut to).await,
            (b"01234".to_vec(), Err(ErrorKind::ConnectionReset))
        );
        assert_eq!(
            rest(&mut from).await,
            (vec![], Err(ErrorKind::ConnectionReset))
        );
        let passages = wire.relay.journal().passages();
        assert_eq!(passages[0].to_server + passages[0].to_client, 5);
    }
}

#[tokio::test]
async fn a_reset_is_due_at_once_where_the_bytes_have_passed() {
    let wire = Wire::new().await;
    let mut ends = wire.connect().await;
    ends.pass().await;
    let delayed = wire.relay.fault(WireFault::Delay(HOUR)).await.unwrap();
    ends.client.write_all(b"held").await.unwrap();
    let reset = WireFault::Reset {
        direction: Direction::ToServer,
        after: 4,
    };
    let _fault = wire.relay.fault(reset).await.unwrap();
    assert_eq!(
        rest(&mut ends.client).await,
        (vec![], Err(ErrorKind::ConnectionReset))
    );
    drop(delayed);
}

#[tokio::test]
async fn a_cut_ends_one_direction_and_spares_the_other() {
    for direction in [Direction::ToClient, Direction::ToServer] {
        let wire = Wire::new().await;
        let Ends { client, server } = wire.connect().await;
        let cut = WireFault::Cut {
            direction,
            after: 5,
        };
        let _fault = wire.relay.fault(cut).await.unwrap();
        let (mut from, mut to) = match direction {
            Direction::ToClient => (server, client),
            Direction::ToServer => (client, server),
        };
        // Far more than is kept on the way: the sender notices nothing.
        timeout(LONG, from.write_all(&vec![7; 16 << 20]))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(rest(&mut to).await, (vec![7; 5], Ok(())));
        assert_eq!(sent(&mut to, &mut from, b"still here").await, b"still here");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_shows_as_a_reset() {
    let gone = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let relay = Relay::before(gone).start().await.unwrap();
    let mut client = TcpStream::connect(relay.address()).await.unwrap();
    assert_eq!(
        rest(&mut client).await,
        (vec![], Err(ErrorKind::ConnectionReset))
    );
    let passage = relay
        .journal()
        .wait_for(|passage| passage.ended.is_some())
        .await;
    assert_eq!(
        passage.ended,
        Some(PassageEnd::Unreached(ErrorKind::ConnectionRefused))
    );
}

#[tokio::test]
async fn a_server_that_breaks_off_is_broken_off_to_the_client() {
    let wire = Wire::new().await;
    let mut ends = wire.connect().await;
    ends.pass().await;
    #[expect(deprecated, reason = "nobody waits: the time is zero")]
    ends.server.set_linger(Some(Duration::ZERO)).unwrap();
    drop(ends.server);
    assert_eq!(
        rest(&mut ends.client).await,
        (vec![], Err(ErrorKind::ConnectionReset))
    );
    let passages = wire.relay.journal().passages();
    assert_eq!(
        passages[0].ended,
        Some(PassageEnd::Broken(ErrorKind::ConnectionReset))
    );
}

#[tokio::test]
async fn a_relay_listens_where_it_is_told_and_says_when_it_cannot() {
    let wire = Wire::new().await;
    let taken = wire.relay.address();
    let error = Relay::before(taken)
        .listen_on(taken)
        .start()
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the socket of {taken} could not be changed")
    );
    wire.relay.shutdown().await;
    let again = Relay::before(taken).listen_on(taken).start().await.unwrap();
    assert_eq!(again.address(), taken);
}
