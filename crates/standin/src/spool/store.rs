//! The spool as processes share it: one writes at a time, one delivers at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use standin_core::WallTime;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::directory::{Contents, Directory};
use super::error::SpoolError;
use super::kind::Kind;
use super::name::{EntryId, Name};
use super::room::{Item, Room, bytes_of};

#[cfg(test)]
mod tests;

/// A directory of entries, and what it may hold. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    room: Room,
    /// Writers of this process wait here, so that at most one waits for other processes.
    writing: Mutex<()>,
    delivering: Arc<Mutex<()>>,
}

/// What was kept, and what had to go for it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) id: EntryId,
    pub(crate) outlived: usize,
    /// How many there are now.
    pub(crate) entries: usize,
}

/// The right to deliver, which nobody else has as long as this lives. Who has it alone removes
/// entries.
#[derive(Clone, Debug)]
pub(crate) struct Holding(Arc<Held>);

#[derive(Debug)]
struct Held {
    directory: Directory,
    room: Room,
    _lock: File,
    /// Of this process. A flock is of a file that was opened, so it would do; but this one can be waited
    /// for.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl Store {
    /// The spool in a directory, which is made if it is not there.
    pub(crate) fn open(path: PathBuf, room: Room) -> Result<Self, SpoolError> {
        Directory::open(&path)?;
        Ok(Self(Arc::new(Inner {
            path,
            room,
            writing: Mutex::new(()),
            delivering: Arc::default(),
        })))
    }

    /// Puts an entry on the disk. Waits for other processes, five seconds at most.
    ///
    /// # Cancel safety
    /// Once the write has begun it is finished, whether somebody hears of it or not.
    pub(crate) async fn keep(
        &self,
        kind: Kind,
        contents: Vec<u8>,
        now: WallTime,
    ) -> Result<Kept, SpoolError> {
        let _turn = self.0.writing.lock().await;
        let lock = self.wait_for_writers().await?;
        let store = self.clone();
        self.blocking(move || {
            let kept = store.write(kind, &contents, now);
            drop(lock);
            kept
        })
        .await
    }

    fn write(&self, kind: Kind, contents: &[u8], now: WallTime) -> Result<Kept, SpoolError> {
        let room = &self.0.room;
        let directory = Directory::open(&self.0.path)?;
        let needed = contents.len() as u64;
        let mut items = directory.items()?;
        let mut outlived = 0;
        if !room.admits(&items, needed)
            && let Some(holding) = hold(&self.0.path, *room, None)?
        {
            outlived = holding.clear_outlived(now)?;
            items = directory.items()?;
        }
        if !room.admits(&items, needed) {
            return Err(SpoolError::Full {
                path: self.0.path.clone(),
                entries: items.len(),
                bytes: bytes_of(&items),
                entries_most: room.entries,
                bytes_most: room.bytes,
                needed,
            });
        }
        let last = items.last().map(|item| item.name.id);
        let aside = directory.aside()?.items()?;
        let last = last.max(aside.last().map(|item| item.name.id));
        let id = EntryId::after(last, now).ok_or_else(|| SpoolError::OutOfNames {
            path: self.0.path.clone(),
        })?;
        directory.put(Name { id, tries: 0, kind }, contents)?;
        Ok(Kept {
            id,
            outlived,
            entries: items.len() + 1,
        })
    }

    async fn wait_for_writers(&self) -> Result<File, SpoolError> {
        let path = self.0.path.clone();
        let lock = move || Directory::open(&path)?.lock_file(WRITING);
        let file = self.blocking(lock).await?;
        let deadline = tokio::time::Instant::now() + LOCKED_MOST;
        while !try_lock(&file, &self.0.path)? {
            if tokio::time::Instant::now() >= deadline {
                let path = self.0.path.join(WRITING);
                return Err(SpoolError::Locked { path });
            }
            tokio::time::sleep(LOCKED_AGAIN).await;
        }
        Ok(file)
    }

    /// The right to deliver, once this process does not do so already; `None` when another process
    /// does.
    pub(crate) async fn hold(&self) -> Result<Option<Holding>, SpoolError> {
        let turn = Arc::clone(&self.0.delivering).lock_owned().await;
        let (path, room) = (self.0.path.clone(), self.0.room);
        self.blocking(move || hold(&path, room, Some(turn))).await
    }

