//! An agent's private key, encrypted or not.

use std::path::Path;
use std::{fs, io};

use aes::{Aes128, Aes192, Aes256};
use cbc::Decryptor;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use des::TdesEde3;
use md5::{Digest, Md5};
use pem::Pem;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::{self as pki_pem, PemObject};

use super::SslFileError;
use super::material::text;

/// Reads the key in `path`, whose pass phrase is in `passfile` if it has one.
pub(super) fn read(path: &Path, passfile: &Path) -> Result<PrivateKeyDer<'static>, SslFileError> {
    let text = text(path)?;
    let Some(encrypted) = Encrypted::find(&text) else {
        return plain(path, &text);
    };
    let phrase = match fs::read(passfile) {
        Ok(phrase) => phrase,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(SslFileError::NoPassPhrase {
                key: path.to_owned(),
                passfile: passfile.to_owned(),
            });
        }
        Err(source) => {
            return Err(SslFileError::Read {
                path: passfile.to_owned(),
                source,
            });
        }
    };
    // Puppet takes the file as it is; whoever writes it with an editor has a line end in it.
    let trimmed = phrase.trim_ascii_end();
    let opened = match encrypted.open(&phrase) {
        Err(Shut::WrongPhrase) if trimmed.len() < phrase.len() => encrypted.open(trimmed),
        opened => opened,
    };
    opened.map_err(|shut| match shut {
        Shut::WrongPhrase => SslFileError::WrongPassPhrase {
            key: path.to_owned(),
            passfile: passfile.to_owned(),
        },
        Shut::UnknownCipher => SslFileError::UnknownCipher {
            key: path.to_owned(),
        },
    })
}

fn plain(path: &Path, text: &[u8]) -> Result<PrivateKeyDer<'static>, SslFileError> {
    const WANTED: &str = "a private key";
    PrivateKeyDer::from_pem_slice(text).map_err(|source| match source {
        pki_pem::Error::NoItemsFound => SslFileError::Missing {
            path: path.to_owned(),
            wanted: WANTED,
        },
        source => SslFileError::Pem {
            path: path.to_owned(),
            wanted: WANTED,
            source,
        },
    })
}

/// An encrypted key, in one of the two forms that OpenSSL writes.
enum Encrypted {
    /// `ENCRYPTED PRIVATE KEY`, RFC 5958.
    Pkcs8(Vec<u8>),
    /// `Proc-Type: 4,ENCRYPTED` as in RFC 1421, with the name of the cipher and its salt: what Puppet
    /// writes, with AES-128-CBC.
    Traditional { cipher: String, pem: Pem },
}

/// An encrypted key was not opened.
#[derive(Clone, Copy)]
enum Shut {
    WrongPhrase,
    UnknownCipher,
}

impl Encrypted {
    fn find(text: &[u8]) -> Option<Self> {
        pem::parse_many(text)
            .ok()?
            .into_iter()
            .find_map(|item| match item.tag() {
                "ENCRYPTED PRIVATE KEY" => Some(Self::Pkcs8(item.into_contents())),
                tag if tag.ends_with("PRIVATE KEY") => {
                    let cipher = item.headers().get("DEK-Info")?.to_owned();
                    Some(Self::Traditional { cipher, pem: item })
                }
                _ => None,
            })
    }

    fn open(&self, phrase: &[u8]) -> Result<PrivateKeyDer<'static>, Shut> {
        match self {
            Self::Pkcs8(der) => {
                let info = EncryptedPrivateKeyInfoRef::try_from(der.as_slice())
                    .map_err(|_| Shut::UnknownCipher)?;
                let opened = info.decrypt(phrase).map_err(|error| match error {
                    pkcs8::Error::EncryptedPrivateKey(
                        pkcs8::pkcs5::Error::DecryptFailed | pkcs8::pkcs5::Error::EncryptFailed,
                    ) => Shut::WrongPhrase,
                    pkcs8::Error::EncryptedPrivateKey(_) => Shut::UnknownCipher,
                    _ => Shut::WrongPhrase,
                })?;
                Ok(PrivateKeyDer::Pkcs8(opened.as_bytes().to_vec().into()))
            }
            Self::Traditional { cipher, pem } => {
                let (name, salt) = cipher.split_once(',').ok_or(Shut::UnknownCipher)?;
                let salt = from_hex(salt.trim()).ok_or(Shut::UnknownCipher)?;
                let opened = match name.trim() {
                    "AES-128-CBC" => decrypt::<Decryptor<Aes128>>(phrase, &salt, pem.contents()),
                    "AES-192-CBC" => decrypt::<Decryptor<Aes192>>(phrase, &salt, pem.contents()),
                    "AES-256-CBC" => decrypt::<Decryptor<Aes256>>(phrase, &salt, pem.contents()),
                    "DES-EDE3-CBC" => decrypt::<Decryptor<TdesEde3>>(phrase, &salt, pem.contents()),
                    _ => Err(Shut::UnknownCipher),
                }?;
                // A wrong phrase leaves well-formed padding once in 256 times.
                if opened.first() != Some(&DER_SEQUENCE) {
                    return Err(Shut::WrongPhrase);
                }
                match pem.tag() {
                    "RSA PRIVATE KEY" => Ok(PrivateKeyDer::Pkcs1(opened.into())),
                    "EC PRIVATE KEY" => Ok(PrivateKeyDer::Sec1(opened.into())),
                    _ => Err(Shut::UnknownCipher),
                }
            }
        }
    }
}

/// Each key structure is an ASN.1 sequence.
const DER_SEQUENCE: u8 = 0x30;

fn decrypt<D: KeyIvInit + BlockModeDecrypt>(
    phrase: &[u8],
    salt: &[u8],
    encrypted: &[u8],
) -> Result<Vec<u8>, Shut> {
    if salt.len() < SALT_LEN {
        return Err(Shut::UnknownCipher);
    }
    let key = derived(phrase, &salt[..SALT_LEN], D::key_size());
    let decryptor = D::new_from_slices(&key, salt).map_err(|_| Shut::UnknownCipher)?;
    decryptor
        .decrypt_padded_vec::<Pkcs7>(encrypted)
        .map_err(|_| Shut::WrongPhrase)
}

/// As much of OpenSSL's initialisation vector as salts the pass phrase.
const SALT_LEN: usize = 8;

/// OpenSSL's `EVP_BytesToKey` with MD5 and one round, which the traditional form is bound to.
fn derived(phrase: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut key: Vec<u8> = Vec::new();
    while key.len() < length {
        let last = key.len().saturating_sub(Md5::output_size());
        let mut digest = Md5::new();
        digest.update(&key[last..]);
        digest.update(phrase);
        digest.update(salt);
        key.extend_from_slice(&digest.finalize());
    }
    key.truncate(length);
    key
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}
