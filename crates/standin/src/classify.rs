//! What an answer means: the verdict on a response.

use std::fmt::Debug;
use std::time::Duration;

use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use standin_core::verdict::Processed;
use standin_core::{Operation, Service, Verdict};

/// Reads a verdict from the head of a response.
///
/// It says only what happened; what follows from it is the plan's business.
pub trait Classify: Debug + Send + Sync + 'static {
    /// The verdict on a response with this head.
    fn classify(&self, operation: Operation, status: StatusCode, headers: &HeaderMap) -> Verdict;
}

/// The answers of Puppet's own servers.
///
/// | answer | verdict |
/// |---|---|
/// | 429, or 503 with `Retry-After` | busy |
/// | 503 without | not ready, nothing processed |
/// | 502, 504 | not ready, perhaps processed |
/// | other 5xx of PuppetDB, classifier, RBAC, activity | not ready, perhaps processed |
/// | 404 of PuppetDB that is not JSON | not ready: it is starting |
/// | everything else, 403 and a compile error's 500 too | answered |
#[derive(Clone, Copy, Debug, Default)]
pub struct PuppetAnswers;

impl Classify for PuppetAnswers {
    fn classify(&self, operation: Operation, status: StatusCode, headers: &HeaderMap) -> Verdict {
        match (status, operation.service) {
            (StatusCode::TOO_MANY_REQUESTS, _) => Verdict::Busy(retry_after(headers)),
            (StatusCode::SERVICE_UNAVAILABLE, _) if headers.contains_key(RETRY_AFTER) => {
                Verdict::Busy(retry_after(headers))
            }
            (StatusCode::SERVICE_UNAVAILABLE, _) => Verdict::NotReady(Processed::No),
            (StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT, _) => {
                Verdict::NotReady(Processed::Maybe)
            }
            (StatusCode::NOT_FOUND, Service::PuppetDb) if !is_json(headers) => {
                Verdict::NotReady(Processed::No)
            }
            (
                status,
                Service::PuppetDb | Service::NodeClassifier | Service::Rbac | Service::Activity,
            ) if status.is_server_error() => Verdict::NotReady(Processed::Maybe),
            _ => Verdict::Answered,
        }
    }
}

/// Seconds, or a date as HTTP has it, which is read against the server's own `Date`; zero for
/// everything else.
fn retry_after(headers: &HeaderMap) -> Duration {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(after) = text(RETRY_AFTER).map(str::trim) else {
        return Duration::ZERO;
    };
    if let Ok(seconds) = after.parse() {
        return Duration::from_secs(seconds);
    }
    let date = |text| httpdate::parse_http_date(text).ok();
    let wait = date(after)
        .zip(text(DATE).and_then(date))
        .and_then(|(then, now)| then.duration_since(now).ok());
    wait.unwrap_or_default()
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.trim_start().starts_with("application/json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(path: &str, status: u16, headers: &[(&'static str, &'static str)]) -> Verdict {
        let operation = Operation::of("GET", path).unwrap();
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        let status = StatusCode::from_u16(status).unwrap();
        PuppetAnswers.classify(operation, status, &headers)
    }

    const NODE: &str = "/puppet/v3/node/agent";
    const QUERY: &str = "/pdb/query/v4/nodes";
    const GROUPS: &str = "/classifier-api/v1/groups";
    const JSON: (&str, &str) = ("content-type", "application/json;charset=utf-8");

    #[test]
    fn success_and_refusal_are_answers() {
        for status in [200, 301, 400, 401, 403, 404, 409, 418] {
            assert_eq!(verdict(NODE, status, &[]), Verdict::Answered, "{status}");
        }
    }

    #[test]
    fn a_compile_error_is_not_an_outage() {
        assert_eq!(verdict(NODE, 500, &[JSON]), Verdict::Answered);
    }

    #[test]
    fn five_hundred_of_puppetdb_and_classifier_is() {
        let not_ready = Verdict::NotReady(Processed::Maybe);
        assert_eq!(verdict(QUERY, 500, &[]), not_ready);
        assert_eq!(verdict(GROUPS, 500, &[JSON]), not_ready);
    }

    #[test]
    fn unavailable_without_a_time_is_not_ready() {
        let not_ready = Verdict::NotReady(Processed::No);
        assert_eq!(verdict(NODE, 503, &[]), not_ready);
        assert_eq!(verdict(QUERY, 503, &[]), not_ready);
    }

    #[test]
    fn unavailable_with_a_time_is_busy() {
        let busy = |value| verdict(NODE, 503, &[("retry-after", value)]);
        assert_eq!(busy("4"), Verdict::Busy(Duration::from_secs(4)));
        for nonsense in ["0", "-5", "soon", "1.5", ""] {
            assert_eq!(busy(nonsense), Verdict::Busy(Duration::ZERO), "{nonsense}");
        }
    }

    #[test]
    fn a_date_to_come_again_is_read_against_the_servers_own() {
        let date = ("date", "Mon, 23 Nov 2026 05:31:04 GMT");
        let busy = |value| verdict(NODE, 429, &[date, ("retry-after", value)]);
        let later = "Mon, 23 Nov 2026 05:31:34 GMT";
        let earlier = "Mon, 23 Nov 2026 05:30:04 GMT";
        assert_eq!(busy(later), Verdict::Busy(Duration::from_secs(30)));
        assert_eq!(busy(earlier), Verdict::Busy(Duration::ZERO));
    }

    #[test]
    fn a_404_of_puppetdb_that_is_not_json_means_that_it_starts() {
        assert_eq!(verdict(QUERY, 404, &[JSON]), Verdict::Answered);
        let html = ("content-type", "text/html");
        assert_eq!(
            verdict(QUERY, 404, &[html]),
            Verdict::NotReady(Processed::No)
        );
        assert_eq!(verdict(NODE, 404, &[html]), Verdict::Answered);
    }

    #[test]
    fn a_gateway_error_may_have_been_processed() {
        for status in [502, 504] {
            let maybe = Verdict::NotReady(Processed::Maybe);
            assert_eq!(verdict(NODE, status, &[]), maybe);
        }
    }
}
