//! The map of the workspace holds: arrows between the crates never point up.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

const CRATES: [&str; 7] = [
    "standin-core",
    "standin-net",
    "standin",
    "standin-config",
    "standin-pcp",
    "standin-lab",
    "standin-cli",
];

/// What each crate may use of the others outside its tests.
fn allowed(name: &str) -> &'static [&'static str] {
    match name {
        "standin-net" | "standin-config" => &["standin-core"],
        "standin" => &["standin-core", "standin-net", "standin-config"],
        "standin-pcp" => &["standin-core", "standin-net"],
        "standin-cli" => &CRATES,
        _ => &[],
    }
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn no_arrow_points_up() {
    let metadata: serde_json::Value = serde_json::from_str(&cargo(&[
        "metadata",
        "--no-deps",
        "--format-version=1",
        "--offline",
    ]))
    .unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let mut seen = BTreeSet::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let Some(name) = CRATES.iter().find(|known| **known == name) else {
            continue;
        };
        seen.insert(*name);
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            if dependency["kind"] == "dev" || !CRATES.contains(&other) {
                continue;
            }
            assert!(allowed(name).contains(&other), "{name} may not use {other}");
        }
    }
    assert_eq!(seen.len(), CRATES.len(), "a crate of the map is missing");
}

#[test]
fn the_core_has_a_handful_of_dependencies_and_no_runtime() {
    let tree = cargo(&[
        "tree",
        "-p",
        "standin-core",
        "-e",
        "normal",
        "--prefix",
        "none",
        "--offline",
    ]);
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for runtime in ["tokio", "hyper", "mio", "rustls", "socket2", "fastrand"] {
        assert!(!names.contains(runtime), "standin-core pulls in {runtime}");
    }
    let direct = cargo(&[
        "tree",
        "-p",
        "standin-core",
        "-e",
        "normal",
        "--depth",
        "1",
        "--prefix",
        "none",
        "--offline",
    ]);
    let direct = direct.lines().count() - 1;
    assert!(direct <= 5, "standin-core has {direct} direct dependencies");
}
