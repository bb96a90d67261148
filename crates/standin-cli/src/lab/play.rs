//! Playing scenarios, some at once.

use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use futures_util::stream;
use standin_lab::scenario::{ClientCommand, PlayError, Report, Scenario};

use crate::code::Code;
use crate::failure::{Failure, chain};

/// A scenario, and what it is called.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) scenario: Scenario,
}

/// Reads files, and the `.toml` files of directories in the order of their names.
///
/// # Errors
/// When one of them is no scenario, or there is none.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Named>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => files.extend(within(path)?),
            false => files.push(path.clone()),
        }
    }
    if files.is_empty() {
        return Err(Failure::new(
            Code::USAGE,
            "there is no scenario there: no .toml file",
        ));
    }
    files.iter().map(|file| named(file)).collect()
}

fn within(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unread = |error| {
        let story = format!("{} cannot be read", dir.display());
        Failure::caused(Code::USAGE, &story, &error)
    };
    let mut files = Vec::new();
    for entry in dir.read_dir().map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn named(file: &Path) -> Result<Named, Failure> {
    let scenario =
        Scenario::read(file).map_err(|error| Failure::new(Code::USAGE, chain(&error)))?;
    let name = file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Named { name, scenario })
}

/// Plays all of them, `jobs` at once, and hands each result over as it comes, with the place of its scenario.
pub(super) async fn play(
    scenarios: &[Named],
    client: &ClientCommand,
    jobs: usize,
    mut done: impl FnMut(usize, Result<Report, PlayError>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let playing = scenarios
        .iter()
        .enumerate()
        .map(|(at, named)| async move { (at, named.scenario.play(client).await) });
    let mut playing = stream::iter(playing).buffer_unordered(jobs);
    while let Some((at, result)) = playing.next().await {
        done(at, result)?;
    }
    Ok(())
}

/// This very program, as a client under test.
///
/// # Errors
/// When the system does not tell where it is.
pub(super) fn standin() -> Result<ClientCommand, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::caused(Code::USAGE, "this program cannot be found", &error))?;
    Ok(ClientCommand {
        name: "standin".to_owned(),
        program: program.into(),
        arguments: ["lab", "client"].map(Into::into).to_vec(),
    })
}
