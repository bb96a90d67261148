//! Whether files were changed since they were read last.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What the file system says of some files: equal as long as none was changed, replaced, made or
/// removed.
///
/// It is taken before the files are read, so that a change while they are read shows the next time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamps(Vec<Stamp>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stamp {
    /// Not there, or not to be looked at.
    None,
    File {
        length: u64,
        modified: Option<SystemTime>,
        identity: Identity,
    },
}

impl Stamps {
    /// Looks at `paths`. It blocks on the file system; none is read.
    #[must_use]
    pub fn of(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let stamp = |path: &Path| match fs::metadata(path) {
            Ok(data) => Stamp::File {
                length: data.len(),
                modified: data.modified().ok(),
                identity: Identity::of(&data),
            },
            Err(_) => Stamp::None,
        };
        Self(paths.into_iter().map(|path| stamp(path.as_ref())).collect())
    }

    /// Whether every file was left alone for long enough before `now`. File systems tell times in
    /// steps of up to two seconds, so one that was changed just now may change once more without
    /// showing it.
    #[must_use]
    pub fn are_settled(&self, now: SystemTime) -> bool {
        self.0.iter().all(|stamp| match stamp {
            Stamp::None => true,
            Stamp::File { modified, .. } => modified
                .and_then(|modified| now.duration_since(modified).ok())
                .is_some_and(|age| age > COARSEST_STEP),
        })
    }
}

/// FAT's; ext4 has a few milliseconds.
const COARSEST_STEP: Duration = Duration::from_secs(2);

/// Tells a file from another put in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    #[cfg(unix)]
    inode: u64,
    #[cfg(unix)]
    changed: (i64, i64),
}

impl Identity {
    #[cfg(unix)]
    fn of(data: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self {
            inode: data.ino(),
            changed: (data.ctime(), data.ctime_nsec()),
        }
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self {}
    }
}

/// Files that are watched, for as many readers as ask.
#[derive(Debug)]
pub struct Watched {
    paths: Vec<PathBuf>,
    last: Option<Stamps>,
}

impl Watched {
    /// Watches `paths`; the first look finds them changed.
    #[must_use]
    pub fn new(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self {
            paths: paths.into_iter().map(Into::into).collect(),
            last: None,
        }
    }

    /// Whether the files may have changed since they were looked at last: they are to be read now.
    /// It blocks on the file system.
    pub fn look(&mut self, now: SystemTime) -> Look {
        let stamps = Stamps::of(&self.paths);
        if self.last.as_ref() == Some(&stamps) {
            return Look::Unchanged;
        }
        self.last = stamps.are_settled(now).then_some(stamps);
        Look::Changed
    }
}

/// What a look at watched files shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// They are as they were.
    Unchanged,
    /// One of them may be another; they are to be read.
    Changed,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40)
    }

    #[test]
    fn settled_files_are_read_once_until_one_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "1").unwrap();
        let mut watched = Watched::new([&a, &b]);
        assert_eq!(watched.look(later()), Look::Changed);
        assert_eq!(watched.look(later()), Look::Unchanged);
        fs::write(&b, "now it is there").unwrap();
        assert_eq!(watched.look(later()), Look::Changed);
        assert_eq!(watched.look(later()), Look::Unchanged);
        fs::remove_file(&a).unwrap();
        assert_eq!(watched.look(later()), Look::Changed);
    }

    #[test]
    fn a_file_changed_just_now_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let a = dir.path().join("a");
        fs::write(&a, "1").unwrap();
        let modified = fs::metadata(&a).unwrap().modified().unwrap();
        let mut watched = Watched::new([&a]);
        for _ in 0..3 {
            assert_eq!(watched.look(modified + COARSEST_STEP), Look::Changed);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_put_in_the_place_of_another_is_told_whatever_its_time_and_length() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "1").unwrap();
        fs::write(&b, "2").unwrap();
        let time = fs::File::open(&a)
            .unwrap()
            .metadata()
            .unwrap()
            .modified()
            .unwrap();
        fs::File::options()
            .write(true)
            .open(&b)
            .unwrap()
            .set_modified(time)
            .unwrap();
        let mut watched = Watched::new([&a]);
        watched.look(later());
        fs::rename(&b, &a).unwrap();
        assert_eq!(watched.look(later()), Look::Changed);
    }
}
