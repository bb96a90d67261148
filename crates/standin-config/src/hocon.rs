//! HOCON, each value with its line.
//!
//! A reader of its own, since those on crates.io tell no lines, and read other files and the
//! environment on the way. Source: `HOCON.md` of <https://github.com/lightbend/config>.

mod lexer;
mod parser;
mod resolver;

use crate::tree::{Node, TreeError};

/// Reads HOCON.
///
/// Of the specification are missing: `include`, which is refused; the environment, which is not
/// asked for substitutions; and objects with numbers for keys, which stay objects where a list is
/// wanted.
pub(crate) fn read(text: &str) -> Result<Node, TreeError> {
    let tokens = lexer::tokens(text)?;
    let root = parser::parse(&tokens)?;
    resolver::resolve(&root)
}

/// What is wrong with a text that should be HOCON, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoconFault {
    /// A character that no unquoted string may have.
    #[error("{0:?} cannot stand outside of quotes; put quotes around the value")]
    Character(char),
    /// A string that its line does not end.
    #[error("a string has no quote at its end; write one")]
    OpenString,
    /// A backslash that JSON does not know.
    #[error("a backslash stands before what JSON does not know; write \\\\ for one")]
    Escape,
    /// A substitution that is none.
    #[error("a substitution is not as it has to be; write ${{NAME}} or ${{?NAME}}")]
    Substitution,
    /// A key without a value.
    #[error("a key has no value; write KEY = VALUE")]
    NoValue,
    /// Something where a key has to be.
    #[error("a key is wanted here; write KEY = VALUE")]
    NoKey,
    /// A path with nothing before, behind or between its dots.
    #[error("a key has a dot too many; put quotes around it if the dot is meant")]
    Path,
    /// A brace or bracket that is not closed, or was not opened.
    #[error("braces and brackets do not match; close each that is opened")]
    Brackets,
    /// Two values without a comma or a line's end between.
    #[error("something follows a value here; write a comma or begin a line between")]
    NoSeparator,
    /// A comma that nothing stands before.
    #[error("a comma stands here with nothing before it; take it out")]
    Comma,
    /// Another file.
    #[error("include is not read here; write what the other file says")]
    Include,
    /// A substitution that nothing in the file gives a value.
    #[error("${{{0}}} has no value in this file, and the environment is not asked; write one")]
    Undefined(String),
    /// Values side by side that do not make one.
    #[error("an object or a list stands beside something else; leave one of them")]
    Mixed,
    /// Substitutions without end.
    #[error("there are too many substitutions; write the values themselves")]
    TooMany,
}

#[cfg(test)]
mod tests;
