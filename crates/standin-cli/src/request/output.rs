//! Where the body of an answer goes.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::failure::Failure;

/// A file or standard output, and whether somebody still reads it.
pub(super) struct Output<'a> {
    sink: Sink<'a>,
    place: String,
    reader: Reader,
}

enum Sink<'a> {
    File(File),
    Standard(&'a mut dyn Write),
}

#[derive(PartialEq, Eq)]
enum Reader {
    Reads,
    /// As `head` does once it has its lines. That is no failure.
    Gone,
}

impl<'a> Output<'a> {
    /// The file at `path`, emptied, else `standard`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn open(path: Option<&Path>, standard: &'a mut dyn Write) -> Result<Self, Failure> {
        let (sink, place) = match path {
            Some(path) => {
                let place = path.display().to_string();
                let file =
                    File::create(path).map_err(|error| Failure::unwritten(&place, &error))?;
                (Sink::File(file), place)
            }
            None => (Sink::Standard(standard), "standard output".to_owned()),
        };
        Ok(Self {
            sink,
            place,
            reader: Reader::Reads,
        })
    }

    /// # Errors
    /// When not all of it could be written, though somebody reads.
    pub(super) fn write(&mut self, data: &[u8]) -> Result<(), Failure> {
        let written = match &mut self.sink {
            Sink::File(file) => file.write_all(data),
            Sink::Standard(standard) => standard.write_all(data),
        };
        self.judge(written)
    }

    /// # Errors
    /// As [`Output::write`].
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        let written = match &mut self.sink {
            Sink::File(file) => file.flush(),
            Sink::Standard(standard) => standard.flush(),
        };
        self.judge(written)
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        self.reader == Reader::Gone
    }

    fn judge(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.reader = Reader::Gone;
                Ok(())
            }
            written => written.map_err(|error| Failure::unwritten(&self.place, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe whose other end is closed, or a full disk.
    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn bytes_pass_as_they_are() {
        let bytes = [0, 0xff, b'\r', b'\n', 0xc3, 0x28, b'\n'];
        let mut standard = Vec::new();
        let mut output = Output::open(None, &mut standard).unwrap();
        output.write(&bytes).unwrap();
        output.finish().unwrap();
        assert_eq!(standard, bytes);
    }

    #[test]
    fn a_reader_that_leaves_ends_it_and_a_full_disk_is_a_failure() {
        let mut pipe = Fails(io::ErrorKind::BrokenPipe);
        let mut output = Output::open(None, &mut pipe).unwrap();
        output.write(b"a").unwrap();
        assert!(output.is_closed());

        let mut disk = Fails(io::ErrorKind::StorageFull);
        let failure = Output::open(None, &mut disk)
            .unwrap()
            .write(b"a")
            .unwrap_err();
        assert_eq!(failure.code(), crate::code::Code::UNWRITTEN);
        assert!(failure.to_string().contains("standard output"), "{failure}");
    }
}
