//! RBAC: one user, and tokens for anyone.

use http::{Method, StatusCode};
use serde_json::json;

use super::{Answer, Asked, Place, uuid};

pub(super) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    let Some(parts) = asked.below("/rbac-api/") else {
        return Answer::no_such_page(&asked.path);
    };
    match (&asked.method, parts.as_slice()) {
        (&Method::GET, ["v1", "users"]) => Answer::json(StatusCode::OK, &json!([user()])),
        (&Method::POST, ["v1", "auth", "token"]) => place.as_writer("tokens", || {
            Answer::json(StatusCode::OK, &json!({"token": uuid()}))
        }),
        // A read that travels as POST.
        (&Method::POST, ["v2", "auth", "token", "authenticate"]) => {
            Answer::json(StatusCode::OK, &user())
        }
        _ => Answer::no_such_page(&asked.path),
    }
}

fn user() -> serde_json::Value {
    json!({
        "id": "42bf351c-f9ec-40af-84ad-e976fec7f4bd",
        "login": "admin",
        "display_name": "Administrator",
        "email": "",
        "role_ids": [1],
        "is_group": false,
        "is_remote": false,
        "is_superuser": true,
        "is_revoked": false,
        "last_login": null,
    })
}
