use super::*;

fn of(method: &str, path: &str) -> Operation {
    Operation::of(method, path).unwrap()
}

#[test]
fn reads_that_travel_as_post_may_go_to_a_replica() {
    for path in [
        "/puppet/v3/catalog/agent",
        "/pdb/query/v4/nodes",
        "/classifier-api/v1/classified/nodes/agent",
    ] {
        let operation = of("POST", path);
        assert_eq!(operation.effect, Effect::Read, "{path}");
        assert_eq!(operation.repeat, Repeat::Harmless, "{path}");
        assert!(operation.may_go_to(Role::Replica), "{path}");
    }
}

#[test]
fn edits_go_to_a_master_only_and_are_not_repeated() {
    for (method, path) in [
        ("POST", "/classifier-api/v1/groups"),
        ("DELETE", "/classifier-api/v1/groups/1"),
        ("POST", "/classifier-api/v1/classified/nodes"),
        ("PUT", "/puppet-ca/v1/certificate_request/agent"),
        ("POST", "/rbac-api/v1/auth/token"),
        ("POST", "/code-manager/v1/deploys"),
        ("POST", "/orchestrator/v1/command/deploy"),
    ] {
        let operation = of(method, path);
        assert_eq!(operation.effect, Effect::Write, "{path}");
        assert_eq!(operation.repeat, Repeat::Harmful, "{path}");
        assert!(!operation.may_go_to(Role::Replica), "{path}");
        assert!(operation.may_go_to(Role::Master), "{path}");
        assert!(operation.may_go_to(Role::Pool), "{path}");
    }
}

#[test]
fn not_even_a_read_of_the_ca_goes_to_a_replica() {
    assert!(!of("GET", "/puppet-ca/v1/certificate/ca").may_go_to(Role::Replica));
}

#[test]
fn a_report_and_a_command_are_writes_that_a_replica_takes() {
    for (method, path) in [("PUT", "/puppet/v3/report/a"), ("POST", "/pdb/cmd/v1")] {
        let operation = of(method, path);
        assert_eq!(operation.effect, Effect::Write);
        assert_eq!(operation.repeat, Repeat::Harmless);
        assert!(operation.may_go_to(Role::Replica));
    }
}

#[test]
fn queries_and_commands_have_health_of_their_own() {
    assert_eq!(of("POST", "/pdb/cmd/v1").class(), Class::Commands);
    assert_eq!(
        of("GET", "/pdb/query/v4/nodes").class(),
        Class::Service(Service::PuppetDb)
    );
}

#[test]
fn an_unknown_path_is_judged_by_its_method() {
    assert_eq!(of("GET", "/puppet/v9/new").effect, Effect::Read);
    assert_eq!(of("PUT", "/puppet/v9/new").repeat, Repeat::Harmless);
    assert_eq!(of("POST", "/puppet/v9/new").repeat, Repeat::Harmful);
    assert_eq!(of("get", "/puppet/v9/new").repeat, Repeat::Harmful);
}

#[test]
fn a_path_of_no_service_is_no_operation() {
    assert_eq!(Operation::of("GET", "/status/v1/simple"), None);
}

#[test]
fn operations_that_take_their_own_time_are_told_apart() {
    let all: Vec<Operation> = Operation::every().collect();
    let keys: std::collections::HashSet<String> =
        all.iter().map(|operation| operation.key()).collect();
    let mut indices: Vec<usize> = all.iter().map(|operation| operation.index()).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..Operation::COUNT).collect::<Vec<_>>());
    assert_eq!(keys.len(), Operation::COUNT);
}

#[test]
fn classes_stand_in_the_order_of_their_indices() {
    assert_eq!(Class::all().count(), Class::COUNT);
    assert!(
        Class::all()
            .enumerate()
            .all(|(at, class)| class.index() == at)
    );
}
