//! A transport of one's own makes a client and a tower service.

use http::Request;
use standin::{Body, ErrorKind, FailoverLayer, Policy, Served};
use tower::ServiceExt;

use crate::journal::What;
use crate::script::{Condition, Script, millis, seconds};
use crate::stage::{AGENT, Errand, Stage, installation, play};
use crate::world::World;

#[test]
fn it_is_a_service_that_fails_over() {
    play(0, async {
        let refused = Script::always(Condition::Refused);
        let servers = [("master.test:8140".to_owned(), refused)];
        let world = World::new(servers.into(), [].into());
        let layer = FailoverLayer::new(installation(), AGENT).unwrap();
        let answer = layer.over(world).oneshot(Errand::Node.request(0)).await;
        let answer = answer.unwrap();
        let served = answer.extensions().get::<Served>().unwrap();
        assert_eq!(served.server.host(), "replica.test");
    });
}

#[test]
fn a_request_that_names_a_server_of_no_list_goes_there_alone() {
    play(0, async {
        let stage = Stage::new(Policy::default(), &[]);
        let answer = stage
            .client
            .request(named("https://other.test:8140/puppet/v3/node/a"))
            .await;
        assert!(answer.unwrap().extensions().get::<Served>().is_none());
        let got = |what: &What| matches!(what, What::Got(_));
        assert_eq!(
            stage.world.journal().servers_where(got),
            ["other.test:8140"]
        );
    });
}

#[test]
fn and_is_not_waited_for_beyond_the_time_to_connect() {
    play(0, async {
        let hole = Script::always(Condition::BlackHole);
        let stage = Stage::new(Policy::default(), &[("other.test:8140", hole)]);
        let answer = stage
            .client
            .request(named("https://other.test:8140/puppet/v3/node/a"))
            .await;
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Exhausted);
        assert!(stage.world.now() < seconds(3) + millis(200));
    });
}

fn named(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}
