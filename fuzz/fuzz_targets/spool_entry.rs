//! Any bytes are an entry of a spool or an error, whether their checksum is right or not, and an entry that is written
//! out reads as itself.
#![no_main]

use std::fmt::Write;

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use standin::spool::{Entry, EntryError};

fuzz_target!(|data: &[u8]| {
    let unsealed = Entry::decode(&data.to_vec().into());
    assert!(unsealed.is_err() || data.starts_with(b"sha256 "));
    let Ok(entry) = Entry::decode(&sealed(data).into()) else {
        return;
    };
    let again = Entry::decode(&entry.encode().into());
    let again = again.unwrap_or_else(|error: EntryError| panic!("{entry:?}: {error}"));
    assert_eq!(again, entry);
    let _ = entry.certname();
});

/// With a checksum that is right, which nobody guesses.
fn sealed(text: &[u8]) -> Vec<u8> {
    let mut file = String::from("sha256 ");
    for byte in Sha256::digest(text) {
        let _ = write!(file, "{byte:02x}");
    }
    file.push('\n');
    [file.as_bytes(), text].concat()
}
