//! A block of the format with codes of its own (RFC 1951 §3.2.5–3.2.7).

use super::bits::Bits;
use super::huffman::{Code, code_lengths};
use super::matches::{LONGEST, Step};

/// The symbol that ends a block.
const END: usize = 256;
/// Literals, the end, and 29 lengths.
const LITERALS: usize = 286;
/// Distances.
const DISTANCES: usize = 30;
/// Symbols that lengths of codes are written with.
const LENGTHS: usize = 19;
/// In which order their own lengths are written.
const LENGTHS_ORDER: [usize; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Writes a block of these steps, which begin with the text; returns the text after them.
pub(super) fn write<'a>(text: &'a [u8], steps: &[Step], bits: &mut Bits) -> &'a [u8] {
    let mut literals = [0_u32; LITERALS];
    let mut distances = [0_u32; DISTANCES];
    literals[END] = 1;
    let mut at = 0;
    for step in steps {
        let end = at + step.literals as usize;
        for byte in &text[at..end] {
            literals[usize::from(*byte)] += 1;
        }
        at = end + usize::from(step.length);
        if step.length > 0 {
            literals[length_symbol(step.length).symbol] += 1;
            distances[distance_symbol(step.distance).symbol] += 1;
        }
    }
    let literal_lengths = code_lengths(&literals, 15);
    let distance_lengths = code_lengths(&distances, 15);
    write_codes(&literal_lengths, &distance_lengths, bits);
    let (literals, distances) = (Code::of(&literal_lengths), Code::of(&distance_lengths));

    let mut at = 0;
    for step in steps {
        let end = at + step.literals as usize;
        bits.push_all(text[at..end].iter().map(|byte| literals.get(usize::from(*byte))));
        at = end + usize::from(step.length);
        if step.length > 0 {
            let length = length_symbol(step.length);
            bits.push(literals.get(length.symbol));
            bits.push(length.extra);
            let distance = distance_symbol(step.distance);
            bits.push(distances.get(distance.symbol));
            bits.push(distance.extra);
        }
    }
    bits.push(literals.get(END));
    &text[at..]
}

/// A length or a distance as the format writes it.
#[derive(Clone, Copy, Debug)]
struct Symbol {
    symbol: usize,
    /// What the symbol leaves open, and in how many bits.
    extra: (u32, u8),
}

fn length_symbol(length: u16) -> Symbol {
    if usize::from(length) == LONGEST {
        return Symbol { symbol: 285, extra: (0, 0) };
    }
    let value = u32::from(length) - 3;
    // Groups of four symbols with the same number of extra bits, after the first eight with none.
    let extra = if value < 8 { 0 } else { 29 - value.leading_zeros() };
    let symbol = 257 + 4 * extra + (value >> extra);
    Symbol { symbol: symbol as usize, extra: (value & ((1 << extra) - 1), extra as u8) }
}

fn distance_symbol(distance: u16) -> Symbol {
    let value = u32::from(distance) - 1;
    // Groups of two.
    let extra = if value < 4 { 0 } else { 30 - value.leading_zeros() };
    let symbol = 2 * extra + (value >> extra);
    Symbol { symbol: symbol as usize, extra: (value & ((1 << extra) - 1), extra as u8) }
}

/// Writes the head of a block with codes of its own.
fn write_codes(literals: &[u8], distances: &[u8], bits: &mut Bits) {
    let used = |lengths: &[u8], least: usize| {
        lengths.iter().rposition(|length| *length > 0).map_or(least, |last| (last + 1).max(least))
    };
    let (literals, distances) = (&literals[..used(literals, 257)], &distances[..used(distances, 1)]);
    let all = [literals, distances].concat();
    let runs = runs(&all);
    let mut frequencies = [0; LENGTHS];
    for (symbol, _) in &runs {
        frequencies[*symbol] += 1;
    }
    let lengths = code_lengths(&frequencies, 7);
    let code = Code::of(&lengths);
    let written = LENGTHS_ORDER.iter().rposition(|symbol| lengths[*symbol] > 0).map_or(4, |last| (last + 1).max(4));

    bits.push((0b100, 3)); // not the last one; dynamic codes
    bits.push((literals.len() as u32 - 257, 5));
    bits.push((distances.len() as u32 - 1, 5));
    bits.push((written as u32 - 4, 4));
    for symbol in &LENGTHS_ORDER[..written] {
        bits.push((u32::from(lengths[*symbol]), 3));
    }
    for (symbol, extra) in runs {
        bits.push(code.get(symbol));
        bits.push(extra);
    }
}

/// Lengths of codes with their repetitions shortened: symbols, and what each leaves open.
fn runs(lengths: &[u8]) -> Vec<(usize, (u32, u8))> {
    let mut runs = Vec::with_capacity(lengths.len());
    for run in lengths.chunk_by(|one, other| one == other) {
        let length = run[0];
        let mut left = run.len();
        if length > 0 {
            runs.push((usize::from(length), (0, 0)));
            left -= 1;
        }
        while left > 0 {
            let (symbol, part, least, extra) = match (length, left) {
                (0, 11..) => (18, left.min(138), 11, 7),
                (0, 3..) => (17, left, 3, 3),
                (1.., 3..) => (16, left.min(6), 3, 2),
                _ => (usize::from(length), 1, 1, 0),
            };
            runs.push((symbol, ((part - least) as u32, extra)));
            left -= part;
        }
    }
    runs
}
