//! What a command said, without what differs from one run to the next: times, days and addresses.

/// `text` with zeroes for the digits of times and days, and one word for each address and port of this
/// machine.
pub(crate) fn steady(text: &str) -> String {
    let mut steady = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let is_end = |c: char| !c.is_ascii_digit() && !['.', '-', ':'].contains(&c);
        let (run, after) = from.split_at(from.find(is_end).unwrap_or(from.len()));
        steady.push_str(before);
        if run.starts_with("127.") {
            steady.push_str("LOOPBACK");
        } else if is_day(run)
            || (run.contains('.') && after.starts_with(" s"))
            || after.starts_with(" s ago")
        {
            steady.extend(run.chars().map(zero));
        } else {
            steady.push_str(run);
        }
        rest = after;
    }
    steady + rest
}

fn is_day(run: &str) -> bool {
    let lengths: Vec<usize> = run.split('-').map(str::len).collect();
    lengths == [4, 2, 2]
}

fn zero(c: char) -> char {
    match c.is_ascii_digit() {
        true => '0',
        false => c,
    }
}

#[test]
fn times_days_and_addresses_are_the_same_every_time() {
    let text = "m.test:8140 at 127.3.4.5:8140 until 2031-05-28 after 12.345 s";
    let expected = "m.test:8140 at LOOPBACK until 0000-00-00 after 00.000 s";
    assert_eq!(steady(text), expected);
}
