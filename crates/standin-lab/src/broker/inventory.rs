//! What clients ask the broker about each other.

use serde_json::{Map, Value, json};

use super::uri::Uri;

/// A checked `inventory_request`.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) patterns: Vec<Uri>,
    pub(crate) updates: Updates,
}

/// Whether the asker wants to be told of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Updates {
    Wanted,
    /// Ends a subscription too.
    Unwanted,
}

/// A client that came or went.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) client: Uri,
    pub(crate) kind: ChangeKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Came,
    Went,
}

impl Query {
    /// `None` if the data are not those of an inventory request.
    pub(crate) fn parse(data: Option<&Value>) -> Option<Self> {
        let data: &Map<_, _> = data?.as_object()?;
        let patterns = data.get("query")?.as_array()?.iter();
        let this = Self {
            patterns: patterns
                .map(|pattern| Uri::parse(pattern.as_str()?))
                .collect::<Option<_>>()?,
            updates: match data.get("subscribe") {
                None | Some(Value::Bool(false)) => Updates::Unwanted,
                Some(Value::Bool(true)) => Updates::Wanted,
                Some(_) => return None,
            },
        };
        let is_known = |key: &String| key == "query" || key == "subscribe";
        data.keys().all(is_known).then_some(this)
    }

    pub(crate) fn matches(&self, client: &Uri) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(client))
    }
}

/// The data of an `inventory_update`.
pub(crate) fn update(changes: &[Change]) -> Value {
    let change = |change: &Change| {
        let number = match change.kind {
            ChangeKind::Came => 1,
            ChangeKind::Went => -1,
        };
        json!({"client": change.client.as_str(), "change": number})
    };
    json!({"changes": changes.iter().map(change).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_proper_query_is_none() {
        for data in [
            json!(null),
            json!({}),
            json!({"query": "pcp://*/agent"}),
            json!({"query": ["*"]}),
            json!({"query": [], "subscribe": "yes"}),
            json!({"query": [], "more": 1}),
        ] {
            assert!(Query::parse(Some(&data)).is_none(), "{data}");
        }
        let good = json!({"query": ["pcp://*/agent"], "subscribe": true});
        assert_eq!(Query::parse(Some(&good)).unwrap().updates, Updates::Wanted);
    }
}
