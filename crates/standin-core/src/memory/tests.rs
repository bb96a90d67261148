use super::*;

const NOW: WallTime = WallTime::from_millis(1_800_000_000_000);

fn ago(seconds: u64) -> WallTime {
    NOW.before(Duration::from_secs(seconds))
}

fn held(holder: &str, at: WallTime) -> Recollection {
    let held = Held {
        holder: holder.to_owned(),
        at,
        before: BTreeMap::new(),
    };
    Recollection {
        classes: [("puppet-server".to_owned(), held)].into(),
        ..Recollection::default()
    }
}

fn took(millis: &[u32], at: WallTime) -> Recollection {
    let millis = millis.to_vec();
    Recollection {
        usual: [("look-up".to_owned(), Took { millis, at })].into(),
        ..Recollection::default()
    }
}

fn holder(memory: &Memory) -> &str {
    &memory.agents["a"].classes["puppet-server"].holder
}

#[test]
fn the_newer_of_two_records_stands_whoever_writes_last() {
    let mut memory = Memory::new();
    memory.merge("a", held("new", ago(1)));
    memory.merge("a", held("old", ago(2)));
    assert_eq!(holder(&memory), "new");
    memory.merge("a", held("newest", ago(0)));
    assert_eq!(holder(&memory), "newest");
}

#[test]
fn agents_do_not_share_what_they_remember() {
    let mut memory = Memory::new();
    memory.merge("a", held("one", NOW));
    memory.merge("b", held("two", NOW));
    assert_eq!(holder(&memory), "one");
}

#[test]
fn times_add_up_and_the_last_thirty_two_stay() {
    let mut memory = Memory::new();
    memory.merge("a", took(&(0..20).collect::<Vec<_>>(), ago(9)));
    memory.merge("a", took(&(20..40).collect::<Vec<_>>(), ago(3)));
    let took = &memory.agents["a"].usual["look-up"];
    assert_eq!(took.millis, (8..40).collect::<Vec<_>>());
    assert_eq!(took.at, ago(3));
}

#[test]
fn what_is_old_or_from_the_future_is_dropped() {
    let lasts = policy::Memory::default();
    let keep = |recollection| {
        let mut memory = Memory::new();
        memory.merge("a", recollection);
        memory.prune(NOW, &lasts);
        memory.agents.contains_key("a")
    };
    assert!(keep(held("m", ago(65 * 60))));
    assert!(!keep(held("m", ago(65 * 60 + 1))));
    assert!(!keep(held("m", WallTime::from_millis(NOW.as_millis() + 1))));
    assert!(keep(took(&[1], ago(30 * 86_400))));
    assert!(!keep(took(&[1], ago(30 * 86_400 + 1))));
}

#[test]
fn fields_of_a_later_release_do_no_harm() {
    let text = r#"{"version":1,"agents":{"a":{"classes":{},"colours":[1]}},"more":2}"#;
    let memory: Memory = serde_json::from_str(text).unwrap();
    assert_eq!(memory.version, Memory::VERSION);
}
