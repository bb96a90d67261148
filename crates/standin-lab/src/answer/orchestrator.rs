//! The orchestrator, which only a master has.

use http::{Method, StatusCode};
use serde_json::json;

use super::{Answer, Asked, Place};
use crate::Service;

pub(super) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    match (&asked.method, asked.path.as_str()) {
        (&Method::POST, "/orchestrator/v1/command/deploy") => run(place, asked),
        (&Method::GET, "/orchestrator/v1/jobs") => {
            let items = place.store().jobs();
            Answer::json(StatusCode::OK, &json!({"items": items}))
        }
        _ => Answer::no_such_page(&asked.path),
    }
}

fn run(place: &Place<'_>, asked: &Asked) -> Answer {
    let Some(wanted) = asked.json() else {
        return Answer::json(
            StatusCode::BAD_REQUEST,
            &json!({"kind": "puppetlabs.orchestrator/validation-error", "msg": "The body is not valid JSON."}),
        );
    };
    let number = {
        let mut contents = place.store().open();
        contents.jobs.push(wanted);
        contents.jobs.len()
    };
    let (host, port) = (place.name(), Service::Orchestrator.port());
    Answer::json(
        StatusCode::ACCEPTED,
        &json!({"job": {
            "id": format!("https://{host}:{port}/orchestrator/v1/jobs/{number}"),
            "name": number.to_string(),
        }}),
    )
}
