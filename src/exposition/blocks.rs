//! What one family says of a group of instances, rendered and kept until it changes.
//!
//! Most of a fleet's text is labels, the same in every family. So a block keeps only what comes after them, a tenth
//! of its text; the labels are kept once for all families. The lines are put together while they are sent, which costs
//! less than the copy to the kernel that follows. The compressed form is made when it is first wanted.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::families::{At, Family, SharedLabels};
use super::gzip::Packed;
use crate::snapshot::InstanceView;

/// What one family says of some instances; at least one line.
pub(super) struct Block {
    name: &'static str,
    labels: Arc<SharedLabels>,
    /// What comes after the shared labels, of all lines.
    endings: Box<str>,
    lines: Box<[Line]>,
    /// Of the whole text, in bytes.
    length: usize,
    packed: OnceLock<Packed>,
}

/// A line: whose labels it has, and where its ending ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    instance: u32,
    end: u32,
}

impl Block {
    /// What the family says of these instances, whose labels these are; `None` where it has nothing to say.
    pub(super) fn of<'a>(
        family: &Family,
        instances: impl Iterator<Item = &'a InstanceView>,
        labels: &Arc<SharedLabels>,
        at: &At,
    ) -> Option<Self> {
        let mut endings = String::new();
        let mut lines = Vec::new();
        let mut length = 0;
        for (index, instance) in instances.enumerate() {
            let mut begin = endings.len();
            family.write_endings(instance, at, &mut endings);
            while let Some(ending) = endings[begin..].find('\n') {
                begin += ending + 1;
                lines.push(Line { instance: small(index), end: small(begin) });
                length += family.name.len() + 1 + labels.get(index).len() + ending + 1;
            }
        }
        (!lines.is_empty()).then(|| Self {
            name: family.name,
            labels: Arc::clone(labels),
            endings: endings.into_boxed_str(),
            lines: lines.into_boxed_slice(),
            length,
            packed: OnceLock::new(),
        })
    }

    /// Whether both say the same, of instances with the same labels.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.labels, &other.labels) && self.endings == other.endings && self.lines == other.lines
    }

    /// How long its text is, in bytes.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Appends its lines from this one on, until the text is at least so long; returns the number of the next line,
    /// `None` after the last.
    pub(super) fn write(&self, from: usize, out: &mut Vec<u8>, length: usize) -> Option<usize> {
        let mut begin = from.checked_sub(1).map_or(0, |before| self.lines[before].end as usize);
        for (index, line) in self.lines.iter().enumerate().skip(from) {
            if out.len() >= length {
                return Some(index);
            }
            let end = line.end as usize;
            out.extend_from_slice(self.name.as_bytes());
            out.push(b'{');
            out.extend_from_slice(self.labels.get(line.instance as usize).as_bytes());
            out.extend_from_slice(&self.endings.as_bytes()[begin..end]);
            begin = end;
        }
        None
    }

    /// Its text, compressed.
    pub(super) fn packed(&self) -> Packed {
        self.packed
            .get_or_init(|| {
                let mut text = Vec::with_capacity(self.length);
                self.write(0, &mut text, usize::MAX);
                Packed::of(&text)
            })
            .clone()
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Block")
            .field("name", &self.name)
            .field("lines", &self.lines.len())
            .finish_non_exhaustive()
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).expect("a group has some hundred instances")
}
