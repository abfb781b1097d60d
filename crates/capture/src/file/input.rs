//! Where the bytes of a file come from: a regular file, one that still grows, a pipe, or any reader.
//!
//! Promises: a pipe is read without a buffer of its own, so that asking whether it has bytes tells the truth, and a
//! read that waits on one ends when the capture is stopped. A file that grows is looked at from 20 times a second to,
//! when nothing happens, twice; that it was cut short or that its name now means another file is noticed. Refuses:
//! directories.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;
use crate::stop::Wake;

/// The origin of a capture's bytes, with a count of those read.
pub(crate) struct Input {
    kind: Kind,
    /// How many bytes have been read.
    position: u64,
    /// The length of a regular file, when it was opened.
    length: Option<u64>,
    /// The name of a file that grows.
    follows: Option<PathBuf>,
}

/// How waiting at the end of a growing file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    /// There is more to read.
    Grown,
    /// What is read next is the beginning of another file.
    Replaced,
    Stopped,
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

    /// Opens a file that may still grow. What is no regular file is read as ever: a pipe waits anyway.
    pub(crate) fn tail(path: &Path) -> Result<(Self, String), Error> {
        let (mut input, name) = Self::open(path)?;
        if matches!(input.kind, Kind::File(_)) {
            (input.length, input.follows) = (None, Some(path.to_owned()));
        }
        Ok((input, name))
    }

    /// Whether the end of the file is not the end.
    pub(crate) fn follows(&self) -> bool {
        self.follows.is_some()
    }

    /// Waits at the end of a growing file until there is more, or another file in its place.
    pub(crate) fn follow(&mut self, wake: &Wake) -> io::Result<Followed> {
        const PATIENCE: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];
        let mut patience = PATIENCE[0];
        loop {
            let (Some(path), Kind::File(file)) = (&self.follows, &mut self.kind) else {
                return Ok(Followed::Stopped);
            };
            let here = file.metadata()?;
            if here.len() > self.position {
                return Ok(Followed::Grown);
            }
            if here.len() < self.position {
                file.rewind()?;
                self.position = 0;
                return Ok(Followed::Replaced);
            }
            // Between the moving away of the old file and the making of the new one there is none by that name.
            if let Ok(there) = fs::metadata(path)
                && there.is_file()
                && !same_file(&here, &there)
            {
                *file = File::open(path)?;
                self.position = 0;
                return Ok(Followed::Replaced);
            }
            if wake.pause(patience)? {
                return Ok(Followed::Stopped);
            }
            patience = (patience * 2).min(PATIENCE[1]);
        }
    }

    pub(crate) fn from_reader(reader: impl Read + Send + 'static) -> Self {
        Self { kind: Kind::Reader(Box::new(reader)), position: 0, length: None, follows: None }
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
            return Ok(Self { kind: Kind::Stream(file), position: 0, length: None, follows: None });
        }
        Ok(Self { kind: Kind::File(file), position: 0, length: Some(metadata.len()), follows: None })
    }

    /// Whether reading may wait for a writer that is somewhere else.
    pub(crate) fn waits(&self) -> bool {
        match &self.kind {
            #[cfg(unix)]
            Kind::Stream(_) => true,
            _ => self.follows(),
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
            Kind::File(file) if self.follows() => {
                file.metadata().is_ok_and(|metadata| metadata.len() <= self.position)
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

#[cfg(unix)]
fn same_file(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Elsewhere a file that was put in the place of another is taken for it, unless it is shorter.
#[cfg(not(unix))]
fn same_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}
