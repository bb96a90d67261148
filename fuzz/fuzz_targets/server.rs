//! Any text is a server or an error, and a server is in one form: written out, it reads as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standin_core::{Server, ServerList};

fuzz_target!(|text: &str| {
    if let Ok(server) = Server::parse(text, 8140) {
        let again = Server::parse(server.authority(), 1);
        assert_eq!(again.as_ref(), Ok(&server), "{text:?}");
        let again = Server::parse(&format!("https://{server}/"), 1);
        assert_eq!(again.as_ref(), Ok(&server), "{text:?}");
        assert_ne!(server.port(), 0);
    }
    if let Ok(list) = ServerList::parse(text, 8140) {
        assert_eq!(ServerList::parse(&list.to_string(), 1).as_ref(), Ok(&list));
    }
});
