//! Canonical prefix codes of least cost with a limit on their length (RFC 1951, section 3.2.2).

/// The longest code for literals, lengths and distances. Deflate allows 15; four codes of 14 bits fit a 64-bit buffer with seven bits left
/// over from before, and on blocks of pixels the last bit of length gains nothing.
pub(super) const MAX_CODE_BITS: u8 = 14;

/// Lengths of the codes for symbols that occur `frequencies` times, none above `limit`; 0 where the frequency is 0.
///
/// A single symbol gets a code of one bit, as decoders want it.
pub(super) fn code_lengths<const N: usize>(frequencies: &[u32; N], limit: u8) -> [u8; N] {
    let mut symbols = [(0_u32, 0_u16); N];
    let mut used = 0;
    for (symbol, &frequency) in (0_u16..).zip(frequencies) {
        if frequency > 0 {
            symbols[used] = (frequency, symbol);
            used += 1;
        }
    }
    let symbols = &mut symbols[..used];
    symbols.sort_unstable();
    let mut lengths = [0; N];
    if let [(_, symbol)] = *symbols {
        lengths[usize::from(symbol)] = 1;
        return lengths;
    }
    let mut depths = [0_u32; N];
    for (depth, &(frequency, _)) in depths.iter_mut().zip(symbols.iter()) {
        *depth = frequency;
    }
    minimum_redundancy(&mut depths[..used]);
    // The rarest symbols come first and get the longest codes.
    let counts = limited_counts(&depths[..used], limit);
    let mut rest = symbols.iter();
    for length in (1..=limit).rev() {
        for &(_, symbol) in rest.by_ref().take(counts[usize::from(length)]) {
            lengths[usize::from(symbol)] = length;
        }
    }
    lengths
}

/// Replaces ascending weights by the depths of their leaves in an optimal tree, in place (Moffat and Katajainen, “In-Place Calculation of
/// Minimum-Redundancy Codes”, 1995). At least two weights.
fn minimum_redundancy(weights: &mut [u32]) {
    let n = weights.len();
    if n < 2 {
        return;
    }
    // First pass: weights become parents' indices, from the left; two of the smallest of leaves and inner nodes make the next node.
    let (mut leaf, mut node) = (0, 0);
    for next in 0..n - 1 {
        let mut sum = 0_u32;
        for _ in 0..2 {
            if node < next && (leaf >= n || weights[node] < weights[leaf]) {
                sum = sum.saturating_add(weights[node]);
                weights[node] = u32::try_from(next).unwrap_or(u32::MAX);
                node += 1;
            } else {
                sum = sum.saturating_add(weights[leaf]);
                leaf += 1;
            }
        }
        weights[next] = sum;
    }
    // Second pass: parents become the inner nodes' depths, from the root down.
    weights[n - 2] = 0;
    for node in (0..n - 2).rev() {
        weights[node] = weights[weights[node] as usize] + 1;
    }
    // Third pass: from the inner nodes at each depth follows how many leaves are there.
    let (mut available, mut depth, mut node, mut slot) = (1_usize, 0_u32, n - 1, n);
    while available > 0 {
        let mut inner = 0;
        while node > 0 && weights[node - 1] == depth {
            inner += 1;
            node -= 1;
        }
        for _ in inner..available {
            slot -= 1;
            weights[slot] = depth;
        }
        available = 2 * inner;
        depth += 1;
    }
}

/// How many codes there are of each length, none above `limit`, from the depths of an optimal tree.
///
/// Leaves below the limit are lifted to it; then codes are lengthened, the longest below the limit first, until all fit (Kraft's sum).
fn limited_counts(depths: &[u32], limit: u8) -> [usize; 16] {
    let limit = usize::from(limit);
    let mut counts = [0; 16];
    for &depth in depths {
        counts[limit.min(depth as usize)] += 1;
    }
    let room = 1_usize << limit;
    let mut taken: usize = (1..=limit).map(|length| counts[length] << (limit - length)).sum();
    while taken > room {
        // One code of the limit's length moves beside a shorter one, which grows by a bit to make place.
        let Some(shorter) = (1..limit).rev().find(|&length| counts[length] > 0) else { break };
        counts[limit] -= 1;
        counts[shorter] -= 1;
        counts[shorter + 1] += 2;
        taken -= 1;
    }
    counts
}

/// The codes of these lengths, none above [`MAX_CODE_BITS`], their bits in the order in which deflate sends them.
pub(super) fn canonical_codes<const N: usize>(lengths: &[u8; N]) -> [u16; N] {
    let mut next = [0_u16; 16];
    for &length in lengths {
        if length > 0 {
            next[usize::from(length) + 1] += 1;
        }
    }
    // `next[l]` holds the number of codes of length l − 1; turn it into the first code of length l.
    let mut code = 0;
    for slot in &mut next[1..] {
        code = (code + *slot) << 1;
        *slot = code;
    }
    let mut codes = [0; N];
    for (code, &length) in codes.iter_mut().zip(lengths) {
        if length > 0 {
            let slot = &mut next[usize::from(length)];
            *code = slot.reverse_bits() >> (16 - length);
            *slot += 1;
        }
    }
    codes
}
