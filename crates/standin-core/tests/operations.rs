//! The table of operations: that it says of each request what is true, that no spelling gets around it,
//! and that `OPERATIONS.md` shows it as it is.

use std::fmt::Write;
use std::path::Path;

use proptest::prelude::*;
use standin_core::{
    Effect, InvalidRule, Length, Operation, Operations, Repeat, ReplicaServes, Role, Row,
    RuleFault, Service, Unrouted,
};

/// Whether all that `stricter` allows, `looser` allows too.
fn allows_no_more(stricter: Operation, looser: Operation) -> bool {
    let reads = |operation: Operation| operation.effect == Effect::Read;
    let repeats = |operation: Operation| operation.repeat == Repeat::Harmless;
    (!reads(stricter) || reads(looser)) && (!repeats(stricter) || repeats(looser))
}

/// A path that fits a pattern.
fn example(pattern: &str) -> String {
    pattern.replace("**", "a/b").replace('*', "a.example.com")
}

#[test]
fn each_row_judges_the_requests_that_it_names() {
    for row in Row::all() {
        let path = example(row.path);
        assert_eq!(Row::of(row.method, &path), Some(row), "{path}");
        assert_eq!(
            Operation::of(row.method, &path),
            Some(row.operation),
            "{path}"
        );
        assert_eq!(Service::of_path(&path), Some(row.operation.service));
        assert!(
            !row.reason.is_empty() && !row.reason.ends_with('.'),
            "{path}"
        );
    }
}

/// So that no other spelling of its path can get around a row: it is judged by its method.
#[test]
fn no_row_is_stricter_than_its_method() {
    for row in Row::all() {
        let by_method = Operation::by_method(row.operation.service, row.method);
        assert!(allows_no_more(by_method, row.operation), "{row:?}");
    }
}

#[test]
fn every_service_with_paths_has_rows_but_brokers() {
    for service in Service::ALL {
        let has_rows = Row::all().any(|row| row.operation.service == service);
        let is_page = matches!(service, Service::Console | Service::PcpBroker);
        assert_eq!(has_rows, !is_page, "{service}");
    }
}

#[test]
fn head_is_judged_as_get() {
    let bucket = "/puppet/v3/file_bucket_file/md5/0/etc/motd";
    assert_eq!(Operation::of("HEAD", bucket), Operation::of("GET", bucket));
    let catalog = Operation::of("HEAD", "/puppet/v3/catalog/a");
    assert_eq!(catalog.map(|catalog| catalog.length), Some(Length::Long));
}

#[test]
fn a_request_about_one_server_belongs_to_no_service() {
    for Unrouted { method, path, .. } in Unrouted::all() {
        assert_eq!(Operation::of(method, &example(path)), None, "{path}");
    }
}

/// The design's section 3: what must not be repeated, and what must not go to a replica.
#[test]
fn edits_certificates_deploys_and_jobs_are_done_once_and_by_a_master() {
    for (method, path) in [
        ("PUT", "/puppet-ca/v1/certificate_request/a"),
        ("PUT", "/puppet-ca/v1/certificate_status/a"),
        ("PUT", "/puppet-ca/v1/clean"),
        ("POST", "/puppet-ca/v1/sign"),
        ("POST", "/puppet-ca/v1/certificate_renewal"),
        ("DELETE", "/puppet-ca/v1/certificate_status/a"),
        ("POST", "/classifier-api/v1/groups"),
        ("POST", "/classifier-api/v1/groups/1/pin"),
        ("DELETE", "/classifier-api/v1/groups/1"),
        ("POST", "/classifier-api/v1/import-hierarchy"),
        ("POST", "/rbac-api/v1/auth/token"),
        ("POST", "/rbac-api/v1/users"),
        ("DELETE", "/rbac-api/v2/tokens/t"),
        ("POST", "/code-manager/v1/deploys"),
        ("POST", "/code-manager/v1/webhook"),
        ("POST", "/orchestrator/v1/command/task"),
        ("POST", "/file-sync/v1/commit"),
        ("POST", "/file-sync-git/puppet-code.git/git-receive-pack"),
    ] {
        let operation = Row::of(method, path).expect(path).operation;
        assert_eq!(operation.effect, Effect::Write, "{path}");
        assert_eq!(operation.repeat, Repeat::Harmful, "{path}");
        assert!(!operation.may_go_to(Role::Replica), "{path}");
    }
}

