use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;
use crate::spool::directory::Unreadable;
use crate::spool::room::ASIDE_MOST;

const NOW: WallTime = WallTime::from_millis(1_790_000_000_000);

fn later(seconds: u64) -> WallTime {
    WallTime::from_millis(NOW.as_millis() + seconds * 1000)
}

struct Place {
    _parent: TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("spool");
    Place {
        _parent: parent,
        path,
    }
}

impl Place {
    fn store(&self) -> Store {
        self.store_with(Room::default())
    }

    fn store_with(&self, room: Room) -> Store {
        Store::open(self.path.clone(), room).unwrap()
    }

    fn refusal(&self) -> SpoolError {
        Store::open(self.path.clone(), Room::default()).unwrap_err()
    }

    fn make(&self, mode: u32) {
        fs::DirBuilder::new().mode(mode).create(&self.path).unwrap();
        fs::set_permissions(&self.path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

async fn keep(store: &Store, contents: &str, now: WallTime) -> Name {
    let kept = store.keep(Kind::Report, contents.into(), now).await;
    Name {
        id: kept.unwrap().id,
        tries: 0,
        kind: Kind::Report,
    }
}

async fn names(holding: &Holding) -> Vec<Name> {
    let items = holding.items().await.unwrap();
    items.into_iter().map(|item| item.name).collect()
}

async fn text(holding: &Holding, name: Name) -> Result<String, Unreadable> {
    let contents = holding.read(name).await.unwrap().unwrap()?;
    Ok(String::from_utf8(contents.to_vec()).unwrap())
}

#[tokio::test]
async fn what_is_kept_is_there_for_the_next_process() {
    let place = place();
    let name = keep(&place.store(), "entry", NOW).await;
    let holding = place.store().hold().await.unwrap().unwrap();
    assert_eq!(names(&holding).await, [name]);
    assert_eq!(text(&holding, name).await.unwrap(), "entry");
}

#[tokio::test]
async fn directory_and_files_are_the_users_alone() {
    let place = place();
    let name = keep(&place.store(), "entry", NOW).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&place.path), 0o700);
    assert_eq!(mode(&place.path.join(name.to_string())), 0o600);
    assert_eq!(mode(&place.path.join("set-aside")), 0o700);
    assert_eq!(mode(&place.path.join(".write.lock")), 0o600);
}

#[tokio::test]
async fn entries_are_in_the_order_in_which_they_were_kept_whatever_the_clock_says() {
    let place = place();
    let store = place.store();
    let mut kept = Vec::new();
    for seconds in [100, 50, 50, 70, 200] {
        kept.push(keep(&store, "entry", later(seconds)).await);
    }
    let holding = store.hold().await.unwrap().unwrap();
    assert_eq!(names(&holding).await, kept);
}

#[tokio::test]
async fn a_name_of_what_was_set_aside_is_not_given_again() {
    let place = place();
    let store = place.store();
    let first = keep(&store, "entry", NOW).await;
    let holding = store.hold().await.unwrap().unwrap();
    holding.set_aside(first, "because".into()).await.unwrap();
    assert!(keep(&store, "entry", later(0)).await.id > first.id);
}

#[tokio::test]
async fn a_full_spool_refuses_and_says_what_it_holds() {
    let place = place();
    let store = place.store_with(Room {
        entries: 2,
        ..Room::default()
    });
    keep(&store, "one", NOW).await;
    keep(&store, "two", NOW).await;
    let refused = store.keep(Kind::Report, b"three".to_vec(), NOW).await;
    let text = refused.unwrap_err().to_string();
    assert!(
        text.contains("holds 2 entries of 6 bytes together"),
        "{text}"
    );
    assert_eq!(store.items().await.unwrap()[0].len(), 2);
}

#[tokio::test]
async fn a_spool_has_no_more_bytes_than_it_may() {
    let place = place();
    let store = place.store_with(Room {
        bytes: 8,
        ..Room::default()
    });
    keep(&store, "12345", NOW).await;
    let refused = store.keep(Kind::Report, b"1234".to_vec(), NOW).await;
    assert!(matches!(refused, Err(SpoolError::Full { needed: 4, .. })));
    keep(&store, "123", NOW).await;
}

#[tokio::test]
async fn entries_that_are_too_old_make_room() {
    let place = place();
    let store = place.store_with(Room {
        entries: 1,
        age: Duration::from_secs(60),
        ..Room::default()
    });
    keep(&store, "old", NOW).await;
    let kept = store
        .keep(Kind::Report, b"new".to_vec(), later(61))
        .await
        .unwrap();
    assert_eq!(kept.outlived, 1);
    let [items, _] = store.items().await.unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].name.id, kept.id);
}

#[tokio::test]
async fn entries_that_are_too_old_are_left_to_who_delivers_now() {
    let place = place();
    let store = place.store_with(Room {
        entries: 1,
        age: Duration::from_secs(60),
        ..Room::default()
    });
    keep(&store, "old", NOW).await;
    let holding = store.hold().await.unwrap().unwrap();
    let refused = store.keep(Kind::Report, b"new".to_vec(), later(61)).await;
    assert!(matches!(refused, Err(SpoolError::Full { .. })));
    assert_eq!(holding.expire(later(61)).await.unwrap(), 1);
    keep(&store, "new", later(61)).await;
}

