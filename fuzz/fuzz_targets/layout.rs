//! Property: no text makes reading a layout panic; one that was read is read as the same from its own JSON; and a tiny one is either refused
//! with nothing written or rendered, with ample memory and with the least that will do, to the same proven parts, whose pixels are those of
//! the artwork wherever it is printed pixel for pixel.

#![no_main]

use gangsheet::Layout;
use gangsheet_fuzz::render_and_prove;
use libfuzzer_sys::{Corpus, fuzz_target};

/// More pixels or copies than this take too long for a fuzzer.
const MOST_PIXELS: u64 = 1 << 16;
const MOST_COPIES: u64 = 100;

fuzz_target!(|json: &[u8]| -> Corpus {
    let Ok(layout) = serde_json::from_slice::<Layout>(json) else { return Corpus::Keep };
    let written = serde_json::to_vec(&layout).unwrap();
    assert_eq!(serde_json::from_slice::<Layout>(&written).unwrap(), layout);
    let pixels: u64 = layout.parts.iter().map(|part| part.size().area()).fold(0, u64::saturating_add);
    if pixels > MOST_PIXELS || layout.copies() > MOST_COPIES || layout.parts.len() > 10 {
        return Corpus::Reject;
    }
    render_and_prove(&layout);
    Corpus::Keep
});