#[test]
fn reads_that_travel_with_a_body_are_reads() {
    for (method, path) in [
        ("POST", "/puppet/v3/catalog/a"),
        ("POST", "/puppet/v4/catalog"),
        ("POST", "/puppet/v3/compile"),
        ("POST", "/pdb/query/v4"),
        ("POST", "/pdb/query/v4/nodes"),
        ("POST", "/classifier-api/v2/classified/nodes/a"),
        ("POST", "/classifier-api/v1/classified/nodes/a/explanation"),
        ("POST", "/classifier-api/v1/rules/translate"),
        ("POST", "/rbac-api/v1/permitted"),
        ("PUT", "/rbac-api/v1/ds/test"),
        ("POST", "/file-sync/v1/latest-commits"),
        ("POST", "/file-sync-git/puppet-code.git/git-upload-pack"),
    ] {
        let operation = Operation::of(method, path).expect(path);
        assert_eq!(operation.effect, Effect::Read, "{path}");
        assert!(operation.may_go_to(Role::Replica), "{path}");
    }
}

#[test]
fn a_query_changes_nothing_of_the_judgement() {
    let with = Operation::of("POST", "/puppet/v3/catalog/a?environment=../x");
    assert_eq!(with, Operation::of("POST", "/puppet/v3/catalog/a"));
}

#[test]
fn another_spelling_is_another_path() {
    for path in [
        "/classifier-api/v1/classified/nodes/a/",
        "/classifier-api/v1//classified/nodes/a",
        "/classifier-api/V1/classified/nodes/a",
        "/classifier-api/v1/classifie%64/nodes/a",
        "/classifier-api/v1/classified/nodes/a%2fb",
        "/classifier-api/v1/classified/nodes/.",
        "/classifier-api/v1/classified/nodes/a;x=y",
    ] {
        let operation = Operation::of("POST", path).expect(path);
        assert_eq!(operation.repeat, Repeat::Harmful, "{path}");
        assert_eq!(operation.effect, Effect::Write, "{path}");
    }
}

#[test]
fn an_odd_path_is_not_repeated_though_its_method_may_be() {
    for path in [
        "/puppet/v3/facts/a%2f",
        "/puppet/v3/./facts/a",
        "/puppet/v3/facts/a;b",
    ] {
        let operation = Operation::of("PUT", path).expect(path);
        assert_eq!(operation.repeat, Repeat::Harmful, "{path}");
        let read = Operation::of("GET", path).expect(path);
        assert_eq!(read.effect, Effect::Read, "{path}");
    }
}

#[test]
fn a_path_that_climbs_belongs_to_no_service() {
    for path in [
        "/puppet/../puppet-ca/v1/sign",
        "/puppet/v3/file_content/%2e%2e/%2e%2e/%2e%2e/puppet-ca/v1/sign",
        "/classifier-api/v1/classified/nodes/..%2f..%2fgroups",
        "//puppet-ca/v1/sign",
        "/PUPPET/v3/node/a",
        "puppet/v3/node/a",
        "",
    ] {
        assert_eq!(Operation::of("POST", path), None, "{path}");
    }
}

