//! Secrets: values that are used and never shown.

use std::fmt;

/// A value that nobody may read in a log, an error or an explanation.
///
/// Not `Display`; `Debug` says only that there is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// What is secret, for whoever has to send it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(MASK)
    }
}

/// What is shown instead.
pub(crate) const MASK: &str = "(secret)";
