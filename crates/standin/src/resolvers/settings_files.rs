//! Lists that follow Puppet's settings files.

use std::path::PathBuf;
use std::time::Duration;

use standin_config::{Settings, SettingsError, Sources};
use standin_core::Installation;
use standin_net::stamps::{Look, Watched};
use standin_net::{Clock, Resolver};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Lists that follow Puppet's settings files: a changed `server_list`, say, or `ha_enabled_replicas`.
///
/// The files are looked at every five seconds, and read when one of them changed, was made or was
/// removed. Files that cannot be used leave the lists as they are, and are warned about once.
#[derive(Debug)]
pub struct SettingsFiles {
    lists: watch::Receiver<Installation>,
    task: JoinHandle<()>,
}

impl SettingsFiles {
    /// Reads the files, and goes on to look at them on this tokio runtime until it is dropped. It blocks
    /// on the file system.
    ///
    /// # Errors
    /// When the files cannot be used as they are now.
    pub fn start(sources: Sources) -> Result<Self, SettingsError> {
        let mut files = Files {
            sources,
            clock: Clock::start(),
            paths: Vec::new(),
            watched: Watched::new(Vec::<PathBuf>::new()),
            health: Health::Good,
        };
        let (sender, lists) = watch::channel(files.read()?);
        let task = tokio::spawn(files.go_on(sender));
        Ok(Self { lists, task })
    }
}

/// Puppet's own agent looks at puppet.conf every 15 s (`filetimeout`); a look is a handful of calls.
const BETWEEN_LOOKS: Duration = Duration::from_secs(5);

impl Resolver for SettingsFiles {
    fn watch(&self) -> watch::Receiver<Installation> {
        self.lists.clone()
    }
}

impl Drop for SettingsFiles {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Files {
    sources: Sources,
    clock: Clock,
    paths: Vec<PathBuf>,
    watched: Watched,
    health: Health,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Health {
    Good,
    /// The files cannot be used, which was said.
    Bad,
}

impl Files {
    async fn go_on(mut self, lists: watch::Sender<Installation>) {
        loop {
            tokio::time::sleep(BETWEEN_LOOKS).await;
            let looking = tokio::task::spawn_blocking(move || {
                let found = self.look();
                (self, found)
            });
            // A reader that panicked has nothing more to say.
            let Ok((files, found)) = looking.await else {
                return;
            };
            self = files;
            if let Some(found) = found {
                lists.send_if_modified(|shown| {
                    let modified = *shown != found;
                    *shown = found;
                    modified
                });
            }
        }
    }

    /// The lists, if the files may have changed and can be used.
    fn look(&mut self) -> Option<Installation> {
        if self.watched.look(self.clock.time_of_day()) == Look::Unchanged {
            return None;
        }
        match self.read() {
            Ok(lists) => {
                self.health = Health::Good;
                Some(lists)
            }
            Err(error) => {
                if self.health == Health::Good {
                    tracing::warn!(
                        %error,
                        "Puppet's settings were changed and cannot be used; the lists read before \
                         stay in force"
                    );
                }
                self.health = Health::Bad;
                None
            }
        }
    }

    /// Reads the files, and watches whichever those are now.
    fn read(&mut self) -> Result<Installation, SettingsError> {
        let settings = Settings::read(&self.sources)?;
        let paths = settings.files(&self.sources);
        if paths != self.paths {
            self.watched = Watched::new(&paths);
            self.paths = paths;
        }
        settings.installation()
    }
}
