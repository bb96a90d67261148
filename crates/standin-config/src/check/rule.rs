//! Rules: what is looked for, how bad it is, and why it matters in an outage.

use std::fmt;

use serde::{Serialize, Serializer};

/// How bad a finding is.
///
/// Exhaustive on purpose: exit codes are made of it. The worst is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something does not work now, or will not once a host is lost.
    Error,
    /// The loss of a host will be felt: work will be late, or a part of it will stop.
    Warning,
    /// Something was assumed. There is nothing to do if it is right.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

macro_rules! rules {
    ($($severity:ident $rule:ident $id:literal: $summary:literal, $why:literal;)+) => {
        /// What is looked for. Its [`Rule::id`] does not change from release to release.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = concat!("`", $id, "`: ", $summary, ".")] $rule,)+
        }

        impl Rule {
            /// Every rule, errors first.
            pub const ALL: &[Self] = &[$(Self::$rule,)+];

            /// The name for programs: lower case with hyphens.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$rule => $id,)+ }
            }

            /// How bad it is.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)+ }
            }

            /// What it finds, in a line without a full stop.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$rule => $summary,)+ }
            }

            /// Why it matters in an outage.
            #[must_use]
            pub const fn why(self) -> &'static str {
                match self { $(Self::$rule => $why,)+ }
            }
        }
    };
}

