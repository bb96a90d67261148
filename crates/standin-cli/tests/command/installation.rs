//! Settings files and certificates in a directory of their own, as they never change.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    DistinguishedName, DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, SerialNumber,
    date_time_ymd,
};
use tempfile::TempDir;

use crate::bench::standin;

/// `etc/puppet` and what is below it.
pub(crate) struct Installation(TempDir);

/// How certificates and revocation lists are to be. Good ones are good until the year 2120.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ssl {
    Good,
    /// Of the authority, the agent and the revocation list only the first is current, the key is of
    /// nobody, and everybody may read it.
    Bad,
}

impl Installation {
    pub(crate) fn new(files: &[(&str, &str)], ssl: Ssl) -> Self {
        let this = Self(TempDir::new().unwrap());
        for (name, text) in files {
            this.write(name, text);
        }
        this.write_ssl(ssl);
        this
    }

    /// The command in the directory, so that no path is longer today than yesterday.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = standin(args);
        command.current_dir(self.0.path());
        command.args(["--confdir", "etc/puppet", "--certname", "agent.example.com"]);
        command
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join("etc").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn write_ssl(&self, ssl: Ssl) {
        let until = match ssl {
            Ssl::Good => 2120,
            Ssl::Bad => 2021,
        };
        let authority = authority();
        let key = KeyPair::generate().unwrap();
        let agent = params("agent.example.com", until)
            .signed_by(&key, &authority)
            .unwrap();
        let key = match ssl {
            Ssl::Good => key,
            Ssl::Bad => KeyPair::generate().unwrap(),
        };
        self.write("puppet/ssl/certs/ca.pem", &authority.pem());
        self.write("puppet/ssl/certs/agent.example.com.pem", &agent.pem());
        self.write(
            "puppet/ssl/private_keys/agent.example.com.pem",
            &key.serialize_pem(),
        );
        self.write("puppet/ssl/crl.pem", &revocation_list(&authority, until));
        let mode = match ssl {
            Ssl::Good => 0o640,
            Ssl::Bad => 0o644,
        };
        let key = self
            .0
            .path()
            .join("etc/puppet/ssl/private_keys/agent.example.com.pem");
        fs::set_permissions(key, fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Compares what the command said with what is kept in `golden`. `UPDATE_GOLDEN=1 cargo test` writes
/// it there instead, to be looked at as a change.
#[track_caller]
pub(crate) fn assert_golden(name: &str, said: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/command/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, said).unwrap();
    }
    assert_eq!(said, fs::read_to_string(&path).unwrap());
}

type Signer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Signer {
    let mut params = params("Puppet CA: primary.example.com", 2120);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Signer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn params(name: &str, until: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}

fn revocation_list(authority: &Signer, until: i32) -> String {
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    list.signed_by(authority).unwrap().pem().unwrap()
}
