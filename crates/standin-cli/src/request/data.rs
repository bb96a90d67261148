//! The body of a request, as the command line names it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;
use std::str::FromStr;

use standin::Body;

use crate::code::Code;
use crate::failure::Failure;

/// Where the body comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Data {
    Text(String),
    File(PathBuf),
    StandardInput,
}

impl FromStr for Data {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix('@') {
            None => Ok(Self::Text(text.to_owned())),
            Some("") => Err("there is no file after the @; write @FILE, or @- for standard input"),
            Some("-") => Ok(Self::StandardInput),
            Some(path) => Ok(Self::File(OsStr::new(path).into())),
        }
    }
}

impl Data {
    /// The whole of it, so that it can be sent again.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(&self) -> Result<Body, Failure> {
        let unreadable = |place: String| {
            move |error: io::Error| {
                let story = format!("--data {place} cannot be read");
                Failure::caused(Code::USAGE, &story, &error)
            }
        };
        Ok(match self {
            Self::Text(text) => text.clone().into_bytes().into(),
            Self::File(path) => fs::read(path)
                .map_err(unreadable(format!("@{}", path.display())))?
                .into(),
            Self::StandardInput => {
                let mut bytes = Vec::new();
                let mut input = io::stdin().lock();
                input
                    .read_to_end(&mut bytes)
                    .map_err(unreadable("@-".to_owned()))?;
                bytes.into()
            }
        })
    }
}
