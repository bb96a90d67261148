//! The directory of a spool: all that touches the disk. Nothing here waits for a lock.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::error::SpoolError;
use super::name::Name;
use super::room::Item;

/// An open directory that is this user's alone. What is done in it is done in the one that was looked
/// at, whatever is put in its place.
#[derive(Debug)]
pub(crate) struct Directory {
    handle: OwnedFd,
    path: PathBuf,
}

/// A file is there and is no entry that may be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("it is no plain file")]
    NoFile,
    #[error("it belongs to user {owner} and not to this one")]
    Foreign { owner: u32 },
    #[error("it may be written by others")]
    Open,
    #[error("it has {length} bytes, more than any spool is made for")]
    TooLarge { length: u64 },
    #[error("the disk does not give it back")]
    Disk(#[source] io::Error),
}

impl Directory {
    /// Opens the directory, which is made if its parent is there.
    pub(crate) fn open(path: &Path) -> Result<Self, SpoolError> {
        match rustix::fs::mkdir(path, Mode::RWXU) {
            Ok(()) => sync_parent(path)?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(failed(path, "made", error)),
        }
        Self::checked(path, rustix::fs::open(path, DIRECTORY, Mode::empty()))
    }

    /// The directory within for what nobody will ever take.
    pub(crate) fn aside(&self) -> Result<Self, SpoolError> {
        let path = self.path.join(ASIDE);
        match rustix::fs::mkdirat(&self.handle, ASIDE, Mode::RWXU) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(failed(&path, "made", error)),
        }
        let opened = rustix::fs::openat(&self.handle, ASIDE, DIRECTORY, Mode::empty());
        Self::checked(&path, opened)
    }

    fn checked(path: &Path, opened: Result<OwnedFd, Errno>) -> Result<Self, SpoolError> {
        let path = path.to_path_buf();
        let handle = match opened {
            Ok(handle) => handle,
            Err(Errno::NOTDIR | Errno::LOOP | Errno::MLINK) => {
                return Err(SpoolError::NoDirectory { path });
            }
            Err(error) => return Err(failed(&path, "opened", error)),
        };
        let stat = rustix::fs::fstat(&handle).map_err(|error| failed(&path, "opened", error))?;
        if let Some(owner) = foreign(&stat) {
            return Err(SpoolError::Foreign { path, owner });
        }
        if stat.st_mode & 0o077 != 0 {
            return Err(SpoolError::Open { path });
        }
        Ok(Self { handle, path })
    }

    /// The entries, oldest first.
    pub(crate) fn items(&self) -> Result<Vec<Item>, SpoolError> {
        let failed = |error| self.failed("read", error);
        let mut items = Vec::new();
        for file in Dir::read_from(&self.handle).map_err(failed)? {
            let file = file.map_err(failed)?;
            let Some(name) = file.file_name().to_str().ok().and_then(Name::parse) else {
                continue;
            };
            match rustix::fs::statat(&self.handle, file.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => items.push(Item {
                    name,
                    bytes: u64::try_from(stat.st_size).unwrap_or_default(),
                }),
                // It was delivered meanwhile.
                Err(Errno::NOENT) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        items.sort_unstable_by_key(|item| item.name);
        Ok(items)
    }

    /// Puts an entry on the disk: once this has returned, nothing but the disk's end loses it. The
    /// caller is the only writer.
    pub(crate) fn put(&self, name: Name, contents: &[u8]) -> Result<(), SpoolError> {
        let put = self.write(NEW, contents).and_then(|()| {
            rustix::fs::renameat(&self.handle, NEW, &self.handle, name.to_string())?;
            rustix::fs::fsync(&self.handle)
        });
        put.map_err(|error| {
            // Left behind it would be in nobody's way, but take up room.
            let _ = rustix::fs::unlinkat(&self.handle, NEW, AtFlags::empty());
            self.failed("written", error)
        })
    }

    /// A new file, in place of one that a writer left that was killed.
    fn write(&self, file: &str, contents: &[u8]) -> Result<(), Errno> {
        match rustix::fs::unlinkat(&self.handle, file, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let opened = rustix::fs::openat(&self.handle, file, flags | OFlags::CLOEXEC, PRIVATE)?;
        let mut opened = File::from(opened);
        let errno = |error: io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        opened.write_all(contents).map_err(errno)?;
        opened.sync_all().map_err(errno)
    }

    /// The contents of an entry; `None` when it is gone.
    pub(crate) fn get(&self, name: Name, most: u64) -> Result<Option<Contents>, SpoolError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.handle, name.to_string(), flags, Mode::empty());
        let file = match opened {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::MLINK | Errno::NXIO) => {
                return Ok(Some(Err(Unreadable::NoFile)));
            }
            Err(error @ (Errno::ACCESS | Errno::IO)) => {
                return Ok(Some(Err(Unreadable::Disk(error.into()))));
            }
            Err(error) => return Err(self.failed("read", error)),
        };
        let stat = rustix::fs::fstat(&file).map_err(|error| self.failed("read", error))?;
        Ok(Some(contents(file, &stat, most)))
    }

    pub(crate) fn remove(&self, name: Name) -> Result<(), SpoolError> {
        match rustix::fs::unlinkat(&self.handle, name.to_string(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.failed("cleared of an entry", error)),
        }
    }

    pub(crate) fn rename(&self, from: Name, to: Name) -> Result<(), SpoolError> {
        let (from, to) = (from.to_string(), to.to_string());
        rustix::fs::renameat(&self.handle, from, &self.handle, to)
            .map_err(|error| self.failed("written", error))
    }

    /// Takes an entry out of the way, with a note that says why.
    pub(crate) fn set_aside(&self, aside: &Self, name: Name, why: &str) -> Result<(), SpoolError> {
        // A disk that is full must not keep it in the way; the event says why, too.
        let _ = aside.write(&note(name), why.as_bytes());
        let name = name.to_string();
        rustix::fs::renameat(&self.handle, &name, &aside.handle, &name)
            .and_then(|()| rustix::fs::fsync(&aside.handle))
            .map_err(|error| self.failed("cleared of an entry", error))
    }

    /// Removes what was set aside, with its note.
    pub(crate) fn forget(&self, name: Name) -> Result<(), SpoolError> {
        self.remove(name)?;
        match rustix::fs::unlinkat(&self.handle, note(name), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.failed("cleared of an entry", error)),
        }
    }

    /// Makes what was removed stay so.
    pub(crate) fn sync(&self) -> Result<(), SpoolError> {
        rustix::fs::fsync(&self.handle).map_err(|error| self.failed("written", error))
    }

    /// A file to be locked.
    pub(crate) fn lock_file(&self, file: &str) -> Result<File, SpoolError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        rustix::fs::openat(&self.handle, file, flags | OFlags::CLOEXEC, PRIVATE)
            .map(File::from)
            .map_err(|error| self.failed("locked", error))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, action: &'static str, error: Errno) -> SpoolError {
        failed(&self.path, action, error)
    }
}

