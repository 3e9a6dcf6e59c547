//! Property: any rows, cut into any bands, in any format and compression, come back from the joined fragments as they were, every checksum
//! right; no fragment is larger than was announced; an encoder that goes on from band to band and is told of empty rows instead of being
//! given them makes the same fragments; and columns that are said to repeat others come back as those, whatever they held.

#![no_main]

use arbitrary::Arbitrary;
use gangsheet::{BandEncoder, Fragment, PartHeader, PngPart, Repeat};
use gangsheet_fuzz::{Picture, decode_checked, scratch};
use libfuzzer_sys::{Corpus, fuzz_target};

#[derive(Arbitrary, Debug)]
struct Input {
    picture: Picture,
    /// For so many rows: by how much each repeat begins behind the one before, its columns, and how much farther than those its source is.
    repeats: Vec<(u8, Vec<(u8, u16, u16)>)>,
    /// What the repeated columns of a row hold.
    rest: u8,
}

fuzz_target!(|input: Input| -> Corpus {
    let picture = &input.picture;
    let bands = picture.bands();
    let Some(header) = picture.header(&bands) else { return Corpus::Reject };
    let fragments = picture.fragments(&bands);
    let mut encoder = picture.encoder();
    for (band, fragment) in bands.iter().zip(&fragments) {
        for rows in band.chunk_by(|a, b| a.iter().chain(b).all(|&byte| byte == 0)) {
            match rows {
                [row] if row.iter().any(|&byte| byte > 0) => encoder.push_row(row),
                _ => encoder.push_empty_rows(u32::try_from(rows.len()).unwrap()),
            }
        }
        assert!(encoder.finish() == *fragment, "another fragment from an encoder that went on");
    }
    assert!(decode(picture, &header, &bands, &fragments) == bands.concat().concat(), "other pixels than were encoded");

    let lists: Vec<(usize, Vec<Repeat>)> =
        input.repeats.iter().map(|(rows, wanted)| (usize::from(*rows) + 1, repeats(picture, wanted))).collect();
    let mut lists = lists.iter().flat_map(|(rows, list)| std::iter::repeat_n(list.as_slice(), *rows));
    let mut expected = Vec::new();
    let mut fragments = Vec::new();
    for band in &bands {
        for row in band {
            let (mut whole, mut given) = (row.clone(), row.clone());
            let list = lists.next().unwrap_or_default();
            for Repeat { columns, distance } in list {
                let [start, end, distance] = [columns.start, columns.end, *distance].map(|column| column as usize * picture.pixel_bytes());
                whole.copy_within(start - distance..end - distance, start);
                given[start..end].fill(input.rest);
            }
            encoder.row_mut().copy_from_slice(&given);
            encoder.push(list);
            expected.extend(whole);
        }
        fragments.push(encoder.finish());
    }
    assert!(decode(picture, &header, &bands, &fragments) == expected, "other pixels than those that are repeated");
    Corpus::Keep
});

/// Of the wanted repeats those that can be.
fn repeats(picture: &Picture, wanted: &[(u8, u16, u16)]) -> Vec<Repeat> {
    let mut repeats: Vec<Repeat> = Vec::new();
    for &(skipped, columns, farther) in wanted {
        let start = repeats.last().map_or(0, |last| last.columns.end) + u32::from(skipped);
        let columns = Repeat::MIN_COLUMNS + u32::from(columns) % picture.width();
        let distance = columns + u32::from(farther) % picture.width();
        if distance <= start.min(Repeat::most_distance(picture.format())) && start + columns <= picture.width() {
            repeats.push(Repeat { columns: start..start + columns, distance });
        }
    }
    repeats
}

/// The pixels of the file that these fragments make.
fn decode(picture: &Picture, header: &PartHeader, bands: &[Vec<Vec<u8>>], fragments: &[Fragment]) -> Vec<u8> {
    for (band, fragment) in bands.iter().zip(fragments) {
        let bound = BandEncoder::fragment_bound_bytes(picture.width(), picture.format(), u32::try_from(band.len()).unwrap());
        assert!(fragment.bytes().len() as u64 <= bound, "{} bytes, at most {bound} were announced", fragment.bytes().len());
    }
    let folder = scratch();
    let path = folder.path().join("part.png");
    let mut part = PngPart::create(&path, header).unwrap();
    fragments.iter().for_each(|fragment| part.append(fragment).unwrap());
    let finished = part.finish().unwrap();
    let file = std::fs::read(&path).unwrap();
    assert_eq!(finished.bytes, file.len() as u64);
    decode_checked(&file, header)
}
