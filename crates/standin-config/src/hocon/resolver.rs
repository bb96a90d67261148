//! Resolving: what each key has in the end.

use super::HoconFault;
use super::lexer::Necessity;
use super::parser::{Joined, Object, Piece};
use crate::tree::{Member, Node, TreeError, Value};

/// The value of a file, substitutions replaced and what is assigned again merged.
pub(super) fn resolve(root: &Joined) -> Result<Node, TreeError> {
    let mut resolver = Resolver {
        root,
        under_way: Vec::new(),
        lookups_left: MOST_LOOKUPS,
    };
    let resolved = resolver.joined(root, None)?;
    Ok(resolved.unwrap_or_else(|| Node::new(root.line, Value::Map(Vec::new()))))
}

struct Resolver<'a> {
    root: &'a Joined,
    /// What is being resolved: a substitution that leads back to it means what was before it.
    under_way: Vec<*const Joined>,
    lookups_left: u32,
}

/// A value that a path leads to.
enum Assigned<'a> {
    Joined(&'a Joined),
    Node(Node),
}

impl<'a> Resolver<'a> {
    /// The one value that several side by side make; None when it is an optional substitution
    /// without a value. `before` is what the same key had before.
    fn joined(
        &mut self,
        joined: &'a Joined,
        before: Option<&Node>,
    ) -> Result<Option<Node>, TreeError> {
        let line = joined.line;
        if self.under_way.len() >= MOST_NESTED {
            return Err(TreeError::at(line, HoconFault::TooMany.into()));
        }
        self.under_way.push(joined);
        let mut parts = Vec::with_capacity(joined.pieces.len());
        for piece in &joined.pieces {
            parts.push(match piece {
                Piece::Space(text) => Part::Space(text),
                _ => match self.piece(piece, line, before)? {
                    Some(node) => Part::Node(node),
                    None => Part::Nothing,
                },
            });
        }
        self.under_way.pop();
        join(parts, line).map_err(|fault| TreeError::at(line, fault.into()))
    }

    fn piece(
        &mut self,
        piece: &'a Piece,
        line: usize,
        before: Option<&Node>,
    ) -> Result<Option<Node>, TreeError> {
        let value = match piece {
            Piece::Space(text) | Piece::Quoted(text) => Value::Text(text.clone()),
            Piece::Unquoted(text) => word(text),
            Piece::Before => return Ok(before.cloned()),
            Piece::Substitution { path, necessity } => {
                let found = self.look_up(path, line)?;
                if found.is_none() && *necessity == Necessity::Required {
                    let fault = HoconFault::Undefined(path.join("."));
                    return Err(TreeError::at(line, fault.into()));
                }
                return Ok(found.map(|node| Node { line, ..node }));
            }
            Piece::Object(object) => Value::Map(self.object(object, before)?),
            Piece::List(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                for item in items {
                    nodes.extend(self.joined(item, None)?);
                }
                Value::List(nodes)
            }
        };
        Ok(Some(Node::new(line, value)))
    }

    /// `before` is what the object is merged with.
    fn object(
        &mut self,
        object: &'a Object,
        before: Option<&Node>,
    ) -> Result<Vec<Member>, TreeError> {
        let mut members = Vec::with_capacity(object.keys.len());
        for key in &object.keys {
            let all = object.members.get(key).map_or(&[][..], Vec::as_slice);
            let mut value = None;
            for joined in &all[first_seen(all)..] {
                let before = value.as_ref().or_else(|| before?.member(key));
                let next = self.joined(joined, before)?;
                value = over(value, next);
            }
            members.extend(value.map(|node| Member {
                key: key.clone(),
                node,
            }));
        }
        Ok(members)
    }

    /// What `path` means here.
    fn look_up(&mut self, path: &[String], line: usize) -> Result<Option<Node>, TreeError> {
        let left = self.lookups_left.checked_sub(1);
        self.lookups_left = left.ok_or_else(|| TreeError::at(line, HoconFault::TooMany.into()))?;
        let mut found = vec![Assigned::Joined(self.root)];
        for key in path {
            let mut next = Vec::new();
            for assigned in found {
                match self.step(assigned, key)? {
                    Step::Into(values) => next.extend(values),
                    Step::Nothing => next.clear(),
                }
            }
            found = next;
        }
        let mut value = None;
        for assigned in found {
            let next = match assigned {
                Assigned::Joined(joined) if self.is_under_way(joined) => break,
                Assigned::Joined(joined) => self.joined(joined, value.as_ref())?,
                Assigned::Node(node) => Some(node),
            };
            value = over(value, next);
        }
        Ok(value)
    }

