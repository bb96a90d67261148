//! The activity service, where nothing has happened yet.

use http::{Method, StatusCode};
use serde_json::json;

use super::{Answer, Asked};

pub(super) fn answer(asked: &Asked) -> Answer {
    match (&asked.method, asked.path.as_str()) {
        (&Method::GET, "/activity-api/v1/events") => Answer::json(
            StatusCode::OK,
            &json!({"commits": [], "offset": 0, "limit": 1000, "total-rows": 0}),
        ),
        _ => Answer::no_such_page(&asked.path),
    }
}
