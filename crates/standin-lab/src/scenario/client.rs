//! The client under test: a process that is asked in lines of JSON.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{Mutex as AsyncMutex, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::protocol::{FromClient, Place, Request, ToClient};

/// How a client is started; see [`protocol`](crate::protocol) for what it has to speak.
#[derive(Clone, Debug)]
pub struct ClientCommand {
    /// What it is called in reports.
    pub name: String,
    /// The program.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// The client did not do what it has to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// It could not be started.
    #[error("{name} cannot be started")]
    NotStarted {
        /// What it is called.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// It did not say that it is ready.
    #[error("{name} did not say that it is ready: {why}")]
    NotReady {
        /// What it is called.
        name: String,
        /// What it did instead.
        why: String,
    },
    /// It does not take what it is told.
    #[error("{name} does not read what it is told")]
    Deaf {
        /// What it is called.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// A client that runs.
pub(crate) struct Client {
    name: String,
    /// What it calls itself.
    pub(crate) title: String,
    child: AsyncMutex<Child>,
    stdin: AsyncMutex<Option<ChildStdin>>,
    waiting: Arc<Waiting>,
    reading: JoinHandle<()>,
}

/// Who waits for which answer; `None` once no more will come.
#[derive(Default)]
struct Waiting(Mutex<Option<HashMap<u64, oneshot::Sender<FromClient>>>>);

impl ClientCommand {
    /// A client called `name` that is started by a command line, whose words have blanks between them.
    ///
    /// `None` if there is no word in it.
    #[must_use]
    pub fn new(name: impl Into<String>, line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().map(OsString::from);
        Some(Self {
            name: name.into(),
            program: words.next()?,
            arguments: words.collect(),
        })
    }

    pub(crate) async fn start(&self, place: &Place) -> Result<Client, ClientError> {
        let name = || self.name.clone();
        let not_started = |source| ClientError::NotStarted {
            name: name(),
            source,
        };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(not_started)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let lost = || not_started(io::ErrorKind::BrokenPipe.into());
        let mut lines = BufReader::new(stdout.ok_or_else(lost)?).lines();
        let stdin = AsyncMutex::new(Some(stdin.ok_or_else(lost)?));
        tell(&stdin, &ToClient::Lab(place.clone()))
            .await
            .map_err(|source| ClientError::Deaf {
                name: name(),
                source,
            })?;
        let not_ready = |why: String| ClientError::NotReady { name: name(), why };
        let first = timeout(READY, lines.next_line())
            .await
            .map_err(|_| not_ready(format!("it said nothing for {READY:?}")))?;
        let title = match first {
            Ok(Some(line)) => match serde_json::from_str(&line) {
                Ok(FromClient::Ready { client }) => client,
                _ => return Err(not_ready(format!("it said {line}"))),
            },
            Ok(None) => return Err(not_ready("it ended".to_owned())),
            Err(error) => return Err(not_ready(error.to_string())),
        };
        let waiting = Arc::new(Waiting(Mutex::new(Some(HashMap::new()))));
        let reading = tokio::spawn(read(lines, Arc::clone(&waiting)));
        Ok(Client {
            name: name(),
            title,
            child: AsyncMutex::new(child),
            stdin,
            waiting,
            reading,
        })
    }
}

impl Client {
    /// Asks for something. `None` if the client ends without a word about it.
    pub(crate) async fn ask(&self, request: Request) -> Result<Option<FromClient>, ClientError> {
        let (tell_me, told) = oneshot::channel();
        match self.waiting.lock().as_mut() {
            Some(waiting) => waiting.insert(request.id, tell_me),
            None => return Ok(None),
        };
        tell(&self.stdin, &ToClient::Request(request))
            .await
            .map_err(|source| ClientError::Deaf {
                name: self.name.clone(),
                source,
            })?;
        Ok(told.await.ok())
    }

    /// Lets it end by itself.
    pub(crate) async fn end(&self) {
        self.stdin.lock().await.take();
        let mut child = self.child.lock().await;
        if timeout(READY, child.wait()).await.is_err() {
            tracing::warn!(
                client = self.name,
                "did not end with its input, and is killed"
            );
            let _ = child.kill().await;
        }
    }

    /// Kills it.
    pub(crate) async fn kill(&self) {
        let _ = self.child.lock().await.kill().await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<FromClient>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn tell(stdin: &AsyncMutex<Option<ChildStdin>>, what: &ToClient) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    match stdin.lock().await.as_mut() {
        Some(stdin) => {
            stdin.write_all(&line).await?;
            stdin.flush().await
        }
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

async fn read(mut lines: Lines<BufReader<ChildStdout>>, waiting: Arc<Waiting>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let said: FromClient = match serde_json::from_str(&line) {
            Ok(said) => said,
            Err(error) => {
                tracing::warn!(%error, line, "a client says what is not in the protocol");
                continue;
            }
        };
        let (FromClient::Answered { id, .. }
        | FromClient::Failed { id, .. }
        | FromClient::Unable { id, .. }) = said
        else {
            continue;
        };
        if let Some(whose) = waiting
            .lock()
            .as_mut()
            .and_then(|waiting| waiting.remove(&id))
        {
            // Whoever asked may have given up.
            let _ = whose.send(said);
        }
    }
    *waiting.lock() = None;
}

/// How long a client may take to start or to end: an interpreter with a large library takes seconds.
const READY: Duration = Duration::from_secs(60);
