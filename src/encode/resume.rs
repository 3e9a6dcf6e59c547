//! How far an unfinished part is whole.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use flate2::{Decompress, FlushDecompress, Status};
use sha2::Digest;

use super::adler;
use super::part::{FragmentPlace, PartHeader, SIGNATURE, Whole};
use crate::error::{Error, ErrorKind};

/// Bytes read, and bytes inflated, at a time.
const WINDOW_BYTES: usize = 64 << 10;

/// What a sync flush ends with: the lengths of an empty stored block (RFC 1951, section 3.2.4).
const SYNC_MARK: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Why a file cannot be gone on with.
#[derive(Debug)]
pub(super) enum Stop {
    Io(io::Error),
    Differs(String),
}

impl Stop {
    /// The error, at the file that it is about.
    pub(super) fn at(self, path: &Path) -> Error {
        match self {
            Self::Io(source) => Error::io("read", path, source),
            Self::Differs(message) => ErrorKind::NotResumable { path: path.to_owned(), message }.into(),
        }
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads `file` from its start; says up to where it is whole and which bands those are. Nothing is whole where the file was cut before
/// its first band.
pub(super) fn scan(
    file: &mut (impl Read + Seek),
    header: &PartHeader,
    fragment_rows: &[u32],
    chunk_limit: usize,
) -> Result<(Whole, Vec<FragmentPlace>), Stop> {
    file.seek(SeekFrom::Start(0))?;
    if !begins_as(file, header)? {
        return Ok((Whole::default(), Vec::new()));
    }
    let expected = header.prologue();
    let mut whole = Whole { bytes: expected.len() as u64, ..Whole::default() };
    whole.sha256.update(&expected);
    let mut fragments = Vec::new();
    let mut reader = BandReader { file, input: vec![0; WINDOW_BYTES], output: vec![0; WINDOW_BYTES], chunk_limit };
    for &rows in fragment_rows {
        let raw_bytes = header.filtered_row_bytes().saturating_mul(u64::from(rows));
        match reader.band(&whole, raw_bytes)? {
            Some((next, adler32)) => {
                fragments.push(FragmentPlace::between(&whole, &next, adler32));
                whole = next;
            }
            None => break,
        }
    }
    Ok((whole, fragments))
}

/// Whether the file holds the whole of what comes before its first band; not where it was cut before that.
pub(super) fn begins_as(file: &mut impl Read, header: &PartHeader) -> Result<bool, Stop> {
    let expected = header.prologue();
    let mut found = Vec::with_capacity(expected.len());
    file.by_ref().take(expected.len() as u64).read_to_end(&mut found)?;
    if !expected.starts_with(&found) {
        return Err(Stop::Differs(difference(&found, &expected)));
    }
    Ok(found.len() == expected.len())
}

/// Where the chunks' kinds and data lie in a part's first bytes: IHDR, pHYs and tEXt. Each is followed by its CRC. What the part says about
/// its colours comes behind; the plan's digest tells that, too.
const CHECKED: [Range<usize>; 3] = [12..29, 37..50, 58..141];

/// In what a header differs from the expected one, from the first field that does. Both have their fields at the same places.
fn difference(found: &[u8], expected: &[u8]) -> String {
    if !found.starts_with(&SIGNATURE) {
        return "it is no PNG".to_owned();
    }
    let intact = |range: &Range<usize>| {
        let crc = found.get(range.end..range.end + 4)?;
        Some(crc == crc32fast::hash(&found[range.clone()]).to_be_bytes())
    };
    let number = |bytes: &[u8], at: usize| bytes[at..at + 4].iter().fold(0_u32, |sum, &byte| sum << 8 | u32::from(byte));
    let differs = |range: Range<usize>| found[range.clone()] != expected[range];
    if !CHECKED.iter().all(|range| intact(range) == Some(true)) {
        "its header is damaged".to_owned()
    } else if differs(16..24) {
        let size = |bytes: &[u8]| format!("{} × {}", number(bytes, 16), number(bytes, 20));
        format!("it has {} pixels, the plan {}", size(found), size(expected))
    } else if differs(24..29) {
        "it has another pixel format than the plan".to_owned()
    } else if differs(37..50) {
        format!("it has {} pixels per metre, the plan {}", number(found, 41), number(expected, 41))
    } else if differs(58..141) {
        "it comes from another plan: the artwork, the layout or the settings have changed".to_owned()
    } else {
        "its header is damaged".to_owned()
    }
}

struct BandReader<'a, F> {
    file: &'a mut F,
    input: Vec<u8>,
    output: Vec<u8>,
    chunk_limit: usize,
}

impl<F: Read> BandReader<'_, F> {
    /// Reads one band's chunks behind `whole`: up to where the file is whole then, and the band's own checksum. `None` where the band is
    /// cut off, damaged, or not `raw_bytes` long.
    fn band(&mut self, whole: &Whole, raw_bytes: u64) -> Result<Option<(Whole, u32)>, Stop> {
        let mut next = whole.clone();
        let mut inflate = Decompress::new(false);
        let mut tail = [0; 4];
        let mut adler32 = adler::EMPTY;
        loop {
            let mut head = [0; 8];
            if !self.fill(&mut head)? || &head[4..] != b"IDAT" {
                return Ok(None);
            }
            let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
            if length > self.chunk_limit {
                return Ok(None);
            }
            next.sha256.update(head);
            let mut crc = crc32fast::Hasher::new();
            crc.update(b"IDAT");
            let mut left = length;
            while left > 0 {
                let take = left.min(self.input.len());
                let mut input = std::mem::take(&mut self.input);
                let complete = self.fill(&mut input[..take])?;
                self.input = input;
                if !complete {
                    return Ok(None);
                }
                let data = &self.input[..take];
                crc.update(data);
                next.sha256.update(data);
                for &byte in &data[take.saturating_sub(4)..] {
                    tail = [tail[1], tail[2], tail[3], byte];
                }
                match inflate_all(&mut inflate, data, &mut self.output, adler32) {
                    Some(adler) if inflate.total_out() <= raw_bytes => adler32 = adler,
                    _ => return Ok(None),
                }
                left -= take;
            }
            let mut stored_crc = [0; 4];
            if !self.fill(&mut stored_crc)? || stored_crc != crc.finalize().to_be_bytes() {
                return Ok(None);
            }
            next.sha256.update(stored_crc);
            next.bytes += length as u64 + 12;
            if inflate.total_out() == raw_bytes && tail == SYNC_MARK {
                next.adler32 = adler::combine(next.adler32, adler32, raw_bytes);
                next.raw_bytes += raw_bytes;
                return Ok(Some((next, adler32)));
            }
            // Only a fragment that exceeds a chunk goes on in the next one.
            if length != self.chunk_limit {
                return Ok(None);
            }
        }
    }

