//! The node classifier: what a node is, and the groups that say so.

use http::header::LOCATION;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Asked, Place, uuid};

pub(super) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    let Some(parts) = asked.below("/classifier-api/") else {
        return Answer::no_such_page(&asked.path);
    };
    match (&asked.method, parts.as_slice()) {
        (&Method::POST, ["v1" | "v2", "classified", "nodes", certname]) => {
            classified(place, asked, certname)
        }
        (&Method::GET, ["v1", "groups"]) => {
            Answer::json(StatusCode::OK, &Value::Array(groups(place)))
        }
        (&Method::GET, ["v1", "groups", id]) => {
            match groups(place).into_iter().find(|group| group["id"] == **id) {
                Some(group) => Answer::json(StatusCode::OK, &group),
                None => not_found(id),
            }
        }
        (&Method::POST, ["v1", "groups"]) => place.as_writer("groups", || create(place, asked)),
        (&Method::PUT | &Method::POST, ["v1", "groups", id]) => {
            place.as_writer("groups", || put(place, asked, id, StatusCode::CREATED))
        }
        (&Method::DELETE, ["v1", "groups", id]) => place.as_writer("groups", || delete(place, id)),
        _ => Answer::no_such_page(&asked.path),
    }
}

/// Which groups match, by the only rules the lab knows: all nodes, and `["=", "name", CERTNAME]`.
fn classified(place: &Place<'_>, asked: &Asked, certname: &str) -> Answer {
    if !asked.body.is_empty() && asked.json().is_none() {
        return malformed();
    }
    let pinned = json!(["=", "name", certname]);
    let matching: Vec<Value> = groups(place)
        .into_iter()
        .filter(|group| {
            group["id"] == ROOT || group["rule"] == pinned || group["rule"] == json!(["or", pinned])
        })
        .collect();
    let mut classes = serde_json::Map::new();
    let mut parameters = serde_json::Map::new();
    let mut environment = "production".to_owned();
    for group in &matching {
        classes.extend(group["classes"].as_object().cloned().unwrap_or_default());
        parameters.extend(group["variables"].as_object().cloned().unwrap_or_default());
        if let Some(name) = group["environment"].as_str() {
            name.clone_into(&mut environment);
        }
    }
    let ids: Vec<&Value> = matching.iter().map(|group| &group["id"]).collect();
    Answer::json(
        StatusCode::OK,
        &json!({
            "name": certname,
            "groups": ids,
            "environment": environment,
            "classes": classes,
            "parameters": parameters,
        }),
    )
}

fn create(place: &Place<'_>, asked: &Asked) -> Answer {
    let id = uuid();
    let made = put(place, asked, &id, StatusCode::SEE_OTHER);
    if made.status != StatusCode::SEE_OTHER {
        return made;
    }
    Answer::empty(StatusCode::SEE_OTHER)
        .header(LOCATION, &format!("/classifier-api/v1/groups/{id}"))
}

fn put(place: &Place<'_>, asked: &Asked, id: &str, done: StatusCode) -> Answer {
    let Some(Value::Object(mut group)) = asked.json() else {
        return malformed();
    };
    group.insert("id".to_owned(), id.into());
    for (key, default) in [
        ("parent", json!(ROOT)),
        ("environment", json!("production")),
        ("classes", json!({})),
        ("variables", json!({})),
        ("rule", Value::Null),
    ] {
        group.entry(key).or_insert(default);
    }
    let group = Value::Object(group);
    place
        .store()
        .open()
        .groups
        .insert(id.to_owned(), group.clone());
    place.shared.replicate();
    Answer::json(done, &group)
}

fn delete(place: &Place<'_>, id: &str) -> Answer {
    let was_there = place.store().open().groups.remove(id).is_some();
    if !was_there {
        return not_found(id);
    }
    place.shared.replicate();
    Answer::empty(StatusCode::NO_CONTENT)
}

fn groups(place: &Place<'_>) -> Vec<Value> {
    let root = json!({
        "id": ROOT,
        "name": "All Nodes",
        "parent": ROOT,
        "rule": ["and", ["~", "name", ".*"]],
        "environment": "production",
        "classes": {"demo": {}},
        "variables": {},
    });
    std::iter::once(root)
        .chain(place.store().groups())
        .collect()
}

fn malformed() -> Answer {
    Answer::json(
        StatusCode::BAD_REQUEST,
        &json!({"kind": "malformed-request", "msg": "The body of your request is not valid JSON."}),
    )
}

fn not_found(id: &str) -> Answer {
    Answer::json(
        StatusCode::NOT_FOUND,
        &json!({"kind": "not-found", "msg": format!("The group with id {id} could not be found.")}),
    )
}

/// The id of the group of all nodes, the same in every installation.
const ROOT: &str = "00000000-0000-4000-8000-000000000000";