    /// All entries, and what was set aside, oldest first.
    pub(crate) async fn items(&self) -> Result<[Vec<Item>; 2], SpoolError> {
        let path = self.0.path.clone();
        self.blocking(move || {
            let directory = Directory::open(&path)?;
            Ok([directory.items()?, directory.aside()?.items()?])
        })
        .await
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0.path
    }

    pub(crate) fn room(&self) -> &Room {
        &self.0.room
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        blocking(self.path(), work).await
    }
}

impl Holding {
    /// The entries, oldest first.
    pub(crate) async fn items(&self) -> Result<Vec<Item>, SpoolError> {
        self.blocking(|held| held.directory.items()).await
    }

    /// What is in an entry's file; `None` when somebody removed it.
    pub(crate) async fn read(&self, name: Name) -> Result<Option<Contents>, SpoolError> {
        self.blocking(move |held| held.directory.get(name, held.room.largest()))
            .await
    }

    pub(crate) async fn remove(&self, name: Name) -> Result<(), SpoolError> {
        self.blocking(move |held| held.directory.remove(name)).await
    }

    /// Counts one more time that a server failed at it.
    pub(crate) async fn count_try(&self, name: Name) -> Result<(), SpoolError> {
        self.blocking(move |held| held.directory.rename(name, name.tried_again()))
            .await
    }

    /// Takes an entry out of the way, and the oldest of those before it if they are too many.
    pub(crate) async fn set_aside(&self, name: Name, why: String) -> Result<(), SpoolError> {
        self.blocking(move |held| {
            let aside = held.directory.aside()?;
            held.directory.set_aside(&aside, name, &why)?;
            let items = aside.items()?;
            for item in &items[..held.room.surplus(&items)] {
                tracing::warn!(id = %item.name.id, "entry that was set aside is removed: there are too many");
                aside.forget(item.name)?;
            }
            Ok(())
        })
        .await
    }

    /// Removes entries that are too old to be delivered; how many there were.
    pub(crate) async fn expire(&self, now: WallTime) -> Result<usize, SpoolError> {
        self.blocking(move |held| held.clear_outlived(now)).await
    }

    /// Makes what was removed stay so: an entry that comes back after the power failed is delivered
    /// twice.
    pub(crate) async fn sync(&self) -> Result<(), SpoolError> {
        self.blocking(|held| held.directory.sync()).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Held) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let held = Arc::clone(&self.0);
        blocking(self.0.directory.path(), move || work(&held)).await
    }

    fn clear_outlived(&self, now: WallTime) -> Result<usize, SpoolError> {
        self.0.clear_outlived(now)
    }
}

impl Held {
    fn clear_outlived(&self, now: WallTime) -> Result<usize, SpoolError> {
        let mut outlived = 0;
        for Item { name, .. } in self.directory.items()? {
            if self.room.is_outlived(name.id, now) {
                let (id, kind) = (name.id, name.kind);
                let days = id.age(now).as_secs() / 86_400;
                tracing::warn!(%id, %kind, days, "spooled entry is removed: nobody took it in time");
                self.directory.remove(name)?;
                outlived += 1;
            }
        }
        Ok(outlived)
    }
}

fn hold(
    path: &Path,
    room: Room,
    turn: Option<OwnedMutexGuard<()>>,
) -> Result<Option<Holding>, SpoolError> {
    let directory = Directory::open(path)?;
    let lock = directory.lock_file(DELIVERING)?;
    let is_ours = try_lock(&lock, path)?;
    Ok(is_ours.then(|| {
        Holding(Arc::new(Held {
            directory,
            room,
            _lock: lock,
            _turn: turn,
        }))
    }))
}

/// Whether the lock is ours now.
fn try_lock(file: &File, path: &Path) -> Result<bool, SpoolError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(source)) => Err(SpoolError::Io {
            path: path.to_path_buf(),
            action: "locked",
            source,
        }),
    }
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, SpoolError> + Send + 'static,
) -> Result<T, SpoolError> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.unwrap_or_else(|error| {
        Err(SpoolError::Io {
            path: path.to_path_buf(),
            action: "used",
            source: io::Error::other(error),
        })
    })
}

/// Locks are files of their own beside the entries, which come and go.
const WRITING: &str = ".write.lock";
const DELIVERING: &str = ".deliver.lock";

/// Writers hold the lock for as long as it takes to write an entry and have the disk confirm it.
const LOCKED_MOST: Duration = Duration::from_secs(5);
const LOCKED_AGAIN: Duration = Duration::from_millis(10);
