//! Property: any rows, cut into any bands, in any format and compression, come back from the joined fragments as they were, every checksum
//! right; no fragment is larger than was announced; and an encoder that goes on from band to band and is told of empty rows instead of
//! being given them makes the same fragments.

#![no_main]

use gangsheet::{BandEncoder, PngPart};
use gangsheet_fuzz::{Picture, decode_checked, scratch};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|picture: Picture| -> Corpus {
    let bands = picture.bands();
    let Some(header) = picture.header(&bands) else { return Corpus::Reject };
    let fragments = picture.fragments(&bands);
    let mut encoder = picture.encoder();
    for (band, fragment) in bands.iter().zip(&fragments) {
        let bound = BandEncoder::fragment_bound_bytes(picture.width(), picture.format(), u32::try_from(band.len()).unwrap());
        assert!(fragment.bytes().len() as u64 <= bound, "{} bytes, at most {bound} were announced", fragment.bytes().len());
        for rows in band.chunk_by(|a, b| a.iter().chain(b).all(|&byte| byte == 0)) {
            match rows {
                [row] if row.iter().any(|&byte| byte > 0) => encoder.push_row(row),
                _ => encoder.push_empty_rows(u32::try_from(rows.len()).unwrap()),
            }
        }
        assert!(encoder.finish() == *fragment, "another fragment from an encoder that went on");
    }

    let folder = scratch();
    let path = folder.path().join("part.png");
    let mut part = PngPart::create(&path, &header).unwrap();
    fragments.iter().for_each(|fragment| part.append(fragment).unwrap());
    let finished = part.finish().unwrap();
    let file = std::fs::read(&path).unwrap();
    assert_eq!(finished.bytes, file.len() as u64);
    assert!(decode_checked(&file, &header) == bands.concat().concat(), "other pixels than were encoded");
    Corpus::Keep
});
