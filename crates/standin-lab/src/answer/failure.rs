//! What a service in trouble answers instead of working.

use http::header::{CONNECTION, LOCATION, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use url::form_urlencoded;

use super::{Answer, Asked, Place, puppetdb, work};
use crate::scene::Fate;
use crate::service::Service;

/// The answer of `service` in that state.
pub(crate) fn answer(place: &Place<'_>, service: Service, fate: &Fate, asked: &Asked) -> Answer {
    let puppet = matches!(
        service,
        Service::PuppetServer | Service::FileSync | Service::CertificateAuthority
    );
    let failed = match fate {
        Fate::Unavailable(retry_after) => unavailable(service, *retry_after),
        Fate::NotReady => unavailable(service, None),
        Fate::DatabaseDown => return without_database(place, service, asked),
        Fate::HtmlPage => return html_page(),
        Fate::Answers(status) => Answer::text(*status, format!("{status}")),
        Fate::RedirectLoop => return to_itself(asked),
        _ => internal_error(service),
    };
    if puppet {
        failed.puppet_version()
    } else {
        failed
    }
}

/// Whether an overloaded Puppet Server lets this request wait rather than send it away: it tells to come again only
/// those that are new enough to understand.
pub(crate) fn queues(service: Service, headers: &HeaderMap) -> bool {
    let version = headers
        .get("x-puppet-version")
        .and_then(|version| version.to_str().ok());
    service == Service::PuppetServer
        && version
            .and_then(numbers)
            .is_none_or(|version| version < (5, 3, 1))
}

/// What a console service on a replica answers to a write: its database user may only read.
pub(crate) fn permission_denied(relation: &str) -> Answer {
    let msg = format!(
        "org.postgresql.util.PSQLException: ERROR: permission denied for relation {relation}"
    );
    Answer::json(
        StatusCode::INTERNAL_SERVER_ERROR,
        &json!({"kind": "application-error", "msg": msg}),
    )
}

fn unavailable(service: Service, retry_after: Option<u32>) -> Answer {
    let text = match (service, retry_after) {
        (Service::PuppetDb, _) => "PuppetDB is currently down. Try again later.",
        (Service::PuppetServer, Some(_)) => {
            "The number of requests waiting for a JRuby instance has exceeded the limit allowed by the \
             max-queued-requests setting."
        }
        _ => "Service Unavailable",
    };
    let answer = match service {
        Service::PuppetDb => Answer::bare(StatusCode::SERVICE_UNAVAILABLE, text),
        _ => Answer::text(StatusCode::SERVICE_UNAVAILABLE, text),
    };
    match retry_after {
        Some(seconds) => answer
            .header(RETRY_AFTER, &seconds.to_string())
            .header(CONNECTION, "close"),
        None => answer,
    }
}

fn internal_error(service: Service) -> Answer {
    Answer::text(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!("Internal Server Error: {service:?} failed"),
    )
}

/// What a portal in front of the server says to everybody.
fn html_page() -> Answer {
    let page = "<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>\n";
    Answer::new(StatusCode::OK, "text/html;charset=utf-8", page).sized()
}

fn to_itself(asked: &Asked) -> Answer {
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&asked.query)
        .finish();
    let location = format!("{}?{query}", asked.path);
    Answer::empty(StatusCode::TEMPORARY_REDIRECT).header(LOCATION, &location)
}

fn without_database(place: &Place<'_>, service: Service, asked: &Asked) -> Answer {
    match service {
        Service::PuppetDb if puppetdb::needs_database(asked) => {
            match work(place, service, asked) {
                // A query is read before the database is asked.
                invalid if invalid.status == StatusCode::BAD_REQUEST => invalid,
                _ => Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "Connection refused"),
            }
        }
        Service::NodeClassifier | Service::Rbac | Service::Activity | Service::Orchestrator => {
            Answer::json(
                StatusCode::INTERNAL_SERVER_ERROR,
                &json!({"kind": "application-error", "msg": "Connection to localhost:5432 refused."}),
            )
        }
        // The others have no database.
        _ => work(place, service, asked),
    }
}

fn numbers(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_by(version: Option<&str>) -> HeaderMap {
        version
            .map(|v| {
                (
                    http::HeaderName::from_static("x-puppet-version"),
                    v.parse().unwrap(),
                )
            })
            .into_iter()
            .collect()
    }

    #[test]
    fn only_clients_of_5_3_1_and_later_are_told_to_come_again() {
        assert!(queues(Service::PuppetServer, &asked_by(None)));
        assert!(queues(Service::PuppetServer, &asked_by(Some("5.3.0"))));
        assert!(queues(Service::PuppetServer, &asked_by(Some("nonsense"))));
        assert!(!queues(Service::PuppetServer, &asked_by(Some("5.3.1"))));
        assert!(!queues(Service::PuppetServer, &asked_by(Some("7.23.0"))));
        assert!(!queues(Service::PuppetDb, &asked_by(None)));
    }
}
