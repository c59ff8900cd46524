//! The stored file: a [`Memory`] under a seal.
//!
//! Eight bytes that name the format, four of its version, the memory, and the SHA-256 of all that. A digest and not a
//! checksum of a few bytes: it costs as little here and leaves no doubt that the file is the one that was written, to
//! its last byte. It guards against accidents, not against somebody who may write there.

use std::fmt;
use std::io::{self, BufWriter, Write};

use aws_lc_rs::digest::{Context, Digest, SHA256, SHA256_OUTPUT_LEN, digest};

use crate::memory::{Memory, layout};

/// How a file of ours begins.
const MAGIC: [u8; 8] = *b"dcsfacts";
/// With the version, little-endian.
const HEAD: usize = MAGIC.len() + size_of::<u32>();
/// A hundred thousand instances with all their records take a quarter of this.
pub(super) const LARGEST: u64 = 1 << 30;
/// What is written to the disk at once.
const CHUNK: usize = 1 << 18;

/// Why a file is not used: the label `reason` of `dcs_exporter_storage_files_rejected_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It does not begin as ours do.
    Foreign,
    /// It is of a version that this program does not know.
    Newer,
    /// It is not as it was written: cut, changed, or longer than any.
    Damaged,
    /// It cannot be read.
    Unreadable,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Foreign, Self::Newer, Self::Damaged, Self::Unreadable];

    /// The label's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Newer => "newer",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Foreign => "the file is none of this program",
            Self::Newer => "the file was written by a newer version of this program",
            Self::Damaged => "the file is not as it was written",
            Self::Unreadable => "the file cannot be read",
        })
    }
}

/// Writes a memory with its seal; tells how many bytes that took.
///
/// # Errors
/// Those of `out`, and where the file would be too large to be read again.
pub fn write(memory: &Memory, out: impl Write) -> io::Result<u64> {
    let sealing = Sealing { out, digest: Context::new(&SHA256), length: 0 };
    let mut buffered = BufWriter::with_capacity(CHUNK, sealing);
    buffered.write_all(&MAGIC)?;
    buffered.write_all(&layout::VERSION.to_le_bytes())?;
    layout::write(memory, &mut buffered)?;
    buffered.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
}

/// Reads a file that [`write()`] wrote, whole.
///
/// # Errors
/// Why it is not used.
pub fn read(bytes: &[u8]) -> Result<Memory, Reason> {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(Reason::Foreign);
    }
    let (head, rest) = bytes.split_at_checked(HEAD).ok_or(Reason::Damaged)?;
    let version = head[MAGIC.len()..].try_into().map(u32::from_le_bytes).map_err(|_| Reason::Damaged)?;
    if version > layout::VERSION {
        return Err(Reason::Newer);
    }
    let (memory, seal) = rest.split_last_chunk::<SHA256_OUTPUT_LEN>().ok_or(Reason::Damaged)?;
    let sealed = digest(&SHA256, &bytes[..HEAD + memory.len()]);
    if sealed.as_ref() != seal {
        return Err(Reason::Damaged);
    }
    layout::read(memory, version).ok_or(Reason::Damaged)
}

/// Passes bytes on and takes their digest.
struct Sealing<W> {
    out: W,
    digest: Context,
    length: u64,
}

impl<W: Write> Sealing<W> {
    fn finish(mut self) -> io::Result<u64> {
        let seal: Digest = self.digest.clone().finish();
        self.write_all(seal.as_ref())?;
        self.out.flush()?;
        Ok(self.length)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.length += count as u64;
        if self.length > LARGEST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the facts take more than 1 GiB"));
        }
        self.digest.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::sample::minute;
    use crate::memory::sample::any_memory;

    fn written(memory: &Memory) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert_eq!(write(memory, &mut bytes).unwrap(), bytes.len() as u64);
        bytes
    }

    fn empty() -> Memory {
        Memory { saved_at: minute(0), projects: Vec::new() }
    }

    #[test]
    fn what_is_none_of_ours_is_told_from_what_is_damaged() {
        let good = written(&empty());
        let version = |version: u32| [&MAGIC[..], &version.to_le_bytes(), &good[HEAD..]].concat();
        for (bytes, expected) in [
            (Vec::new(), Reason::Damaged),
            (b"dcs".to_vec(), Reason::Damaged),
            (b"{\"projects\":[]}".to_vec(), Reason::Foreign),
            (vec![0; 4096], Reason::Foreign),
            (version(layout::VERSION + 1), Reason::Newer),
            (version(u32::MAX), Reason::Newer),
            (version(0), Reason::Damaged),
            (version(1), Reason::Damaged),
            (good[..good.len() - 1].to_vec(), Reason::Damaged),
            ([good.as_slice(), b"\n"].concat(), Reason::Damaged),
            ([good.as_slice(), &good].concat(), Reason::Damaged),
        ] {
            assert_eq!(read(&bytes), Err(expected), "{bytes:?}");
        }
        assert_eq!(read(&good), Ok(empty()));
    }

    #[test]
    fn a_full_disk_is_an_error() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let count = bytes.len().min(self.0);
                self.0 -= count;
                if count == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let length = written(&empty()).len();
        for room in 0..length {
            assert_eq!(write(&empty(), Full(room)).unwrap_err().kind(), io::ErrorKind::StorageFull, "{room}");
        }
        assert_eq!(write(&empty(), Full(length)).unwrap(), length as u64);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(memory in any_memory()) {
            prop_assert_eq!(read(&written(&memory)), Ok(memory));
        }

        #[test]
        fn every_cut_is_refused(memory in any_memory()) {
            let bytes = written(&memory);
            for length in 0..bytes.len() {
                prop_assert_eq!(read(&bytes[..length]), Err(Reason::Damaged), "{} of {}", length, bytes.len());
            }
        }

        #[test]
        fn every_changed_byte_is_refused(memory in any_memory(), at: prop::sample::Index, change in 1..=255_u8) {
            let mut bytes = written(&memory);
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert!(read(&bytes).is_err(), "byte {}", at);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            prop_assert!(read(&bytes).is_err());
        }
    }
}
