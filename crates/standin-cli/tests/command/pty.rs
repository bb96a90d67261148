//! The command at a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A command whose standard streams are a terminal of 24 lines and 80 columns.
pub(crate) struct AtTerminal {
    child: Child,
    keys: File,
    pieces: Receiver<Vec<u8>>,
    said: Vec<u8>,
}

impl AtTerminal {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let open = || -> OwnedFd {
            rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap()
        };
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(open(), size).unwrap();
        command.stdin(open()).stdout(open()).stderr(open());
        let child = command.env("TERM", "xterm").spawn().unwrap();
        // What it holds of the terminal would keep that open after the child's end.
        drop(command);
        let keys = File::from(ours);
        let mut screen = keys.try_clone().unwrap();
        let (sender, pieces) = channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // Once nobody has it open any more, reading is an error.
            while let Ok(length @ 1..) = screen.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            keys,
            pieces,
            said: Vec::new(),
        }
    }

    /// Waits until it has written `text`, for half a minute at most.
    pub(crate) fn wait_for(&mut self, text: &str) {
        while !self.said().contains(text) {
            match self.pieces.recv_timeout(Duration::from_secs(30)) {
                Ok(piece) => self.said.extend(piece),
                Err(_) => panic!("{text:?} never came: {:?}", self.said()),
            }
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for its end, and tells all that it wrote.
    pub(crate) fn ended(mut self) -> (ExitStatus, String) {
        while let Ok(piece) = self.pieces.recv_timeout(Duration::from_secs(30)) {
            self.said.extend(piece);
        }
        let status = self.child.wait().unwrap();
        (status, self.said())
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.said).into_owned()
    }
}