/// What is in a file, if it may be read.
pub(crate) type Contents = Result<Bytes, Unreadable>;

fn contents(file: OwnedFd, stat: &Stat, most: u64) -> Contents {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Unreadable::NoFile);
    }
    if let Some(owner) = foreign(stat) {
        return Err(Unreadable::Foreign { owner });
    }
    if stat.st_mode & 0o022 != 0 {
        return Err(Unreadable::Open);
    }
    let length = u64::try_from(stat.st_size).unwrap_or_default();
    if length > most {
        return Err(Unreadable::TooLarge { length });
    }
    let mut text = Vec::new();
    let read = File::from(file).take(most).read_to_end(&mut text);
    read.map(|_| text.into()).map_err(Unreadable::Disk)
}

/// The owner, if it is somebody else.
fn foreign(stat: &Stat) -> Option<u32> {
    let this = rustix::process::geteuid().as_raw();
    (stat.st_uid != this).then_some(stat.st_uid)
}

fn note(name: Name) -> String {
    format!("{name}.why")
}

/// A directory that is in no directory after the power failed is no place to keep anything.
fn sync_parent(path: &Path) -> Result<(), SpoolError> {
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str() != OsStr::from_bytes(b"") => parent,
        _ => Path::new("."),
    };
    rustix::fs::open(
        parent,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .and_then(rustix::fs::fsync)
    .map_err(|error| failed(parent, "written", error))
}

fn failed(path: &Path, action: &'static str, error: Errno) -> SpoolError {
    SpoolError::Io {
        path: path.to_path_buf(),
        action,
        source: error.into(),
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// The entry that is being written.
const NEW: &str = ".new";
/// Where entries go that nobody will ever take.
const ASIDE: &str = "set-aside";