#[test]
fn a_rule_comes_before_the_table_and_the_first_before_the_second() {
    let read = Operation::by_method(Service::PuppetDb, "GET");
    let write = Operation::by_method(Service::PuppetDb, "POST");
    let operations = Operations::new()
        .with("POST", "/pdb/plugin/v1/*/look-up", read)
        .and_then(|rules| rules.with("POST", "/pdb/plugin/**", write))
        .and_then(|rules| rules.with("POST", "/outside/v1", read))
        .expect("good rules");
    let of = |path| operations.of("POST", path);
    assert_eq!(of("/pdb/plugin/v1/a/look-up"), Some(read));
    assert_eq!(of("/pdb/plugin/v1/a/look-up?x=y"), Some(read));
    assert_eq!(of("/pdb/plugin/v1/a/b/look-up"), Some(write));
    assert_eq!(of("/outside/v1"), Some(read));
    assert_eq!(of("/outside/v2"), None);
    assert_eq!(of("/pdb/query/v4"), Operation::of("POST", "/pdb/query/v4"));
    assert_eq!(operations.of("PUT", "/outside/v1"), None);
}

#[test]
fn no_rule_fits_a_path_that_servers_read_differently() {
    let read = Operation::by_method(Service::PuppetDb, "GET");
    let operations = Operations::new()
        .with("POST", "/pdb/**", read)
        .expect("a good rule");
    let odd = operations.of("POST", "/pdb/a%2fb").expect("of the service");
    assert_eq!(odd.repeat, Repeat::Harmful);
    assert_eq!(operations.of("POST", "/pdb/../rbac-api/v1/users"), None);
}

#[test]
fn a_rule_that_can_fit_nothing_is_refused_with_what_to_do() {
    let read = Operation::by_method(Service::PuppetDb, "GET");
    let refused = |method: &str, path: &str| -> InvalidRule {
        let rules = Operations::new()
            .with("GET", "/pdb/there", read)
            .expect("a good rule");
        rules.with(method, path, read).expect_err(path)
    };
    for (method, path, fault) in [
        ("", "/pdb", RuleFault::Method),
        ("get", "/pdb", RuleFault::Method),
        ("GET ", "/pdb", RuleFault::Method),
        ("GET", "", RuleFault::NoSlash),
        ("GET", "https://m/pdb", RuleFault::NoSlash),
        ("GET", "/pdb?x=y", RuleFault::NotPath),
        ("GET", "/pdb/a b", RuleFault::NotPath),
        ("GET", "/pdb/ä", RuleFault::NotPath),
        ("GET", "/pdb/../x", RuleFault::Odd),
        ("GET", "/pdb/a%2f", RuleFault::Odd),
        ("GET", "/pdb/a*", RuleFault::Star),
        ("GET", "/pdb/***", RuleFault::Star),
        ("GET", "/pdb/**/x", RuleFault::RestNotLast),
        ("GET", "/pdb/there", RuleFault::Twice),
    ] {
        assert_eq!(refused(method, path).fault(), fault, "{method} {path}");
    }
    assert_eq!(
        refused("GET", "/pdb/a*").to_string(),
        "the rule for \"GET\" \"/pdb/a*\" cannot be used: a star stands for a whole segment; \
         write /*/ for one, or ** at the end"
    );
}

fn rows() -> Vec<Row> {
    Row::all().collect()
}

fn method() -> impl Strategy<Value = String> {
    let known = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "post",
    ];
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        "[A-Z]{1,7}",
    ]
}

