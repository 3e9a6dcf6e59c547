//! Property: a file of any bytes is printed or refused as artwork: without a panic, within the memory limit, nothing left behind when it is
//! refused, and proven when it is printed. Of most PNG files the checksums are put right first.

#![no_main]

use std::fs;

use gangsheet::{
    Dpi, ErrorKind, Layout, MemoryBudget, Output, PROCESS_BYTES, Part, Placement, PxRect, PxSize, Run, RunOptions, Treatment, Turn,
    VerifyOptions, verify,
};
use gangsheet_fuzz::{scratch, with_right_checksums};
use libfuzzer_sys::fuzz_target;

/// What decoding may take.
const LIMIT_BYTES: u64 = PROCESS_BYTES + (16 << 20);

fuzz_target!(|file: &[u8]| {
    let folder = scratch();
    let as_it_is = file.len().is_multiple_of(8);
    fs::write(folder.path().join("artwork"), if as_it_is { file.to_vec() } else { with_right_checksums(file) }).unwrap();
    let size = PxSize::new(24, 19).unwrap();
    let placement = |copy, turn, trim: bool| Placement {
        order: "1001".into(),
        item: copy,
        copy: 1,
        artwork: "artwork".into(),
        rect: PxRect::new(30 * copy, 0, size).unwrap(),
        turn,
        inner: None,
        treatment: Treatment { trim: trim.into(), mirror: trim, ..Treatment::default() },
    };
    let placements = vec![placement(0, Turn::None, false), placement(1, Turn::Cw270, true)];
    let parts = vec![Part::new(PxSize::new(60, 20).unwrap(), placements).unwrap()];
    let layout = Layout { name: "fuzz".to_owned(), dpi: Dpi::new(300).unwrap(), parts, output: Output::default() };

    // The outputs lie in a RAM disk, to which nothing is spilled.
    let temp_dir = Some(env!("CARGO_MANIFEST_DIR").into());
    let options = RunOptions { max_memory_bytes: Some(LIMIT_BYTES), threads: Some(1), temp_dir, ..RunOptions::default() };
    let sheets = folder.path().join("sheets");
    match Run::of_layout(&layout, folder.path()).options(options).render(&sheets, |_| {}) {
        Ok(report) => {
            assert!(report.peak_reserved_bytes <= LIMIT_BYTES);
            verify(&sheets, &VerifyOptions { threads: Some(1), ..VerifyOptions::default() }, &MemoryBudget::new(LIMIT_BYTES))
                .unwrap_or_else(|error| panic!("{error}"));
        }
        Err(error) => {
            let known = matches!(
                error.kind(),
                ErrorKind::Preflight { .. } | ErrorKind::Artwork { .. } | ErrorKind::ArtworkLimit { .. } | ErrorKind::MemoryLimit { .. }
            );
            assert!(known, "{error:?}");
            assert!(!sheets.exists(), "something was left behind: {error}");
        }
    }
});
