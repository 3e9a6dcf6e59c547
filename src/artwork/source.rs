//! An artwork's file as a stream of bytes; every failure names the file.

use std::error::Error as StdError;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind as IoErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};

/// An artwork's file, read forwards.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    file: BufReader<File>,
    length_bytes: u64,
    position: u64,
    lenient: bool,
}

impl Source {
    /// Opens the file at `path` with a buffer of `buffer_bytes`: large for reading, small for skipping over most of it.
    pub(super) fn open(path: &Path, buffer_bytes: usize) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::io("open", path, source))?;
        let metadata = file.metadata().map_err(|source| Error::io("read", path, source))?;
        if metadata.is_dir() {
            return Err(Error::io("read", path, IoErrorKind::IsADirectory.into()));
        }
        let file = BufReader::with_capacity(buffer_bytes, file);
        Ok(Self { path: path.to_owned(), file, length_bytes: metadata.len(), position: 0, lenient: false })
    }

    /// Whether the file may be damaged: what can be read of it is wanted.
    pub(super) fn lenient(self, lenient: bool) -> Self {
        Self { lenient, ..self }
    }

    pub(super) fn is_lenient(&self) -> bool {
        self.lenient
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length_bytes(&self) -> u64 {
        self.length_bytes
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// What lies ready in the buffer; empty at the end of the file.
    pub(super) fn fill(&mut self) -> Result<&[u8]> {
        // Asked twice because a borrow that is returned cannot be given up for a retry.
        while let Err(error) = self.file.fill_buf() {
            if error.kind() != IoErrorKind::Interrupted {
                return Err(self.unreadable(error));
            }
        }
        Ok(self.file.buffer())
    }

    /// Takes `count` bytes of those that [`fill`](Self::fill) has shown.
    pub(super) fn consume(&mut self, count: usize) {
        self.file.consume(count);
        self.position += count as u64;
    }

    /// Fills `buffer` as far as the file goes and returns the number of bytes.
    pub(super) fn read_up_to(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == IoErrorKind::Interrupted => {}
                Err(error) => return Err(self.unreadable(error)),
            }
        }
        self.position += filled as u64;
        Ok(filled)
    }

    /// Fills `buffer`, or fails as [truncated](Self::truncated).
    pub(super) fn read_exact(&mut self, buffer: &mut [u8]) -> Result<()> {
        if self.read_up_to(buffer)? == buffer.len() { Ok(()) } else { Err(self.truncated()) }
    }

    /// The next `N` bytes.
    pub(super) fn read_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        self.read_exact(&mut array)?;
        Ok(array)
    }

    /// Skips `bytes`, which must lie inside the file.
    pub(super) fn skip(&mut self, bytes: u64) -> Result<()> {
        if bytes > self.length_bytes.saturating_sub(self.position) {
            return Err(self.truncated());
        }
        let offset = i64::try_from(bytes).map_err(|_| self.truncated())?;
        self.file.seek_relative(offset).map_err(|source| self.unreadable(source))?;
        self.position += bytes;
        Ok(())
    }

    /// SHA-256 of the whole file. Reading goes on at its beginning.
    pub(super) fn digest(&mut self) -> Result<[u8; 32]> {
        self.rewind()?;
        let mut digest = Sha256::new();
        let mut buffer = [0; 16 << 10];
        loop {
            match self.read_up_to(&mut buffer)? {
                0 => break,
                filled => digest.update(&buffer[..filled]),
            }
        }
        self.rewind()?;
        Ok(digest.finalize().into())
    }

    /// Goes back to the beginning.
    pub(super) fn rewind(&mut self) -> Result<()> {
        self.go_to(0)
    }

    /// Goes to a place in the file, counted from its beginning.
    pub(super) fn go_to(&mut self, position: u64) -> Result<()> {
        let moved = match i64::try_from(i128::from(position) - i128::from(self.position)) {
            // Keeps what lies ready.
            Ok(offset) => self.file.seek_relative(offset),
            Err(_) => self.file.seek(SeekFrom::Start(position)).map(drop),
        };
        moved.map_err(|source| self.unreadable(source))?;
        self.position = position;
        Ok(())
    }

    /// The file itself, for a decoder that reads it as it likes.
    pub(super) fn into_file(self) -> BufReader<File> {
        self.file
    }

    /// The error for a file that cannot be read.
    pub(super) fn unreadable(&self, source: std::io::Error) -> Error {
        Error::io("read", &self.path, source)
    }

    /// The error for content at fault.
    pub(super) fn damaged(&self, message: impl Into<String>) -> Error {
        damaged(&self.path, message)
    }

    /// The error for a file that ends too early.
    pub(super) fn truncated(&self) -> Error {
        self.damaged(format!("it ends too early, after {} bytes: upload it again", self.length_bytes))
    }

    /// The error for content that is not what was probed.
    pub(super) fn changed(&self) -> Error {
        changed(&self.path)
    }
}

/// The error for an artwork whose content is at fault.
pub(super) fn damaged(path: &Path, message: impl Into<String>) -> Error {
    ErrorKind::Artwork { path: path.to_owned(), message: message.into(), source: None }.into()
}

/// The error for pixels that a decoder refuses.
pub(super) fn damaged_by(path: &Path, error: impl StdError + Send + Sync + 'static) -> Error {
    let message = "its pixels are damaged or incomplete: upload it again".to_owned();
    ErrorKind::Artwork { path: path.to_owned(), message, source: Some(Box::new(error)) }.into()
}

/// The error for an artwork that is not what was probed.
pub(super) fn changed(path: &Path) -> Error {
    damaged(path, "the file was changed while it was being used: run again when it is complete")
}