rules! {
    Error UnusableSettings "unusable-settings":
        "a settings file, or a setting in one, cannot be used",
        "What cannot be read names no servers: its service has nobody to turn to.";
    Error ReadOtherwise "read-otherwise":
        "a time or number is read as another than was written",
        "A time that is too short gives up servers that are well, or has every agent ask at once; \
         one without end waits for the lost.";
    Error UnresolvableName "unresolvable-name":
        "the name of a server has no address",
        "High availability needs names that can be resolved, for master and replica: a server \
         without an address cannot take over.";
    Error ReplicaNotEnabled "replica-not-enabled":
        "a replica is listed that ha_enabled_replicas does not name",
        "A replica that is provisioned and not enabled is not ready to take over, and work sent \
         there fails.";
    Error SeveralReplicas "several-replicas":
        "there is more than one replica",
        "Puppet Enterprise replicates to one replica: the data of a second is stale or missing \
         when it is needed.";
    Error ReplicaAmongCompileMasters "replica-among-compile-masters":
        "the replica is listed with load balancers or compile masters",
        "It is not a supported configuration: agents would use the replica as a compile master \
         in peace, and load it when it has to stand in.";
    Error SplitInstallation "split-installation":
        "master, console and PuppetDB are on machines of their own",
        "High availability is not supported for split installations: the loss of any of the \
         machines stops the work.";
    Error BrokerWithoutPort "broker-without-port":
        "a PCP broker is named without its port",
        "A wss:// address without a port means 443, where no broker listens: the agent never \
         connects, or never fails over.";
    Error LossFailsWrites "loss-fails-writes":
        "the loss of one PuppetDB leaves too few to submit commands to",
        "With one PuppetDB gone no command can reach the number that is asked for, so that every \
         run fails for as long as it is gone.";
    Error CertificateExpired "certificate-expired":
        "a certificate has expired",
        "No server takes it, neither the master nor the replica: failing over does not help.";
    Error CertificateNotYetValid "certificate-not-yet-valid":
        "a certificate is not valid yet",
        "No server takes it, neither the master nor the replica: failing over does not help.";
    Error RevocationListExpired "revocation-list-expired":
        "a revocation list is past its next update",
        "Master and replica are judged by the same list, so that neither is trusted: everything \
         stops at once.";
    Error KeyMismatch "key-mismatch":
        "the private key is not that of the certificate",
        "The agent cannot show who it is, neither to the master nor to the replica.";
    Error UnusableCertificateFile "unusable-certificate-file":
        "a file of certificates, keys or revocation lists cannot be used",
        "Without it there is no connection to anybody: failing over does not help.";
    Error NameNotInCertificate "name-not-in-certificate":
        "a server's certificate is not for the name dialled (--online)",
        "The server is reached and not trusted, so that it cannot stand in.";
    Error ServerNotTrusted "server-not-trusted":
        "server and agent do not trust each other (--online)",
        "The server is reached and not trusted, so that it cannot stand in.";
    Error ServerUnreachable "server-unreachable":
        "a server cannot be reached (--online)",
        "A server that does not answer in peace cannot stand in for another.";

    Warning NoPuppetConf "no-puppet-conf":
        "there is no puppet.conf",
        "Puppet then asks a server called puppet, and there is nobody to fail over to.";
    Warning ServerNotUsed "server-not-used":
        "server is set beside server_list",
        "Puppet warns at every run and uses server_list alone: whoever changes server in an \
         outage changes nothing.";
    Warning SrvRecordsFirst "srv-records-first":
        "DNS is asked for servers before server_list is looked at",
        "The records choose by weight and know no replica: the order of server_list counts only \
         when none of them can be reached.";
    Warning ReportsToOne "reports-to-one":
        "reports do not follow server_list",
        "While that server is lost reports are lost, for Puppet does not send them again.";
    Warning ProxyBeforeServers "proxy-before-servers":
        "the servers are reached through a proxy",
        "The loss of the proxy takes master and replica alike, and while it is there it hides \
         which of them is lost.";
    Warning AddressInsteadOfName "address-instead-of-name":
        "a server is listed by its address",
        "Puppet's certificates hold names, so that a server that is dialled by its address is \
         rarely trusted; and an address cannot be moved to another machine in DNS.";
    Warning SameAddress "same-address":
        "two hosts of a list have an address in common",
        "The loss of that machine takes both, so that one does not stand in for the other.";
    Warning RolesDoubtful "roles-doubtful":
        "what was assumed of the roles of listed hosts may be wrong",
        "A replica that is taken for a master or compile master is sent work that only the master \
         may do, and it fails there.";
    Warning OrderDiffers "order-differs":
        "two lists have the same hosts in different order",
        "Services then have different first hosts, so that the loss of either hurts, and in peace \
         work goes to the replica.";
    Warning ReplicaMissing "replica-missing":
        "a list has the master and not its replica",
        "When the master is lost the service of this list stops, though the replica has it.";
    Warning SlowConnectTimeout "slow-connect-timeout":
        "connecting may take so long that failing over takes minutes",
        "A host that is off the network does not even refuse: every run waits so long for it \
         before it turns to the next one.";
    Warning FailoverTooSlow "failover-too-slow":
        "failing over may outlast the load balancer",
        "The load balancer ends the connection just before the stand-in would have answered.";
    Warning PuppetDbFailoverTooSlow "puppetdb-failover-too-slow":
        "PuppetDB's failover may take a quarter of the load balancer's time",
        "A compile may wait for PuppetDB four times, and the load balancer ends its connection \
         before it is done.";
    Warning ShortLoadBalancerTimeout "short-load-balancer-timeout":
        "the load balancer's time-out is shorter than four minutes",
        "The overview asks for four minutes or longer, for a compile master has to wait for \
         PuppetDB and the node classifier while it fails over.";
    Warning StickyReadsOff "sticky-reads-off":
        "PuppetDB queries begin with the first server each time",
        "While the first is lost every query waits for it again, for server_url_timeout each.";
    Warning PingInterval "ping-interval":
        "pxp-agent pings its broker too often, or too rarely",
        "Brokers under load lose everybody who pings often, and end connections that are silent \
         for six minutes.";
    Warning CertificateExpiresSoon "certificate-expires-soon":
        "a certificate expires within 30 days",
        "Once it has, neither master nor replica takes it: failing over does not help.";
    Warning RevocationListExpiresSoon "revocation-list-expires-soon":
        "a revocation list has its next update within 30 days",
        "Once it has passed, neither master nor replica is trusted: everything stops at once.";
    Warning KeyReadableByOthers "key-readable-by-others":
        "a private key may be read by every user of the machine",
        "Whoever has read it can pose as this agent; revoking its certificate needs the master, \
         which may be lost.";
    Warning ClockSkew "clock-skew":
        "a server's clock differs from this machine's (--online)",
        "Certificates and revocation lists are judged by the clock, and of two copies of an \
         agent's facts the one with the later time wins, though it may be the older.";
    Warning RetiredSetting "retired-setting":
        "a setting is not heeded any more",
        "The server that it names is not the one that is asked.";
    Warning PrefixNotUsed "prefix-not-used":
        "a node classifier is below a prefix that is not used",
        "Requests name /classifier-api, so that a classifier that is elsewhere does not answer.";

    Note RolesAssumed "roles-assumed":
        "of a list of two, master and replica were assumed by their order",
        "Work that only the master may do is sent to the first, and never to the second.";
    Note SingleServer "single-server":
        "there is one server only",
        "Unless it is a load balancer, its loss stops the work.";
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_is_kebab_case_and_of_one_rule() {
        let ids: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        for id in ids {
            let allowed = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            assert!(id.bytes().all(allowed), "{id}");
        }
    }

    #[test]
    fn rules_are_listed_with_the_worst_first() {
        assert!(Rule::ALL.is_sorted_by_key(|rule| rule.severity()));
    }

    #[test]
    fn words_are_sentences() {
        for rule in Rule::ALL {
            assert!(rule.why().ends_with('.'), "{rule}");
            assert!(!rule.summary().ends_with('.'), "{rule}");
            assert!(rule.summary().chars().count() <= 68, "{rule}");
        }
    }
}
