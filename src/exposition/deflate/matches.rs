//! A text of metrics split in literals and matches: what is new, and what is repeated.
//!
//! A match is looked for where a word begins or ends, and there at one place: where the same four bytes were last seen
//! at such a place; at the beginning of a line, at the beginning of the line before.

/// The shortest match worth taking: a shorter one costs as much as its bytes.
const SHORTEST: usize = 5;
/// The longest match that the format knows.
pub(super) const LONGEST: usize = 258;
/// How far back a match may lie.
const WINDOW: usize = 32 * 1024;
/// Bits of the table that tells where four bytes were last seen.
const HASH_BITS: u32 = 12;

/// Some literals, and a match after them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// How many.
    pub(super) literals: u32,
    /// Of the match: 3 to 258, or 0 where there is none, at the end of the text.
    pub(super) length: u16,
    /// How far back it lies, at most 32 768.
    pub(super) distance: u16,
}

/// Where a match may begin: at a byte that separates, and after one.
const SEPARATES: [bool; 256] = {
    let mut table = [true; 256];
    let mut byte = 0;
    while byte < 256 {
        let character = byte as u8;
        table[byte] = !(character.is_ascii_alphanumeric() || matches!(character, b'-' | b'_' | b'.'));
        byte += 1;
    }
    table
};

/// Splits the text in literals and matches.
pub(super) fn steps(text: &[u8]) -> Vec<Step> {
    let mut steps = Vec::with_capacity(text.len() / 32 + 1);
    // Where four bytes after a separator were last seen, plus one; 0 for nowhere.
    let mut seen = [0_u32; 1 << HASH_BITS];
    let (mut line_before, mut line) = (0, 0);
    let mut literals_from = 0;
    let mut at = 0;
    while at < text.len() {
        let begins = at == line || at == literals_from || SEPARATES[usize::from(text[at - 1])];
        if (begins || SEPARATES[usize::from(text[at])])
            && let Some(word) = text[at..].first_chunk::<4>()
        {
            let place = &mut seen[hash(*word)];
            let last = std::mem::replace(place, at as u32 + 1) as usize;
            let from = if at == line { line_before } else { last.wrapping_sub(1) };
            if from < at && at - from <= WINDOW {
                let length = within_line(text, line, at, common(&text[from..], &text[at..]));
                if length >= SHORTEST {
                    let (literals, before) = take_covered(&mut steps, text, (from, at), at - literals_from);
                    push_match(&mut steps, literals, before + length, at - from);
                    if let Some(end) = text[at..at + length].iter().position(|byte| *byte == b'\n') {
                        (line_before, line) = (line, at + end + 1);
                    }
                    at += length;
                    literals_from = at;
                    continue;
                }
            }
        }
        at += 1;
        if text[at - 1] == b'\n' {
            (line_before, line) = (line, at);
        } else if !SEPARATES[usize::from(text[at - 1])] {
            // Within a word no match is looked for.
            at += text[at..].iter().position(|byte| SEPARATES[usize::from(*byte)]).unwrap_or(text.len() - at);
        }
    }
    steps.push(Step { literals: (text.len() - literals_from) as u32, length: 0, distance: 0 });
    steps
}

/// How much of a match to take where it runs on into the next line: all of it, unless that line repeats this one,
/// which began at `line`, further than the match goes.
fn within_line(text: &[u8], line: usize, at: usize, length: usize) -> usize {
    let Some(end) = text[at..at + length].iter().position(|byte| *byte == b'\n') else { return length };
    let next = at + end + 1;
    if common(&text[line..], &text[next..]) > at + length - next { end + 1 } else { length }
}

/// Takes back the match that ends where this one begins, if this one covers it too: then one does for both. Returns the
/// literals before the match, and how much longer it has become.
fn take_covered(steps: &mut Vec<Step>, text: &[u8], (from, at): (usize, usize), literals: usize) -> (usize, usize) {
    if literals == 0
        && let Some(last) = steps.last()
        && let length = usize::from(last.length)
        && from >= length
        && text[from - length..from] == text[at - length..at]
    {
        let literals = last.literals as usize;
        steps.pop();
        return (literals, length);
    }
    (literals, 0)
}

/// Appends a match, in as many parts as it takes.
fn push_match(steps: &mut Vec<Step>, literals: usize, mut length: usize, distance: usize) {
    let mut literals = literals as u32;
    while length > 0 {
        // What is left must be a match too, of at least three bytes.
        let part = if length > LONGEST && length < LONGEST + 3 { LONGEST - 3 } else { length.min(LONGEST) };
        steps.push(Step { literals, length: part as u16, distance: distance as u16 });
        literals = 0;
        length -= part;
    }
}

fn hash(word: [u8; 4]) -> usize {
    (u32::from_le_bytes(word).wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize
}

/// How many bytes two texts have in common at their beginning.
fn common(one: &[u8], other: &[u8]) -> usize {
    let mut length = 0;
    for (one, other) in one.chunks_exact(8).zip(other.chunks_exact(8)) {
        let one = u64::from_le_bytes(one.try_into().expect("eight bytes"));
        let other = u64::from_le_bytes(other.try_into().expect("eight bytes"));
        let differing = one ^ other;
        if differing != 0 {
            return length + differing.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    let rest = one[length..].iter().zip(&other[length..]);
    length + rest.take_while(|(one, other)| one == other).count()
}
