//! Keeps the memory file up to date.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use standin_net::{MemoryError, MemoryFile};
use tokio::sync::Mutex;

use crate::shared::Shared;

/// Writes down what was learned, soon after it was.
#[derive(Debug)]
pub(crate) struct Keeper {
    file: MemoryFile,
    /// Whether a write is to come that will see all there is to see now.
    is_due: AtomicBool,
    /// Held while it is written, so that nothing learned is written twice.
    writing: Mutex<()>,
}

impl Keeper {
    pub(crate) const fn new(file: MemoryFile) -> Self {
        Self {
            file,
            is_due: AtomicBool::new(false),
            writing: Mutex::const_new(()),
        }
    }

    /// Writes in the background. Outside a runtime nothing is written until
    /// [`Client::remember`](crate::Client::remember) is called.
    pub(crate) fn write_soon(&self, shared: &Arc<Shared>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.is_due.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::clone(shared);
        runtime.spawn(async move {
            if let Some(keeper) = shared.keeper() {
                keeper.is_due.store(false, Ordering::Release);
                if let Err(error) = keeper.write(&shared).await {
                    tracing::debug!(%error, "memory is not written");
                }
            }
        });
    }

    pub(crate) async fn write(&self, shared: &Shared) -> Result<(), MemoryError> {
        let _writing = self.writing.lock().await;
        let clock = shared.clock;
        let learned = shared.health.recollection(clock.now(), clock.wall());
        self.file.write(learned.clone(), clock).await?;
        shared.health.written(&learned);
        Ok(())
    }
}
