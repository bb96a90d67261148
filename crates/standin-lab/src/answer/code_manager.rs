//! The code manager, which only a master has.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Asked, Place, uuid};

pub(super) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    match (&asked.method, asked.path.as_str()) {
        (&Method::POST, "/code-manager/v1/deploys") => deploy(place, asked),
        (&Method::GET, "/code-manager/v1/deploys/status") => Answer::json(
            StatusCode::OK,
            &json!({"deploys-status": {"queued": [], "deploying": [], "new": [], "failed": []}}),
        ),
        _ => Answer::no_such_page(&asked.path),
    }
}

fn deploy(place: &Place<'_>, asked: &Asked) -> Answer {
    let Some(wanted) = asked.json() else {
        return malformed("The body is not valid JSON.");
    };
    let environments: Vec<Value> = if wanted["deploy-all"] == true {
        place
            .shared
            .environments()
            .iter()
            .map(|name| json!(name))
            .collect()
    } else if let Some(named) = wanted["environments"].as_array() {
        named.clone()
    } else {
        return malformed("You must specify the environments to deploy, or deploy-all.");
    };
    let first = {
        let mut contents = place.store().open();
        contents.deploys.push(wanted.clone());
        contents.deploys.len()
    };
    let is_awaited = wanted["wait"] == true;
    let deploys: Vec<Value> = environments
        .iter()
        .map(|environment| {
            if is_awaited {
                json!({"environment": environment, "id": first, "status": "complete", "deploy-signature": uuid()})
            } else {
                json!({"environment": environment, "id": first, "status": "queued"})
            }
        })
        .collect();
    let status = if is_awaited {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Answer::json(status, &Value::Array(deploys))
}

fn malformed(msg: &str) -> Answer {
    Answer::json(
        StatusCode::BAD_REQUEST,
        &json!({"kind": "puppetlabs.code-manager/malformed-request", "msg": msg}),
    )
}
