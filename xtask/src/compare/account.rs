//! What a program says that one side of a connection sent: its length, its digest, and the bytes in a temporary file.
//!
//! Promises: what is read is written out as it comes, never held; what is kept on disk and what is loaded to be looked
//! at is bounded, and beyond that only the digest counts; the files are readable by their owner only, and removed.

use std::fs::{self, DirBuilder, File};
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The most of one direction that is kept and looked at; longer ones are compared by their digests only.
pub(super) const LOOKED_AT: u64 = 64 << 20;
/// The most that is kept of all directions of a capture together.
const KEPT: u64 = 2 << 30;

/// The most bytes that are appended to frames, by switches and network cards, as far as captures show.
pub(super) const MOST_TRAILER: usize = 16;

/// One side of a connection, as one of the programs sees it.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// How its program calls the connection.
    pub(super) label: String,
    pub(super) len: u64,
    /// In hexadecimal.
    pub(super) sha256: String,
    /// Where the bytes are, if there was room for them.
    pub(super) kept: Option<PathBuf>,
}

impl Account {
    /// The bytes, if they were kept and are few enough to be looked at.
    pub(super) fn bytes(&self) -> Result<Option<Vec<u8>>> {
        self.kept.as_deref().map_or(Ok(None), load)
    }

    /// Whether it can be made of nothing but what stands behind an IP packet in its frame.
    pub(super) const fn is_ghost(&self) -> bool {
        self.len <= MOST_TRAILER as u64
    }
}

/// The bytes of several, one after the other, if they are few enough to be looked at.
pub(super) fn joined(accounts: &[&Account]) -> Result<Option<Vec<u8>>> {
    let mut all = Vec::new();
    for account in accounts {
        let Some(bytes) = account.bytes()? else { return Ok(None) };
        all.extend(bytes);
    }
    Ok(Some(all))
}

/// What a program made of a capture.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) accounts: Vec<Account>,
    pub(super) complaint: Option<String>,
}

/// The bytes of a file that is not too long to be looked at.
pub(super) fn load(path: &Path) -> Result<Option<Vec<u8>>> {
    let shown = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(shown)?;
    let mut bytes = Vec::new();
    file.take(LOOKED_AT + 1).read_to_end(&mut bytes).with_context(shown)?;
    Ok((bytes.len() as u64 <= LOOKED_AT).then_some(bytes))
}

/// A folder for one capture's temporary files, which goes when this does.
pub(super) struct Scratch {
    folder: PathBuf,
}

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        let mut builder = DirBuilder::new();
        // Captures hold passwords.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let mut number = 0;
        loop {
            let name = format!("egret-compare-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            match builder.create(&folder) {
                Ok(()) => return Ok(Self { folder }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot make {}", folder.display()));
                }
            }
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn create(&self, name: &str) -> Result<File> {
        let path = self.path(name);
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A temporary folder that cannot be removed is no reason to fail.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Takes the bytes of directions one after the other.
pub(super) struct Recorder {
    room: u64,
    written: usize,
}

impl Recorder {
    pub(super) const fn new() -> Self {
        Self { room: KEPT, written: 0 }
    }

    pub(super) fn begin(&mut self, scratch: &Scratch) -> Result<Recording> {
        self.written += 1;
        let path = scratch.path(&format!("recorded-{}", self.written));
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Recording { hasher: Sha256::new(), len: 0, path, file: Some(BufWriter::new(file)) })
    }

    pub(super) fn push(&mut self, recording: &mut Recording, bytes: &[u8]) -> Result<()> {
        let more = bytes.len() as u64;
        recording.hasher.update(bytes);
        recording.len += more;
        let Some(file) = &mut recording.file else { return Ok(()) };
        if more > self.room || recording.len > LOOKED_AT {
            recording.file = None;
            fs::remove_file(&recording.path).context("cannot remove a temporary file")?;
        } else {
            self.room -= more;
            file.write_all(bytes).context("cannot write a temporary file")?;
        }
        Ok(())
    }
}

/// One direction while it is taken down.
pub(super) struct Recording {
    hasher: Sha256,
    len: u64,
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Recording {
    pub(super) fn finish(self, from: SocketAddr, to: SocketAddr, label: String) -> Result<Account> {
        let Self { hasher, len, path, file } = self;
        let kept = file.is_some().then_some(path);
        if let Some(mut file) = file {
            file.flush().context("cannot write a temporary file")?;
        }
        Ok(Account { from, to, label, len, sha256: hex(hasher), kept })
    }
}

/// The account that a file holds.
pub(super) fn of_file(path: PathBuf, from: SocketAddr, to: SocketAddr, label: String) -> Result<Account> {
    let shown = || format!("cannot read {}", path.display());
    let mut file = File::open(&path).with_context(shown)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut len = 0;
    loop {
        let count = file.read(&mut buffer).with_context(shown)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        len += count as u64;
    }
    Ok(Account { from, to, label, len, sha256: hex(hasher), kept: Some(path) })
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_what_the_file_holds() {
        let scratch = Scratch::new().unwrap();
        let (from, to) = ("10.0.0.1:1".parse().unwrap(), "10.0.0.2:2".parse().unwrap());
        let mut recorder = Recorder::new();
        let mut recording = recorder.begin(&scratch).unwrap();
        recorder.push(&mut recording, b"ab").unwrap();
        recorder.push(&mut recording, b"c").unwrap();
        let account = recording.finish(from, to, String::new()).unwrap();
        assert_eq!(account.bytes().unwrap().unwrap(), b"abc");
        assert_eq!((account.len, &account.sha256.starts_with("ba7816bf")), (3, &true));
        let again = of_file(account.kept.unwrap(), from, to, String::new()).unwrap();
        assert_eq!((again.len, again.sha256), (3, account.sha256));

        // Without room only the digest is left.
        recorder.room = 1;
        let mut recording = recorder.begin(&scratch).unwrap();
        recorder.push(&mut recording, b"abc").unwrap();
        let account = recording.finish(from, to, String::new()).unwrap();
        assert_eq!((account.len, account.sha256.starts_with("ba7816bf"), account.kept), (3, true, None));

        let folder = scratch.folder.clone();
        drop(scratch);
        assert!(!folder.exists());
    }
}
