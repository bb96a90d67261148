//! Says once, and loudly, that an agent and a server do not trust each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use standin_core::Server;

use crate::TrustFailure;
use crate::tls::Generation;
use crate::trust::Trouble;

/// What was said of which server. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loud(Arc<Mutex<HashMap<Server, Said>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said {
    trouble: Trouble,
    generation: Generation,
}

impl Loud {
    /// A failure is said unless it was said already: of this server, with these certificates.
    pub(crate) fn failed(&self, server: &Server, failure: &TrustFailure, generation: Generation) {
        let trouble = failure.trouble();
        let said = Said {
            trouble,
            generation,
        };
        if self.lock().insert(server.clone(), said) != Some(said) {
            tracing::warn!(%server, %failure, remedy = trouble.remedy(), "no trust");
        }
    }

    /// A handshake succeeded: what failed in one before is over.
    pub(crate) fn trusted(&self, server: &Server) {
        let mut all = self.lock();
        if let Some(Said { trouble, .. }) = all.get(server)
            && !matches!(trouble, Trouble::RefusedLate(_))
        {
            all.remove(server);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Server, Said>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
