//! What can go wrong with the lab itself, as opposed to what it makes go wrong.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Role;

/// The lab could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// A lab has exactly one master and one replica.
    #[error("a lab needs exactly one host in the role {role:?}, and {found} were given")]
    Hosts {
        /// The role in question.
        role: Role,
        /// How many hosts had it.
        found: usize,
    },

    /// Two hosts were given the same name.
    #[error("the host name {name} was given twice")]
    RepeatedHost {
        /// The name.
        name: String,
    },

    /// No host of this lab has that name.
    #[error("no host of this lab is called {name}")]
    UnknownHost {
        /// The name that was asked for.
        name: String,
    },

    /// A fault was to answer with a status that ends no request.
    #[error("{status} is no final answer; choose a status of 200 or above")]
    NotFinal {
        /// The status.
        status: http::StatusCode,
    },

    /// No free loopback addresses were found for the hosts.
    #[error("no free loopback addresses after {tries} tries")]
    Addresses {
        /// How many sets of addresses were tried.
        tries: usize,
        /// Why the last one failed.
        source: io::Error,
    },

    /// A server's socket could not be brought into the state a fault, or its lifting, asks for.
    #[error("the socket of {address} could not be changed")]
    Socket {
        /// The server.
        address: SocketAddr,
        /// What the system said.
        source: Arc<io::Error>,
    },

    /// A certificate, key or revocation list could not be made.
    #[error("a certificate could not be made")]
    Certificate(#[from] rcgen::Error),

    /// The TLS library refused the lab's own certificates.
    #[error("the TLS settings were refused")]
    Tls(#[from] rustls::Error),

    /// The TLS library refused the lab's own authority or revocation list.
    #[error("the verification of client certificates could not be set up")]
    Verifier(#[from] rustls::server::VerifierBuilderError),

    /// A certificate or key is no PEM.
    #[error("a certificate or key is not readable")]
    Pem(#[from] rustls::pki_types::pem::Error),

    /// A broker did not take a controller.
    #[error("the broker closed the association with {code} {reason}")]
    NotAssociated {
        /// The close code.
        code: u16,
        /// And its reason.
        reason: &'static str,
    },

    /// A file of the configuration directory could not be written.
    #[error("{path} could not be written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
