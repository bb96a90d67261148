//! Tokens, each with its line.

use super::HoconFault;
use crate::tree::TreeError;

#[derive(Debug)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Newline,
    /// Blanks on one line.
    Space(String),
    Comma,
    Colon,
    Equals,
    PlusEquals,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Quoted(String),
    Unquoted(String),
    Substitution {
        path: Vec<String>,
        necessity: Necessity,
    },
}

/// What a substitution without a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Necessity {
    /// An error.
    Required,
    /// Nothing at all.
    Optional,
}

/// The tokens of a text, comments left out.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, TreeError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lexer = Lexer {
        rest: text,
        line: 1,
    };
    let mut tokens = Vec::new();
    while !lexer.rest.is_empty() {
        let line = lexer.line;
        if let Some(kind) = lexer.next()? {
            tokens.push(Token { line, kind });
        }
    }
    Ok(tokens)
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lexer<'a> {
    /// The next token; None for a comment.
    fn next(&mut self) -> Result<Option<Kind>, TreeError> {
        if self.rest.starts_with('#') || self.rest.starts_with("//") {
            self.take_while(|c| c != '\n');
            return Ok(None);
        }
        let symbols = [
            ("\n", Kind::Newline),
            (",", Kind::Comma),
            (":", Kind::Colon),
            ("=", Kind::Equals),
            ("+=", Kind::PlusEquals),
            ("{", Kind::OpenBrace),
            ("}", Kind::CloseBrace),
            ("[", Kind::OpenBracket),
            ("]", Kind::CloseBracket),
        ];
        for (symbol, kind) in symbols {
            if self.eat(symbol) {
                self.line += usize::from(kind == Kind::Newline);
                return Ok(Some(kind));
            }
        }
        if self.eat("\"\"\"") {
            return self.triple_quoted().map(Some);
        }
        if self.eat("\"") {
            return self.quoted().map(Kind::Quoted).map(Some);
        }
        if self.eat("${") {
            return self.substitution().map(Some);
        }
        let space = self.take_while(is_blank);
        if !space.is_empty() {
            return Ok(Some(Kind::Space(space.to_owned())));
        }
        let length = unquoted_length(self.rest);
        let (unquoted, rest) = self.rest.split_at(length);
        if unquoted.is_empty() {
            let character = rest.chars().next().unwrap_or_default();
            return Err(self.fault(HoconFault::Character(character)));
        }
        self.rest = rest;
        Ok(Some(Kind::Unquoted(unquoted.to_owned())))
    }

    /// What follows the opening quote, escapes as in JSON.
    fn quoted(&mut self) -> Result<String, TreeError> {
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|c| c != '"' && c != '\\' && c >= ' '));
            match self.pop() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                _ => return Err(self.fault(HoconFault::OpenString)),
            }
        }
    }

    fn escape(&mut self) -> Result<char, TreeError> {
        Ok(match self.pop() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let first = self.unit()?;
                let mut units = vec![first];
                // Characters beyond the basic plane are two units of UTF-16.
                if (0xd800..0xdc00).contains(&first) && self.eat("\\u") {
                    units.push(self.unit()?);
                }
                let mut decoded = char::decode_utf16(units);
                match (decoded.next(), decoded.next()) {
                    (Some(Ok(c)), None) => c,
                    _ => return Err(self.fault(HoconFault::Escape)),
                }
            }
            _ => return Err(self.fault(HoconFault::Escape)),
        })
    }

    fn unit(&mut self) -> Result<u16, TreeError> {
        let digits = self.rest.get(..4).filter(|digits| {
            let mut digits = digits.bytes();
            digits.all(|digit| digit.is_ascii_hexdigit())
        });
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.fault(HoconFault::Escape))?;
        self.rest = &self.rest[4..];
        Ok(unit)
    }

    /// What follows three quotes, as it stands. Quotes before the last three belong to it.
    fn triple_quoted(&mut self) -> Result<Kind, TreeError> {
        let end = self.rest.find("\"\"\"");
        let end = end.ok_or_else(|| self.fault(HoconFault::OpenString))?;
        let more = self.rest[end + 3..]
            .bytes()
            .take_while(|byte| *byte == b'"');
        let end = end + more.count();
        let text = &self.rest[..end];
        self.line += text.matches('\n').count();
        self.rest = &self.rest[end + 3..];
        Ok(Kind::Quoted(text.to_owned()))
    }

    /// What follows `${`.
    fn substitution(&mut self) -> Result<Kind, TreeError> {
        let necessity = if self.eat("?") {
            Necessity::Optional
        } else {
            Necessity::Required
        };
        let mut elements = Vec::new();
        loop {
            if self.rest.is_empty() || self.rest.starts_with("${") {
                return Err(self.fault(HoconFault::Substitution));
            }
            match self.next()? {
                Some(Kind::CloseBrace) => break,
                Some(kind @ (Kind::Quoted(_) | Kind::Unquoted(_) | Kind::Space(_))) => {
                    elements.push(kind);
                }
                _ => return Err(self.fault(HoconFault::Substitution)),
            }
        }
        let path = path(&elements).map_err(|fault| self.fault(fault))?;
        Ok(Kind::Substitution { path, necessity })
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn pop(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn fault(&self, fault: HoconFault) -> TreeError {
        TreeError::at(self.line, fault.into())
    }
}

/// The keys of a path expression: its unquoted parts are divided by their dots.
pub(super) fn path(elements: &[Kind]) -> Result<Vec<String>, HoconFault> {
    let is_space = |kind: &&Kind| matches!(kind, Kind::Space(_));
    let first = elements.iter().take_while(is_space).count();
    let last = elements.iter().rev().take_while(is_space).count();
    let elements = elements
        .get(first..elements.len() - last)
        .filter(|elements| !elements.is_empty())
        .ok_or(HoconFault::NoKey)?;
    // A key that is empty has to be quoted.
    let mut path = vec![None::<String>];
    let append = |path: &mut Vec<Option<String>>, text: &str| {
        if let Some(key) = path.last_mut() {
            key.get_or_insert_default().push_str(text);
        }
    };
    for element in elements {
        match element {
            Kind::Quoted(text) | Kind::Space(text) => append(&mut path, text),
            Kind::Unquoted(text) => {
                for (index, part) in text.split('.').enumerate() {
                    if index > 0 {
                        path.push(None);
                    }
                    if !part.is_empty() {
                        append(&mut path, part);
                    }
                }
            }
            _ => return Err(HoconFault::NoKey),
        }
    }
    let keys: Option<Vec<String>> = path.into_iter().collect();
    keys.ok_or(HoconFault::Path)
}

fn unquoted_length(text: &str) -> usize {
    let comment = text.find("//").unwrap_or(text.len());
    let end = text.find(|c: char| is_blank(c) || c == '\n' || RESERVED.contains(c));
    end.map_or(comment, |end| end.min(comment))
}

/// Every blank of Unicode but the end of a line, and those that JSON's readers let pass.
fn is_blank(c: char) -> bool {
    (c.is_whitespace() || matches!(c, '\u{feff}' | '\u{1c}'..='\u{1f}')) && c != '\n'
}

/// What no unquoted string may have.
const RESERVED: &str = "$\"{}[]:=,+#`^?!@*&\\";
