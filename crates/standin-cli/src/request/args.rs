//! What `standin request` takes, and the request that it makes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request};
use standin::{Body, Operation, Service};

use super::data::Data;
use super::header::Header;
use super::prefer::Preferred;
use crate::code::Code;
use crate::failure::Failure;
use crate::seconds::seconds;
use crate::steps::Head;

/// Send one request to whoever serves it now
///
/// The body of the answer goes to standard output as it comes. The master is asked first; if it
/// cannot be reached or the service is not ready there, the replica, where it may.
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub(crate) struct RequestArgs {
    /// What the request is for
    #[arg(value_parser = services())]
    service: Service,
    /// GET, POST, PUT, DELETE ...
    #[arg(value_parser = method)]
    method: Method,
    /// Path and query, without a server: /pdb/query/v4/nodes?limit=1
    #[arg(value_parser = path)]
    path: PathAndQuery,
    /// The body, or with @ the file that has it; @- is standard input
    ///
    /// It is application/json unless a header says otherwise.
    #[arg(short, long, value_name = "DATA|@FILE")]
    data: Option<Data>,
    /// A header: 'Name: value'; may be given again
    ///
    /// Without one of that name, Accept is 'application/json, */*'.
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<Header>,
    /// Where the body of the answer goes instead of standard output; not touched without an answer
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Whom to ask first, against the order of the settings; what is for the master only stays there
    ///
    /// What is known of servers from before is left out, and nothing is remembered.
    #[arg(long, value_name = "master|replica|HOST")]
    pub(super) prefer: Option<Preferred>,
    /// How long all of it may take; by default the answer begins within 240 s, or 300 s for
    /// catalogs and reports
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(super) deadline: Option<Duration>,
}

impl RequestArgs {
    /// The request, and what is known of it.
    ///
    /// # Errors
    /// When the path is another service's, or the data cannot be read.
    pub(super) fn request(&self) -> Result<(Request<Body>, Operation), Failure> {
        let operation = self.operation()?;
        let body = match &self.data {
            Some(data) => data.read()?,
            None => Body::empty(),
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.clone().into();
        for Header { name, value } in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        let headers = request.headers_mut();
        headers.entry(ACCEPT).or_insert(ANYTHING);
        if self.data.is_some() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().entry(CONTENT_TYPE).or_insert(json);
        }
        if Operation::of(self.method.as_str(), self.path.path()).is_none() {
            // The client knows more of a request than its operation: whether a command is dated, say.
            request.extensions_mut().insert(operation);
        }
        Ok((request, operation))
    }

    /// What is shown of the request as it goes out.
    pub(super) fn head(&self, headers: &HeaderMap) -> Head {
        let first = format!("{} {} HTTP/1.1", self.method, self.path);
        Head(std::iter::once(first).chain(lines(headers)).collect())
    }

    /// Finds out before anything is sent that the answer could not be written.
    ///
    /// # Errors
    /// When there is no directory for the file.
    pub(super) fn check_output(&self) -> Result<(), Failure> {
        let Some(path) = &self.output else {
            return Ok(());
        };
        let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let fault = if path.is_dir() {
            "it is a directory"
        } else if parent.is_some_and(|dir| !dir.is_dir()) {
            "its directory does not exist"
        } else {
            return Ok(());
        };
        let path = path.display();
        let story = format!("--output {path}: {fault}; name a file that can be written");
        Err(Failure::new(Code::USAGE, story))
    }

    fn operation(&self) -> Result<Operation, Failure> {
        let (service, method, path) = (self.service, self.method.as_str(), self.path.path());
        match Operation::of(method, path) {
            Some(operation) if operation.service == service => Ok(operation),
            Some(Operation { service: other, .. }) => Err(Failure::new(
                Code::USAGE,
                format!(
                    "{path} is a path of {other} and not of {service}; write {other} before it"
                ),
            )),
            None => Ok(Operation::by_method(service, method)),
        }
    }
}

/// Headers, a line each. What the command line has may be a secret, and is not shown.
pub(super) fn lines(headers: &HeaderMap) -> impl Iterator<Item = String> {
    headers
        .iter()
        .map(|(name, value)| match value.is_sensitive() {
            true => format!("{name}: (not shown)"),
            false => format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())),
        })
}

fn services() -> impl TypedValueParser<Value = Service> {
    PossibleValuesParser::new(Service::ALL.map(Service::name))
        .try_map(|name| name.parse::<Service>())
}

/// Puppet Server answers no request for its own data that does not say what it takes.
const ANYTHING: HeaderValue = HeaderValue::from_static("application/json, */*");

/// The methods that Puppet knows are all in capitals.
fn method(text: &str) -> Result<Method, String> {
    match Method::from_bytes(text.to_ascii_uppercase().as_bytes()) {
        Ok(Method::CONNECT) | Err(_) => Err("write GET, POST, PUT or DELETE".to_owned()),
        Ok(method) => Ok(method),
    }
}

fn path(text: &str) -> Result<PathAndQuery, String> {
    if !text.starts_with('/') {
        return Err("write it from its first / on; the settings say at which servers".to_owned());
    }
    if text.contains('#') {
        return Err("a # is not sent to servers; write %23 if it is meant".to_owned());
    }
    PathAndQuery::try_from(text)
        .map_err(|error| format!("{error}; write spaces and the like as %20"))
}

const AFTER: &str = "\
Exit codes:
   0  answered 2xx or 3xx
   1  answered, and the answer could not be written
   2  command line or settings; nothing was sent
   4  answered 4xx
   5  answered 5xx
  10  only the master may do this, and it cannot be reached, or two hosts say that they are it:
      not during failover; nothing was done
  11  sent, and the answer did not come: it may have been processed, so look before you repeat it
  12  no server was trusted, or none trusts this agent
  13  the deadline passed
  14  nobody answered, or the answer to what may be repeated broke off, or this machine is at fault

Examples:
  Which nodes does PuppetDB know?
    standin request puppetdb GET /pdb/query/v4/nodes | jq -r '.[].certname'

  Does the replica compile for this agent, while the master is well?
    standin request --prefer replica puppet-server GET \\
      '/puppet/v3/node/agent1.example.com?environment=production'

  Send a report from a file, see each step, and wait 20 seconds at most:
    standin request -v --deadline 20 puppet-server PUT \\
      '/puppet/v3/report/agent1.example.com?environment=production' -d @report.json";
