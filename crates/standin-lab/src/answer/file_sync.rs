//! File sync: which code is the latest, which any host tells, and publishing it, which only a master takes.

use http::{Method, StatusCode};
use serde_json::json;

use super::{Answer, Asked, Place};
use crate::Role;

pub(super) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    match (&asked.method, asked.path.as_str()) {
        (&Method::GET | &Method::POST, "/file-sync/v1/latest-commits") => {
            asked.with_certificate(|| {
                Answer::json(
                    StatusCode::OK,
                    &json!({"puppet-code": {"commit": COMMIT, "submodules": {}}}),
                )
            })
        }
        // The storage service is not there on the others.
        (&Method::POST, "/file-sync/v1/publish") if place.role() == Role::Master => asked
            .with_certificate(|| {
                Answer::json(
                    StatusCode::OK,
                    &json!({"puppet-code": {"commit": COMMIT, "submodules": {}}}),
                )
            }),
        _ => Answer::no_such_page(&asked.path),
    }
}

/// The lab's code never changes.
const COMMIT: &str = "6f4f6e8f5e1d3a2b9c0d7e6f5a4b3c2d1e0f9a8b";
