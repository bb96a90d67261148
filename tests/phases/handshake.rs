//! Every byte of a handshake: nothing of the request was sent, so any request moves on.

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::outcome::{Connection, Ending, Phase, ask, expected, play};
use crate::server::{Act, Script, Stop};
use crate::site::{Errand, MASTER, Sessions, Site};
use crate::wire::{End, Traffic};

/// Plays every stop of a handshake and of what follows it on the wire, to the last byte of the
/// response's.
async fn at_every_byte(version: &'static SupportedProtocolVersion, acts: &[Act]) {
    let site = Site::speaking(version, Sessions::Full).await;
    for (turn, errand) in Errand::ALL.into_iter().enumerate() {
        let traffic = rehearsed(&site, errand).await;
        for (end, phase) in stops(&traffic) {
            // Each errand meets every third byte with each act.
            let (End::In { bytes, .. } | End::Out { bytes }) = end else {
                unreachable!("a stop is an end");
            };
            for (shift, act) in acts.iter().enumerate() {
                if (bytes + shift) % Errand::ALL.len() != turn {
                    continue;
                }
                let script = Script {
                    well: 0,
                    stop: Stop::Wire(end),
                    act: *act,
                };
                let new = Connection::New;
                let outcome = play(&site, script, errand, new, errand.request()).await;
                let must = expected(errand, new, phase, *act);
                assert_eq!(outcome, must, "{script:?} {errand:?} of {traffic:?}");
            }
        }
    }
}

/// What goes over the wire when all is well.
async fn rehearsed(site: &Site, errand: Errand) -> Traffic {
    site.plays(|_| Script::WELL);
    let outcome = ask(&site.client(), errand.request()).await;
    assert!(matches!(outcome.end, Ending::Answered(host, _) if host == MASTER));
    site.master.is_left().await;
    let first = site.master.traffic();
    site.plays(|_| Script::WELL);
    ask(&site.client(), errand.request()).await;
    site.master.is_left().await;
    let traffic = site.master.traffic();
    assert_eq!(
        first.came_at_turns, traffic.came_at_turns,
        "as many bytes every time"
    );
    assert_eq!(first.went_at_turns, traffic.went_at_turns);
    traffic
}

/// Every byte boundary of a conversation, and what is known there.
fn stops(traffic: &Traffic) -> Vec<(End, Phase)> {
    let request = *traffic.came_at_turns.last().unwrap();
    let response = *traffic.went_at_turns.last().unwrap();
    // The client goes on to the request when it has the last of the server's handshake.
    let shaken = traffic.went_at_turns[traffic.went_at_turns.len() - 2];
    let flights = &traffic.came_at_turns[..traffic.came_at_turns.len() - 1];
    let mut stops = Vec::new();
    for bytes in 0..request {
        let flight = flights.iter().find(|flight| bytes < **flight);
        let all = *flight.unwrap_or(&request);
        let phase = if flight.is_some() {
            Phase::Unsent
        } else {
            Phase::Sent
        };
        stops.push((End::In { bytes, all }, phase));
    }
    for bytes in 0..response {
        let phase = match bytes.cmp(&shaken) {
            std::cmp::Ordering::Less => Phase::Unsent,
            // Whether the request went out before is a race: see `dead`.
            std::cmp::Ordering::Equal => continue,
            std::cmp::Ordering::Greater => Phase::Sent,
        };
        stops.push((End::Out { bytes }, phase));
    }
    stops
}

#[tokio::test]
async fn tls_1_3_ends_anywhere() {
    at_every_byte(&TLS13, &[Act::BreakOff, Act::Reset]).await;
}

#[tokio::test]
async fn tls_1_2_ends_anywhere() {
    at_every_byte(&TLS12, &[Act::BreakOff, Act::Reset]).await;
}

#[tokio::test(start_paused = true)]
async fn tls_1_3_falls_silent_anywhere() {
    at_every_byte(&TLS13, &[Act::FallSilent]).await;
}

#[tokio::test(start_paused = true)]
async fn tls_1_2_falls_silent_anywhere() {
    at_every_byte(&TLS12, &[Act::FallSilent]).await;
}