    fn step(&mut self, assigned: Assigned<'a>, key: &str) -> Result<Step<'a>, TreeError> {
        let node = match assigned {
            Assigned::Joined(Joined { pieces, .. })
                if let [Piece::Object(object)] = pieces.as_slice() =>
            {
                let all = object.members.get(key).map_or(&[][..], Vec::as_slice);
                let values = all[first_seen(all)..].iter();
                return Ok(Step::Into(values.map(Assigned::Joined).collect()));
            }
            // It cannot be waited for; what is assigned beside it still counts.
            Assigned::Joined(joined) if self.is_under_way(joined) => None,
            Assigned::Joined(joined) => self.joined(joined, None)?,
            Assigned::Node(node) => Some(node),
        };
        Ok(match node {
            None => Step::Into(Vec::new()),
            Some(node) if matches!(node.value, Value::Map(_)) => {
                let node = node.member(key).cloned().map(Assigned::Node);
                Step::Into(node.into_iter().collect())
            }
            Some(_) => Step::Nothing,
        })
    }

    fn is_under_way(&self, joined: &Joined) -> bool {
        let joined: *const Joined = joined;
        self.under_way.contains(&joined)
    }
}

/// The place of the first value that is not hidden by a later one: what is hidden is not resolved.
fn first_seen(all: &[Joined]) -> usize {
    all.iter().rposition(Joined::hides).unwrap_or(0)
}

/// Where one key leads from a value.
enum Step<'a> {
    /// To these, after those that earlier values led to.
    Into(Vec<Assigned<'a>>),
    /// Nowhere: the value is no object, and hides those before it.
    Nothing,
}

enum Part<'a> {
    Space(&'a str),
    /// An optional substitution without a value.
    Nothing,
    Node(Node),
}

/// A value assigned after another: objects merge, anything else takes the place.
fn over(before: Option<Node>, next: Option<Node>) -> Option<Node> {
    match (before, next) {
        (before, None) => before,
        (Some(before), Some(next)) => Some(merged(before, next)),
        (None, next) => next,
    }
}

fn merged(before: Node, next: Node) -> Node {
    match (before.value, next.value) {
        (Value::Map(mut members), Value::Map(more)) => {
            for member in more {
                match members.iter_mut().find(|other| other.key == member.key) {
                    Some(other) => {
                        let empty = Node::new(0, Value::Null);
                        let before = std::mem::replace(&mut other.node, empty);
                        other.node = merged(before, member.node);
                    }
                    None => members.push(member),
                }
            }
            Node::new(before.line, Value::Map(members))
        }
        (_, value) => Node::new(next.line, value),
    }
}

/// Objects side by side merge, lists follow each other, all else is one string. None when nothing
/// is there.
fn join(mut parts: Vec<Part<'_>>, line: usize) -> Result<Option<Node>, HoconFault> {
    parts.retain(|part| !matches!(part, Part::Nothing));
    if parts.is_empty() {
        return Ok(None);
    }
    let is_compound = |part: &Part<'_>| match part {
        Part::Node(node) => matches!(node.value, Value::Map(_) | Value::List(_)),
        Part::Space(_) | Part::Nothing => false,
    };
    if parts.len() == 1 || parts.iter().any(is_compound) {
        let mut whole: Option<Node> = None;
        for part in parts.drain(..) {
            let Part::Node(node) = part else { continue };
            whole = Some(match whole {
                None => node,
                Some(whole) => beside(whole, node)?,
            });
        }
        return Ok(whole.map(|whole| Node { line, ..whole }));
    }
    let mut text = String::new();
    for part in &parts {
        match part {
            Part::Space(space) => text.push_str(space),
            Part::Nothing => {}
            Part::Node(node) => text.push_str(node.scalar().unwrap_or("null")),
        }
    }
    Ok(Some(Node::new(line, Value::Text(text))))
}

fn beside(one: Node, other: Node) -> Result<Node, HoconFault> {
    match (one.value, other.value) {
        (Value::List(mut items), Value::List(more)) => {
            items.extend(more);
            Ok(Node::new(one.line, Value::List(items)))
        }
        (one @ Value::Map(_), other @ Value::Map(_)) => {
            Ok(merged(Node::new(0, one), Node::new(0, other)))
        }
        _ => Err(HoconFault::Mixed),
    }
}

/// What an unquoted string alone is.
fn word(text: &str) -> Value {
    let is_number = || serde_json::from_str::<serde_json::Number>(text).is_ok();
    match text {
        "null" => Value::Null,
        "true" | "false" => Value::Word(text.to_owned()),
        _ if is_number() => Value::Word(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

/// A file of settings has a handful; without a bound a few lines could ask for ever.
const MOST_LOOKUPS: u32 = 100;

/// Substitutions nest what they lead to; without a bound they could exhaust the stack.
const MOST_NESTED: usize = 200;
