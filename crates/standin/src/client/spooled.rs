//! The spool of a client: asked for, looked into, delivered.

use std::sync::Arc;

use standin_net::Clock;

use crate::shared::Shared;
use crate::spool::{Delivery, Spool, SpoolDepth, SpoolError};
use crate::{Client, ClientBuilder};

impl Client {
    /// Delivers what the spool holds, oldest first, until all of it is delivered or a server fails. A
    /// client does so by itself in the background, when a server answers that may take it; this is for
    /// processes that end before that has come to its end. Without a spool it does nothing.
    ///
    /// One entry is under way at a time, and at least as long as it took is waited before the next.
    ///
    /// # Errors
    /// When the spool's directory cannot be used. That nobody takes an entry is no error: see
    /// [`Delivery::stops`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing. The entry that is under way may be delivered once more.
    pub async fn deliver(&self) -> Result<Delivery, SpoolError> {
        match &self.spooling {
            Some(spooling) => spooling.deliver(self).await,
            None => Ok(Delivery::default()),
        }
    }

    /// How much is in the spool, and what was done with it; `None` without one.
    ///
    /// # Errors
    /// When the spool's directory cannot be used.
    pub async fn spool(&self) -> Result<Option<SpoolDepth>, SpoolError> {
        match &self.spooling {
            Some(spooling) => spooling.depth(self).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) fn now(&self) -> Arc<Shared> {
        self.current.now()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.now().clock
    }
}

impl ClientBuilder {
    /// A spool for reports and PuppetDB commands that nobody takes. Without one they are lost to
    /// whoever does not send them again himself, as with Puppet's agent.
    ///
    /// A report or a command that ends with an error that may pass is kept on disk, and its answer is a
    /// 202 with [`Spooled`](crate::Spooled) in its extensions and without [`Served`](crate::Served): from
    /// then on only its age loses it. It is delivered once a server that takes such entries has answered
    /// something, oldest first. Where it cannot be kept, the error is the one that there would be without
    /// a spool; [`Error::spool`](crate::Error::spool) says why.
    ///
    /// To keep it takes as long as the disk takes, seconds at most, and that is on top of a deadline.
    ///
    /// Nothing is kept of a request that carries credentials, names a server outside the installation,
    /// or whose body is a stream that was not kept; nor of one whose future was dropped. An answer,
    /// whatever its status, is handed back. Of headers only those are kept that say how the request is
    /// to be read.
    #[must_use]
    pub fn spool(mut self, spool: Spool) -> Self {
        self.spool = Some(spool);
        self
    }
}