    /// Fills `buffer` from the file; whether there was so much.
    fn fill(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        match self.file.read_exact(buffer) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Inflates all of `data` and extends `adler32` over what comes out; `None` where `data` is no deflate or ends the stream.
fn inflate_all(inflate: &mut Decompress, mut data: &[u8], output: &mut [u8], mut adler32: u32) -> Option<u32> {
    loop {
        let (taken, made) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(data, output, FlushDecompress::None).ok()?;
        let taken = usize::try_from(inflate.total_in() - taken).ok()?;
        let made = usize::try_from(inflate.total_out() - made).ok()?;
        data = &data[taken..];
        adler32 = adler::extend(adler32, &output[..made]);
        match status {
            Status::StreamEnd => return None,
            // A full output may hide more.
            Status::Ok | Status::BufError if made == output.len() => {}
            _ if data.is_empty() => return Some(adler32),
            Status::Ok if taken + made > 0 => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{Fragment, PixelFormat, PngPart};
    use super::*;
    use crate::job::Compression;
    use std::fs;
    use std::path::PathBuf;

    const CUTS: [u32; 4] = [3, 5, 1, 4];

    struct Sample {
        folder: tempfile::TempDir,
        header: PartHeader,
        fragments: Vec<Fragment>,
        whole: Vec<u8>,
        /// Where each band's chunk ends, the start of the first one before all.
        ends: Vec<usize>,
    }

    impl Sample {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let header = header(9, 13, PixelFormat::Rgba8);
            let picture = picture(9, 13, PixelFormat::Rgba8);
            let fragments = encode_bands(&picture, 9, PixelFormat::Rgba8, Compression::Fast, &CUTS);
            let whole = join(&header, &fragments);
            let mut ends = vec![header.prologue().len()];
            for fragment in &fragments {
                ends.push(ends.last().unwrap() + fragment.bytes().len() + 12);
            }
            Self { folder, header, fragments, whole, ends }
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("part.png")
        }

        /// Resumes from `partial`; says how many bands were kept, after the file was completed and came out the same.
        fn resume(&self, partial: &[u8]) -> usize {
            fs::write(PngPart::partial_path(&self.path()), partial).unwrap();
            let (mut part, bands) = PngPart::resume(&self.path(), &self.header, &CUTS).unwrap();
            for fragment in &self.fragments[bands..] {
                part.append(fragment).unwrap();
            }
            let finished = part.finish().unwrap();
            assert!(fs::read(self.path()).unwrap() == self.whole);
            assert_eq!(finished.sha256[..], sha2::Sha256::digest(&self.whole)[..]);
            bands
        }

        fn refusal(&self, partial: &[u8]) -> String {
            fs::write(PngPart::partial_path(&self.path()), partial).unwrap();
            let error = PngPart::resume(&self.path(), &self.header, &CUTS).unwrap_err();
            assert!(fs::read(PngPart::partial_path(&self.path())).unwrap() == partial, "a refused file was changed");
            match error.into_kind() {
                ErrorKind::NotResumable { message, .. } => message,
                kind => panic!("{kind:?}"),
            }
        }
    }

    #[test]
    fn a_part_cut_off_anywhere_goes_on_to_the_same_bytes() {
        let sample = Sample::new();
        for length in 0..=sample.whole.len() {
            let bands = sample.ends[1..].iter().filter(|&&end| end <= length).count();
            assert_eq!(sample.resume(&sample.whole[..length]), bands, "cut at {length}");
        }
    }

    #[test]
    fn a_flipped_bit_costs_its_band_and_what_follows() {
        let sample = Sample::new();
        for at in sample.ends[0]..sample.whole.len() {
            let mut damaged = sample.whole.clone();
            damaged[at] ^= 0x10;
            let bands = sample.ends[1..].iter().filter(|&&end| end <= at).count();
            assert_eq!(sample.resume(&damaged), bands, "damaged at {at}");
        }
    }

    #[test]
    fn garbage_behind_the_whole_bands_is_cut_away() {
        let sample = Sample::new();
        let mut file = sample.whole[..sample.ends[2]].to_vec();
        file.extend(noise(200_000));
        assert_eq!(sample.resume(&file), 2);
    }

    #[test]
    fn a_damaged_header_is_refused_and_left_alone() {
        let sample = Sample::new();
        for at in 0..sample.ends[0] {
            let mut damaged = sample.whole.clone();
            damaged[at] ^= 0x10;
            let message = sample.refusal(&damaged);
            assert!(message.contains("damaged") || message.contains("no PNG"), "{message}");
        }
    }

    #[test]
    fn another_plan_is_refused_by_what_differs() {
        let sample = Sample::new();
        let refused = |change: fn(&mut PartHeader)| {
            let mut header = sample.header.clone();
            change(&mut header);
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("part.png");
            drop(PngPart::create(&path, &header).unwrap());
            sample.refusal(&fs::read(PngPart::partial_path(&path)).unwrap())
        };
        assert!(refused(|header| header.digest[31] ^= 1).contains("another plan"));
        assert!(refused(|header| header.size = crate::PxSize::new(9, 14).unwrap()).contains("9 × 14"));
        assert!(refused(|header| header.format = PixelFormat::Rgb8).contains("pixel format"));
        assert!(refused(|header| header.dpi = crate::Dpi::new(72).unwrap()).contains("2835"));
        assert!(sample.refusal(b"hello, I am a text").contains("no PNG"));
    }

    #[test]
    fn bands_of_another_height_do_not_count() {
        let sample = Sample::new();
        fs::write(PngPart::partial_path(&sample.path()), &sample.whole).unwrap();
        let (_, bands) = PngPart::resume(&sample.path(), &sample.header, &[3, 4, 2, 4]).unwrap();
        assert_eq!(bands, 1);
    }

    #[test]
    fn bands_split_over_chunks_are_found_whole() {
        let sample = Sample::new();
        let limit = 40;
        let mut file = sample.header.prologue();
        let mut ends = vec![];
        for fragment in &sample.fragments {
            for data in fragment.bytes().chunks(limit) {
                file.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
                let start = file.len();
                file.extend(b"IDAT");
                file.extend(data);
                file.extend(crc32fast::hash(&file[start..]).to_be_bytes());
            }
            ends.push(file.len());
        }
        for length in sample.ends[0]..=file.len() {
            let (whole, fragments) = scan(&mut io::Cursor::new(&file[..length]), &sample.header, &CUTS, limit).unwrap();
            let bands = fragments.len();
            assert_eq!(bands, ends.iter().filter(|&&end| end <= length).count(), "cut at {length}");
            assert_eq!(usize::try_from(whole.bytes).unwrap(), ends[..bands].last().copied().unwrap_or(sample.ends[0]));
        }
    }

    #[test]
    fn a_missing_partial_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = PngPart::resume(&folder.path().join("part.png"), &header(9, 13, PixelFormat::Rgba8), &CUTS).unwrap_err();
        assert!(error.to_string().contains("part.png.partial"), "{error}");
    }
}
