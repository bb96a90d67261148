//! Whose a request is.

use http::Request;
use standin_core::{Health, Operation, Server};

use crate::rebase::named_server;
use crate::{Body, Error, ErrorKind};

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
    let operation =
        given.or_else(|| Operation::of(request.method().as_str(), request.uri().path()));
    let named = named_server(request.uri());
    match (operation, named) {
        (Some(operation), None) => Ok(Route::To(operation)),
        (Some(operation), Some(named)) => {
            let listed = health
                .list(operation.class())
                .is_some_and(|list| list.position(&named).is_some());
            match listed || given.is_some() {
                true => Ok(Route::To(operation)),
                false => Ok(Route::AsItIs(named)),
            }
        }
        (None, Some(named)) => Ok(Route::AsItIs(named)),
        (None, None) => Err(Error::new(ErrorKind::NoService, None)),
    }
}

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
