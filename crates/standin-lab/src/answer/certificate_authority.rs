//! The certificate authority, which signs what it is asked to sign, and revokes.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Asked, Place};
use crate::LabError;
use crate::store::CertificateRequest;

pub(super) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    let Some(parts) = asked.below("/puppet-ca/v1/") else {
        return Answer::no_such_page(&asked.path);
    };
    match (&asked.method, parts.as_slice()) {
        (&Method::GET, ["certificate", "ca"]) => plain(place.shared.trust().authority.ca_pem()),
        (&Method::GET, ["certificate_revocation_list", "ca"]) => place
            .shared
            .trust()
            .authority
            .crl_pem()
            .map_or_else(|error| failed(&error), plain),
        (&Method::GET, ["certificate", name]) => match place.store().open().signed.get(*name) {
            Some(pem) => plain(pem.clone()),
            None => missing("certificate", name),
        },
        (&Method::PUT, ["certificate_request", name]) => request(place, asked, name),
        (&Method::GET, ["certificate_request", name]) => {
            match place
                .store()
                .open()
                .csrs
                .iter()
                .rfind(|request| request.certname == *name)
            {
                Some(request) => plain(request.pem.clone()),
                None => missing("certificate_request", name),
            }
        }
        (&Method::PUT, ["certificate_status", name]) => {
            asked.with_certificate(|| set_status(place, asked, name))
        }
        _ => Answer::no_such_page(&asked.path),
    }
}

/// Keeps the request and, as with autosigning, signs it at once if it is one.
fn request(place: &Place<'_>, asked: &Asked, name: &str) -> Answer {
    let pem = String::from_utf8_lossy(&asked.body).into_owned();
    let signed = place.shared.trust().authority.sign(name, &pem);
    let mut contents = place.store().open();
    contents.csrs.push(CertificateRequest {
        certname: name.to_owned(),
        pem,
    });
    match signed {
        Ok(certificate) => {
            contents.signed.insert(name.to_owned(), certificate);
            plain(String::new())
        }
        Err(error) => {
            tracing::debug!(%error, name, "a certificate request was not signed");
            Answer::text(
                StatusCode::BAD_REQUEST,
                "The certificate request could not be read",
            )
        }
    }
}

fn set_status(place: &Place<'_>, asked: &Asked, name: &str) -> Answer {
    let desired = asked.json();
    match desired
        .as_ref()
        .and_then(|body| body.get("desired_state"))
        .and_then(Value::as_str)
    {
        Some("revoked") => {
            let mut trust = place.shared.trust();
            trust.authority.revoke(name);
            match trust.renew() {
                Ok(()) => Answer::empty(StatusCode::NO_CONTENT),
                Err(error) => failed(&error),
            }
        }
        // All requests are signed as they come.
        Some("signed") => Answer::empty(StatusCode::NO_CONTENT),
        _ => Answer::json(
            StatusCode::BAD_REQUEST,
            &json!({"kind": "bad-request", "msg": "desired_state is neither signed nor revoked"}),
        ),
    }
}

fn plain(pem: String) -> Answer {
    Answer::new(StatusCode::OK, "text/plain", pem)
}

fn missing(what: &str, name: &str) -> Answer {
    Answer::text(
        StatusCode::NOT_FOUND,
        format!("Could not find {what} {name}"),
    )
}

fn failed(error: &LabError) -> Answer {
    Answer::text(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
