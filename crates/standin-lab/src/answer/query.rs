//! As much of PuppetDB's query language as a client test needs: `=`, `and`, `or`, `not`, `extract` and `from`.

use std::fmt;

use serde_json::{Map, Value};

/// Which rows are wanted, and what of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    /// Everything, unless some were named.
    fields: Option<Vec<String>>,
    filter: Filter,
}

/// Which rows are wanted.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    Everything,
    Equal(String, Value),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}

/// A query that PuppetDB would not take; shows its message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invalid(String);

impl Query {
    pub(super) const EVERYTHING: Self = Self {
        fields: None,
        filter: Filter::Everything,
    };

    /// The same of those rows alone that `filter` matches too.
    pub(super) fn and(self, filter: Filter) -> Self {
        Self {
            filter: Filter::All(vec![filter, self.filter]),
            ..self
        }
    }

    pub(super) fn of(&self, table: Vec<Value>) -> Vec<Value> {
        let wanted = table.into_iter().filter(|row| self.filter.matches(row));
        wanted.map(|row| self.extract(row)).collect()
    }

    fn extract(&self, row: Value) -> Value {
        let Some(fields) = &self.fields else {
            return row;
        };
        let named = |name: &String| Some((name.clone(), row.get(name)?.clone()));
        Value::Object(fields.iter().filter_map(named).collect::<Map<_, _>>())
    }
}

