//! Completions and man pages.

use std::process::{Command, Stdio};

use crate::bench::{said, standin};

#[tokio::test]
async fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let said = said(standin(&["completions", shell])).await;
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{shell}");
        for word in ["request", "status", "server_list"] {
            assert!(said.out.contains(word), "{shell}: {word}");
        }
    }
}

#[tokio::test]
async fn bash_completes_a_service() {
    let mut script = Command::new("bash");
    script.arg("-c").arg(format!(
        "source <({} completions bash)
         COMP_WORDS=(standin request cla) COMP_CWORD=2
         _standin standin cla request
         echo \"${{COMPREPLY[@]}}\"",
        env!("CARGO_BIN_EXE_standin")
    ));
    script.stdin(Stdio::null());
    let said = said(script).await;
    assert_eq!(said.out.trim(), "classifier", "{said:?}");
}

#[tokio::test]
async fn every_command_has_a_man_page() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("share/man1");
    let written = said(standin(&["man", pages.to_str().unwrap()])).await;
    assert_eq!((written.code, written.err.as_str()), (Some(0), ""));
    for command in [
        "request",
        "status",
        "check",
        "broker",
        "memory-show",
        "explain",
    ] {
        let page = pages.join(format!("standin-{command}.1"));
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{command}");
    }
    let page = std::fs::read_to_string(pages.join("standin-request.1")).unwrap();
    assert!(page.contains("Exit codes:"), "{page}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let written = said(standin(&["man", "/dev/null/man1"])).await;
    assert_eq!(written.code, Some(1), "{written:?}");
    assert!(
        written.err.starts_with("standin: /dev/null/man1: "),
        "{written:?}"
    );
}
