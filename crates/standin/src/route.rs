//! Whose a request is.

use http::Request;
use http::uri::Authority;
use standin_core::{Class, Health, Operation, Repeat, Server};

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
pub(crate) fn route(health: &Health, request: &Request<Body>) -> Result<Route, Error> {
    let given = request.extensions().get::<Operation>().copied();
    let operation = given.or_else(|| judge(request));
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

/// What method and path say, and for a command of PuppetDB whether it is dated: the newest producer
/// timestamp wins, so one without would win again each time it arrives.
fn judge(request: &Request<Body>) -> Option<Operation> {
    let uri = request.uri();
    let operation = Operation::of(request.method().as_str(), uri.path())?;
    let dated = || producer::is_dated(uri.query().unwrap_or_default());
    Some(match operation.class() {
        Class::Commands if !dated() => Operation {
            repeat: Repeat::Harmful,
            ..operation
        },
        _ => operation,
    })
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
        route(&health, &request)
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
            judge(&request).unwrap().repeat
        };
        let dated = "/pdb/cmd/v1?command=x&producer-timestamp=2026-11-23T04:54:34.000Z";
        assert_eq!(repeat(dated), Repeat::Harmless);
        assert_eq!(repeat("/pdb/cmd/v1?command=x"), Repeat::Harmful);
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