/// Paths near those of the table: with something put in, taken out, or written differently.
fn path() -> impl Strategy<Value = String> {
    let put_in = [
        "/", "//", ".", "..", "/../", "/./", "%2f", "%2e%2e", ";", "\\", "%", "A", "a", "é",
    ];
    let edit = (
        any::<prop::sample::Index>(),
        prop::sample::select(put_in.to_vec()),
        0..3usize,
    );
    let near = (
        prop::sample::select(rows()),
        prop::collection::vec(edit, 0..3),
    );
    let near = near.prop_map(|(row, edits)| {
        let mut path: Vec<char> = example(row.path).chars().collect();
        for (at, text, removed) in edits {
            let at = at.index(path.len() + 1);
            let end = (at + removed).min(path.len());
            path.splice(at..end, text.chars());
        }
        path.into_iter().collect::<String>()
    });
    prop_oneof![4 => near, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn what_no_row_knows_is_judged_no_more_loosely_than_its_method(
        method in method(),
        path in path(),
    ) {
        let judged = Operation::of(&method, &path);
        match (Row::of(&method, &path), judged) {
            (Some(row), judged) => prop_assert_eq!(judged, Some(row.operation)),
            (None, Some(judged)) => {
                prop_assert_eq!(Service::of_path(&path), Some(judged.service));
                let by_method = Operation::by_method(judged.service, &method);
                prop_assert!(allows_no_more(judged, by_method), "{:?}", judged);
            }
            (None, None) => {}
        }
    }
}

#[test]
fn the_page_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("OPERATIONS.md");
    let page = page();
    if std::env::var_os("STANDIN_BLESS").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let shown = std::fs::read_to_string(&path).expect("the page is there");
    assert!(
        shown == page,
        "OPERATIONS.md is not what the table says; STANDIN_BLESS=1 cargo test -p standin-core \
         --test operations writes it anew"
    );
}

const HEAD: &str = "\
# Operations

What is known of the public requests to each service, and why: whether a request changes something, whether it may arrive
twice, whether a replica that was not promoted may be sent it, and whether minutes are normal. `*` stands for one segment of a
path, `**` for any number of them. What is said of GET holds for HEAD.

A path that is not here is judged by its method (RFC 9110): GET, HEAD, OPTIONS and TRACE are reads; PUT and DELETE may arrive
twice where a replica takes writes, and nothing else may. So are upper case and a slash at the end, for they make another path. A
path that servers may read differently (dot segments, encoded dots, slashes or backslashes, parameters after a semicolon) fits no
row and, unless it is a read, may not arrive twice; one that may climb out of its service belongs to none. A query is not looked
at, with one exception: a command of PuppetDB that has no `producer-timestamp` and gets none may not arrive twice. Nor is a body, with one
exception: authentication by token is a read if `update_last_activity?` is false.

Programs that know better say so: with an `Operation` in a request's extensions, or with `Operations` when the client is made.

Made by `STANDIN_BLESS=1 cargo test -p standin-core --test operations`.
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    let yes = |holds: bool| if holds { "yes" } else { "no" };
    for service in Service::ALL {
        let rows: Vec<Row> = Row::all()
            .filter(|row| row.operation.service == service)
            .collect();
        if rows.is_empty() {
            continue;
        }
        let replica = match service.replica_serves() {
            ReplicaServes::Everything => "reads and writes",
            ReplicaServes::Reads => "reads",
            ReplicaServes::Nothing => "nothing until it is promoted",
        };
        let _ = write!(
            page,
            "\n## {service}\n\nA replica serves {replica}.\n\n\
             | request | changes | twice | replica | minutes | why |\n|---|---|---|---|---|---|\n"
        );
        for Row {
            method,
            path,
            operation,
            reason,
        } in rows
        {
            let changes = yes(operation.effect == Effect::Write);
            let twice = yes(operation.repeat == Repeat::Harmless);
            let replica = yes(operation.may_go_to(Role::Replica));
            let minutes = yes(operation.length == Length::Long);
            let _ = writeln!(
                page,
                "| `{method} {path}` | {changes} | {twice} | {replica} | {minutes} | {reason} |"
            );
        }
    }
    page.push_str(
        "\n## Of no service\n\nThese are about one server. They go to the server that they name, once; without one they go \
         nowhere.\n\n| request | why |\n|---|---|\n",
    );
    for Unrouted {
        method,
        path,
        reason,
    } in Unrouted::all()
    {
        let _ = writeln!(page, "| `{method} {path}` | {reason} |");
    }
    page
}
