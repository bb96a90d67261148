//! Any text is a message of PCP version 2 or an error, and a message that is written out reads as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standin_pcp::{Message, PcpUri, inventory};

fuzz_target!(|text: &str| {
    if let Ok(uri) = text.parse::<PcpUri>() {
        let again = PcpUri::new(uri.name(), uri.client_type());
        assert_eq!(again.as_ref(), Ok(&uri), "{text:?}");
    }
    let Ok(message) = Message::decode(text) else {
        return;
    };
    let written = message.encode();
    let again = Message::decode(&written);
    let again = again.unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(again.encode(), written);
    assert_eq!(again.data_text(), message.data_text());
    assert_eq!((again.id(), again.target()), (message.id(), message.target()));
    let _ = message.data::<inventory::Request>();
    let _ = message.data::<inventory::Response>();
    let _ = message.data::<inventory::Update>();
});
