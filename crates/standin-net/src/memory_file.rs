//! The memory file: what was learned, for the next process on this machine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::fs::OFlags;
use standin_core::memory::{Memory, Recollection};
use standin_core::policy;

use crate::Clock;

/// One agent's share of a memory file. Cheap to clone.
///
/// Several processes may share a file: each reads what is there, adds what it learned and puts the
/// whole in its place, under a lock beside it. Its rights are 0600, and nothing that somebody else
/// could have put there is believed.
#[derive(Clone, Debug)]
pub struct MemoryFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    certname: String,
    lasts: policy::Memory,
    warned: AtomicBool,
}

/// A memory file is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// It cannot be read or written.
    #[error("{path} cannot be {action}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// It is a link or something else that is no file.
    #[error("{path} is no plain file; remove it, and it is made anew")]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// Its owner is somebody else.
    #[error("{path} belongs to user {owner} and not to this one; remove it or name another")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
    },
    /// Others may write to it.
    #[error("{path} may be written by others; chmod 600 it, or remove it")]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// It is larger than any memory.
    #[error("{path} has {length} bytes, more than the {LENGTH_MOST} of any memory; remove it")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        length: u64,
    },
    /// It is cut off, or something else.
    #[error("{path} is no memory, or a part of one; remove it, and it is made anew")]
    Garbled {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Another release wrote it.
    #[error("{path} has the form {version}, which this release does not know")]
    Version {
        /// The file.
        path: PathBuf,
        /// The form.
        version: u32,
    },
    /// Another process keeps it locked.
    #[error("{path} stayed locked by another process")]
    Locked {
        /// The file of the lock.
        path: PathBuf,
    },
}

impl MemoryFile {
    /// The name of the file in Puppet's `statedir`.
    pub const NAME: &'static str = "standin.json";

    /// The share of the agent `certname` in the file at `path`. What is in it lasts as `lasts` says.
    #[must_use]
    pub fn new(path: &Path, certname: &str, lasts: policy::Memory) -> Self {
        Self(Arc::new(Inner {
            path: path.to_path_buf(),
            certname: certname.to_owned(),
            lasts,
            warned: AtomicBool::new(false),
        }))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What this agent remembers. A file that is not there is a memory of nothing; one that cannot
    /// be used is too, and is warned of once.
    #[must_use]
    pub fn read(&self, clock: Clock) -> Recollection {
        let memory = self.believed();
        let mut known = memory.agents.get(&self.0.certname).cloned();
        if let Some(known) = &mut known {
            known.prune(clock.wall(), &self.0.lasts);
        }
        known.unwrap_or_default()
    }

    /// Adds what was learned. Waits for other processes, at most a second.
    ///
    /// # Errors
    /// When the file cannot be put in its place, or another process keeps it locked. One that is
    /// there and cannot be used is replaced.
    ///
    /// # Cancel safety
    /// The file is whole whenever the future is dropped.
    pub async fn write(&self, learned: Recollection, clock: Clock) -> Result<(), MemoryError> {
        let lock = self.lock().await?;
        let file = self.clone();
        let writing = tokio::task::spawn_blocking(move || {
            let written = file.replace(learned, clock);
            drop(lock);
            written
        });
        writing
            .await
            .unwrap_or_else(|panic| Err(self.io("written", io::Error::other(panic))))
    }

    /// Forgets what all agents remember.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn clear(&self) -> Result<(), MemoryError> {
        match fs::remove_file(&self.0.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.io("removed", error)),
            _ => Ok(()),
        }
    }

    /// The whole file, of all agents; an empty memory where there is none.
    ///
    /// # Errors
    /// When it is there and is not to be believed.
    pub fn load(&self) -> Result<Memory, MemoryError> {
        let path = &self.0.path;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(bits(OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC))
            .open(path);
        let file = match file {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Memory::new()),
            Err(error) if is_a_link(&error) => {
                return Err(MemoryError::NoFile { path: path.clone() });
            }
            Err(error) => return Err(self.io("read", error)),
        };
        let metadata = file.metadata().map_err(|error| self.io("read", error))?;
        if !metadata.is_file() {
            return Err(MemoryError::NoFile { path: path.clone() });
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            let owner = metadata.uid();
            return Err(MemoryError::Foreign {
                path: path.clone(),
                owner,
            });
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(MemoryError::Open { path: path.clone() });
        }
        if metadata.len() > LENGTH_MOST {
            let length = metadata.len();
            return Err(MemoryError::TooLarge {
                path: path.clone(),
                length,
            });
        }
        let mut text = Vec::new();
        file.take(LENGTH_MOST)
            .read_to_end(&mut text)
            .map_err(|error| self.io("read", error))?;
        let memory: Memory = serde_json::from_slice(&text).map_err(|source| {
            let path = path.clone();
            MemoryError::Garbled { path, source }
        })?;
        match memory.version {
            Memory::VERSION => Ok(memory),
            version => Err(MemoryError::Version {
                path: path.clone(),
                version,
            }),
        }
    }

    fn believed(&self) -> Memory {
        self.load().unwrap_or_else(|error| {
            if !self.0.warned.swap(true, Ordering::Relaxed) {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "memory is not used");
            }
            Memory::new()
        })
    }

    fn replace(&self, learned: Recollection, clock: Clock) -> Result<(), MemoryError> {
        let mut memory = self.believed();
        memory.merge(&self.0.certname, learned);
        memory.prune(clock.wall(), &self.0.lasts);
        let failed = |error| self.io("written", error);
        let directory = self.directory();
        let mut file = tempfile::Builder::new()
            .prefix(".standin-")
            .tempfile_in(directory)
            .map_err(failed)?;
        let text = serde_json::to_vec(&memory).map_err(|error| failed(error.into()))?;
        file.write_all(&text).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&self.0.path)
            .map_err(|error| failed(error.error))?;
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(failed)
    }

    /// The lock is a file of its own, since the memory itself is replaced.
    async fn lock(&self) -> Result<File, MemoryError> {
        let path = self.directory().join(".standin.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(bits(OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC))
            .open(&path)
            .map_err(|error| self.io("locked", error))?;
        let deadline = tokio::time::Instant::now() + LOCKED_MOST;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::Error(error)) => return Err(self.io("locked", error)),
                Err(fs::TryLockError::WouldBlock) => {}
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(MemoryError::Locked { path });
            }
            tokio::time::sleep(LOCKED_AGAIN).await;
        }
    }

    fn directory(&self) -> &Path {
        match self.0.path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        }
    }

    fn io(&self, action: &'static str, source: io::Error) -> MemoryError {
        MemoryError::Io {
            path: self.0.path.clone(),
            action,
            source,
        }
    }
}

fn bits(flags: OFlags) -> i32 {
    i32::try_from(flags.bits()).unwrap_or_default()
}

/// What opening a link says that is not to be followed: ELOOP, and on the BSDs EMLINK.
fn is_a_link(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    code.is_some_and(|code| {
        [rustix::io::Errno::LOOP, rustix::io::Errno::MLINK]
            .iter()
            .any(|link| link.raw_os_error() == code)
    })
}

/// Far more than the health of every service at a few servers.
const LENGTH_MOST: u64 = 1 << 20;

/// Another process holds the lock for as long as it takes to write a few kilobytes.
const LOCKED_MOST: Duration = Duration::from_secs(1);
const LOCKED_AGAIN: Duration = Duration::from_millis(10);
