use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::inventory::{self, Change, Direction, Subscribe};

fn decode(value: &Value) -> Result<Message, InvalidMessage> {
    Message::decode(&value.to_string())
}

#[test]
fn the_least_message_has_an_id_and_a_type() {
    let message = decode(&json!({ "id": "1", "message_type": "t" })).unwrap();
    assert_eq!((message.id(), message.message_type()), ("1", "t"));
    assert_eq!((message.target(), message.sender()), (None, None));
    assert_eq!((message.in_reply_to(), message.data_text()), (None, None));
    assert_eq!(message.encode(), r#"{"id":"1","message_type":"t"}"#);
}

#[test]
fn what_is_no_message_is_refused_and_the_error_says_where() {
    for (text, words) in [
        ("", "EOF"),
        ("[]", "invalid"),
        (r#"{"id":"1"}"#, "missing field `message_type`"),
        (r#"{"message_type":"t"}"#, "missing field `id`"),
        (r#"{"id":1,"message_type":"t"}"#, "expected a string"),
        (
            r#"{"id":"1","message_type":"t","targets":[]}"#,
            "unknown field `targets`",
        ),
        (
            r#"{"id":"1","message_type":"t","target":"x"}"#,
            "no PCP URI",
        ),
        (
            r#"{"id":"1","id":"2","message_type":"t"}"#,
            "duplicate field `id`",
        ),
        (
            r#"{"id":"1","message_type":"t","data":{"a":}}"#,
            "expected value",
        ),
        (r#"{"id":"1","message_type":"t"} x"#, "trailing"),
    ] {
        let error = Message::decode(text).unwrap_err();
        assert_eq!(error.to_string(), "it is no message of PCP version 2");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(words), "{text}: {cause}");
    }
}

#[test]
fn data_comes_through_as_it_was_written() {
    for data in [
        "null",
        "1e400",
        "12345678901234567890123",
        r#"{"b":1,"a":[]}"#,
        r#""ä\u0041""#,
    ] {
        let text = format!(r#"{{"id":"1","message_type":"t","data":{data}}}"#);
        let message = Message::decode(&text).unwrap();
        assert_eq!(message.data_text(), Some(data));
        assert_eq!(message.encode(), text);
    }
}

#[test]
fn an_answer_goes_to_the_sender_in_reply() {
    let sender: PcpUri = "pcp://controller.test/controller".parse().unwrap();
    let request = Message::new(message_type::BLOCKING_REQUEST).from(sender.clone());
    let answer = request.answer(message_type::BLOCKING_RESPONSE);
    assert_eq!(answer.target(), Some(&sender));
    assert_eq!(answer.in_reply_to(), Some(request.id()));
    assert_ne!(answer.id(), request.id());
    assert_eq!(answer.sender(), None);
}

#[test]
fn only_what_does_no_harm_may_be_repeated() {
    for (message_type, repeat) in [
        (message_type::BLOCKING_REQUEST, Repeat::Harmful),
        (message_type::BLOCKING_RESPONSE, Repeat::Harmless),
        (message_type::NON_BLOCKING_REQUEST, Repeat::Harmless),
        (message_type::RPC_ERROR, Repeat::Harmless),
        (message_type::INVENTORY_REQUEST, Repeat::Harmless),
        ("http://example.com/anything", Repeat::Harmful),
    ] {
        assert_eq!(
            Message::new(message_type).repeat(),
            repeat,
            "{message_type}"
        );
    }
}

#[test]
fn a_question_to_the_inventory_reads_as_the_specification_has_it() {
    let everybody = "pcp://*/*".parse().unwrap();
    let request = inventory::request(&[everybody], Subscribe::No).unwrap();
    assert_eq!(request.message_type(), message_type::INVENTORY_REQUEST);
    let data = r#"{"query":["pcp://*/*"],"subscribe":false}"#;
    assert_eq!(request.data_text(), Some(data));
    assert_eq!(
        request.data::<inventory::Request>().unwrap().subscribe,
        Some(false)
    );
}

#[test]
fn answers_and_updates_of_the_inventory_are_read() {
    let uri: PcpUri = "pcp://a.test/agent".parse().unwrap();
    let answer = json!({ "id": "2", "message_type": message_type::INVENTORY_RESPONSE,
        "in_reply_to": "1", "data": { "uris": [uri] } });
    let answer: inventory::Response = decode(&answer).unwrap().data().unwrap();
    assert_eq!(answer.uris, std::slice::from_ref(&uri));
    let changes = json!({ "changes": [{ "client": uri, "change": -1 }] });
    let update = Message::new(message_type::INVENTORY_UPDATE).with_data(&changes);
    let update: inventory::Update = update.unwrap().data().unwrap();
    let change = Direction::Went;
    assert_eq!(
        update.changes,
        [Change {
            client: uri,
            change
        }]
    );
}

#[test]
fn data_that_does_not_fit_is_told_from_none() {
    let bare = Message::new(message_type::INVENTORY_RESPONSE);
    assert!(matches!(
        bare.data::<inventory::Response>(),
        Err(InvalidData::Missing)
    ));
    for data in [
        json!({}),
        json!({ "uris": ["x"] }),
        json!({ "uris": [], "more": 1 }),
    ] {
        let message = bare.clone().with_data(&data).unwrap();
        assert!(matches!(
            message.data::<inventory::Response>(),
            Err(InvalidData::Read(_))
        ));
    }
    let odd = json!({ "client": "pcp://a/b", "change": 2 });
    assert!(serde_json::from_value::<Change>(odd).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = Message::decode(&text);
    }

    #[test]
    fn what_is_written_is_read_back(
        kind in "\\PC{0,40}", name in "[^/]{0,20}", client in "[^/]{1,20}", data in "\\PC{0,60}",
    ) {
        let uri = PcpUri::new(&name, &client).unwrap();
        let message = Message::new(kind).to(uri).with_data(&data).unwrap();
        let read = Message::decode(&message.encode()).unwrap();
        prop_assert_eq!(read.id(), message.id());
        prop_assert_eq!(read.message_type(), message.message_type());
        prop_assert_eq!(read.target(), message.target());
        prop_assert_eq!(read.data::<String>().unwrap(), data);
    }
}
