//! What holds of requests that say nothing else.

use http::Request;

use crate::{Body, ClientBuilder, FailoverLayerBuilder, KEPT_MOST, Operations, WholeBody};

/// What holds of all requests of a client.
#[derive(Debug)]
pub(crate) struct Defaults {
    pub(crate) operations: Operations,
    kept_most: usize,
    whole_bodies: WholeBody,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            operations: Operations::new(),
            kept_most: KEPT_MOST,
            whole_bodies: WholeBody::as_it_comes(),
        }
    }
}

impl Defaults {
    /// Has a request say what it leaves unsaid.
    pub(crate) fn fill(&self, request: &mut Request<Body>) {
        request.body().keep_at_most(self.kept_most);
        if self.whole_bodies.most().is_some() {
            request.extensions_mut().get_or_insert(self.whole_bodies);
        }
    }
}

impl ClientBuilder {
    /// What is known of requests better than the table knows it; the default is the table alone. An
    /// [`Operation`](crate::Operation) in a request's extensions comes before both.
    #[must_use]
    pub fn operations(mut self, operations: Operations) -> Self {
        self.settings.defaults.operations = operations;
        self
    }

    /// How much is kept of each [stream](Body::stream) for sending it again, in bytes; [`KEPT_MOST`] by
    /// default. [`Body::stream_keeping`] says it for one.
    #[must_use]
    pub fn kept_most(mut self, bytes: usize) -> Self {
        self.settings.defaults.kept_most = bytes;
        self
    }

    /// Whether answers are read to their end before they are handed out; by default they are not. A
    /// [`WholeBody`] in a request's extensions says it for one.
    #[must_use]
    pub fn whole_bodies(mut self, whole: WholeBody) -> Self {
        self.settings.defaults.whole_bodies = whole;
        self
    }
}

impl FailoverLayerBuilder {
    /// What is known of requests better than the table knows it, as
    /// [`ClientBuilder::operations`] has it.
    #[must_use]
    pub fn operations(mut self, operations: Operations) -> Self {
        self.settings.defaults.operations = operations;
        self
    }

    /// How much is kept of each stream, as [`ClientBuilder::kept_most`] has it.
    #[must_use]
    pub fn kept_most(mut self, bytes: usize) -> Self {
        self.settings.defaults.kept_most = bytes;
        self
    }

    /// Whether answers are read to their end before they are handed out, as
    /// [`ClientBuilder::whole_bodies`] has it. Who reads them lies beneath:
    /// [`WholeBodyLayer`](crate::WholeBodyLayer) around the inner service, or a transport that heeds
    /// [`WholeBody`] in the extensions of a request.
    #[must_use]
    pub fn whole_bodies(mut self, whole: WholeBody) -> Self {
        self.settings.defaults.whole_bodies = whole;
        self
    }
}
