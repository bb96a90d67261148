//! The grammar: what tokens assign to which keys, nothing of it resolved yet.

use std::collections::BTreeMap;

use super::HoconFault;
use super::lexer::{Kind, Necessity, Token, path};
use crate::SettingsFault;
use crate::tree::{MOST_LEVELS, TreeError};

/// An object, each key with all that is assigned to it, in order.
#[derive(Debug, Default)]
pub(super) struct Object {
    pub(super) keys: Vec<String>,
    pub(super) members: BTreeMap<String, Vec<Joined>>,
}

/// Values side by side, which make one.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) line: usize,
    pub(super) pieces: Vec<Piece>,
}

#[derive(Debug)]
pub(super) enum Piece {
    Space(String),
    Quoted(String),
    Unquoted(String),
    Substitution {
        path: Vec<String>,
        necessity: Necessity,
    },
    /// What the same key had before, which `+=` adds to.
    Before,
    Object(Object),
    List(Vec<Joined>),
}

/// The value of a whole file.
pub(super) fn parse(tokens: &[Token]) -> Result<Joined, TreeError> {
    let mut parser = Parser {
        tokens,
        at: 0,
        levels: MOST_LEVELS,
    };
    parser.skip_blank_lines();
    let line = parser.line();
    let piece = match parser.peek() {
        Some(Kind::OpenBracket) => parser.list()?,
        Some(Kind::OpenBrace) => parser.object()?,
        _ => Piece::Object(parser.members(None)?),
    };
    parser.skip_blank_lines();
    match parser.peek() {
        None => Ok(Joined {
            line,
            pieces: vec![piece],
        }),
        Some(_) => Err(parser.fault(HoconFault::Brackets)),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    levels: usize,
}

impl<'a> Parser<'a> {
    fn object(&mut self) -> Result<Piece, TreeError> {
        self.nested(|parser| parser.members(Some(&Kind::CloseBrace)).map(Piece::Object))
    }

    /// The members of an object up to and with what closes it, or the end of the file.
    fn members(&mut self, close: Option<&Kind>) -> Result<Object, TreeError> {
        let mut object = Object::default();
        self.skip_blank_lines();
        while !self.ends(close)? {
            let (path, joined) = self.member()?;
            object.assign(&path, joined);
            self.separator(close)?;
        }
        Ok(object)
    }

    fn member(&mut self) -> Result<(Vec<String>, Joined), TreeError> {
        let line = self.line();
        let mut elements = Vec::new();
        while let Some(kind @ (Kind::Quoted(_) | Kind::Unquoted(_) | Kind::Space(_))) = self.peek()
        {
            elements.push(kind.clone());
            self.at += 1;
        }
        let include = matches!(elements.first(), Some(Kind::Unquoted(text)) if text == "include");
        if include {
            return Err(TreeError::at(line, HoconFault::Include.into()));
        }
        let path = path(&elements).map_err(|fault| TreeError::at(line, fault.into()))?;
        self.skip_blank_lines();
        // Each key of a path is an object around the next.
        let joined = self.deeper(path.len() - 1, |parser| match parser.peek() {
            Some(Kind::OpenBrace) => parser.joined(),
            Some(Kind::Colon | Kind::Equals) => {
                parser.at += 1;
                parser.skip_blank_lines();
                parser.joined()
            }
            Some(Kind::PlusEquals) => {
                parser.at += 1;
                parser.skip_blank_lines();
                let line = parser.line();
                let added = parser.joined()?;
                let pieces = vec![Piece::Before, Piece::List(vec![added])];
                Ok(Joined { line, pieces })
            }
            _ => Err(TreeError::at(line, HoconFault::NoValue.into())),
        })?;
        Ok((path, joined))
    }

    /// Values side by side, up to what cannot be one.
    fn joined(&mut self) -> Result<Joined, TreeError> {
        let line = self.line();
        let mut pieces = Vec::new();
        while let Some(kind) = self.peek() {
            let piece = match kind {
                Kind::Space(text) => Piece::Space(text.clone()),
                Kind::Quoted(text) => Piece::Quoted(text.clone()),
                Kind::Unquoted(text) => Piece::Unquoted(text.clone()),
                Kind::Substitution { path, necessity } => Piece::Substitution {
                    path: path.clone(),
                    necessity: *necessity,
                },
                Kind::OpenBrace => {
                    pieces.push(self.object()?);
                    continue;
                }
                Kind::OpenBracket => {
                    pieces.push(self.list()?);
                    continue;
                }
                _ => break,
            };
            pieces.push(piece);
            self.at += 1;
        }
        while let Some(Piece::Space(_)) = pieces.last() {
            pieces.pop();
        }
        if pieces.is_empty() {
            return Err(TreeError::at(line, HoconFault::NoValue.into()));
        }
        Ok(Joined { line, pieces })
    }

    fn list(&mut self) -> Result<Piece, TreeError> {
        self.nested(|parser| {
            let close = Some(&Kind::CloseBracket);
            let mut items = Vec::new();
            parser.skip_blank_lines();
            while !parser.ends(close)? {
                items.push(parser.joined()?);
                parser.separator(close)?;
            }
            Ok(Piece::List(items))
        })
    }

    /// What an opening brace or bracket encloses.
    fn nested(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<Piece, TreeError>,
    ) -> Result<Piece, TreeError> {
        self.deeper(1, |parser| {
            parser.at += 1;
            inside(parser)
        })
    }

    /// What stands so many levels further inside.
    fn deeper<T>(
        &mut self,
        levels: usize,
        inside: impl FnOnce(&mut Self) -> Result<T, TreeError>,
    ) -> Result<T, TreeError> {
        let left = self.levels.checked_sub(levels);
        self.levels = left.ok_or_else(|| TreeError::at(self.line(), SettingsFault::Depth))?;
        let read = inside(self)?;
        self.levels += levels;
        Ok(read)
    }

    /// Whether the members or items end here; then what closes them is passed.
    fn ends(&mut self, close: Option<&Kind>) -> Result<bool, TreeError> {
        match self.peek() {
            None if close.is_none() => Ok(true),
            None => Err(self.fault(HoconFault::Brackets)),
            Some(kind) if Some(kind) == close => {
                self.at += 1;
                Ok(true)
            }
            Some(Kind::CloseBrace | Kind::CloseBracket) => Err(self.fault(HoconFault::Brackets)),
            Some(Kind::Comma) => Err(self.fault(HoconFault::Comma)),
            Some(_) => Ok(false),
        }
    }

    /// Passes a comma or the end of a line, one of which has to stand between two.
    fn separator(&mut self, close: Option<&Kind>) -> Result<(), TreeError> {
        let before = self.at;
        self.skip_blank_lines();
        let lines = self.tokens[before..self.at].iter();
        let mut lines = lines.filter(|token| token.kind == Kind::Newline);
        if self.peek() == Some(&Kind::Comma) {
            self.at += 1;
            self.skip_blank_lines();
            return Ok(());
        }
        let is_end = self.peek().is_none() || self.peek() == close;
        if is_end || lines.next().is_some() {
            return Ok(());
        }
        Err(self.fault(match self.peek() {
            Some(Kind::CloseBrace | Kind::CloseBracket) => HoconFault::Brackets,
            _ => HoconFault::NoSeparator,
        }))
    }

    fn skip_blank_lines(&mut self) {
        while let Some(Kind::Newline | Kind::Space(_)) = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<&'a Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn line(&self) -> usize {
        let token = self.tokens.get(self.at).or_else(|| self.tokens.last());
        token.map_or(1, |token| token.line)
    }

    fn fault(&self, fault: HoconFault) -> TreeError {
        TreeError::at(self.line(), fault.into())
    }
}

impl Object {
    /// `a.b = c` is `a { b = c }`, and objects one after another are one.
    fn assign(&mut self, path: &[String], joined: Joined) {
        let Some((key, rest)) = path.split_first() else {
            return;
        };
        let joined = if rest.is_empty() {
            joined
        } else {
            let line = joined.line;
            let mut object = Self::default();
            object.assign(rest, joined);
            let pieces = vec![Piece::Object(object)];
            Joined { line, pieces }
        };
        if !self.members.contains_key(key) {
            self.keys.push(key.clone());
        }
        let assigned = self.members.entry(key.clone()).or_default();
        match (assigned.last_mut().and_then(Joined::object), joined) {
            (Some(object), joined) if joined.is_object() => object.extend(joined),
            (_, joined) => assigned.push(joined),
        }
    }

    fn extend(&mut self, joined: Joined) {
        for piece in joined.pieces {
            let Piece::Object(mut other) = piece else {
                continue;
            };
            for key in other.keys {
                for joined in other.members.remove(&key).into_iter().flatten() {
                    self.assign(std::slice::from_ref(&key), joined);
                }
            }
        }
    }
}

impl Joined {
    /// The object that it is, if it is nothing else.
    fn object(&mut self) -> Option<&mut Object> {
        match self.pieces.as_mut_slice() {
            [Piece::Object(object)] => Some(object),
            _ => None,
        }
    }

    fn is_object(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::Object(_)])
    }

    /// Whether it hides all that the same key had before: no object, and nothing of what was.
    pub(super) fn hides(&self) -> bool {
        let is_object = |piece| matches!(piece, &Piece::Object(_));
        !self.pieces.iter().any(is_object) && !self.looks_back()
    }

    /// Whether something in it may lead to what the same key had before.
    fn looks_back(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Space(_) | Piece::Quoted(_) | Piece::Unquoted(_) => false,
            Piece::Substitution { .. } | Piece::Before => true,
            Piece::List(items) => items.iter().any(Self::looks_back),
            Piece::Object(object) => object.members.values().flatten().any(Self::looks_back),
        })
    }
}
