use std::io;
use std::time::Duration;

use super::*;

/// How a lane's connection goes: the time that it takes, and whether it stands then.
#[derive(Clone, Copy)]
enum Lane {
    Connects(u64),
    Fails(u64),
    Hangs,
}

use Lane::{Connects, Fails, Hangs};

/// A race that was run to its end.
struct Raced {
    won: Option<(usize, usize)>,
    failed: Vec<(usize, ConnectError)>,
    passed_over: Vec<usize>,
    rest: Rest<usize>,
}

async fn go(lane: usize, course: Lane) -> Result<usize, ConnectError> {
    match course {
        Connects(millis) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok(lane)
        }
        Fails(millis) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
            Err(ConnectError::judge(refused.into()))
        }
        Hangs => std::future::pending().await,
    }
}

/// Races these lanes with the times that are the default; tells how many milliseconds it took.
async fn run<const N: usize>(lanes: [Lane; N]) -> (Raced, u128) {
    let begun = tokio::time::Instant::now();
    let mut racing = Racing::new(N, Clock::start(), &Connect::default());
    let won = racing.run(|lane| go(lane, lanes[lane])).await;
    let took = begun.elapsed().as_millis();
    let passed_over = racing.connecting().map(|(lane, _)| lane);
    let passed_over = passed_over.filter(|lane| won.is_some_and(|(won, _)| *lane < won));
    let raced = Raced {
        won,
        passed_over: passed_over.collect(),
        failed: racing.take_failed(),
        rest: racing.into_rest(|_| true),
    };
    (raced, took)
}

fn lanes(failed: &[(usize, ConnectError)]) -> Vec<usize> {
    failed.iter().map(|(lane, _)| *lane).collect()
}

#[tokio::test(start_paused = true)]
async fn the_preferred_wins_alone_within_its_head_start() {
    let (raced, took) = run([Connects(200), Connects(1)]).await;
    assert_eq!(raced.won, Some((0, 0)));
    assert!(raced.rest.is_empty(), "the second was not begun");
    assert_eq!(took, 200);
}

#[tokio::test(start_paused = true)]
async fn the_preferred_wins_within_the_preference_though_the_next_is_faster() {
    let (mut raced, took) = run([Connects(1200), Connects(10)]).await;
    assert_eq!(raced.won, Some((0, 0)));
    assert_eq!(took, 1200);
    let (lane, connection) = raced.rest.next().await.unwrap();
    assert_eq!((lane, connection.unwrap()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_next_wins_when_the_preference_ends() {
    let (raced, took) = run([Hangs, Connects(10)]).await;
    assert_eq!(raced.won, Some((1, 1)));
    assert_eq!(raced.passed_over, [0]);
    assert_eq!(took, 2500);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_passed_over_may_still_be_finished() {
    let (mut raced, _) = run([Connects(4000), Connects(10)]).await;
    assert_eq!(raced.passed_over, [0]);
    let (lane, connection) = raced.rest.next().await.unwrap();
    assert_eq!((lane, connection.unwrap()), (0, 0));
    assert!(raced.rest.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_failure_starts_the_next_at_once() {
    let (raced, took) = run([Fails(5), Connects(10)]).await;
    assert_eq!(raced.won, Some((1, 1)));
    assert_eq!(lanes(&raced.failed), [0]);
    assert!(raced.passed_over.is_empty());
    assert_eq!(took, 15);
}

#[tokio::test(start_paused = true)]
async fn the_next_wins_as_soon_as_the_preferred_fails() {
    let (raced, took) = run([Fails(700), Connects(10)]).await;
    assert_eq!(raced.won, Some((1, 1)));
    assert_eq!(took, 700);
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_the_failures_are_in_their_order() {
    let (raced, took) = run([Fails(600), Fails(10), Fails(20)]).await;
    assert_eq!(raced.won, None);
    assert_eq!(lanes(&raced.failed), [1, 2, 0]);
    assert!(raced.passed_over.is_empty());
    assert_eq!(took, 600);
}

#[tokio::test(start_paused = true)]
async fn a_lane_below_the_winner_is_not_passed_over() {
    let (raced, took) = run([Connects(400), Hangs]).await;
    assert_eq!(raced.won, Some((0, 0)));
    assert!(raced.passed_over.is_empty());
    assert!(!raced.rest.is_empty(), "the second is still connecting");
    assert_eq!(took, 400);
}

#[tokio::test(start_paused = true)]
async fn a_race_of_none_is_lost() {
    let (raced, took) = run([]).await;
    assert_eq!(raced.won, None);
    assert_eq!(took, 0);
}

#[tokio::test(start_paused = true)]
async fn a_race_that_nobody_waits_for_keeps_what_was_begun() {
    let mut racing = Racing::new(2, Clock::start(), &Connect::default());
    let lanes = [Connects(900), Hangs];
    let waiting = racing.run(|lane| go(lane, lanes[lane]));
    let given_up = tokio::time::timeout(Duration::from_millis(300), waiting).await;
    assert!(given_up.is_err());
    assert_eq!(racing.connecting().count(), 2);
    let mut rest = racing.into_rest(|lane| lane == 0);
    let (lane, connection) = rest.next().await.unwrap();
    assert_eq!((lane, connection.unwrap()), (0, 0));
    assert!(rest.next().await.is_none(), "the other was let go");
}
