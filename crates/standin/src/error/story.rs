//! Errors with what lies beneath them.

use std::error::Error;
use std::fmt::{self, Write};

/// Adds a line for an error and each that lies beneath it. One that repeats the one beneath it is left to
/// speak for both.
pub(crate) fn push_causes(text: &mut String, indent: &str, error: &(dyn Error + 'static)) {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{indent}because {said}");
        }
        cause = error.source();
    }
}

/// An error and all that lies beneath it, in one line.
pub(crate) struct InALine<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for InALine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
