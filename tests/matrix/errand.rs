//! What is asked.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use standin_lab::{Kind, Service};

use Kind::{HarmfulWrite, Read, RepeatableWrite};

/// One operation of a service.
///
/// What it does is written down here and not asked of the client under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errand {
    pub(crate) service: Service,
    pub(crate) kind: Kind,
    method: &'static str,
    path: &'static str,
    body: &'static str,
}

const fn errand(
    service: Service,
    kind: Kind,
    method: &'static str,
    path: &'static str,
    body: &'static str,
) -> Errand {
    Errand {
        service,
        kind,
        method,
        path,
        body,
    }
}

impl Errand {
    /// One of each kind that a service has; a catalog and a report are long, the rest is cheap. What no
    /// service has by name, a harmful write to Puppet Server or PuppetDB, is a POST that nobody knows.
    pub(crate) const ALL: [Self; 24] = [
        errand(
            Service::PuppetServer,
            Read,
            "GET",
            "/puppet/v3/node/agent.test",
            "",
        ),
        errand(
            Service::PuppetServer,
            Read,
            "GET",
            "/puppet/v3/file_metadatas/plugins",
            "",
        ),
        errand(
            Service::PuppetServer,
            Read,
            "POST",
            "/puppet/v3/catalog/agent.test",
            "facts_format=application%2Fjson&facts=%257B%257D&environment=production",
        ),
        errand(
            Service::PuppetServer,
            RepeatableWrite,
            "PUT",
            "/puppet/v3/report/agent.test",
            r#"{"host":"agent.test"}"#,
        ),
        errand(
            Service::PuppetServer,
            HarmfulWrite,
            "POST",
            "/puppet/v3/unknown",
            "once",
        ),
        errand(
            Service::FileSync,
            Read,
            "GET",
            "/file-sync/v1/latest-commits",
            "",
        ),
        errand(
            Service::FileSync,
            HarmfulWrite,
            "POST",
            "/file-sync/v1/publish",
            "{}",
        ),
        errand(
            Service::CertificateAuthority,
            Read,
            "GET",
            "/puppet-ca/v1/certificate/ca",
            "",
        ),
        errand(
            Service::CertificateAuthority,
            HarmfulWrite,
            "PUT",
            "/puppet-ca/v1/certificate_status/new.test",
            r#"{"desired_state":"signed"}"#,
        ),
        errand(Service::PuppetDb, Read, "GET", "/pdb/query/v4/nodes", ""),
        errand(
            Service::PuppetDb,
            Read,
            "POST",
            "/pdb/query/v4/nodes",
            r#"{"query":["=","certname","agent.test"]}"#,
        ),
        errand(
            Service::PuppetDb,
            RepeatableWrite,
            "POST",
            "/pdb/cmd/v1",
            r#"{"certname":"agent.test","values":{}}"#,
        ),
        errand(
            Service::PuppetDb,
            HarmfulWrite,
            "POST",
            "/pdb/unknown/v1",
            "once",
        ),
        errand(Service::Rbac, Read, "GET", "/rbac-api/v1/users", ""),
        errand(
            Service::Rbac,
            HarmfulWrite,
            "POST",
            "/rbac-api/v1/auth/token",
            r#"{"login":"admin"}"#,
        ),
        errand(
            Service::NodeClassifier,
            Read,
            "GET",
            "/classifier-api/v1/groups",
            "",
        ),
        errand(
            Service::NodeClassifier,
            Read,
            "POST",
            "/classifier-api/v1/classified/nodes/agent.test",
            r#"{"fact":{},"trusted":{}}"#,
        ),
        errand(
            Service::NodeClassifier,
            HarmfulWrite,
            "POST",
            "/classifier-api/v1/groups",
            r#"{"name":"Web servers","classes":{}}"#,
        ),
        errand(
            Service::Activity,
            Read,
            "GET",
            "/activity-api/v1/events",
            "",
        ),
        errand(
            Service::Activity,
            HarmfulWrite,
            "POST",
            "/activity-api/v1/events",
            "{}",
        ),
        errand(
            Service::Orchestrator,
            Read,
            "GET",
            "/orchestrator/v1/jobs",
            "",
        ),
        errand(
            Service::Orchestrator,
            HarmfulWrite,
            "POST",
            "/orchestrator/v1/command/deploy",
            r#"{"environment":"production"}"#,
        ),
        errand(
            Service::CodeManager,
            Read,
            "GET",
            "/code-manager/v1/deploys/status",
            "",
        ),
        errand(
            Service::CodeManager,
            HarmfulWrite,
            "POST",
            "/code-manager/v1/deploys",
            r#"{"environments":["production"]}"#,
        ),
    ];

    /// The request for it, which is told from all others by `mark`.
    pub(crate) fn request(&self, mark: &str) -> Request<Bytes> {
        let form = match self.path {
            "/puppet/v3/catalog/agent.test" => "application/x-www-form-urlencoded",
            _ => "application/json",
        };
        let query = match self.path {
            "/pdb/cmd/v1" => {
                "command=replace_facts&version=5&certname=agent.test\
                 &producer-timestamp=2026-11-23T00:00:00.000Z"
            }
            path if path.starts_with("/puppet/") => "environment=production",
            _ => "a=b",
        };
        Request::builder()
            .method(self.method.parse::<Method>().unwrap())
            .uri(format!("{}?{query}&{mark}", self.path))
            .header(CONTENT_TYPE, form)
            .body(Bytes::from_static(self.body.as_bytes()))
            .unwrap()
    }

    /// A request that makes a connection to its service warm.
    pub(crate) fn warm_up(&self) -> Request<Bytes> {
        let reads = |other: &&Self| other.service == self.service && other.kind == Read;
        let read = Self::ALL.iter().find(reads).unwrap();
        read.request("warm")
    }
}
