//! Reports that go to a server of their own, as Puppet's `report_server` has it.

use http::{Method, Request};
use standin_core::{Class, Health, Server, Service};

use crate::rebase::Target;
use crate::route::is_listed;
use crate::{Body, Error};

/// The server that gets every report, whatever the list of Puppet Server says.
#[derive(Debug)]
pub(crate) struct Reports {
    pub(crate) server: Server,
    target: Target,
}

impl Reports {
    pub(crate) fn to(server: Server) -> Result<Self, Error> {
        let target = Target::of(&server)?;
        Ok(Self { server, target })
    }

    /// Whether a request is a report that names no server, or one of the list, which is a hint only.
    pub(crate) fn take(&self, health: &Health, request: &Request<Body>) -> bool {
        let is_report = request.method() == Method::PUT && request.uri().path().starts_with(PATH);
        is_report
            && request
                .uri()
                .authority()
                .is_none_or(|named| is_listed(health, CLASS, named))
    }

    /// Addresses a report.
    pub(crate) fn address(&self, request: &mut Request<Body>) {
        self.target.address(request);
    }
}

/// `lib/puppet/http/service/report.rb` of Puppet.
const PATH: &str = "/puppet/v3/report/";
const CLASS: Class = Class::Service(Service::PuppetServer);

#[cfg(test)]
mod tests {
    use super::*;
    use standin_core::{Installation, Policy};

    fn takes(method: Method, uri: &str) -> bool {
        let installation = Installation::of_hosts("m", Some("r")).unwrap();
        let health = Health::new(&installation, Policy::default(), 0);
        let reports = Reports::to(Server::new("x", 8140).unwrap()).unwrap();
        let request = Request::builder().method(method).uri(uri);
        let request = request.body(Body::empty()).unwrap();
        reports.take(&health, &request)
    }

    #[test]
    fn a_report_without_a_server_or_with_one_of_the_list_is_taken() {
        assert!(takes(
            Method::PUT,
            "/puppet/v3/report/a?environment=production"
        ));
        assert!(takes(Method::PUT, "https://R:8140/puppet/v3/report/a"));
    }

    #[test]
    fn anything_else_and_a_report_for_another_server_is_not() {
        assert!(!takes(Method::PUT, "https://other:8140/puppet/v3/report/a"));
        assert!(!takes(Method::PUT, "/puppet/v3/facts/a"));
        assert!(!takes(Method::GET, "/puppet/v3/report/a"));
    }
}
