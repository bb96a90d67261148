//! Puppet Server's v3 API: node, catalog, files, reports, environments.

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::format::{self, Format};
use super::{Answer, Asked, PUPPET_VERSION, Place, catalog, files};
use crate::store::Report;

pub(super) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    let Some(parts) = asked.below("/puppet/v3/") else {
        return Answer::no_such_page(&asked.path);
    };
    match (&asked.method, parts.as_slice()) {
        (&Method::GET, ["environments"]) => asked.with_certificate(|| environments(place)),
        (&Method::GET, ["node", certname]) => asked.as_node(certname, || {
            in_environment(place, asked, |name| {
                format::negotiated(asked, format::DATA, |format| {
                    node(place, certname, name, format)
                })
            })
        }),
        (&Method::GET | &Method::POST, ["catalog", certname]) => asked.as_node(certname, || {
            in_environment(place, asked, |name| {
                format::negotiated(asked, format::CATALOG, |format| {
                    catalog(place, asked, certname, name, format)
                })
            })
        }),
        (&Method::PUT, ["report", certname]) => asked.as_node(certname, || {
            in_environment(place, asked, |name| {
                format::readable(asked, || report(place, asked, certname, name))
            })
        }),
        (&Method::GET, ["file_metadatas", path @ ..]) => file(place, asked, format::DATA, || {
            files::metadatas(&wanted(place, asked), path, asked.parameter("recurse"))
        }),
        (&Method::GET, ["file_metadata", path @ ..]) => file(place, asked, format::DATA, || {
            files::metadata(&wanted(place, asked), path)
        }),
        (&Method::GET, ["file_content", path @ ..]) => {
            file(place, asked, format::CONTENT, || files::content(path))
        }
        (&Method::GET, ["static_file_content", path @ ..]) => {
            asked.with_certificate(|| static_file(asked, path))
        }
        _ => Answer::no_such_page(&asked.path),
    }
}

/// `allowed`, if the query names an environment that there is.
fn in_environment(
    place: &Place<'_>,
    asked: &Asked,
    allowed: impl FnOnce(&str) -> Answer,
) -> Answer {
    match asked.parameter("environment") {
        None => issue(
            StatusCode::BAD_REQUEST,
            "Bad Request: An environment parameter must be specified",
            "RUNTIME_ERROR",
        ),
        Some(name)
            if place
                .shared
                .environments()
                .iter()
                .any(|known| known == name) =>
        {
            allowed(name)
        }
        Some(name) => issue(
            StatusCode::NOT_FOUND,
            &format!("Not Found: Could not find environment '{name}'"),
            "RUNTIME_ERROR",
        ),
    }
}

/// `found`, if the client may have files at all.
fn file<B: Into<Bytes>>(
    place: &Place<'_>,
    asked: &Asked,
    formats: &[Format],
    found: impl FnOnce() -> Option<B>,
) -> Answer {
    asked.with_certificate(|| {
        in_environment(place, asked, |_| match found() {
            Some(found) => format::negotiated(asked, formats, |format| {
                let answer = Answer::new(StatusCode::OK, format.content_type(), found);
                match format {
                    Format::Binary => answer.sized(),
                    Format::RichJson | Format::Json | Format::Pson => answer,
                }
            }),
            None => no_such_file(&asked.path),
        })
    })
}

fn wanted<'a>(place: &'a Place<'_>, asked: &'a Asked) -> files::Wanted<'a> {
    files::Wanted {
        server: place.name(),
        links: asked.parameter("links").unwrap_or("manage"),
        permissions: match asked.parameter("source_permissions") {
            Some("use") => files::Permissions::Use,
            _ => files::Permissions::Ignore,
        },
    }
}

