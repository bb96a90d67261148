//! As much of PuppetDB's query language as a client test needs: `=`, `and`, `or`, `not`, and `from`.

use std::fmt;

use serde_json::{Value, json};

use crate::Store;

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

impl Filter {
    pub(super) fn matches(&self, row: &Value) -> bool {
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
pub(super) fn filter(text: &str) -> Result<Filter, Invalid> {
    from_value(&parse(text)?)
}

/// Reads a query that names its entity: `["from", "nodes", FILTER]`, or `nodes {}` and `nodes[FIELDS] {}` in PQL.
pub(super) fn from(text: &str) -> Result<(String, Filter), Invalid> {
    if !text.trim_start().starts_with('[') {
        let entity = text.split(['[', '{', ' ']).next().unwrap_or_default();
        let is_whole_table =
            text.trim_end().ends_with('}') && text.replace(' ', "").ends_with("{}");
        return if is_whole_table {
            Ok((entity.to_owned(), Filter::Everything))
        } else {
            Err(Invalid(format!(
                "PQL parse error at line 1, column 1:\n\n{text}\n^\n"
            )))
        };
    }
    let query = parse(text)?;
    match query.as_array().map(Vec::as_slice) {
        Some([from, entity]) if from == "from" => Ok((name(entity)?, Filter::Everything)),
        Some([from, entity, filter, ..]) if from == "from" => {
            Ok((name(entity)?, from_value(filter)?))
        }
        _ => Err(Invalid(
            "Your initial query must be of the form: [\"from\",<entity>,(<optional-query>)]"
                .to_owned(),
        )),
    }
}

/// What a store knows, as rows; `None` for an entity that the lab does not keep.
pub(super) fn table(store: &Store, entity: &str) -> Option<Vec<Value>> {
    let newest = store.newest_commands();
    let of = |command: &'static str| newest.iter().filter(move |entry| entry.command == command);
    match entity {
        "nodes" => {
            let mut certnames: Vec<_> = newest.iter().map(|entry| entry.certname.as_str()).collect();
            certnames.sort_unstable();
            certnames.dedup();
            let time = |certname: &str, command: &'static str| {
                of(command).find(|entry| entry.certname == certname).map(|entry| entry.producer_timestamp.clone())
            };
            Some(
                certnames
                    .into_iter()
                    .map(|certname| {
                        json!({
                            "certname": certname,
                            "deactivated": time(certname, "deactivate_node"),
                            "expired": null,
                            "facts_environment": "production",
                            "facts_timestamp": time(certname, "replace_facts"),
                            "catalog_environment": "production",
                            "catalog_timestamp": time(certname, "replace_catalog"),
                            "report_environment": "production",
                            "report_timestamp": time(certname, "store_report"),
                            "cached_catalog_status": "not_used",
                        })
                    })
                    .collect(),
            )
        }
        "facts" => Some(
            of("replace_facts")
                .flat_map(|entry| {
                    let body: Value = serde_json::from_slice(&entry.body).unwrap_or_default();
                    let environment = body.get("environment").cloned().unwrap_or_else(|| json!("production"));
                    let values = body.get("values").and_then(Value::as_object).cloned().unwrap_or_default();
                    let certname = entry.certname.clone();
                    values.into_iter().map(move |(name, value)| {
                        json!({
                            "certname": certname, "environment": environment, "name": name, "value": value,
                        })
                    })
                })
                .collect(),
        ),
        "reports" => Some(bodies(of("store_report"))),
        "catalogs" => Some(bodies(of("replace_catalog"))),
        _ => None,
    }
}

fn bodies<'a>(commands: impl Iterator<Item = &'a crate::Command>) -> Vec<Value> {
    commands
        .map(|entry| {
            let mut row: Value = serde_json::from_slice(&entry.body).unwrap_or_default();
            if !row.is_object() {
                row = json!({});
            }
            row["certname"] = entry.certname.as_str().into();
            row
        })
        .collect()
}

/// Reads JSON, and complains of other things as PuppetDB does.
pub(super) fn parse(text: &str) -> Result<Value, Invalid> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let token = text.split_whitespace().next().unwrap_or_default();
        Invalid(format!(
            "Json parse error at line {line}, column {column}:\n\n{text}\n{:>column$}\n\nUnrecognized token '{token}': \
             was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            '^'
        ))
    })
}

fn from_value(query: &Value) -> Result<Filter, Invalid> {
    let refused = || Invalid(format!("{query} is not well-formed"));
    let [operator, operands @ ..] = query.as_array().map(Vec::as_slice).ok_or_else(refused)? else {
        return Err(refused());
    };
    let all = || {
        operands
            .iter()
            .map(from_value)
            .collect::<Result<Vec<_>, _>>()
    };
    match (operator.as_str(), operands) {
        (Some("="), [field, value]) => Ok(Filter::Equal(name(field)?, value.clone())),
        (Some("and"), [_, ..]) => Ok(Filter::All(all()?)),
        (Some("or"), [_, ..]) => Ok(Filter::Any(all()?)),
        (Some("not"), [one]) => Ok(Filter::Not(Box::new(from_value(one)?))),
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
    use super::*;

    #[test]
    fn filters_nest() {
        let filter =
            filter(r#"["and", ["=", "name", "os"], ["not", ["=", "certname", "b.test"]]]"#)
                .unwrap();
        assert!(filter.matches(&json!({"name": "os", "certname": "a.test"})));
        assert!(!filter.matches(&json!({"name": "os", "certname": "b.test"})));
    }

    #[test]
    fn nonsense_is_refused_in_puppetdbs_words() {
        let Invalid(message) = filter("nonsense").unwrap_err();
        assert!(
            message.starts_with("Json parse error at line 1, column "),
            "{message}"
        );
        assert!(
            message.contains("Unrecognized token 'nonsense'"),
            "{message}"
        );
    }

    #[test]
    fn a_query_may_name_its_entity() {
        assert_eq!(
            from("nodes[certname] {}").unwrap(),
            ("nodes".to_owned(), Filter::Everything)
        );
        assert_eq!(
            from(r#"["from", "facts"]"#).unwrap(),
            ("facts".to_owned(), Filter::Everything)
        );
        assert!(from("nodes { certname ~ '.*' }").is_err());
    }
}
