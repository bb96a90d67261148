//! Why a broker was chosen, in words.

use standin::{Server, State};
use standin_core::health::EntrySnapshot;
use standin_pcp::Attempt;

/// Why it is `server`: what was tried in vain before, or else what is known of those before it in the
/// list. With those in `left` there was an association that ended.
pub(super) fn why(
    server: &Server,
    failed: &[Attempt],
    entries: &[EntrySnapshot],
    left: &[Server],
) -> String {
    if !failed.is_empty() {
        let failed: Vec<_> = failed.iter().map(ToString::to_string).collect();
        return format!("after {}", failed.join(", "));
    }
    let before = entries.iter().take_while(|entry| entry.server != *server);
    let before: Vec<_> = before
        .map(|entry| known(entry, left.contains(&entry.server)))
        .collect();
    match before.is_empty() {
        true => "the first of the list".to_owned(),
        false => format!("before which the list has {}", before.join(", ")),
    }
}

fn known(entry: &EntrySnapshot, was_left: bool) -> String {
    let EntrySnapshot { server, role, .. } = entry;
    let left = match (entry.down_for, was_left) {
        (Some(time), _) => Some(format!("left {:.1} s ago", time.as_secs_f64())),
        (None, true) => Some("left".to_owned()),
        (None, false) => None,
    };
    let state = match (entry.server_state, entry.service_state) {
        (State::Benched, _) | (_, State::Benched) => Some("benched"),
        (State::Probing, _) | (_, State::Probing) => Some("being probed"),
        (State::Suspect, _) | (_, State::Suspect) => Some("suspect"),
        (State::Ready, State::Ready) => None,
    };
    let words: Vec<_> = left.as_deref().into_iter().chain(state).collect();
    match words.is_empty() {
        true => format!("{server} ({role})"),
        false => format!("{server} ({role}, {})", words.join(", ")),
    }
}
