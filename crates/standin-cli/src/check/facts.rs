//! The facts that settings are judged by: what files hold, and what DNS and servers say.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use standin::config::Settings;
use standin::config::check::{self, Facts, Lookup, Outcome, SslFact, Visit};
use standin::{Names, Revocation, SslFileError, SslFiles, Tls};
use standin_net::{Clock, inspect};

use super::Reach;
use super::visit::visit;
use crate::failure::chain;
use crate::streams::Streams;

/// Asks files, and others as far as `reach` goes. No question takes longer than a few seconds, and
/// those to DNS and to servers are asked together.
pub(super) async fn gather(
    settings: &Settings,
    names: &Names,
    reach: Reach,
    streams: &mut Streams<'_>,
) -> Facts {
    let mut facts = Facts::at(now());
    facts.ssl = ssl(settings);
    if reach == Reach::Files {
        return facts;
    }
    facts.addresses = look_up(check::hosts(settings), names).await;
    for (host, lookup) in &facts.addresses {
        streams.mention(format_args!("* looked up {host}: {}", said(lookup)));
    }
    if reach == Reach::Names {
        return facts;
    }
    match Tls::from_files(&standin::ssl_files(&settings.puppet)) {
        Ok(tls) => {
            let connector = standin_net::Connector::new(tls, names.clone());
            let has_address =
                |host: &str| !matches!(facts.addresses.get(host), Some(Lookup::Nothing(_)));
            let servers = check::servers(settings)
                .into_iter()
                .filter(|server| has_address(server.host()));
            facts.visits = join_all(servers.map(|server| visit(server, &connector))).await;
            for Visit { server, outcome } in &facts.visits {
                let came = match outcome {
                    Outcome::Answered { .. } => "it is trusted and answers",
                    Outcome::OtherName(why)
                    | Outcome::NotTrusted(why)
                    | Outcome::NotReached(why) => why,
                };
                streams.mention(format_args!("* went to {server}: {came}"));
            }
        }
        Err(error) => streams.say(format_args!(
            "standin: no server was asked, for this agent has nothing to show: {}",
            chain(&error)
        )),
    }
    facts
}

/// What the files hold that Puppet's agent and pxp-agent show and trust.
fn ssl(settings: &Settings) -> Vec<SslFact> {
    let own = standin::ssl_files(&settings.puppet);
    let mut facts = of_files(&own);
    if let Some(pxp) = &settings.pxp_agent {
        let or =
            |path: &Option<PathBuf>, own: &Path| path.clone().unwrap_or_else(|| own.to_owned());
        let of_pxp = SslFiles {
            ca: or(&pxp.ca, &own.ca),
            cert: or(&pxp.cert, &own.cert),
            key: or(&pxp.key, &own.key),
            crl: or(&pxp.crl, &own.crl),
            ..own.clone()
        };
        if of_pxp != own {
            for fact in of_files(&of_pxp) {
                if !facts.contains(&fact) {
                    facts.push(fact);
                }
            }
        }
    }
    facts
}

fn of_files(files: &SslFiles) -> Vec<SslFact> {
    let mut facts = Vec::new();
    for path in [&files.cert, &files.ca] {
        match inspect::certificates(path) {
            Ok(found) => facts.extend(found.into_iter().map(|found| SslFact::Certificate {
                path: path.clone(),
                subject: found.subject,
                not_before: found.not_before,
                not_after: found.not_after,
            })),
            Err(error) => facts.push(unusable(path, &error)),
        }
    }
    if files.revocation != Revocation::Off {
        match inspect::revocation_lists(&files.crl) {
            Ok(found) => facts.extend(found.into_iter().map(|found| SslFact::RevocationList {
                path: files.crl.clone(),
                issuer: found.issuer,
                next_update: found.next_update,
            })),
            Err(error) => facts.push(unusable(&files.crl, &error)),
        }
    }
    facts.extend(mode(&files.key));
    if facts
        .iter()
        .any(|fact| matches!(fact, SslFact::Unusable { .. }))
    {
        return facts;
    }
    match inspect::pairing(files).and_then(|()| Tls::from_files(files)) {
        Err(SslFileError::KeyMismatch { key, cert }) => {
            facts.push(SslFact::KeyMismatch { key, cert });
        }
        // Their dates are among the facts already.
        Ok(_) | Err(SslFileError::Expired { .. } | SslFileError::NotYetValid { .. }) => {}
        Err(error) => facts.push(unusable(path_of(&error).unwrap_or(&files.key), &error)),
    }
    facts
}

#[cfg(unix)]
fn mode(key: &Path) -> Option<SslFact> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(key).ok()?.permissions().mode() & 0o7777;
    let path = key.to_owned();
    Some(SslFact::KeyMode { path, mode })
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<SslFact> {
    None
}

fn unusable(path: &Path, error: &SslFileError) -> SslFact {
    let why = match error {
        SslFileError::Read { source, .. } => format!("It cannot be read: {source}"),
        SslFileError::Missing { wanted, .. } => format!("It does not hold {wanted}"),
        SslFileError::Pem { wanted, source, .. } => format!("It does not hold {wanted}: {source}"),
        SslFileError::Unusable { source, .. } => format!("It cannot be used for TLS: {source}"),
        other => chain(other),
    };
    SslFact::Unusable {
        path: path.to_owned(),
        why,
    }
}

fn path_of(error: &SslFileError) -> Option<&Path> {
    match error {
        SslFileError::Read { path, .. }
        | SslFileError::Pem { path, .. }
        | SslFileError::Missing { path, .. }
        | SslFileError::Certificate { path }
        | SslFileError::Unusable { path, .. } => Some(path),
        _ => None,
    }
}

async fn look_up(hosts: Vec<String>, names: &Names) -> BTreeMap<String, Lookup> {
    let asked = hosts.into_iter().map(|host| async move {
        let lookup = match tokio::time::timeout(LONGEST_LOOKUP, names.lookup(&host)).await {
            Ok(Ok(addresses)) => Lookup::Found(addresses),
            Ok(Err(error)) => {
                Lookup::Nothing(error.source().map_or_else(|| error.to_string(), chain))
            }
            Err(_) => Lookup::Nothing(format!(
                "the resolver did not answer within {} seconds",
                LONGEST_LOOKUP.as_secs()
            )),
        };
        (host, lookup)
    });
    join_all(asked).await.into_iter().collect()
}

fn said(lookup: &Lookup) -> String {
    match lookup {
        Lookup::Found(addresses) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            addresses.join(", ")
        }
        Lookup::Nothing(why) => why.clone(),
    }
}

/// By the clock on the wall: certificates are judged by the calendar.
pub(crate) fn now() -> SystemTime {
    let wall = Clock::start().wall();
    SystemTime::UNIX_EPOCH + Duration::from_millis(wall.as_millis())
}

/// As long as the resolver of glibc waits for its first name server.
const LONGEST_LOOKUP: Duration = Duration::from_secs(5);
