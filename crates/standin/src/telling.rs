//! What is told of what happens: events of `tracing`, and metrics.
//!
//! # Events
//!
//! Names of messages and fields are stable: a release that changes one says so in the changelog. Of
//! changes that an operator wants to know there is one event at `warn`; of each attempt, one at
//! `debug`. Secrets are in none of them. A server is `HOST:PORT`, a service as the command line has it,
//! and `puppetdb commands` is the part of PuppetDB that takes commands.
//!
//! | level | message | fields |
//! |---|---|---|
//! | warn | `server changed state` | `server`, `from`, `to` |
//! | warn | `service changed state` | `service`, `server`, `from`, `to` |
//! | warn | `failover` | `service`, `from`, `to` |
//! | warn | `failback` | `service`, `from`, `to` |
//! | warn | `host is silent at every port` | `host` |
//! | warn | `host is heard again` | `host` |
//! | warn | `host replicates in another way` | `host`, `mode` |
//! | warn | `more than one host is the source: writes that may not be repeated are refused` | `hosts` |
//! | warn | `no trust` | `server`, `failure`, `remedy` |
//! | warn | `name does not resolve; its last addresses are used` | `name`, `why` |
//! | warn | `memory is not used` | `error`, `cause` |
//! | warn | `TLS files were changed and cannot be used; those read before stay in use` | `error` |
//! | warn | `every user of this machine may read this secret; take that from them (chmod o-r)` | `path` |
//! | warn | `changed server lists cannot be used` | `error` |
//! | warn | `SRV records cannot be had; the last lists stay in force` | `domain`, `why` |
//! | warn | `SRV records name servers that _x-puppet does not; they are not used` | `domain`, `name` |
//! | error | `a command was not taken by PuppetDB; the run goes on without it` | `error` |
//! | warn | `request that nobody took is not spooled` | `kind`, `error` |
//! | warn | `spool is not delivered` | `error` |
//! | warn | `spooled entry is passed over` | `id`, `kind`, `error` |
//! | warn | `spooled entry is set aside: nobody will take it` | `id`, `kind`, `why` |
//! | warn | `spooled entry is removed: nobody took it in time` | `id`, `kind`, `days` |
//! | warn | `entry that was set aside is removed: there are too many` | `id` |
//! | info | `request is spooled: nobody took it` | `id`, `kind`, `certname`, `error` |
//! | info | `spooled entries are delivered` | `delivered`, `left` |
//! | debug | `spooled entry is delivered` | `id`, `kind` |
//! | info | `server lists changed` | |
//! | info | `SRV records are had again` | `domain` |
//! | info | `renewed TLS files are in use` | `cert` |
//! | debug | `connecting` | `server` |
//! | debug | `connected` | `server`, `address`, `tls` |
//! | debug | `sending` | `server` |
//! | debug | `attempt answered` | `service`, `server`, `status` |
//! | debug | `attempt failed` | `service`, `server`, `attempt` |
//! | debug | `redirect followed` | `from`, `to` |
//! | debug | `memory is not written` | `error` |
//! | debug | `a socket option could not be set` | `error` |
//!
//! `standin-pcp` tells of its association with `service` alone, the story being the message: at `error` what
//! somebody has to change, at `info` what is as it should be, else at `warn`; and of attempts as above.
//!
//! # Metrics
//!
//! With the feature `metrics`, through the crate of that name: without a recorder nothing is kept. All
//! clients of a process share them. `standin --example metrics` shows them as Prometheus text.
//!
//! | metric | kind | labels | meaning |
//! |---|---|---|---|
//! | `standin_attempts_total` | counter | `service`, `server`, `outcome` | attempts that are over; the outcome is `answered`, `not-ready`, `busy`, `unreached`, `untrusted`, `local`, `lost` or `cut`, as [`Verdict`](crate::Verdict) has it |
//! | `standin_failovers_total` | counter | `service` | moves to a later server of the list |
//! | `standin_failbacks_total` | counter | `service` | returns to an earlier one |
//! | `standin_server_state` | gauge | `server` | 0 ready, 1 suspect, 2 probing, 3 benched |
//! | `standin_service_state` | gauge | `service`, `server` | the same of a service there |
//! | `standin_budget_repeats` | gauge | | repeats that may be made at once before requests pay for more |
//! | `standin_spool_entries` | gauge | | entries in the spool, as of the last time when one was kept or all were to be delivered |
//! | `standin_probe_seconds` | histogram | `server` | how long questions took how a server is, given up or answered |

/// The names of the metrics.
#[cfg(feature = "metrics")]
pub mod metric {
    /// Attempts that are over.
    pub const ATTEMPTS: &str = "standin_attempts_total";
    /// Moves to a later server.
    pub const FAILOVERS: &str = "standin_failovers_total";
    /// Returns to an earlier server.
    pub const FAILBACKS: &str = "standin_failbacks_total";
    /// The state of a server.
    pub const SERVER_STATE: &str = "standin_server_state";
    /// The state of a service at a server.
    pub const SERVICE_STATE: &str = "standin_service_state";
    /// Repeats that are left.
    pub const BUDGET: &str = "standin_budget_repeats";
    /// Entries in the spool.
    pub const SPOOL: &str = "standin_spool_entries";
    /// How long a probe took, in seconds.
    pub const PROBE: &str = "standin_probe_seconds";
}

/// Tells the recorder what each metric means, and its unit; to be called once it is installed.
#[cfg(feature = "metrics")]
pub fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!(metric::ATTEMPTS, Unit::Count, "Attempts that are over");
    describe_counter!(
        metric::FAILOVERS,
        Unit::Count,
        "Moves of a service to a later server"
    );
    describe_counter!(
        metric::FAILBACKS,
        Unit::Count,
        "Returns of a service to an earlier server"
    );
    describe_gauge!(
        metric::SERVER_STATE,
        "State of a server: 0 ready, 1 suspect, 2 probing, 3 benched"
    );
    describe_gauge!(
        metric::SERVICE_STATE,
        "State of a service at a server: 0 ready, 1 suspect, 2 probing, 3 benched"
    );
    describe_gauge!(
        metric::BUDGET,
        Unit::Count,
        "Repeats that may be made at once"
    );
    describe_gauge!(metric::SPOOL, Unit::Count, "Entries in the spool");
    describe_histogram!(
        metric::PROBE,
        Unit::Seconds,
        "How long a probe of a server took"
    );
}
