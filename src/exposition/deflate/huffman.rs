//! Huffman codes: short ones for what is frequent, none longer than the format allows.

/// How long the code of each symbol is, for symbols that occur so often: 0 for those that do not occur. None is
/// longer than the limit.
pub(super) fn code_lengths(frequencies: &[u32], limit: u8) -> Vec<u8> {
    let mut lengths = vec![0; frequencies.len()];
    let mut used: Vec<(u32, usize)> = frequencies
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(symbol, count)| (*count, symbol))
        .collect();
    used.sort_unstable();
    if let [(_, only)] = used[..] {
        lengths[only] = 1;
        return lengths;
    }
    let weights: Vec<u32> = used.iter().map(|(count, _)| *count).collect();
    let mut of_length = limited(&depths(&weights), limit);
    // The rarest get the longest.
    let mut length = limit;
    for (_, symbol) in used {
        while of_length[usize::from(length)] == 0 {
            length -= 1;
        }
        of_length[usize::from(length)] -= 1;
        lengths[symbol] = length;
    }
    lengths
}

/// How many leaves of these weights, sorted, lie how deep in the best tree.
fn depths(weights: &[u32]) -> Vec<u32> {
    // Trees joined so far have weights in order too: the two lightest are at the front of either row.
    let leaves = weights.len();
    let mut joined: Vec<u64> = Vec::with_capacity(leaves);
    let mut parents = vec![0; 2 * leaves];
    let (mut leaf, mut tree) = (0, 0);
    for parent in 0..leaves.saturating_sub(1) {
        let mut weight = 0;
        for _ in 0..2 {
            let is_leaf = match (weights.get(leaf), joined.get(tree)) {
                (Some(leaf), Some(tree)) => u64::from(*leaf) <= *tree,
                (leaf, _) => leaf.is_some(),
            };
            if is_leaf {
                weight += u64::from(weights[leaf]);
                parents[leaf] = parent;
                leaf += 1;
            } else {
                weight += joined[tree];
                parents[leaves + tree] = parent;
                tree += 1;
            }
        }
        joined.push(weight);
    }
    // The last one joined is the root; parents come after their children.
    let mut depth_of_tree = vec![0; joined.len()];
    let mut depths = vec![0; leaves + 1];
    for tree in (0..joined.len().saturating_sub(1)).rev() {
        depth_of_tree[tree] = depth_of_tree[parents[leaves + tree]] + 1;
    }
    for leaf in 0..if joined.is_empty() { 0 } else { leaves } {
        depths[depth_of_tree[parents[leaf]] + 1] += 1;
    }
    depths
}

/// How many codes of which length, none beyond the limit.
fn limited(depths: &[u32], limit: u8) -> Vec<u32> {
    let limit = usize::from(limit);
    let mut lengths = vec![0; limit + 1];
    for (depth, count) in depths.iter().enumerate() {
        lengths[depth.min(limit)] += count;
    }
    // Shortened codes take more room than there is: others have to be lengthened for them.
    let mut room: u64 =
        lengths.iter().enumerate().skip(1).map(|(length, count)| u64::from(*count) << (limit - length)).sum();
    while room > 1 << limit {
        let longer = (1..limit).rev().find(|length| lengths[*length] > 0).expect("there are fewer symbols than codes");
        lengths[limit] -= 1;
        lengths[longer] -= 1;
        lengths[longer + 1] += 2;
        room -= 1;
    }
    lengths
}

/// A code: for each symbol its bits, in the order in which they are written, and how many they are.
#[derive(Debug)]
pub(super) struct Code(Vec<(u32, u8)>);

impl Code {
    /// The code that follows from the lengths (RFC 1951 §3.2.2).
    pub(super) fn of(lengths: &[u8]) -> Self {
        let mut next = [0_u32; 17];
        for length in lengths.iter().filter(|length| **length > 0) {
            next[usize::from(*length) + 1] += 1;
        }
        for length in 1..next.len() {
            next[length] = (next[length - 1] << 1) + (next[length] << 1);
        }
        let code = lengths.iter().map(|length| {
            if *length == 0 {
                return (0, 0);
            }
            let bits = next[usize::from(*length)];
            next[usize::from(*length)] += 1;
            (bits.reverse_bits() >> (32 - u32::from(*length)), *length)
        });
        Self(code.collect())
    }

    /// The bits of a symbol.
    #[inline]
    pub(super) fn get(&self, symbol: usize) -> (u32, u8) {
        self.0[symbol]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_frequent_gets_short_codes() {
        assert_eq!(code_lengths(&[0, 0, 0], 15), [0, 0, 0]);
        assert_eq!(code_lengths(&[0, 7, 0], 15), [0, 1, 0]);
        assert_eq!(code_lengths(&[1, 0, 9], 15), [1, 0, 1]);
        assert_eq!(code_lengths(&[8, 4, 2, 1, 1], 15), [1, 2, 3, 4, 4]);
    }

    #[test]
    fn no_code_is_longer_than_the_limit() {
        // Weights that make the deepest tree.
        let mut weights = vec![1, 1];
        for index in 0..30 {
            weights.push(weights[index] + weights[index + 1]);
        }
        assert_eq!(code_lengths(&weights, 15).into_iter().max(), Some(15));
        assert_eq!(code_lengths(&[1; 128], 7), [7; 128]);
    }

    #[test]
    fn codes_are_those_of_the_format() {
        // RFC 1951 §3.2.2, with the bits in the order in which they are written.
        let code = Code::of(&[3, 3, 3, 3, 3, 2, 4, 4]);
        let written: Vec<String> = (0..8)
            .map(|symbol| code.get(symbol))
            .map(|(bits, length)| (0..length).map(|bit| if bits >> bit & 1 == 1 { '1' } else { '0' }).collect())
            .collect();
        assert_eq!(written, ["010", "011", "100", "101", "110", "00", "1110", "1111"]);
    }

    proptest! {
        #[test]
        fn codes_fill_all_the_room(
            frequencies in prop::collection::vec(prop_oneof![Just(0_u32), 1_u32..10, 1_u32..1_000_000], 2..286),
        ) {
            let used = frequencies.iter().filter(|count| **count > 0).count();
            prop_assume!(used > 1);
            let lengths = code_lengths(&frequencies, 15);
            let room: u32 = lengths.iter().filter(|length| **length > 0).map(|length| 1 << (15 - length)).sum();
            prop_assert_eq!(room, 1 << 15);
            for (frequency, length) in frequencies.iter().zip(&lengths) {
                prop_assert_eq!(*frequency > 0, *length > 0);
            }
            for (one, other) in frequencies.iter().zip(&lengths).zip(frequencies.iter().zip(&lengths).skip(1)) {
                prop_assert!(one.0 <= other.0 || one.1 <= other.1 || *other.1 == 0);
            }
        }
    }
}
