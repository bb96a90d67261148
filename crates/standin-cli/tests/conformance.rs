//! Every scenario of the suite, with standin as the client.

use std::path::Path;
use std::process::Command;

#[test]
fn standin_passes_every_scenario() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../standin-lab/scenarios");
    let files = scenarios.read_dir().unwrap();
    let toml = |file: &std::fs::DirEntry| file.path().extension().is_some_and(|end| end == "toml");
    let all = files.filter(|file| toml(file.as_ref().unwrap())).count();
    assert!(all >= 60, "{all} scenarios");
    let output = Command::new(env!("CARGO_BIN_EXE_standin"))
        .args(["lab", "run", "--jobs", "8"])
        .arg(&scenarios)
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    let last = format!("{all} scenarios: standin {all} passed, 0 failed");
    assert_eq!(out.lines().last(), Some(last.as_str()), "{out}{err}");
    assert!(output.status.success(), "{:?}", output.status);
    println!("{last}");
}
