//! A real proxy: Debian's tinyproxy, which asks for an account.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use standin::config::Overrides;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

pub(crate) struct Proxy {
    port: u16,
    log: PathBuf,
    // Both for their drop.
    _process: Child,
    _dir: TempDir,
}

impl Proxy {
    /// One that leads to the ports of Puppet Server and PuppetDB.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (conf, log) = (dir.path().join("tinyproxy.conf"), dir.path().join("log"));
        let port = {
            let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
            free.local_addr().unwrap().port()
        };
        let text = format!(
            "Listen 127.0.0.1\nPort {port}\nTimeout 600\nMaxClients 50\nLogFile \"{}\"\n\
             LogLevel Connect\nConnectPort 8140\nConnectPort 8081\nBasicAuth agent secret\n",
            log.display()
        );
        std::fs::write(&conf, text).unwrap();
        let process = Command::new("tinyproxy")
            .arg("-d")
            .arg("-c")
            .arg(&conf)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("tinyproxy is not here: see tests/real_puppet/install");
        let up = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), up)
            .await
            .expect("tinyproxy does not come up");
        Self {
            port,
            log,
            _process: process,
            _dir: dir,
        }
    }

    /// Settings of an agent that is to use it.
    pub(crate) fn settings(&self, password: &str) -> Overrides {
        Overrides::new()
            .with("http_proxy_host", "127.0.0.1")
            .with("http_proxy_port", &self.port.to_string())
            .with("http_proxy_user", "agent")
            .with("http_proxy_password", password)
    }

    /// Whether it was asked for a way to this server.
    pub(crate) fn was_asked_for(&self, server: &str) -> bool {
        let log = std::fs::read_to_string(&self.log).unwrap();
        log.contains(&format!("CONNECT {server} HTTP/1.1"))
    }
}
