//! Puppet Server's v3 API: node, catalog, files, reports, environments.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, Asked, JSON, PUPPET_VERSION, Place, catalog, files};
use crate::store::Report;

pub(super) fn answer(place: &Place<'_>, asked: &Asked) -> Answer {
    let Some(parts) = asked.below("/puppet/v3/") else {
        return Answer::no_such_page(&asked.path);
    };
    match (&asked.method, parts.as_slice()) {
        (&Method::GET, ["environments"]) => asked.with_certificate(|| environments(place)),
        (&Method::GET, ["node", certname]) => asked.as_node(certname, || {
            in_environment(place, asked, |name| node(place, certname, name))
        }),
        (&Method::GET | &Method::POST, ["catalog", certname]) => asked.as_node(certname, || {
            in_environment(place, asked, |name| catalog(place, asked, certname, name))
        }),
        (&Method::PUT, ["report", certname]) => asked.as_node(certname, || {
            in_environment(place, asked, |name| report(place, asked, certname, name))
        }),
        (&Method::GET, ["file_metadatas", path @ ..]) => file(place, asked, || {
            files::metadatas(place.name(), path, asked.parameter("recurse"))
        }),
        (&Method::GET, ["file_metadata", path @ ..]) => {
            file(place, asked, || files::metadata(place.name(), path))
        }
        (&Method::GET, ["file_content", path @ ..]) => file(place, asked, || files::content(path)),
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
        None => Answer::text(
            StatusCode::BAD_REQUEST,
            "An environment parameter must be specified",
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
fn file(place: &Place<'_>, asked: &Asked, found: impl FnOnce() -> Option<Answer>) -> Answer {
    asked.with_certificate(|| {
        in_environment(place, asked, |_| {
            found().unwrap_or_else(|| {
                let what = asked
                    .path
                    .trim_start_matches("/puppet/v3/")
                    .replacen('/', " ", 1);
                issue(
                    StatusCode::NOT_FOUND,
                    &format!("Not Found: Could not find {what}"),
                    "RESOURCE_NOT_FOUND",
                )
            })
        })
    })
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

fn node(place: &Place<'_>, certname: &str, environment: &str) -> Answer {
    let machine = place.shared.machine(place.host);
    Answer::json(
        StatusCode::OK,
        &json!({
            "name": certname,
            "environment": environment,
            "parameters": {
                "clientcert": certname,
                "servername": place.name(),
                "serverip": machine.ip.to_string(),
                "serverversion": PUPPET_VERSION,
                "environment": environment,
            },
        }),
    )
}

fn catalog(place: &Place<'_>, asked: &Asked, certname: &str, environment: &str) -> Answer {
    if asked.method == Method::POST && asked.body.is_empty() {
        return issue(
            StatusCode::BAD_REQUEST,
            "Bad Request: a catalog request carries facts in its form",
            "RUNTIME_ERROR",
        );
    }
    let accepted = asked
        .headers
        .get(http::header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let is_rich =
        accepted.is_some_and(|accept| accept.contains("application/vnd.puppet.rich+json"));
    let content_type = if is_rich {
        "application/vnd.puppet.rich+json; charset=utf-8"
    } else {
        JSON
    };
    Answer::new(
        StatusCode::OK,
        content_type,
        catalog::compile(place.name(), certname, environment).to_string(),
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

fn issue(status: StatusCode, message: &str, kind: &str) -> Answer {
    let body: Value = json!({"message": message, "issue_kind": kind});
    Answer::json(status, &body)
}
