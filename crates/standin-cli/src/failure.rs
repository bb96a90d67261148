//! Failures: what to say, and the code to end with.

use std::error::Error;
use std::fmt;
use std::io;

use crate::code::Code;

/// The command cannot do what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    text: String,
}

impl Failure {
    pub(crate) fn new(code: Code, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code, text }
    }

    /// The same story with every cause of `error`.
    pub(crate) fn caused(code: Code, story: &str, error: &(dyn Error + 'static)) -> Self {
        Self::new(code, format!("{story}: {}", chain(error)))
    }

    pub(crate) fn usage(error: &(dyn Error + 'static)) -> Self {
        Self::new(Code::USAGE, chain(error))
    }

    pub(crate) fn unwritten(place: &str, error: &io::Error) -> Self {
        let story = format!("the answer came and cannot be written to {place}");
        Self::caused(Code::UNWRITTEN, &story, error)
    }

    pub(crate) const fn code(&self) -> Code {
        self.code
    }
}

impl From<standin::Error> for Failure {
    fn from(error: standin::Error) -> Self {
        Self::new(error.kind().into(), error.report())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What came of writing to standard output. That nobody reads any more is no failure.
///
/// # Errors
/// When it cannot be written, though somebody reads.
pub(crate) fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::unwritten("standard output", &error))
        }
        _ => Ok(()),
    }
}

/// An error and all that is beneath it, in a line. An error that repeats the one beneath it is left
/// to speak for both.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}
