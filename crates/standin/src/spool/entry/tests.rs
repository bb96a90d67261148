use http::header::{ACCEPT, CONTENT_TYPE};

use super::*;

fn entry() -> Entry {
    let target = "/pdb/cmd/v1?command=replace_facts&version=5&certname=a%2Eb\
                  &producer-timestamp=2026-11-23T00:00:00.000Z";
    let headers = vec![
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (ACCEPT, HeaderValue::from_bytes(b"caf\xe9").unwrap()),
    ];
    Entry::new(
        Kind::Command,
        target.parse().unwrap(),
        headers,
        WallTime::from_millis(1_790_000_000_000),
        Bytes::from_static(b"{\n\"values\": \xff\0\n}\n"),
    )
}

fn decode(file: Vec<u8>) -> Result<Entry, EntryError> {
    Entry::decode(&file.into())
}

/// A file whose checksum is right, whatever it holds.
fn sealed(text: &str) -> Vec<u8> {
    let seal = digest(&[text.as_bytes()]);
    format!("sha256 {seal}\n{text}").into_bytes()
}

#[test]
fn an_entry_reads_as_it_was_written() {
    assert_eq!(decode(entry().encode()).unwrap(), entry());
}

#[test]
fn an_entry_without_a_body_reads_as_it_was_written() {
    let entry = Entry {
        body: Bytes::new(),
        ..entry()
    };
    assert_eq!(decode(entry.encode()).unwrap(), entry);
}

#[test]
fn the_form_of_version_1_stays() {
    let file = String::from_utf8_lossy(&entry().encode()).into_owned();
    let lines: Vec<&str> = file.splitn(4, '\n').collect();
    assert_eq!(
        lines[0],
        "sha256 34e529af112d33252e97d2e62a36e2378643d1b720dc8589021f7f67ffaeeb3b"
    );
    assert_eq!(lines[1], "standin-spool 1");
    assert_eq!(
        lines[2],
        "{\"method\":\"POST\",\"target\":\"/pdb/cmd/v1?command=replace_facts&version=5&certname=a%2Eb\
         &producer-timestamp=2026-11-23T00:00:00.000Z\",\"submitted\":1790000000000,\
         \"headers\":[[\"content-type\",\"application/json\"],[\"accept\",\"caf\u{e9}\"]]}"
    );
}

#[test]
fn an_entry_cut_off_anywhere_is_noticed() {
    let whole = entry().encode();
    for length in 0..whole.len() {
        assert!(decode(whole[..length].to_vec()).is_err(), "{length}");
    }
}

#[test]
fn a_changed_bit_anywhere_is_noticed() {
    let whole = entry().encode();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            let error = decode(changed).unwrap_err();
            assert!(
                matches!(error, EntryError::Unsealed | EntryError::Checksum),
                "{at}, {bit}: {error}"
            );
        }
    }
}

#[test]
fn bytes_behind_the_end_are_noticed() {
    let mut longer = entry().encode();
    longer.push(b'\n');
    assert!(matches!(decode(longer), Err(EntryError::Checksum)));
}

#[test]
fn a_form_of_another_release_is_told_from_a_broken_entry() {
    let error = decode(sealed("standin-spool 2\nwhatever")).unwrap_err();
    assert!(matches!(error, EntryError::Version { version } if version == "standin-spool 2"));
}

#[test]
fn a_request_that_is_neither_report_nor_command_is_refused() {
    for (method, target) in [
        ("DELETE", "/pdb/cmd/v1"),
        ("GET", "/puppet/v3/report/a"),
        ("PUT", "/puppet/v3/report/a/b"),
        ("PUT", "/puppet/v3/facts/a"),
        ("POST", "/rbac-api/v1/users"),
        ("not a method", "/pdb/cmd/v1"),
    ] {
        let head =
            format!(r#"{{"method":"{method}","target":"{target}","submitted":1,"headers":[]}}"#);
        let error = decode(sealed(&format!("standin-spool 1\n{head}\n"))).unwrap_err();
        assert!(
            matches!(error, EntryError::Kind { .. }),
            "{method} {target}: {error}"
        );
    }
}

#[test]
fn a_head_that_says_something_else_is_refused() {
    for head in [
        "",
        "[]",
        r#"{"method":"POST","target":"/pdb/cmd/v1","submitted":1}"#,
        r#"{"method":"POST","target":"/pdb/cmd/v1","submitted":-1,"headers":[]}"#,
        r#"{"method":"POST","target":"/pdb/cmd/v1","submitted":1,"headers":[],"server":"x"}"#,
    ] {
        let error = decode(sealed(&format!("standin-spool 1\n{head}\n"))).unwrap_err();
        assert!(matches!(error, EntryError::Head(_)), "{head}: {error}");
    }
}

#[test]
fn a_header_that_http_does_not_know_is_refused() {
    for header in [r#"["a b","c"]"#, r#"["a","b\n"]"#, r#"["a","\u0100"]"#] {
        let head = format!(
            r#"{{"method":"POST","target":"/pdb/cmd/v1","submitted":1,"headers":[{header}]}}"#
        );
        let error = decode(sealed(&format!("standin-spool 1\n{head}\n"))).unwrap_err();
        assert!(matches!(error, EntryError::Http(_)), "{header}: {error}");
    }
}

#[test]
fn the_node_is_named_by_query_or_path() {
    assert_eq!(entry().certname().unwrap(), "a.b");
    let report = Entry {
        kind: Kind::Report,
        target: PathAndQuery::from_static("/puppet/v3/report/a.test?environment=e"),
        ..entry()
    };
    assert_eq!(report.certname().unwrap(), "a.test");
}

#[test]
fn the_request_is_made_again_as_it_was() {
    let request = entry().request();
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), entry().target().as_str());
    assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
}