/// The file server's two ways of having nothing: a mount that there is not may not be asked at all.
fn no_such_file(path: &str) -> Answer {
    let below = path.trim_start_matches("/puppet/v3/");
    let (endpoint, key) = below.split_once('/').unwrap_or((below, ""));
    let (kind, action, missing) = match endpoint.strip_suffix('s') {
        Some(kind) => (kind, "search", format!("instances in {kind} with '{key}'")),
        None => (endpoint, "find", format!("{endpoint} {key}")),
    };
    if !files::is_mounted(key) {
        let message = format!(
            "Server Error: Not authorized to call {action} on /{kind}/{key} with {{:rest=>\"{key}\"}}"
        );
        return issue(StatusCode::INTERNAL_SERVER_ERROR, &message, "RUNTIME_ERROR");
    }
    issue(
        StatusCode::NOT_FOUND,
        &format!("Not Found: Could not find {missing}"),
        "RESOURCE_NOT_FOUND",
    )
}

/// A file of a module as it was when the code had that id. The lab's code has but one version.
fn static_file(asked: &Asked, path: &[&str]) -> Answer {
    let plain = |status, text: &'static str| Answer::new(status, "text/plain", text);
    let is_given = |name| asked.parameter(name).is_some_and(|value| !value.is_empty());
    if !is_given("environment") || !is_given("code_id") || path == [""] {
        return plain(
            StatusCode::BAD_REQUEST,
            "Error: A /static_file_content request requires an environment, a code-id, and a file-path",
        );
    }
    let [_, module, "files" | "tasks" | "scripts" | "lib", rest @ ..] = path else {
        return plain(
            StatusCode::FORBIDDEN,
            "Request Denied: A /static_file_content request must be a file within the files, lib, scripts, or tasks \
             directory of a module.",
        );
    };
    match files::content(&[&["modules", module], rest].concat()) {
        Some(content) => Answer::new(StatusCode::OK, Format::Binary.content_type(), content),
        None => no_such_file(&asked.path),
    }
}

fn environments(place: &Place<'_>) -> Answer {
    let root = format!("/etc/puppetlabs/code/environments/on/{}", place.name());
    let settings = |name: &String| {
        json!({"settings": {
            "modulepath": [format!("{root}/{name}/modules")],
            "manifest": format!("{root}/{name}/manifests"),
            "environment_timeout": 0,
            "config_version": "",
        }})
    };
    let all: serde_json::Map<_, _> = place
        .shared
        .environments()
        .iter()
        .map(|name| (name.clone(), settings(name)))
        .collect();
    Answer::json(
        StatusCode::OK,
        &json!({"search_paths": [format!("file://{root}"), "data:text/plain,internal"], "environments": all}),
    )
}

fn node(place: &Place<'_>, certname: &str, environment: &str, format: Format) -> Answer {
    let machine = place.shared.machine(place.host);
    let node = json!({
        "name": certname,
        "environment": environment,
        "parameters": {
            "clientcert": certname,
            "servername": place.name(),
            "serverip": machine.ip.to_string(),
            "serverversion": PUPPET_VERSION,
            "environment": environment,
        },
    });
    Answer::new(StatusCode::OK, format.content_type(), node.to_string())
}

fn catalog(
    place: &Place<'_>,
    asked: &Asked,
    certname: &str,
    environment: &str,
    format: Format,
) -> Answer {
    if asked.method == Method::POST && asked.body.is_empty() {
        return issue(
            StatusCode::BAD_REQUEST,
            "Bad Request: a catalog request carries facts in its form",
            "RUNTIME_ERROR",
        );
    }
    let form = match asked.method {
        Method::POST => &super::pairs(&asked.body),
        _ => &asked.query,
    };
    let request = catalog::Request {
        server: place.name(),
        certname,
        environment,
        managed: place.shared.managed(),
        facts: catalog::facts(form),
    };
    Answer::new(
        StatusCode::OK,
        format.content_type(),
        catalog::compile(&request).to_string(),
    )
}

fn report(place: &Place<'_>, asked: &Asked, certname: &str, environment: &str) -> Answer {
    place.store().open().reports.push(Report {
        certname: certname.to_owned(),
        environment: environment.to_owned(),
        body: asked.body.clone(),
    });
    Answer::json(StatusCode::OK, &json!(["store", "puppetdb"]))
}

/// What Puppet says of a request that it cannot serve.
pub(super) fn issue(status: StatusCode, message: &str, kind: &str) -> Answer {
    let body: Value = json!({"message": message, "issue_kind": kind});
    Answer::json(status, &body)
}
