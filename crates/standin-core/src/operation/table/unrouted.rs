//! Requests about one server: what another would answer is no answer.

use super::Unrouted;

pub(super) const UNROUTED: &[Unrouted] = &[
    about_one("GET", "/status/v1/services", STATUS),
    about_one("GET", "/status/v1/services/*", STATUS),
    about_one("GET", "/status/v1/simple", STATUS),
    about_one("GET", "/status/v1/simple/*", STATUS),
    about_one("GET", "/metrics/v1/mbeans", METRICS),
    about_one("GET", "/metrics/v1/mbeans/*", METRICS),
    about_one("POST", "/metrics/v1/mbeans", METRICS),
    about_one("GET", "/metrics/v2/**", METRICS),
    about_one("POST", "/metrics/v2/**", METRICS),
    about_one("DELETE", "/puppet-admin-api/v1/environment-cache", CACHE),
    about_one("DELETE", "/puppet-admin-api/v1/jruby-pool", CACHE),
    about_one(
        "GET",
        "/puppet-admin-api/v1/jruby-pool/thread-dump",
        METRICS,
    ),
    about_one("POST", "/inventory/v1/**", INVENTORY),
];

const fn about_one(method: &'static str, path: &'static str, reason: &'static str) -> Unrouted {
    Unrouted {
        method,
        path,
        reason,
    }
}

const STATUS: &str = "says how the server that is asked is";
const METRICS: &str = "measures the server that is asked";
const CACHE: &str = "has the server that is asked read its code anew; others keep what they have";
const INVENTORY: &str = "the node inventory, of which no page says what a replica does with it";
