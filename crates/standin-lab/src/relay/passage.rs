//! One connection through a relay, to its end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::fault::Direction;
use super::journal::{Entry, PassageEnd};
use super::rules::{Board, Limit, Pace, Rules};
use crate::scene::Door;

/// Passes on what either side sends, as the rules have it.
pub(super) async fn serve(
    board: Arc<Board>,
    mut client: TcpStream,
    target: SocketAddr,
    mut doors: watch::Receiver<Door>,
) {
    let entry = board.journal().open();
    if *doors.borrow() == Door::HangUp {
        return entry.ended(PassageEnd::ByFault);
    }
    let ended = match reach(target, &mut doors).await {
        Ok(mut server) => {
            let ended = converse(&board, &mut client, &mut server, &doors, &entry).await;
            if ended != PassageEnd::Done {
                reset(&server);
            }
            ended
        }
        Err(ended) => ended,
    };
    if ended != PassageEnd::Done {
        reset(&client);
    }
    entry.ended(ended);
}

/// Connects to the server, once the relay is not silent.
async fn reach(
    target: SocketAddr,
    doors: &mut watch::Receiver<Door>,
) -> Result<TcpStream, PassageEnd> {
    speaks(doors).await?;
    let connected = tokio::select! {
        biased;
        _ = doors.wait_for(|door| *door == Door::Closed) => return Err(PassageEnd::ByFault),
        connected = TcpStream::connect(target) => connected,
    };
    connected.map_err(|error| PassageEnd::Unreached(error.kind()))
}

async fn converse(
    board: &Board,
    client: &mut TcpStream,
    server: &mut TcpStream,
    doors: &watch::Receiver<Door>,
    entry: &Entry,
) -> PassageEnd {
    for stream in [&*client, &*server] {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection without TCP_NODELAY");
        }
    }
    let mut closing = doors.clone();
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let way = |direction| Way {
        direction,
        rules: board.subscribe(),
        doors: doors.clone(),
        entry: entry.clone(),
        passed: 0,
    };
    let there = way(Direction::ToServer).pass(from_client, to_server);
    let back = way(Direction::ToClient).pass(from_server, to_client);
    tokio::select! {
        biased;
        _ = closing.wait_for(|door| *door == Door::Closed) => PassageEnd::ByFault,
        ended = async { tokio::try_join!(there, back) } => ended.err().unwrap_or(PassageEnd::Done),
    }
}

/// One direction of a connection.
struct Way {
    direction: Direction,
    rules: watch::Receiver<Arc<Rules>>,
    doors: watch::Receiver<Door>,
    entry: Entry,
    passed: u64,
}

/// What was read at once.
struct Chunk {
    bytes: Bytes,
    read: Instant,
    /// Which part of the jitter is its own, from 0 to 1.
    lot: f64,
}

impl Way {
    /// Until the sender has done and all of it was passed on.
    async fn pass(
        mut self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
    ) -> Result<(), PassageEnd> {
        let (chunks, mut waiting) = mpsc::channel(IN_FLIGHT);
        let mut doors = self.doors.clone();
        let read = async move {
            loop {
                speaks(&mut doors).await?;
                let mut bytes = BytesMut::with_capacity(CHUNK);
                let read = from
                    .read_buf(&mut bytes)
                    .await
                    .map_err(|error| broken(&error))?;
                // A cut direction takes no more; what the sender says is lost then.
                let chunk = Chunk {
                    bytes: bytes.freeze(),
                    read: Instant::now(),
                    lot: fastrand::f64(),
                };
                if read == 0 {
                    return Ok(());
                }
                if chunks.send(chunk).await.is_err() {
                    drain(&mut from).await?;
                    return Ok(());
                }
            }
        };
        let write = async {
            let end = self.write(&mut waiting, &mut to).await;
            // The reader learns that nothing more is wanted.
            waiting.close();
            end?;
            to.shutdown().await.map_err(|error| broken(&error))
        };
        tokio::try_join!(read, write).map(drop)
    }

