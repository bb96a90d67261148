//! What a program knows of its own requests better than the table does.

use super::Operation;
use super::path::{REST, SEGMENT, Spelling, fits, without_query};

/// The table of operations, with a program's own rules before it.
///
/// ```
/// use standin_core::{Effect, Operation, Operations, Service};
///
/// // A plugin of PuppetDB answers POST and keeps nothing of it.
/// let look_up = Operation::by_method(Service::PuppetDb, "GET");
/// let operations = Operations::new().with("POST", "/pdb/look-up/v1/**", look_up)?;
/// let judged = operations.of("POST", "/pdb/look-up/v1/hosts").expect("there is a rule");
/// assert_eq!(judged.effect, Effect::Read);
/// # Ok::<(), standin_core::InvalidRule>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    method: Box<str>,
    path: Box<str>,
    operation: Operation,
}

impl Operations {
    /// The table alone.
    #[must_use]
    pub const fn new() -> Self {
        Self { rules: Vec::new() }
    }

    /// Judges requests with this method and path so, whatever the table says; of several rules that
    /// fit, the first one does. In the path `*` stands for one segment, and `**` at its end for any
    /// number of them. The service of the operation is whose servers the requests go to.
    ///
    /// No rule fits a path with dot segments or encoded separators: see [`Operation::of`].
    ///
    /// # Errors
    /// When no request can have the method or the path, or the rule is there already.
    pub fn with(
        mut self,
        method: &str,
        path: &str,
        operation: Operation,
    ) -> Result<Self, InvalidRule> {
        let fault = fault_of(method, path).or_else(|| {
            let has = |rule: &Rule| *rule.method == *method && *rule.path == *path;
            self.rules.iter().any(has).then_some(RuleFault::Twice)
        });
        if let Some(fault) = fault {
            return Err(InvalidRule {
                method: method.into(),
                path: path.into(),
                fault,
            });
        }
        self.rules.push(Rule {
            method: method.into(),
            path: path.into(),
            operation,
        });
        Ok(self)
    }

    /// The operation of a request with this method and path, as [`Operation::of`] has it where no rule
    /// fits.
    #[must_use]
    pub fn of(&self, method: &str, path: &str) -> Option<Operation> {
        self.rule(method, path)
            .or_else(|| Operation::of(method, path))
    }

    /// What a rule says of a request with this method and path.
    #[must_use]
    pub fn rule(&self, method: &str, path: &str) -> Option<Operation> {
        if self.rules.is_empty() {
            return None;
        }
        let path = without_query(path);
        let mut rules = self.rules.iter();
        let rule = rules.find(|rule| *rule.method == *method && fits(&rule.path, path))?;
        (Spelling::of(path) == Spelling::Plain).then_some(rule.operation)
    }
}

/// A rule for operations can fit no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rule for {method:?} {path:?} cannot be used: {fault}")]
pub struct InvalidRule {
    method: String,
    path: String,
    fault: RuleFault,
}

impl InvalidRule {
    /// What is wrong with it.
    #[must_use]
    pub const fn fault(&self) -> RuleFault {
        self.fault
    }
}

/// What is wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleFault {
    /// The method is none.
    #[error("that is no method; write GET, POST, PUT or DELETE, in capitals")]
    Method,
    /// The path does not begin with a slash.
    #[error("begin the path with a slash, and leave out the server")]
    NoSlash,
    /// The path has what is no part of a path.
    #[error("a path has neither query nor fragment nor spaces; leave out what is not the path")]
    NotPath,
    /// The path has dot segments or encoded separators.
    #[error("a path with dot segments or encoded separators fits no rule; write it without")]
    Odd,
    /// A star stands within a segment.
    #[error("a star stands for a whole segment; write /*/ for one, or ** at the end")]
    Star,
    /// Two stars stand before the end.
    #[error("** stands for the rest of a path; write it at the end, and * before")]
    RestNotLast,
    /// The same rule is there already.
    #[error("there is a rule for that already; leave one of them out")]
    Twice,
}

fn fault_of(method: &str, path: &str) -> Option<RuleFault> {
    // RFC 9110 section 5.6.2; methods are in capitals, and one that is not is another method.
    let is_method = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
    if method.is_empty() || !method.bytes().all(is_method) {
        return Some(RuleFault::Method);
    }
    if !path.starts_with('/') {
        return Some(RuleFault::NoSlash);
    }
    if path
        .bytes()
        .any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'?' | b'#'))
    {
        return Some(RuleFault::NotPath);
    }
    if Spelling::of(path) != Spelling::Plain {
        return Some(RuleFault::Odd);
    }
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            REST if segments.peek().is_some() => return Some(RuleFault::RestNotLast),
            REST | SEGMENT => {}
            segment if segment.contains('*') => return Some(RuleFault::Star),
            _ => {}
        }
    }
    None
}
