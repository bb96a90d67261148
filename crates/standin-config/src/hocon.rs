//! HOCON, each value with its line.

use crate::tree::{Node, TreeError};

/// What is wrong with a text that should be HOCON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoconFault {
    /// What stands here cannot stand here.
    #[error("something else is wanted here")]
    Unexpected,
}

pub(crate) fn read(text: &str) -> Result<Node, TreeError> {
    let _ = text;
    Err(TreeError::at(1, HoconFault::Unexpected.into()))
}