impl Filter {
    fn matches(&self, row: &Value) -> bool {
        match self {
            Self::Everything => true,
            Self::Equal(field, value) => row.get(field) == Some(value),
            Self::All(filters) => filters.iter().all(|filter| filter.matches(row)),
            Self::Any(filters) => filters.iter().any(|filter| filter.matches(row)),
            Self::Not(filter) => !filter.matches(row),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads a query below an entity's path.
pub(super) fn below(text: &str) -> Result<Query, Invalid> {
    from_value(&parse(text)?)
}

/// Reads a query that names its entity: `["from", "nodes", QUERY]`, or `nodes {}` and `nodes[FIELDS] {}` in PQL.
pub(super) fn from(text: &str) -> Result<(String, Query), Invalid> {
    if !text.trim_start().starts_with('[') {
        return pql(text).ok_or_else(|| {
            Invalid(format!(
                "PQL parse error at line 1, column 1:\n\n{text}\n^\n"
            ))
        });
    }
    let query = parse(text)?;
    match query.as_array().map(Vec::as_slice) {
        Some([from, entity]) if from == "from" => Ok((name(entity)?, Query::EVERYTHING)),
        Some([from, entity, query, ..]) if from == "from" => {
            Ok((name(entity)?, from_value(query)?))
        }
        _ => Err(Invalid(
            "Your initial query must be of the form: [\"from\",<entity>,(<optional-query>)]"
                .to_owned(),
        )),
    }
}

/// A whole table in PQL, or fields of it.
fn pql(text: &str) -> Option<(String, Query)> {
    let head = text.trim().strip_suffix('}')?.trim_end();
    let head = head.strip_suffix('{')?.trim_end();
    let (entity, fields) = match head.split_once('[') {
        None => (head, None),
        Some((entity, fields)) => {
            let fields = fields.strip_suffix(']')?.split(',');
            (
                entity.trim_end(),
                Some(fields.map(|field| field.trim().to_owned()).collect()),
            )
        }
    };
    let query = Query {
        fields,
        filter: Filter::Everything,
    };
    let is_name = |entity: &str| {
        entity
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    is_name(entity).then(|| (entity.to_owned(), query))
}

/// Reads JSON, and complains of other things as PuppetDB does: of the word that it met, with the place after it.
pub(super) fn parse(text: &str) -> Result<Value, Invalid> {
    serde_json::from_str(text).map_err(|error| {
        let line = text.lines().nth(error.line().saturating_sub(1));
        let line = line.unwrap_or_default();
        let column = error.column().saturating_sub(1).min(line.len());
        let mut boundaries = (0..=column).rev();
        let met = boundaries.find(|&at| line.is_char_boundary(at));
        let met = met.unwrap_or_default();
        let start = line[..met].rfind(ends_word).map_or(0, |before| before + 1);
        let token = line[start..].split(ends_word).next().unwrap_or_default();
        let after = start + token.len() + 1;
        let (number, caret) = (error.line(), after - 1);
        Invalid(format!(
            "Json parse error at line {number}, column {after}:\n\n{text}\n{:>caret$}\n\nUnrecognized token '{token}': \
             was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            '^'
        ))
    })
}

fn ends_word(c: char) -> bool {
    c.is_ascii_whitespace() || "[]{},:\"".contains(c)
}

fn from_value(query: &Value) -> Result<Query, Invalid> {
    match query.as_array().map(Vec::as_slice) {
        Some([extract, fields, filter @ ..]) if extract == "extract" && filter.len() < 2 => {
            let fields = match fields {
                Value::Array(fields) => fields.iter().map(name).collect::<Result<_, _>>()?,
                one => vec![name(one)?],
            };
            let filter = filter.first().map(filter_from).transpose()?;
            Ok(Query {
                fields: Some(fields),
                filter: filter.unwrap_or(Filter::Everything),
            })
        }
        _ => Ok(Query {
            fields: None,
            filter: filter_from(query)?,
        }),
    }
}

fn filter_from(query: &Value) -> Result<Filter, Invalid> {
    let refused = || Invalid(format!("{query} is not well-formed"));
    let [operator, operands @ ..] = query.as_array().map(Vec::as_slice).ok_or_else(refused)? else {
        return Err(refused());
    };
    let all = || {
        operands
            .iter()
            .map(filter_from)
            .collect::<Result<Vec<_>, _>>()
    };
    match (operator.as_str(), operands) {
        (Some("="), [field, value]) => Ok(Filter::Equal(name(field)?, value.clone())),
        (Some("and"), [_, ..]) => Ok(Filter::All(all()?)),
        (Some("or"), [_, ..]) => Ok(Filter::Any(all()?)),
        (Some("not"), [one]) => Ok(Filter::Not(Box::new(filter_from(one)?))),
        _ => Err(refused()),
    }
}

fn name(value: &Value) -> Result<String, Invalid> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Invalid(format!("{value} is not a name")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows() -> Vec<Value> {
        vec![
            json!({"name": "os", "certname": "a.test"}),
            json!({"name": "os", "certname": "b.test"}),
        ]
    }

    #[test]
    fn filters_nest() {
        let query =
            below(r#"["and", ["=", "name", "os"], ["not", ["=", "certname", "b.test"]]]"#).unwrap();
        assert_eq!(query.of(rows()), rows()[..1]);
    }

    #[test]
    fn fields_are_picked_out() {
        let wanted = [json!({"certname": "b.test"})];
        let query = r#"["extract", ["certname"], ["=", "certname", "b.test"]]"#;
        assert_eq!(below(query).unwrap().of(rows()), wanted);
        let (entity, query) = from("facts[certname, name] { }").unwrap();
        assert_eq!((entity.as_str(), query.of(rows())), ("facts", rows()));
    }

    #[test]
    fn nonsense_is_refused_in_puppetdbs_words() {
        for (text, column, token) in [
            ("nonsense", 9, "nonsense"),
            (r#"["=", naem, 1]"#, 11, "naem"),
            ("", 1, ""),
            ("\u{fc}\u{fc}", 5, "\u{fc}\u{fc}"),
        ] {
            let Invalid(message) = below(text).unwrap_err();
            let start = format!("Json parse error at line 1, column {column}:\n\n{text}\n");
            assert!(message.starts_with(&start), "{message}");
            let end = format!("Unrecognized token '{token}': was expecting");
            assert!(message.contains(&end), "{message}");
        }
    }

    #[test]
    fn a_query_may_name_its_entity() {
        let everything = |entity: &str| (entity.to_owned(), Query::EVERYTHING);
        assert_eq!(from("nodes {}").unwrap(), everything("nodes"));
        assert_eq!(from(r#"["from", "facts"]"#).unwrap(), everything("facts"));
        for wrong in ["nodes { certname ~ '.*' }", "nodes[certname {}", "a b {}"] {
            assert!(from(wrong).is_err(), "{wrong}");
        }
    }
}
