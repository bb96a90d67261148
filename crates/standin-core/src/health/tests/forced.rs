//! What an operator decides.

use super::*;

fn server(name: &str) -> Target {
    Target::Server(Server::new(name, 8140).unwrap())
}

#[test]
fn a_server_that_is_forced_down_serves_nothing_until_it_is_forced_up() {
    let health = health();
    assert_eq!(health.force_down(&server("m")).len(), 1);
    assert_eq!(node(&health, 1000), 1);
    health.force_up(&server("m"), at(1000));
    assert_eq!(node(&health, 1000), 0);
}

#[test]
fn one_service_can_be_forced_down_alone() {
    let health = health();
    let m = Server::new("m", 8140).unwrap();
    health.force_down(&Target::Service(SERVER, m));
    assert_eq!(node(&health, 1), 1);
    assert_eq!(first(&health, "GET", "/file-sync/v1/x", at(1)), 0);
}

#[test]
fn who_is_not_there_cannot_be_forced() {
    let health = health();
    assert!(health.force_down(&server("elsewhere")).is_empty());
}

#[test]
fn a_lone_server_that_is_forced_down_is_still_tried() {
    let installation = Installation::of_hosts("m", None).unwrap();
    let health = Health::new(&installation, Policy::default(), 0);
    health.force_down(&server("m"));
    assert_eq!(node(&health, 1), 0);
}
