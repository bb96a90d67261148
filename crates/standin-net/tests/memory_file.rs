//! The memory file: what is believed, what is written, and by how many at once.

#![expect(clippy::unwrap_used, reason = "what a test sets up has to work")]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use standin_core::memory::{Held, Met, Recollection, Took};
use standin_core::{WallTime, policy};
use standin_net::{Clock, MemoryError, MemoryFile};

const AGENT: &str = "agent.test";

struct Stage {
    directory: tempfile::TempDir,
    clock: Clock,
}

impl Stage {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            clock: Clock::start(),
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(MemoryFile::NAME)
    }

    fn file(&self) -> MemoryFile {
        self.file_of(AGENT)
    }

    fn file_of(&self, certname: &str) -> MemoryFile {
        MemoryFile::new(&self.path(), certname, policy::Memory::default())
    }

    fn held(&self, holder: &str) -> Recollection {
        let held = Held {
            holder: holder.to_owned(),
            at: self.clock.wall(),
            before: Default::default(),
        };
        Recollection {
            classes: [("puppet-server".to_owned(), held)].into(),
            ..Recollection::default()
        }
    }

    fn met(&self, server: &str) -> Recollection {
        let met = Met {
            doubted: true,
            connects_in_micros: 7,
            at: self.clock.wall(),
        };
        Recollection {
            servers: [(server.to_owned(), met)].into(),
            ..Recollection::default()
        }
    }

    fn took(&self, millis: u32) -> Recollection {
        let took = Took {
            millis: vec![millis],
            at: self.clock.wall(),
        };
        Recollection {
            usual: [("look-up".to_owned(), took)].into(),
            ..Recollection::default()
        }
    }

    async fn written(&self) -> Recollection {
        let learned = self.held("replica.test:8140");
        self.file()
            .write(learned.clone(), self.clock)
            .await
            .unwrap();
        learned
    }

    fn refused(&self) -> MemoryError {
        assert_eq!(self.file().read(self.clock), Recollection::default());
        self.file().load().unwrap_err()
    }
}

