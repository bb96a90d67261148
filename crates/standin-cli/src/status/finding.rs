//! What a server told when it was asked for the status of its services.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use serde_json::{Map, Value};
use standin::{Service, Verdict};

use super::state::State;

/// What came of asking one server.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) took: Duration,
    /// Until when the certificate that it showed is valid.
    pub(super) not_after: Option<SystemTime>,
    pub(super) told: Told,
}

/// What a server told.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// The status of each service that it has, by name.
    Statuses(Map<String, Value>),
    /// An answer that is none of those.
    Other(StatusCode),
    /// Nothing, and why.
    Nothing { verdict: Verdict, why: String },
}

/// What a server told of one service.
#[derive(Clone, Debug)]
pub(super) struct OfService {
    pub(super) state: State,
    pub(super) mode: Option<String>,
    pub(super) detail: Option<String>,
}

impl Finding {
    pub(super) fn is_answer(&self) -> bool {
        !matches!(self.told, Told::Nothing { .. })
    }

    /// What was told of a service; its state is [`State::ABSENT`] if that was nothing. Which of its names
    /// is known depends on the release.
    pub(super) fn of(&self, service: Service) -> OfService {
        match &self.told {
            Told::Statuses(statuses) => {
                let mut names = service.status_names().iter();
                names
                    .find_map(|name| statuses.get(*name))
                    .map_or_else(OfService::absent, OfService::told)
            }
            Told::Other(StatusCode::NOT_FOUND) => OfService::absent(),
            Told::Other(status) => OfService {
                detail: Some(format!("its status was answered {status}")),
                ..OfService::plain(State::other(*status))
            },
            Told::Nothing { verdict, why } => OfService {
                detail: Some(why.clone()),
                ..OfService::plain(State::unanswered(*verdict))
            },
        }
    }
}

impl OfService {
    fn told(status: &Value) -> Self {
        let word = status.get("state").and_then(Value::as_str);
        let details = status.get("status");
        let mode = details.and_then(|details| details.get("replication")?.get("mode")?.as_str());
        Self {
            mode: mode.map(str::to_owned),
            ..Self::plain(State::told(word.unwrap_or_default()))
        }
    }

    fn absent() -> Self {
        Self::plain(State::ABSENT)
    }

    fn plain(state: State) -> Self {
        Self {
            state,
            mode: None,
            detail: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(statuses: &str) -> Finding {
        Finding {
            took: Duration::ZERO,
            not_after: None,
            told: Told::Statuses(serde_json::from_str(statuses).unwrap()),
        }
    }

    #[test]
    fn a_service_is_known_by_any_of_its_names() {
        let finding = told(r#"{"pe-master":{"state":"running"},"rbac-service":{"state":"error"}}"#);
        let state = |service| finding.of(service).state.to_string();
        assert_eq!(state(Service::PuppetServer), "running");
        assert_eq!(state(Service::Rbac), "error");
        assert_eq!(state(Service::Activity), "absent");
    }

    #[test]
    fn the_mode_is_that_of_the_service() {
        let finding = told(
            r#"{"rbac-service":{"state":"running","status":{"replication":{"mode":"source"}}},
                "activity-service":{"state":"running","status":"an exception"}}"#,
        );
        let mode = |service| finding.of(service).mode;
        assert_eq!(mode(Service::Rbac).as_deref(), Some("source"));
        assert_eq!(mode(Service::Activity), None);
    }
}