    /// Until the sender has done, or no more may pass.
    async fn write(
        &mut self,
        waiting: &mut mpsc::Receiver<Chunk>,
        to: &mut WriteHalf<'_>,
    ) -> Result<(), PassageEnd> {
        let mut held: Option<Chunk> = None;
        let mut pause: Option<(Pace, Instant)> = None;
        loop {
            let (pace, limit) = {
                let rules = self.rules.borrow_and_update();
                (rules.pace(), rules.limit(self.direction))
            };
            let left = limit.left(self.passed);
            match limit {
                Limit::Cut(_) if left == 0 => return Ok(()),
                Limit::Reset(_) if left == 0 => return Err(PassageEnd::ByFault),
                _ => {}
            }
            // A pause is over when the pace that asked for it is.
            let resume = pause.filter(|(of, _)| *of == pace).map(|(_, until)| until);
            let doors = &mut self.doors;
            let write = async {
                let Some(chunk) = &held else {
                    return std::future::pending().await;
                };
                let due = chunk.due(pace);
                sleep_until(resume.map_or(due, |until| until.max(due))).await;
                speaks(doors).await?;
                let (piece, rest) = pace.piece(chunk.bytes.len());
                let piece = piece.min(usize::try_from(left).unwrap_or(usize::MAX));
                let written = to.write(&chunk.bytes[..piece]).await;
                Ok((written.map_err(|error| broken(&error))?, rest))
            };
            tokio::select! {
                biased;
                changed = self.rules.changed() => changed.map_err(|_| PassageEnd::ByFault)?,
                written = write => {
                    let (written, rest) = written?;
                    self.passed += written as u64;
                    self.entry.passed(self.direction, written);
                    pause = Some((pace, later(Instant::now(), rest)));
                    held = held.take().and_then(|chunk| chunk.without(written));
                }
                chunk = waiting.recv(), if held.is_none() => match chunk {
                    Some(chunk) => held = Some(chunk),
                    None => return Ok(()),
                },
            }
        }
    }
}

impl Chunk {
    fn due(&self, pace: Pace) -> Instant {
        later(
            self.read,
            pace.delay.saturating_add(pace.jitter.mul_f64(self.lot)),
        )
    }

    /// What is left of it once so many bytes are gone, if anything is.
    fn without(mut self, gone: usize) -> Option<Self> {
        self.bytes.advance(gone);
        self.bytes.has_remaining().then_some(self)
    }
}

/// So much later, or at the end of time.
fn later(moment: Instant, by: Duration) -> Instant {
    moment.checked_add(by).unwrap_or(moment + AGES)
}

/// Waits until the relay is not silent.
async fn speaks(doors: &mut watch::Receiver<Door>) -> Result<(), PassageEnd> {
    let speaks = |door: &Door| !matches!(door, Door::Silent | Door::BlackHole);
    match doors.wait_for(speaks).await {
        Ok(door) if *door != Door::Closed => Ok(()),
        _ => Err(PassageEnd::ByFault),
    }
}

async fn drain(from: &mut ReadHalf<'_>) -> Result<(), PassageEnd> {
    let mut rest = BytesMut::with_capacity(CHUNK);
    while from
        .read_buf(&mut rest)
        .await
        .map_err(|error| broken(&error))?
        > 0
    {
        rest.clear();
    }
    Ok(())
}

fn broken(error: &io::Error) -> PassageEnd {
    PassageEnd::Broken(error.kind())
}

/// Makes the close an RST: without lingering it is no FIN.
fn reset(stream: &TcpStream) {
    if let Err(error) = SockRef::from(stream).set_linger(Some(Duration::ZERO)) {
        tracing::debug!(%error, "a connection could not be reset");
    }
}

/// Longer than anything runs, and short enough to be added to a moment.
const AGES: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

const CHUNK: usize = 16 << 10;

/// How many chunks can be on their way at once: 4 MiB each way.
const IN_FLIGHT: usize = 256;