#[tokio::test]
async fn what_is_written_is_read() {
    let stage = Stage::new();
    let learned = stage.written().await;
    assert_eq!(stage.file().read(stage.clock), learned);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_a_memory_of_nothing() {
    let stage = Stage::new();
    assert!(stage.file().load().unwrap().agents.is_empty());
    assert_eq!(stage.file().read(stage.clock), Recollection::default());
}

#[tokio::test]
async fn nobody_else_may_read_it() {
    let stage = Stage::new();
    stage.written().await;
    assert_eq!(fs::metadata(stage.path()).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn nothing_else_is_left_behind_but_the_lock() {
    let stage = Stage::new();
    stage.written().await;
    let names = fs::read_dir(stage.directory.path()).unwrap();
    let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, [".standin.lock", "standin.json"]);
}

#[tokio::test]
async fn another_agent_remembers_something_else() {
    let stage = Stage::new();
    stage.written().await;
    let other = stage.file_of("other.test");
    assert_eq!(other.read(stage.clock), Recollection::default());
    other.write(stage.held("m:1"), stage.clock).await.unwrap();
    assert_eq!(
        stage.file().read(stage.clock).classes["puppet-server"].holder,
        "replica.test:8140"
    );
}

/// Writes to the file as two processes do: each through a handle and a lock of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_when_many_write_at_once() {
    let stage = Stage::new();
    let writers = (0..24).map(|writer| {
        let learned = match writer % 2 {
            0 => stage.met(&format!("server{writer}.test:8140")),
            _ => stage.took(writer),
        };
        let (file, clock) = (stage.file(), stage.clock);
        tokio::spawn(async move { file.write(learned, clock).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap().unwrap();
    }
    let known = stage.file().read(stage.clock);
    assert_eq!(known.servers.len(), 12);
    let mut millis = known.usual["look-up"].millis.clone();
    millis.sort_unstable();
    assert_eq!(millis, (0..24).filter(|n| n % 2 == 1).collect::<Vec<u32>>());
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_never_given_up_is_not_waited_for_long() {
    let stage = Stage::new();
    stage.written().await;
    let lock = fs::File::open(stage.directory.path().join(".standin.lock")).unwrap();
    lock.lock().unwrap();
    let begun = tokio::time::Instant::now();
    let error = stage
        .file()
        .write(stage.took(1), stage.clock)
        .await
        .unwrap_err();
    assert!(matches!(error, MemoryError::Locked { .. }), "{error}");
    assert!(begun.elapsed().as_millis() < 1100);
}

#[tokio::test]
async fn a_link_is_not_followed() {
    let stage = Stage::new();
    stage.written().await;
    let elsewhere = stage.directory.path().join("elsewhere");
    fs::rename(stage.path(), &elsewhere).unwrap();
    symlink(&elsewhere, stage.path()).unwrap();
    assert!(matches!(stage.refused(), MemoryError::NoFile { .. }));
    let before = fs::read(&elsewhere).unwrap();
    stage.written().await;
    assert_eq!(
        fs::read(&elsewhere).unwrap(),
        before,
        "it was not written through"
    );
    assert!(!fs::symlink_metadata(stage.path()).unwrap().is_symlink());
}

#[tokio::test]
async fn a_fifo_is_no_file_and_does_not_block() {
    let stage = Stage::new();
    let mode = rustix::fs::Mode::from(0o600);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        stage.path(),
        rustix::fs::FileType::Fifo,
        mode,
        0,
    )
    .unwrap();
    assert!(matches!(stage.refused(), MemoryError::NoFile { .. }));
}

#[tokio::test]
async fn a_file_that_others_may_write_is_not_believed() {
    let stage = Stage::new();
    stage.written().await;
    fs::set_permissions(stage.path(), fs::Permissions::from_mode(0o622)).unwrap();
    assert!(matches!(stage.refused(), MemoryError::Open { .. }));
}

#[tokio::test]
async fn a_file_of_somebody_else_is_not_believed() {
    let stage = Stage::new();
    stage.written().await;
    if std::os::unix::fs::chown(stage.path(), Some(12_345), None).is_err() {
        // Only root can give a file away. Then there is one that is not ours already.
        let root = MemoryFile::new(Path::new("/etc/hostname"), AGENT, policy::Memory::default());
        assert!(matches!(
            root.load(),
            Err(MemoryError::Foreign { owner: 0, .. })
        ));
        return;
    }
    assert!(matches!(
        stage.refused(),
        MemoryError::Foreign { owner: 12_345, .. }
    ));
}

#[tokio::test]
async fn a_file_that_was_cut_at_any_byte_is_not_believed() {
    let stage = Stage::new();
    stage.written().await;
    let whole = fs::read(stage.path()).unwrap();
    for length in 0..whole.len() {
        fs::write(stage.path(), &whole[..length]).unwrap();
        assert!(
            matches!(stage.refused(), MemoryError::Garbled { .. }),
            "{length} bytes"
        );
    }
}

#[tokio::test]
async fn what_is_no_memory_is_not_believed_and_is_replaced() {
    let stage = Stage::new();
    stage.written().await;
    fs::write(stage.path(), b"\x00\xff not json").unwrap();
    assert!(matches!(stage.refused(), MemoryError::Garbled { .. }));
    let learned = stage.written().await;
    assert_eq!(stage.file().read(stage.clock), learned);
}

#[tokio::test]
async fn another_form_is_not_believed() {
    let stage = Stage::new();
    stage.written().await;
    fs::write(stage.path(), br#"{"version":2,"agents":{}}"#).unwrap();
    assert!(matches!(
        stage.refused(),
        MemoryError::Version { version: 2, .. }
    ));
}

#[tokio::test]
async fn a_file_beyond_all_memory_is_not_read() {
    let stage = Stage::new();
    stage.written().await;
    let file = fs::OpenOptions::new()
        .write(true)
        .open(stage.path())
        .unwrap();
    file.set_len(2 << 20).unwrap();
    assert!(matches!(stage.refused(), MemoryError::TooLarge { .. }));
}

#[tokio::test]
async fn the_future_and_the_past_are_forgotten() {
    let stage = Stage::new();
    let mut learned = stage.held("m:1");
    let day = 86_400_000;
    for at in [
        stage.clock.wall().as_millis() + day,
        stage.clock.wall().as_millis() - day,
    ] {
        learned.classes.get_mut("puppet-server").unwrap().at = WallTime::from_millis(at);
        stage
            .file()
            .write(learned.clone(), stage.clock)
            .await
            .unwrap();
        assert_eq!(stage.file().read(stage.clock), Recollection::default());
    }
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_an_error_that_names_the_file() {
    let stage = Stage::new();
    let path = stage.directory.path().join("none/standin.json");
    let file = MemoryFile::new(&path, AGENT, policy::Memory::default());
    let error = file.write(stage.took(1), stage.clock).await.unwrap_err();
    assert!(error.to_string().contains("none/standin.json"), "{error}");
}

#[tokio::test]
async fn what_is_cleared_is_gone_and_may_be_cleared_again() {
    let stage = Stage::new();
    stage.written().await;
    stage.file().clear().unwrap();
    stage.file().clear().unwrap();
    assert!(!stage.path().exists());
}
