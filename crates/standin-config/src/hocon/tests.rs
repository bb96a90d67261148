use super::*;
use crate::SettingsFault;
use crate::tree::{Member, Value};
use proptest::prelude::*;

/// The tree as JSON, strings and words as they are.
fn json(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Word(word) => serde_json::from_str(word).unwrap(),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(members) => members
            .iter()
            .map(|Member { key, node }| (key.clone(), json(node)))
            .collect(),
    }
}

fn read_as_json(text: &str) -> String {
    json(&read(text).unwrap()).to_string()
}

fn refused(text: &str) -> (Option<usize>, HoconFault) {
    let error = read(text).unwrap_err();
    match error.fault {
        SettingsFault::Hocon(fault) => (error.line, fault),
        other => panic!("{text}: {other}"),
    }
}

/// Texts, and what the specification makes of them.
const READ: [(&str, &str); 43] = [
    ("", "{}"),
    ("{}", "{}"),
    ("a = 1", r#"{"a":1}"#),
    ("a : 1", r#"{"a":1}"#),
    ("{ a : 1, b = two }", r#"{"a":1,"b":"two"}"#),
    ("a = 1\nb = 2,\nc = 3,", r#"{"a":1,"b":2,"c":3}"#),
    (
        "# one\na = 1 # two\n// three\nb = 2 // four",
        r#"{"a":1,"b":2}"#,
    ),
    ("a = wss", r#"{"a":"wss"}"#),
    ("a = \"wss://b:1/\"", r#"{"a":"wss://b:1/"}"#),
    ("a = one two  three ", r#"{"a":"one two  three"}"#),
    ("a = true", r#"{"a":true}"#),
    ("a = true story", r#"{"a":"true story"}"#),
    ("a = null", r#"{"a":null}"#),
    ("a = 1.5e3", r#"{"a":1500.0}"#),
    ("a = 10s", r#"{"a":"10s"}"#),
    (
        "a = \"\"\"b\\n\"c\" \n \"\"\"\"",
        "{\"a\":\"b\\\\n\\\"c\\\" \\n \\\"\"}",
    ),
    ("a.b = 1\na.c = 2", r#"{"a":{"b":1,"c":2}}"#),
    ("\"a.b\" = 1", r#"{"a.b":1}"#),
    ("a { b = 1 }\na { c = 2 }", r#"{"a":{"b":1,"c":2}}"#),
    ("a = { b = 1 }\na = 2\na = { c = 3 }", r#"{"a":{"c":3}}"#),
    ("a = 1\na = 2", r#"{"a":2}"#),
    ("a = [1, two\n three\n]", r#"{"a":[1,"two","three"]}"#),
    ("a = [1,2,]", r#"{"a":[1,2]}"#),
    ("a = [1] [2]", r#"{"a":[1,2]}"#),
    ("a = {b = 1} {c = 2}", r#"{"a":{"b":1,"c":2}}"#),
    ("a += 1\na += 2", r#"{"a":[1,2]}"#),
    ("a = 1\nb = ${a}", r#"{"a":1,"b":1}"#),
    ("b = ${a.c}\na.c = x", r#"{"a":{"c":"x"},"b":"x"}"#),
    ("b = x${a}z\na = y", r#"{"a":"y","b":"xyz"}"#),
    ("b = x${?a}z", r#"{"b":"xz"}"#),
    ("b = ${?a}\nc = 1", r#"{"c":1}"#),
    ("b = 1\nb = ${?a}", r#"{"b":1}"#),
    ("b = [1, ${?a}, 2]", r#"{"b":[1,2]}"#),
    ("a = [1]\na = ${a} [2]", r#"{"a":[1,2]}"#),
    (
        "a = {b = 1}\nc = ${a} {d = 2}",
        r#"{"a":{"b":1},"c":{"b":1,"d":2}}"#,
    ),
    ("a { b = 1, c = ${a.b} }", r#"{"a":{"b":1,"c":1}}"#),
    ("a = x\na = ${a}y\na = ${a}z", r#"{"a":"xyz"}"#),
    // What a later value hides is not resolved.
    ("a = ${b}\na = 1", r#"{"a":1}"#),
    ("a.b = [1]\na.b += 2", r#"{"a":{"b":[1,2]}}"#),
    ("a = [1]\na = [${a}]", r#"{"a":[[1]]}"#),
    ("a = 1.5${?b}", r#"{"a":1.5}"#),
    (
        "a = {b = 1}\na = ${a} {c = ${a.b}}",
        r#"{"a":{"b":1,"c":1}}"#,
    ),
    ("\u{feff}a = 1\r\nb = 2\r\n", r#"{"a":1,"b":2}"#),
];

#[test]
fn what_the_specification_allows_is_read() {
    for (text, expected) in READ {
        assert_eq!(read_as_json(text), expected, "{text:?}");
    }
}

#[test]
fn escapes_are_those_of_json() {
    let text = "a = \"\\u0041\\n\\ud83d\\ude00\\/\"";
    assert_eq!(read_as_json(text), "{\"a\":\"A\\n\u{1f600}/\"}");
}

#[test]
fn another_reader_reads_the_same() {
    for (text, _) in READ {
        let other = ::hocon::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let ours = json(&read(text).unwrap());
        assert_eq!(ours, other_as_json(&other), "{text:?}");
    }
}

fn other_as_json(config: &::hocon::Config) -> serde_json::Value {
    let keys = config.keys().into_iter();
    keys.map(|key| {
        let quoted = format!("\"{key}\"");
        let value = config.get(&quoted).or_else(|| config.get(key)).unwrap();
        (key.to_owned(), other_value(value))
    })
    .collect()
}

fn other_value(value: &::hocon::HoconValue) -> serde_json::Value {
    use ::hocon::{HoconValue, ScalarType};
    match value {
        HoconValue::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), other_value(value)))
            .collect(),
        HoconValue::Array(items) => items.iter().map(other_value).collect(),
        HoconValue::Scalar(scalar) => match scalar.value_type {
            ScalarType::String => scalar.raw.as_str().into(),
            _ => serde_json::from_str(&scalar.raw).unwrap(),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong_is_refused_where_it_stands() {
    use HoconFault::*;
    for (text, line, fault) in [
        ("\na", 2, NoValue),
        ("a =", 1, NoValue),
        ("a = 1\n= 2", 2, NoKey),
        ("a = 1 {}", 1, Mixed),
        ("a = [1] 2", 1, Mixed),
        ("a = {\n", 1, Brackets),
        ("a = [1\n", 1, Brackets),
        ("a = 1 }", 1, Brackets),
        ("{a = 1}\nb = 2", 2, Brackets),
        ("{a = [1}", 1, Brackets),
        (",a = 1", 1, Comma),
        ("a = 1,,b = 2", 1, Comma),
        ("a = [1,,2]", 1, Comma),
        ("a..b = 1", 1, Path),
        (".a = 1", 1, Path),
        ("a = \"b\nc\"", 1, OpenString),
        ("a = \"\"\"b\nc\"", 1, OpenString),
        ("a = \"\\x\"", 1, Escape),
        ("a = \"\\ud83d\"", 1, Escape),
        ("a = wss://b", 1, NoSeparator),
        ("a = b*", 1, Character('*')),
        ("a = $b", 1, Character('$')),
        ("a = ${", 1, Substitution),
        ("a = ${${b}}", 1, Substitution),
        ("a = 1\nb = ${c}", 2, Undefined("c".into())),
        ("a = ${b}\nb = ${a}", 2, Undefined("a".into())),
        ("a = ${a}", 1, Undefined("a".into())),
        ("include \"b.conf\"", 1, Include),
        ("a = 1\ninclude file(\"b.conf\")", 2, Include),
    ] {
        assert_eq!(refused(text), (Some(line), fault), "{text:?}");
    }
}

#[test]
fn a_value_knows_the_line_it_begins_on() {
    let root = read("a = 1\n\nb = [\n  x\n  y ]\nc =\n  z\n").unwrap();
    let Value::Map(members) = &root.value else {
        panic!("{root:?}");
    };
    let lines: Vec<usize> = members.iter().map(|member| member.node.line).collect();
    assert_eq!(lines, [1, 3, 7]);
    let Value::List(items) = &members[1].node.value else {
        panic!("{root:?}");
    };
    let lines: Vec<usize> = items.iter().map(|item| item.line).collect();
    assert_eq!(lines, [4, 5]);
}

#[test]
fn text_made_to_grow_or_nest_without_end_is_refused() {
    let mut text = String::from("a0 = x\n");
    for i in 1..60 {
        let one_less = i - 1;
        text.push_str(&format!("a{i} = ${{a{one_less}}}${{a{one_less}}}\n"));
    }
    assert_eq!(refused(&text).1, HoconFault::TooMany);
    let mut text = String::new();
    for i in 1..90 {
        let next = i + 1;
        let (open, close) = ("{a:".repeat(50), "}".repeat(50));
        text.push_str(&format!("a{i} = {open}${{a{next}}}{close}\n"));
    }
    assert_eq!(refused(&text).1, HoconFault::TooMany);
    for deep in [
        format!("a = {}", "[".repeat(100_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("{}a {{}}", "a.a.a.a.a {".repeat(100)),
    ] {
        let fault = read(&deep).unwrap_err().fault;
        assert!(matches!(fault, SettingsFault::Depth), "{fault}");
    }
    assert_eq!(
        refused(&format!("a = {}", "${".repeat(100_000))).1,
        HoconFault::Substitution
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        text in "(a|b|c|\\.| = |: |\\{|\\}|\\[|\\]|,|\n|\"|\"\"\"|\\$\\{|\\?|#|//|\\+=|1|\\\\u|\\PC){0,40}"
    ) {
        let _ = read(&text);
    }

    #[test]
    fn json_is_read_as_json_reads_it(
        text in "\\{(\"a\":(1|\"x\"|null|true|\\[1,\"y\"\\]|\\{\"b\":2\\}),){0,1}\"c\":(1\\.5|\"\\\\n\"|\\[\\])\\}"
    ) {
        let ours = read(&text).unwrap();
        prop_assert_eq!(ours, crate::json::read(&text).unwrap());
    }
}
