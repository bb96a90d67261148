//! PuppetDB: commands in, queries out, and the time of day.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::query::{self, Filter, Invalid, Query};
use super::{Answer, Asked, JSON, Place, tables, uuid};
use crate::clock;
use crate::store::Command;

pub(super) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    let Some(parts) = asked.below(ROOT) else {
        return Answer::no_such_page(&asked.path);
    };
    match (&asked.method, parts.as_slice()) {
        (&Method::GET, ["meta", "v1", "version"]) => pretty("version", "7.12.1"),
        (&Method::GET, ["meta", "v1", "server-time"]) => {
            pretty("server_time", &clock::rfc3339(clock::today()))
        }
        (&Method::POST, ["cmd", "v1"]) => command(place, asked),
        (&Method::GET | &Method::POST, ["query", "v4", path @ ..]) => queried(place, asked, path),
        _ => Answer::no_such_page(&asked.path),
    }
}

/// What a client hears whose certname is not in the certificate allowlist.
pub(super) fn not_listed(asked: &Asked) -> Answer {
    let certname = asked.certname.as_deref().unwrap_or("null");
    Answer::text(
        StatusCode::FORBIDDEN,
        format!(
            "Permission denied: The client certificate name {certname} doesnt appear in the certificate allowlist. Is \
             your master's (or other PuppetDB client's) certname listed in PuppetDB's certificate-allowlist file?"
        ),
    )
}

/// Commands are queued on the disk and the rest is in the program, but a query needs the database.
pub(super) fn needs_database(asked: &Asked) -> bool {
    asked
        .below(ROOT)
        .is_some_and(|parts| parts.first() == Some(&"query"))
}

/// Takes a command as the real one does: without looking at its version, checksum or body.
fn command(place: &Place<'_>, asked: &Asked) -> Answer {
    let body = asked.json().unwrap_or_default();
    let field = |parameter: &str, in_body: &str| {
        let in_body = || body.get(in_body).and_then(Value::as_str);
        asked
            .parameter(parameter)
            .or_else(in_body)
            .map(str::to_owned)
    };
    let (Some(command), Some(certname)) =
        (field("command", "command"), field("certname", "certname"))
    else {
        return Answer::json(
            StatusCode::BAD_REQUEST,
            &json!({"error": "Supply the parameters certname, command and version"}),
        );
    };
    let now = clock::today();
    let producer_timestamp =
        field("producer-timestamp", "producer_timestamp").unwrap_or_else(|| clock::rfc3339(now));
    let uuid = uuid();
    place.store().add_command(Command {
        certname,
        command: command.replace(' ', "_"),
        version: asked.parameter("version").unwrap_or_default().to_owned(),
        produced: clock::parse(&producer_timestamp).unwrap_or(now),
        producer_timestamp,
        body: asked.body.clone(),
        uuid: uuid.clone(),
    });
    place.shared.replicate();
    pretty("uuid", &uuid)
}

fn queried(place: &Place<'_>, asked: &Asked, path: &[&str]) -> Answer {
    let text = match asked.method {
        Method::POST => query_in_body(asked),
        _ => Ok(asked.parameter("query").map(str::to_owned)),
    };
    let text = match text {
        Ok(text) => text,
        Err(invalid) => return Answer::text(StatusCode::BAD_REQUEST, invalid.to_string()),
    };
    let store = place.store();
    if let [] | [""] = path {
        let Some(text) = text else {
            return Answer::text(
                StatusCode::BAD_REQUEST,
                "Missing required query parameter 'query'",
            );
        };
        return match query::from(&text) {
            Ok((entity, query)) => rows(tables::rows(store, &entity), &query),
            Err(invalid) => Answer::text(StatusCode::BAD_REQUEST, invalid.to_string()),
        };
    }
    let query = match text.as_deref().map(query::below).transpose() {
        Ok(query) => query.unwrap_or(Query::EVERYTHING),
        Err(invalid) => return Answer::text(StatusCode::BAD_REQUEST, invalid.to_string()),
    };
    let facts = |more: &[(&str, &str)]| {
        let equal =
            |(name, value): &(&str, &str)| Filter::Equal((*name).to_owned(), (*value).into());
        let wanted = Filter::All(more.iter().map(equal).collect());
        rows(tables::rows(store, "facts"), &query.clone().and(wanted))
    };
    match path {
        [entity @ ("nodes" | "facts" | "reports" | "catalogs")] => {
            rows(tables::rows(store, entity), &query)
        }
        ["nodes", certname] => one_node(tables::rows(store, "nodes"), certname),
        ["nodes", certname, "facts"] => facts(&[("certname", certname)]),
        ["nodes", certname, "facts", name] => facts(&[("certname", certname), ("name", name)]),
        ["facts", name] => facts(&[("name", name)]),
        _ => Answer::no_such_page(&asked.path),
    }
}

/// The query of a POST: `{"query": ...}`, as a list or as text.
fn query_in_body(asked: &Asked) -> Result<Option<String>, Invalid> {
    let body: Value = query::parse(&String::from_utf8_lossy(&asked.body))?;
    Ok(body.get("query").map(|query| {
        query
            .as_str()
            .map_or_else(|| query.to_string(), str::to_owned)
    }))
}

fn one_node(nodes: Option<Vec<Value>>, certname: &str) -> Answer {
    match nodes
        .into_iter()
        .flatten()
        .find(|node| node["certname"] == certname)
    {
        Some(node) => Answer::json(StatusCode::OK, &node).sized(),
        None => Answer::json(
            StatusCode::NOT_FOUND,
            &json!({"error": format!("No information is known about node {certname}")}),
        ),
    }
}

fn rows(table: Option<Vec<Value>>, query: &Query) -> Answer {
    match table {
        Some(table) => Answer::json(StatusCode::OK, &Value::Array(query.of(table))).sized(),
        None => Answer::text(StatusCode::BAD_REQUEST, "Invalid query: no such entity"),
    }
}

/// The two-line JSON of the parts of PuppetDB that are not queries.
fn pretty(name: &str, value: &str) -> Answer {
    Answer::new(
        StatusCode::OK,
        JSON,
        format!("{{\n  \"{name}\" : {}\n}}", json!(value)),
    )
}

const ROOT: &str = "/pdb/";
