//! Whose a request is.

use http::Request;
use http::uri::Authority;
use serde::Deserialize;
use standin_core::{Class, Effect, Health, Operation, Operations, Repeat, Server};

use crate::shared::Shared;
use crate::{Body, Error, ErrorKind, producer};

/// Where a request goes.
#[derive(Debug)]
pub(crate) enum Route {
    /// To whoever serves this operation.
    To(Operation),
    /// To the server that it names itself.
    AsItIs(Server),
}

/// A request is rebased when its path belongs to a service, or an [`Operation`] in its extensions
/// says so, unless it names a server that is not in that service's list.
pub(crate) fn route(shared: &Shared, request: &Request<Body>) -> Result<Route, Error> {
    route_of(&shared.hub.defaults.operations, &shared.health, request)
}

fn route_of(
    operations: &Operations,
    health: &Health,
    request: &Request<Body>,
) -> Result<Route, Error> {
    let given = request.extensions().get::<Operation>().copied();
    let operation = given.or_else(|| judge(operations, request));
    let Some(authority) = request.uri().authority() else {
        return operation
            .map(Route::To)
            .ok_or_else(|| Error::new(ErrorKind::NoService, None));
    };
    if let Some(operation) = operation
        && (given.is_some() || is_listed(health, operation.class(), authority))
    {
        return Ok(Route::To(operation));
    }
    named_server(authority)
        .map(Route::AsItIs)
        .ok_or_else(|| Error::new(ErrorKind::NoService, operation))
}

/// What a rule says, or else method and path, and in two cases more than those.
fn judge(operations: &Operations, request: &Request<Body>) -> Option<Operation> {
    let (method, path) = (request.method().as_str(), request.uri().path());
    if let Some(operation) = operations.rule(method, path) {
        return Some(operation);
    }
    let mut operation = Operation::of(method, path)?;
    // The newest producer timestamp wins, so a command without one would win again each time.
    let dated = || producer::is_dated(request.uri().query().unwrap_or_default());
    if operation.class() == Class::Commands && !dated() {
        operation.repeat = Repeat::Harmful;
    }
    if path == AUTHENTICATE && operation.effect == Effect::Write && leaves_no_mark(request.body()) {
        operation.effect = Effect::Read;
    }
    Some(operation)
}

/// Shows whose a token is, and notes that it was used unless the body says not to.
const AUTHENTICATE: &str = "/rbac-api/v2/auth/token/authenticate";

/// Whether authentication by token is not to be noted.
fn leaves_no_mark(body: &Body) -> bool {
    #[derive(Deserialize)]
    struct Authenticate {
        #[serde(rename = "update_last_activity?")]
        notes: bool,
    }
    let said = body.bytes().map(|bytes| serde_json::from_slice(&bytes));
    matches!(said, Some(Ok(Authenticate { notes: false })))
}

/// Whether a request names a server of its service's list. Nearly always it is written as the list
/// has it, and then nothing needs to be parsed.
pub(crate) fn is_listed(health: &Health, class: Class, authority: &Authority) -> bool {
    let Some(list) = health.list(class) else {
        return false;
    };
    list.servers()
        .any(|server| server.authority() == authority.as_str())
        || named_server(authority).is_some_and(|named| list.position(&named).is_some())
}

/// The server that a request names itself.
pub(crate) fn named_server(authority: &Authority) -> Option<Server> {
    let port = authority.port_u16().unwrap_or(HTTPS_PORT);
    Server::new(authority.host(), port).ok()
}

/// What a URL without a port means.
const HTTPS_PORT: u16 = 443;

#[cfg(test)]
mod tests {
    use super::*;
    use standin_core::{Installation, Policy};

    fn of(uri: &str) -> Result<Route, Error> {
        let installation = Installation::of_hosts("m", Some("r")).unwrap();
        let health = Health::new(&installation, Policy::default(), 0);
        let request = Request::get(uri).body(Body::empty()).unwrap();
        route_of(&Operations::new(), &health, &request)
    }

    #[test]
    fn a_path_of_a_service_is_rebased() {
        assert!(matches!(of("/puppet/v3/node/a"), Ok(Route::To(_))));
    }

    #[test]
    fn a_listed_server_is_only_a_hint() {
        assert!(matches!(
            of("https://R:8140/puppet/v3/node/a"),
            Ok(Route::To(_))
        ));
    }

    #[test]
    fn a_command_without_a_date_may_not_arrive_twice() {
        let repeat = |uri: &str| {
            let request = Request::post(uri).body(Body::empty()).unwrap();
            judge(&Operations::new(), &request).unwrap().repeat
        };
        let dated = "/pdb/cmd/v1?command=x&producer-timestamp=2026-11-23T04:54:34.000Z";
        assert_eq!(repeat(dated), Repeat::Harmless);
        assert_eq!(repeat("/pdb/cmd/v1?command=x"), Repeat::Harmful);
    }

    #[test]
    fn a_rule_for_commands_is_taken_at_its_word() {
        let again = Operation::of("POST", "/pdb/cmd/v1").unwrap();
        let rules = Operations::new()
            .with("POST", "/pdb/cmd/v1", again)
            .unwrap();
        let request = Request::post("/pdb/cmd/v1?command=x")
            .body(Body::empty())
            .unwrap();
        assert_eq!(judge(&rules, &request), Some(again));
    }

    #[test]
    fn authentication_by_token_is_a_read_only_if_it_says_so() {
        let effect = |body: Body| {
            let request = Request::post(AUTHENTICATE).body(body).unwrap();
            judge(&Operations::new(), &request).unwrap().effect
        };
        let without = r#"{"token": "t", "update_last_activity?": false}"#;
        assert_eq!(effect(without.into()), Effect::Read);
        for body in [
            r#"{"token": "t", "update_last_activity?": true}"#,
            r#"{"token": "t", "update_last_activity?": false, "update_last_activity?": true}"#,
            r#"{"token": "t", "update_last_activity?": "false"}"#,
            r#"{"token": "t"}"#,
            "nonsense",
            "",
        ] {
            assert_eq!(effect(body.into()), Effect::Write, "{body}");
        }
        let full = http_body_util::Full::new(bytes::Bytes::from(without));
        assert_eq!(effect(Body::stream(full)), Effect::Write);
    }

    #[test]
    fn a_server_outside_the_list_is_meant() {
        let route = of("https://other:8140/puppet/v3/node/a").unwrap();
        assert!(matches!(route, Route::AsItIs(server) if server.host() == "other"));
    }

    #[test]
    fn a_path_of_no_service_goes_to_its_own_address() {
        let route = of("https://m:8140/status/v1/simple").unwrap();
        assert!(matches!(route, Route::AsItIs(server) if server.host() == "m"));
    }

    #[test]
    fn without_service_and_address_there_is_nowhere_to_go() {
        let error = of("/status/v1/simple").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoService);
    }
}
