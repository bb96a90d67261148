//! What the kernel is told about connections.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

/// How the kernel watches over connections. The default finds a network that is gone within 45 s,
/// whether anything is being sent or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sockets {
    /// Asks an idle peer whether it is still there; on unless it is `None`. Puppet's agent does so
    /// too, at the system's pace of two hours.
    pub keepalive: Option<Keepalive>,
    /// How long what was sent may stay unacknowledged, `TCP_USER_TIMEOUT`, where the system has it:
    /// Linux, Android, Fuchsia. Beneath keepalive it should be the time that keepalive takes, as it
    /// bounds that as well. `None` leaves it to the system: about 15 minutes on Linux.
    pub user_timeout: Option<Duration>,
}

/// When and how often an idle peer is asked. Whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// Idle time before the first question. 15 s by default, below the half minute after which
    /// firewalls and address translators begin to forget connections.
    pub idle: Duration,
    /// Between questions. 5 s by default.
    pub interval: Duration,
    /// Questions without an answer before the connection is given up. 6 by default.
    pub questions: u32,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(15),
            interval: Duration::from_secs(5),
            questions: 6,
        }
    }
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            keepalive: Some(Keepalive::default()),
            user_timeout: Some(Duration::from_secs(45)),
        }
    }
}

impl Sockets {
    /// Sets what the system has. What it has not is no reason to do without a connection.
    pub(crate) fn apply(&self, stream: &TcpStream) {
        let socket = SockRef::from(stream);
        note(stream.set_nodelay(true));
        if let Some(keepalive) = &self.keepalive {
            let Keepalive {
                idle,
                interval,
                questions,
            } = *keepalive;
            let params = TcpKeepalive::new().with_time(idle);
            // Where socket2 has both.
            #[cfg(any(
                target_os = "android",
                target_os = "freebsd",
                target_os = "linux",
                target_os = "windows",
                target_vendor = "apple"
            ))]
            let params = params.with_interval(interval).with_retries(questions);
            note(socket.set_tcp_keepalive(&params));
        }
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        if let Some(limit) = self.user_timeout {
            note(socket.set_tcp_user_timeout(Some(limit)));
        }
    }
}

fn note(set: io::Result<()>) {
    if let Err(error) = set {
        tracing::debug!(%error, "a socket option could not be set");
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn connection(sockets: &Sockets) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
        let stream = stream.unwrap();
        sockets.apply(&stream);
        stream
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_is_told_all_of_it() {
        let stream = connection(&Sockets::default()).await;
        let socket = SockRef::from(&stream);
        let seconds = Duration::from_secs;
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), seconds(15));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), seconds(5));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 6);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(seconds(45)));
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn what_is_off_is_left_to_the_system() {
        let off = Sockets {
            keepalive: None,
            user_timeout: None,
        };
        let stream = connection(&off).await;
        assert!(!SockRef::from(&stream).keepalive().unwrap());
    }
}