#[tokio::test]
async fn one_process_delivers_at_a_time() {
    let place = place();
    let (one, other) = (place.store(), place.store());
    let holding = one.hold().await.unwrap().unwrap();
    assert!(other.hold().await.unwrap().is_none());
    drop(holding);
    assert!(other.hold().await.unwrap().is_some());
}

#[tokio::test]
async fn in_one_process_the_second_waits_for_the_first() {
    let place = place();
    let store = place.store();
    let holding = store.hold().await.unwrap().unwrap();
    let second = tokio::spawn({
        let store = store.clone();
        async move { store.hold().await.unwrap().is_some() }
    });
    drop(holding);
    assert!(second.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_never_let_go_is_an_error_that_names_it() {
    let place = place();
    let store = place.store();
    let lock = Directory::open(&place.path)
        .unwrap()
        .lock_file(WRITING)
        .unwrap();
    lock.lock().unwrap();
    let refused = store.keep(Kind::Report, b"entry".to_vec(), NOW).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains(".write.lock stayed locked"), "{text}");
}

#[tokio::test]
async fn what_a_killed_writer_left_is_neither_an_entry_nor_in_the_way() {
    let place = place();
    let store = place.store();
    fs::write(place.path.join(".new"), "half").unwrap();
    assert!(store.items().await.unwrap()[0].is_empty());
    let name = keep(&store, "entry", NOW).await;
    let holding = store.hold().await.unwrap().unwrap();
    assert_eq!(text(&holding, name).await.unwrap(), "entry");
    assert!(!place.path.join(".new").exists());
}

#[tokio::test]
async fn a_link_in_the_place_of_the_new_file_is_not_followed() {
    let place = place();
    let store = place.store();
    let victim = place.path.with_file_name("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, place.path.join(".new")).unwrap();
    keep(&store, "entry", NOW).await;
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[tokio::test]
async fn links_pipes_and_what_others_may_write_are_not_read() {
    let place = place();
    let store = place.store();
    let [link, pipe, open] = [0, 1, 2].map(|second| Name {
        id: EntryId::after(None, later(second)).unwrap(),
        tries: 0,
        kind: Kind::Command,
    });
    let at = |name: Name| place.path.join(name.to_string());
    fs::write(place.path.with_file_name("target"), "text").unwrap();
    symlink(place.path.with_file_name("target"), at(link)).unwrap();
    let mode = rustix::fs::Mode::RWXU;
    rustix::fs::mkfifoat(rustix::fs::CWD, at(pipe), mode).unwrap();
    fs::write(at(open), "text").unwrap();
    fs::set_permissions(at(open), fs::Permissions::from_mode(0o666)).unwrap();
    let holding = store.hold().await.unwrap().unwrap();
    assert!(matches!(
        text(&holding, link).await,
        Err(Unreadable::NoFile)
    ));
    assert!(matches!(
        text(&holding, pipe).await,
        Err(Unreadable::NoFile)
    ));
    assert!(matches!(text(&holding, open).await, Err(Unreadable::Open)));
    holding.set_aside(link, "a link".into()).await.unwrap();
    let target = fs::read_to_string(place.path.with_file_name("target"));
    assert_eq!(target.unwrap(), "text");
}

#[tokio::test]
async fn what_is_set_aside_has_a_note_and_is_bounded() {
    let place = place();
    let store = place.store();
    let holding = store.hold().await.unwrap().unwrap();
    for _ in 0..=ASIDE_MOST {
        let name = keep(&store, "entry", NOW).await;
        holding.set_aside(name, "because".into()).await.unwrap();
    }
    let [items, aside] = store.items().await.unwrap();
    assert_eq!((items.len(), aside.len()), (0, ASIDE_MOST));
    let directory = place.path.join("set-aside");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 2 * ASIDE_MOST);
    let note = directory.join(format!("{}.why", aside[0].name));
    assert_eq!(fs::read_to_string(note).unwrap(), "because");
}

#[tokio::test]
async fn a_directory_that_was_removed_is_made_anew() {
    let place = place();
    let store = place.store();
    fs::remove_dir_all(&place.path).unwrap();
    keep(&store, "entry", NOW).await;
    assert_eq!(store.items().await.unwrap()[0].len(), 1);
}

#[test]
fn a_directory_that_others_may_enter_is_refused() {
    for mode in [0o755, 0o770, 0o701] {
        let place = place();
        place.make(mode);
        let error = place.refusal();
        assert!(
            matches!(error, SpoolError::Open { .. }),
            "{mode:o}: {error}"
        );
    }
}

#[test]
fn a_link_to_a_directory_and_a_file_are_refused() {
    let place = place();
    let real = place.path.with_file_name("real");
    fs::DirBuilder::new().mode(0o700).create(&real).unwrap();
    symlink(&real, &place.path).unwrap();
    assert!(matches!(place.refusal(), SpoolError::NoDirectory { .. }));
    fs::remove_file(&place.path).unwrap();
    fs::write(&place.path, "").unwrap();
    assert!(matches!(place.refusal(), SpoolError::NoDirectory { .. }));
}

#[test]
fn a_directory_in_none_is_told_with_its_path() {
    let mut place = place();
    place.path = place.path.join("deeper");
    let text = place.refusal().to_string();
    assert!(text.contains("spool/deeper cannot be made"), "{text}");
}
