//! Property: a partial file that was cut off anywhere, damaged anywhere and continued anyhow, like bands by their earlier fragments, is either
//! refused or resumed to exactly the file that an undisturbed run writes; one that was only cut off is always resumed; and under the final name it is
//! recognised as finished only where it is that file.

#![no_main]

use std::fs;

use arbitrary::Arbitrary;
use gangsheet::{ErrorKind, PngPart};
use gangsheet_fuzz::{Picture, scratch};
use libfuzzer_sys::{Corpus, fuzz_target};

#[derive(Arbitrary, Debug)]
struct Input {
    picture: Picture,
    written: u8,
    kept: u32,
    /// Bytes to change: where, and by what.
    damage: Vec<(u32, u8)>,
    appended: Vec<u8>,
}

fuzz_target!(|input: Input| -> Corpus {
    let bands = input.picture.bands();
    let Some(header) = input.picture.header(&bands) else { return Corpus::Reject };
    let fragments = input.picture.fragments(&bands);
    let band_rows: Vec<u32> = bands.iter().map(|band| u32::try_from(band.len()).unwrap()).collect();
    let folder = scratch();
    let [whole_path, path] = ["whole.png", "part.png"].map(|name| folder.path().join(name));
    let mut whole = PngPart::create(&whole_path, &header).unwrap();
    fragments.iter().for_each(|fragment| whole.append(fragment).unwrap());
    whole.finish().unwrap();

    let mut part = PngPart::create(&path, &header).unwrap();
    let written = usize::from(input.written) % (fragments.len() + 1);
    fragments[..written].iter().for_each(|fragment| part.append(fragment).unwrap());
    drop(part);
    let partial = PngPart::partial_path(&path);
    let mut bytes = fs::read(&partial).unwrap();
    bytes.truncate(input.kept as usize % (bytes.len() + 1));
    let mut damaged = !input.appended.is_empty();
    for &(at, change) in &input.damage {
        let length = bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(at as usize % length) {
            *byte ^= change;
            damaged |= change != 0;
        }
    }
    bytes.extend_from_slice(&input.appended);
    fs::write(&partial, &bytes).unwrap();

    fs::write(&path, &bytes).unwrap();
    match PngPart::finished(&path, &header, &band_rows) {
        Ok(found) => assert_eq!(found.is_some(), bytes == fs::read(&whole_path).unwrap(), "finished or not"),
        Err(error) => assert!(damaged && matches!(error.kind(), ErrorKind::NotResumable { .. }), "{error}"),
    }
    fs::remove_file(&path).unwrap();

    match PngPart::resume(&path, &header, &band_rows) {
        Ok((mut part, done)) => {
            assert!(damaged || done <= written, "{done} bands found where {written} were written");
            for (nth, fragment) in fragments.iter().enumerate().skip(done) {
                match fragments[..nth].iter().position(|earlier| earlier == fragment) {
                    Some(earlier) => part.append_again(earlier).unwrap(),
                    None => part.append(fragment).unwrap(),
                }
            }
            part.finish().unwrap();
            assert!(fs::read(&path).unwrap() == fs::read(&whole_path).unwrap(), "resumed to another file");
        }
        Err(error) => assert!(damaged && matches!(error.kind(), ErrorKind::NotResumable { .. }), "{error}"),
    }
    Corpus::Keep
});
