//! Where the bytes of a file come from: a regular file, a pipe, or any reader.
//!
//! Promises: a pipe is read without a buffer of its own, so that asking whether it has bytes tells the truth, and a
//! read that waits on one ends when the capture is stopped. Refuses: directories.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::Error;
use crate::stop::Wake;

/// The origin of a capture's bytes, with a count of those read.
pub(crate) struct Input {
    kind: Kind,
    /// How many bytes have been read.
    position: u64,
    /// The length of a regular file, when it was opened.
    length: Option<u64>,
}

enum Kind {
    /// A regular file: reading does not wait for anyone.
    File(File),
    /// A pipe, a terminal, a socket: reading waits for the writer.
    #[cfg(unix)]
    Stream(File),
    Reader(Box<dyn Read + Send>),
}

impl Input {
    /// Opens a file by name; `-` is standard input.
    pub(crate) fn open(path: &Path) -> Result<(Self, String), Error> {
        if path.as_os_str() == "-" {
            let name = "standard input".to_owned();
            let input =
                Self::standard_input().map_err(|source| Error::Open { name: name.clone(), source })?;
            return Ok((input, name));
        }
        let name = path.display().to_string();
        let open = |source| Error::Open { name: name.clone(), source };
        let file = File::open(path).map_err(open)?;
        if file.metadata().map_err(open)?.is_dir() {
            return Err(Error::Directory { name });
        }
        Ok((Self::from_file(file).map_err(open)?, name))
    }

    pub(crate) fn from_reader(reader: impl Read + Send + 'static) -> Self {
        Self { kind: Kind::Reader(Box::new(reader)), position: 0, length: None }
    }

    #[cfg(unix)]
    fn standard_input() -> io::Result<Self> {
        use std::os::fd::AsFd;
        // A handle of our own: the one of the standard library reads ahead into a buffer that cannot be waited for.
        Self::from_file(File::from(io::stdin().as_fd().try_clone_to_owned()?))
    }

    #[cfg(not(unix))]
    fn standard_input() -> io::Result<Self> {
        Ok(Self::from_reader(io::stdin()))
    }

    fn from_file(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        #[cfg(unix)]
        if !metadata.is_file() {
            return Ok(Self { kind: Kind::Stream(file), position: 0, length: None });
        }
        Ok(Self { kind: Kind::File(file), position: 0, length: Some(metadata.len()) })
    }

    /// Whether reading may wait for a writer that is somewhere else.
    pub(crate) fn waits(&self) -> bool {
        match &self.kind {
            #[cfg(unix)]
            Kind::Stream(_) => true,
            _ => false,
        }
    }

    /// Whether a read would wait now.
    pub(crate) fn would_wait(&self, wake: &Wake) -> bool {
        match &self.kind {
            #[cfg(unix)]
            Kind::Stream(file) => {
                use crate::stop::Waited;
                use std::os::fd::AsFd;
                use std::time::Duration;
                matches!(wake.wait(&[file.as_fd()], Some(Duration::ZERO)), Ok(Waited::TimedOut))
            }
            _ => {
                let _ = wake;
                false
            }
        }
    }

    /// Bytes read, and bytes there are, of a regular file.
    pub(crate) fn progress(&self) -> Option<(u64, u64)> {
        self.length.map(|length| (self.position, length))
    }

    /// Reads once; waits on a pipe until it has bytes or the capture is stopped, which reads as the end.
    pub(crate) fn read(&mut self, bytes: &mut [u8], wake: &Wake) -> io::Result<usize> {
        loop {
            let result = match &mut self.kind {
                Kind::File(file) => {
                    if wake.check()? {
                        return Ok(0);
                    }
                    file.read(bytes)
                }
                #[cfg(unix)]
                Kind::Stream(file) => {
                    use std::os::fd::AsFd;
                    if wake.wait(&[file.as_fd()], None)? == crate::stop::Waited::Stopped {
                        return Ok(0);
                    }
                    file.read(bytes)
                }
                Kind::Reader(reader) => {
                    if wake.check()? {
                        return Ok(0);
                    }
                    reader.read(bytes)
                }
            };
            match result {
                Ok(count) => {
                    self.position = self.position.saturating_add(count as u64);
                    return Ok(count);
                }
                // A signal came; whether it meant a stop is seen by the next look at the pipe.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
