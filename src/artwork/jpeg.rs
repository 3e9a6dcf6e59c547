//! JPEG: the walk over its markers (ITU-T T.81, annex B), and its rows.

use std::path::Path;

use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZByteIoError;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::budget::{MemoryBudget, Reservation};
use crate::error::{Error, Result};
use crate::geom::PxSize;

use super::ColorMode;
use super::color::{ColorTag, MAX_PROFILE_BYTES, Way};
use super::convert::Conversion;
use super::depth::Pixel;
use super::exif::{Exif, per_inch};
use super::header::{ArtworkFormat, ArtworkHeader, JpegFacts};
use super::limits::{ArtworkLimits, Deadline};
use super::reduced;
use super::source::{Source, damaged, damaged_by};
use super::timed_bytes::TimedBytes;

const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Bytes of the file that are read at once.
const INPUT_BYTES: usize = 32 << 10;

/// More than the decoder reads ahead.
const READ_AHEAD_BYTES: usize = 16;

/// The input buffer, Huffman tables and the like.
const CONSTANT_BYTES: u64 = (INPUT_BYTES + READ_AHEAD_BYTES + (96 << 10)) as u64;

/// What the markers say.
#[derive(Debug, Default)]
struct Markers {
    frame: Option<Frame>,
    dpi: Option<(f64, f64)>,
    exif: Option<Exif>,
    metadata_bytes: u64,
    /// Whether there is Adobe's marker. With it, the inks of an image in four channels are inverted.
    adobe: bool,
}

/// What a frame header says (section B.2.2).
#[derive(Clone, Copy, Debug)]
struct Frame {
    size: PxSize,
    channels: u8,
    /// Horizontal and vertical sampling factors of each channel, 1 to 4; 0 where there is no such channel.
    sampling: [(u8, u8); 4],
    progressive: bool,
}

/// Walks over all markers and makes sure that the file does not end before its end marker.
pub(super) fn probe(mut source: Source, limits: &ArtworkLimits) -> Result<ArtworkHeader> {
    source.skip(2)?;
    let mut markers = Markers::default();
    let mut scans = 0_u32;
    let mut marker = next_marker(&mut source)?;
    loop {
        match marker {
            END_OF_IMAGE if scans > 0 => break,
            END_OF_IMAGE => return Err(source.damaged("it has no pixels: export it again")),
            // Markers without a segment: temporary, restart and start of image.
            0x01 | 0xd0..=0xd8 => {}
            _ => {
                read_segment(&mut source, marker, &mut markers)?;
                limits.check_metadata(markers.metadata_bytes, source.path())?;
            }
        }
        if marker == START_OF_SCAN {
            scans += 1;
            limits.check_scans(scans, source.path())?;
            marker = match skip_scan(&mut source) {
                // What was read of a damaged file is all that there is.
                Err(_) if source.is_lenient() => break,
                next => next?,
            };
        } else {
            marker = next_marker(&mut source)?;
        }
    }
    let Some(frame) = markers.frame else { return Err(source.damaged("its size is missing: export it again")) };
    let end = source.position();
    let exif = markers.exif.unwrap_or_default();
    let header = ArtworkHeader {
        size: frame.size,
        format: ArtworkFormat::Jpeg,
        may_be_transparent: false,
        dpi: markers.dpi.or(exif.dpi),
        frames: 1,
        fingerprint: source.digest()?,
        file_bytes: source.length_bytes(),
        damage: None,
        color_mode: match frame.channels {
            1 => ColorMode::Grey,
            3 => ColorMode::Rgb,
            _ => ColorMode::Cmyk,
        },
        color: Default::default(),
        deep_bytes: None,
        orientation: Default::default(),
        reduction: Default::default(),
        limits: *limits,
        decoder_bytes: end + decoder_bytes(frame, markers.metadata_bytes, scans),
        jpeg: JpegFacts {
            channels: match frame.channels {
                4 if markers.adobe => 3,
                channels => channels,
            },
            file_bytes: end,
            progressive: frame.progressive,
            is_reducible: scans == 1 && !frame.progressive && frame.channels < 4,
            metadata_bytes: markers.metadata_bytes,
            inverted: markers.adobe,
        },
    };
    Ok(header.oriented(exif.orientation))
}

/// The profile that lies in pieces in the markers before the first scan (ICC.1:2022, section B.4).
pub(super) fn color_tag(mut source: Source) -> Result<ColorTag> {
    const HEAD: &[u8] = b"ICC_PROFILE\0";
    source.skip(2)?;
    let mut pieces: Vec<(u8, Vec<u8>)> = Vec::new();
    loop {
        let marker = next_marker(&mut source)?;
        match marker {
            START_OF_SCAN | END_OF_IMAGE => break,
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let mut left = u64::from(u16::from_be_bytes(source.read_array()?)).saturating_sub(2);
        if marker == 0xe2 && left > 14 {
            let start: [u8; 14] = source.read_array()?;
            left -= 14;
            if start.starts_with(HEAD) {
                let mut piece = vec![0; usize::try_from(left).unwrap_or_default()];
                source.read_exact(&mut piece)?;
                left = 0;
                pieces.push((start[12], piece));
            }
        }
        source.skip(left)?;
        if pieces.iter().map(|(_, piece)| piece.len() as u64).sum::<u64>() > MAX_PROFILE_BYTES {
            return Ok(ColorTag::Damaged("it is too large"));
        }
    }
    pieces.sort_by_key(|&(nth, _)| nth);
    let profile: Vec<u8> = pieces.into_iter().flat_map(|(_, piece)| piece).collect();
    Ok(if profile.is_empty() { ColorTag::Srgb } else { ColorTag::Icc(profile) })
}

fn next_marker(source: &mut Source) -> Result<u8> {
    let [0xff] = source.read_array()? else {
        let at = source.position() - 1;
        return Err(source.damaged(format!("it is damaged from byte {at}: upload it again")));
    };
    marker_after_ff(source)
}

/// The marker after a byte of 0xff, of which there may be more (section B.1.1.2).
fn marker_after_ff(source: &mut Source) -> Result<u8> {
    loop {
        match source.read_array()? {
            [0xff] => {}
            [marker] => return Ok(marker),
        }
    }
}

/// The marker after entropy-coded data, in which a byte of 0xff is followed by 0 or is a restart marker (section B.1.1.5).
fn skip_scan(source: &mut Source) -> Result<u8> {
    loop {
        let data = source.fill()?;
        let Some(at) = data.iter().position(|&byte| byte == 0xff) else {
            let count = data.len();
            if count == 0 {
                return Err(source.truncated());
            }
            source.consume(count);
            continue;
        };
        source.consume(at + 1);
        let marker = marker_after_ff(source)?;
        if !matches!(marker, 0 | 0xd0..=0xd7) {
            return Ok(marker);
        }
    }
}

fn read_segment(source: &mut Source, marker: u8, markers: &mut Markers) -> Result<()> {
    let Some(length) = u16::from_be_bytes(source.read_array()?).checked_sub(2) else {
        let at = source.position() - 2;
        return Err(source.damaged(format!("it is damaged from byte {at}: upload it again")));
    };
    let end = source.position() + u64::from(length);
    match marker {
        0xc4 | 0xc8 | 0xcc => {}
        0xc0..=0xcf => markers.frame = Some(read_frame(source, marker, length)?),
        0xe0 if length >= 14 => {
            markers.dpi = jfif_dpi(source.read_array()?).or(markers.dpi);
            markers.metadata_bytes += u64::from(length);
        }
        0xe1 if length >= 6 => {
            markers.metadata_bytes += u64::from(length);
            if source.read_array()? == *b"Exif\0\0" && markers.exif.is_none() {
                let mut block = vec![0; usize::from(length - 6)];
                source.read_exact(&mut block)?;
                markers.exif = Some(Exif::read(&block));
            }
        }
        0xee if length >= 5 => markers.adobe |= source.read_array()? == *b"Adobe",
        0xe0..=0xef => markers.metadata_bytes += u64::from(length),
        _ => {}
    }
    source.skip(end - source.position())
}

fn read_frame(source: &mut Source, marker: u8, length: u16) -> Result<Frame> {
    if length < 6 {
        return Err(source.damaged("its header is incomplete: export it again"));
    }
    let [bits, h0, h1, w0, w1, channels] = source.read_array()?;
    if !matches!(marker, 0xc0..=0xc2) || bits != 8 {
        return Err(source.damaged("it is a rare kind of JPEG (lossless, arithmetic or 12 bits): convert it to PNG"));
    }
    let (width, height) = (u16::from_be_bytes([w0, w1]), u16::from_be_bytes([h0, h1]));
    if width == 0 || height == 0 {
        return Err(source.damaged(format!("its size of {width} × {height} px is not possible: export it again")));
    }
    if !matches!(channels, 1 | 3 | 4) || length != 6 + 3 * u16::from(channels) {
        return Err(source.damaged(format!("{channels} colour channels are not possible: export it again")));
    }
    let mut sampling = [(0, 0); 4];
    for sampling in &mut sampling[..usize::from(channels)] {
        let [_, factors, _] = source.read_array()?;
        *sampling = (factors >> 4, factors & 15);
        if !matches!(*sampling, (1..=4, 1..=4)) {
            return Err(source.damaged("its sampling is not possible: export it again"));
        }
    }
    Ok(Frame { size: PxSize::new(width.into(), height.into())?, channels, sampling, progressive: marker == 0xc2 })
}

/// Pixels per inch from a JFIF header, where its unit is the inch or the centimetre (ITU-T T.871, section 10.1).
fn jfif_dpi(bytes: [u8; 14]) -> Option<(f64, f64)> {
    let [b'J', b'F', b'I', b'F', 0, _, _, unit, x0, x1, y0, y1, _, _] = bytes else { return None };
    let [x, y] = [[x0, x1], [y0, y1]].map(|bytes| f64::from(u16::from_be_bytes(bytes)));
    // 1 is the inch here.
    per_inch((x, y), u64::from(unit) + 1)
}

/// What decoding holds apart from the file, the frame and a constant: for each channel the coefficients of one row of blocks, or of the whole image
/// where it comes in several scans, and rows being upsampled; and the metadata.
fn decoder_bytes(frame: Frame, metadata_bytes: u64, scans: u32) -> u64 {
    let sampling = frame.sampling.map(|(across, down)| (u64::from(across), u64::from(down)));
    let most = |factor: fn((u64, u64)) -> u64| sampling.into_iter().map(factor).max().unwrap_or(1);
    let (across_most, down_most) = (most(|(across, _)| across), most(|(_, down)| down));
    let units_across = u64::from(frame.size.width()).div_ceil(8 * across_most);
    let units_down = u64::from(frame.size.height()).div_ceil(8 * down_most);
    let coefficient_bytes = 2;
    let channel = |(across, down): (u64, u64)| {
        let stride = across * units_across * 8 * coefficient_bytes;
        let upsampling = if across_most * down_most > 1 { stride * (2 * down + (16 + down) * across_most * down_most + 8) } else { 0 };
        let whole = if frame.progressive || scans > 1 { stride * down * 8 * units_down } else { 0 };
        stride * down * 8 + upsampling + whole
    };
    // At most 65535² × 16 × 2 × 4 bytes: far inside u64.
    sampling.into_iter().map(channel).sum::<u64>() + 2 * metadata_bytes
}

/// The most bytes that reading a file with this `header` holds: the frame, and its coefficients while it is decoded.
pub(super) fn memory_bytes(header: &ArtworkHeader) -> u64 {
    let JpegFacts { channels, file_bytes, metadata_bytes, .. } = header.jpeg;
    let decoding = if header.is_reduced() {
        file_bytes + 2 * metadata_bytes + reduced::decoder_bytes(header.file_size(), header.reduction, channels)
    } else {
        header.decoder_bytes
    };
    decoding + frame_bytes(header) + CONSTANT_BYTES
}

fn frame_bytes(header: &ArtworkHeader) -> u64 {
    header.stored_size().area() * u64::from(header.jpeg.channels)
}

/// Reads a JPEG file into a frame and hands out its rows.
///
/// # Memory
///
/// [`memory_bytes`]; after opening only the frame is left of it.
#[derive(Debug)]
pub(super) struct Reader {
    frame: Vec<u8>,
    next: usize,
    channels: usize,
    conversion: Conversion,
    _reservation: Reservation,
}

impl Reader {
    pub(super) fn open(path: &Path, header: &ArtworkHeader, budget: &MemoryBudget, deadline: &Deadline) -> Result<Self> {
        let mut reservation = budget.reserve(memory_bytes(header), format_args!("the decoder of {}", path.display()))?;
        let mut file = read_file(path, header)?;
        let channels = header.jpeg.channels;
        let (color, conversion) = match channels {
            1 => (ColorSpace::Luma, Conversion::Grey8),
            4 => (ColorSpace::CMYK, Conversion::Cmyk8),
            _ => (ColorSpace::RGB, Conversion::Rgb8 { key: None }),
        };
        let keeps_inks = header.color.change.way == Way::Inks;
        let mut conversion = conversion;
        let frame = if !header.is_reduced() {
            if !header.jpeg.progressive && header.damage.is_none() {
                end_in_zeros(&mut file);
            }
            let options = strict().set_strict_mode(header.damage.is_none()).jpeg_set_out_colorspace(color);
            let mut decoder = JpegDecoder::new_with_options(TimedBytes::new(file, *deadline), options);
            decoder.decode_headers().map_err(|error| undecodable(path, error))?;
            if let Some(stored) = decoder.input_colorspace().filter(|_| keeps_inks) {
                decoder.set_options(options.jpeg_set_out_colorspace(stored));
                conversion = Conversion::Inks { inverted: header.jpeg.inverted, from_ycck: stored == ColorSpace::YCCK };
            }
            let mut frame = vec![0; usize::try_from(frame_bytes(header)).unwrap_or(usize::MAX)];
            decoder.decode_into(&mut frame).map_err(|error| undecodable(path, error))?;
            frame
        } else {
            reduced::decode(file, path, header.stored_size(), channels, deadline)?
        };
        reservation.shrink_to(frame_bytes(header));
        Ok(Self { frame, next: 0, channels: channels.into(), conversion, _reservation: reservation })
    }

    /// The next row. The whole frame was decoded when it was opened, so that there is nothing to interrupt.
    pub(super) fn read_row<P: Pixel>(&mut self, out: &mut [P], _: &Deadline) -> Result<()> {
        let end = self.next + out.len() * self.channels;
        self.conversion.convert(&self.frame[self.next..end], out);
        self.next = end;
        Ok(())
    }
}

/// The file up to and with its end marker, once it has proven to be what was probed.
fn read_file(path: &Path, header: &ArtworkHeader) -> Result<Vec<u8>> {
    let mut source = Source::open(path, INPUT_BYTES)?;
    if source.digest()? != header.fingerprint {
        return Err(source.changed());
    }
    let length = usize::try_from(header.jpeg.file_bytes).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(length.saturating_add(READ_AHEAD_BYTES));
    bytes.resize(length, 0);
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Puts zeroes in place of the end marker, for a file that is not progressive: the decoder takes the marker for any number of zero bits, so
/// that too little data become a half grey picture (zune-jpeg 0.5.15), while the end of the file is an error. It reads ahead by at most 12
/// bytes.
fn end_in_zeros(file: &mut Vec<u8>) {
    file.truncate(file.len() - 2);
    file.resize(file.len() + 2 + READ_AHEAD_BYTES, 0);
}

/// More than the sampling of any file needs, for files inside another format, whose markers are read when they are decoded.
const WORST_SAMPLING: (u8, u8) = (4, 4);

/// The most bytes that [`decode_embedded`] holds for a picture of this size, and then its samples.
pub(super) fn embedded_bytes(size: PxSize, channels: u16, file_bytes: u64) -> u64 {
    // A picture may be larger than JPEG can be; then it is refused before anything is allocated.
    let side = |pixels: u32| pixels.min(u16::MAX.into());
    let channels = channels.clamp(1, 4).to_le_bytes()[0];
    let mut sampling = [(0, 0); 4];
    sampling[..usize::from(channels)].fill(WORST_SAMPLING);
    let Ok(size) = PxSize::new(side(size.width()), side(size.height())) else { return u64::MAX };
    let decoding = decoder_bytes(Frame { size, channels, sampling, progressive: true }, 0, 1);
    // Twice: the file, and the chunk that it is made from.
    decoding + size.area() * u64::from(channels) + 2 * file_bytes + CONSTANT_BYTES + (64 << 10)
}

/// What another format says of a picture inside it: its size, of which it has at least so many `rows`.
pub(super) struct Embedded {
    pub(super) size: PxSize,
    pub(super) rows: u32,
    pub(super) channels: u16,
    /// Whether its colours are to be red, green and blue, whatever they are stored as.
    pub(super) to_rgb: bool,
}

/// Decodes a `file` that lies inside another format. Its samples come as they are, if not [`to_rgb`](Embedded::to_rgb).
///
/// # Memory
///
/// [`embedded_bytes`].
pub(super) fn decode_embedded(mut file: Vec<u8>, path: &Path, expected: &Embedded, deadline: &Deadline) -> Result<Vec<u8>> {
    let &Embedded { size, rows, channels, to_rgb } = expected;
    let scans = file.windows(2).filter(|pair| *pair == [0xff, START_OF_SCAN]).count();
    if scans > 4 {
        return Err(damaged(path, "its pixels come in many scans: convert it to PNG"));
    }
    if file.ends_with(&[0xff, END_OF_IMAGE]) && !file.windows(2).any(|pair| pair == [0xff, 0xc2]) {
        end_in_zeros(&mut file);
    }
    let mut decoder = JpegDecoder::new_with_options(TimedBytes::new(file, *deadline), strict());
    decoder.decode_headers().map_err(|error| undecodable(path, error))?;
    let known = decoder.info().filter(|info| {
        let (width, height) = (u32::from(info.width), u32::from(info.height));
        width == size.width() && (rows..=size.height()).contains(&height) && u16::from(info.components) == channels
    });
    let (Some(info), Some(stored)) = (known, decoder.input_colorspace()) else {
        return Err(damaged(path, "its pieces are not of the size that it says: export it again"));
    };
    let color = if to_rgb && stored == ColorSpace::YCbCr { ColorSpace::RGB } else { stored };
    decoder.set_options(strict().jpeg_set_out_colorspace(color));
    let mut frame = vec![0; usize::from(info.width) * usize::from(info.height) * usize::from(channels)];
    decoder.decode_into(&mut frame).map_err(|error| undecodable(path, error))?;
    Ok(frame)
}

/// Nothing is made up where the file is damaged.
fn strict() -> DecoderOptions {
    DecoderOptions::default().set_strict_mode(true).set_max_width(usize::from(u16::MAX)).set_max_height(usize::from(u16::MAX))
}

fn undecodable(path: &Path, error: DecodeErrors) -> Error {
    match error {
        DecodeErrors::IoErrors(ZByteIoError::StdIoError(source)) => Error::io("read", path, source),
        error => damaged_by(path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ArtworkReader, testing};
    use super::*;
    use crate::pixel::Rgba8;

    const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/jpeg");

    fn read(path: &Path) -> Result<Vec<Rgba8>> {
        let header = testing::header(path)?;
        let budget = MemoryBudget::new(64 << 20);
        let mut reader = ArtworkReader::open(path, &header, &budget)?;
        assert_eq!(budget.high_water_bytes(), ArtworkReader::memory_bytes(&header));
        let mut pixels = vec![Rgba8::TRANSPARENT; usize::try_from(header.size.area()).unwrap()];
        for row in pixels.chunks_exact_mut(header.size.width() as usize) {
            reader.read_row(row)?;
        }
        assert!(reader.read_row(&mut vec![Rgba8::TRANSPARENT; header.size.width() as usize]).is_err());
        reader.finish()?;
        assert_eq!(budget.held_bytes(), 0);
        Ok(pixels)
    }

    fn file(name: &str) -> std::path::PathBuf {
        Path::new(FILES).join(name)
    }

    /// The picture that all test files were made from.
    fn expected() -> Vec<Rgba8> {
        read(&file("expected.png")).unwrap()
    }

    /// Mean distance of the channels.
    fn distance(a: &[Rgba8], b: &[Rgba8]) -> f64 {
        assert_eq!(a.len(), b.len());
        let (a, b): (&[u8], &[u8]) = (bytemuck::cast_slice(a), bytemuck::cast_slice(b));
        let sum: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        f64::from(sum) / f64::from(u32::try_from(a.len()).unwrap())
    }

    #[test]
    fn every_kind_shows_the_same_picture() {
        for (name, tolerance) in
            [("rgb444", 2.0), ("restart", 2.0), ("rgb420", 6.5), ("progressive", 6.5), ("cmyk_adobe", 4.0), ("cmyk_plain", 4.0)]
        {
            let distance = distance(&read(&file(&format!("{name}.jpg"))).unwrap(), &expected());
            assert!(distance < tolerance, "{name}: {distance}");
        }
        let grey = expected().into_iter().map(|Rgba8 { r, g, b, a }| {
            let [r, g, b] = [r, g, b].map(u32::from);
            let luma = u8::try_from((299 * r + 587 * g + 114 * b + 500) / 1000).unwrap();
            Rgba8::new(luma, luma, luma, a)
        });
        assert!(distance(&read(&file("grey.jpg")).unwrap(), &grey.collect::<Vec<_>>()) < 1.0);
    }

    #[test]
    fn the_resolution_is_that_of_the_jfif_header() {
        assert_eq!(testing::header(&file("rgb444.jpg")).unwrap().dpi, Some((300.0, 150.0)));
        assert_eq!(testing::header(&file("rgb420.jpg")).unwrap().dpi, None);
    }

    #[test]
    fn a_file_that_ends_anywhere_too_early_is_refused() {
        for name in ["rgb420.jpg", "progressive.jpg"] {
            let bytes = std::fs::read(file(name)).unwrap();
            let cut = tempfile::NamedTempFile::new().unwrap();
            for length in (0..bytes.len()).rev().step_by(3) {
                std::fs::write(cut.path(), &bytes[..length]).unwrap();
                assert!(testing::header(cut.path()).is_err(), "{name}: {length} of {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn a_file_with_an_end_but_too_little_data_is_refused() {
        for name in ["rgb444.jpg", "rgb420.jpg", "grey.jpg"] {
            let bytes = std::fs::read(file(name)).unwrap();
            let cut = tempfile::NamedTempFile::new().unwrap();
            for length in (bytes.len() * 3 / 4..bytes.len() - 48).step_by(7) {
                let ended = [&bytes[..length], &[0xff, END_OF_IMAGE]].concat();
                std::fs::write(cut.path(), ended).unwrap();
                assert!(read(cut.path()).is_err(), "{name}: {length} of {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn bytes_after_the_end_are_of_no_concern() {
        let mut bytes = std::fs::read(file("rgb444.jpg")).unwrap();
        bytes.extend_from_slice(b"\xff\xd8\xff\xe1 another picture, or a phone's notes");
        let copy = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(copy.path(), bytes).unwrap();
        assert_eq!(read(copy.path()).unwrap(), read(&file("rgb444.jpg")).unwrap());
    }

    #[test]
    fn a_damaged_file_is_refused_or_read_but_never_more() {
        for name in ["rgb420.jpg", "progressive.jpg", "restart.jpg", "cmyk_adobe.jpg"] {
            let whole = std::fs::read(file(name)).unwrap();
            let damaged = tempfile::NamedTempFile::new().unwrap();
            for at in (2..whole.len()).step_by(13) {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                std::fs::write(damaged.path(), bytes).unwrap();
                let _ = read(damaged.path());
            }
        }
    }

    #[test]
    fn a_file_that_changes_between_probing_and_reading_is_noticed() {
        let copy = tempfile::NamedTempFile::new().unwrap();
        std::fs::copy(file("rgb444.jpg"), copy.path()).unwrap();
        let header = testing::header(copy.path()).unwrap();
        std::fs::copy(file("rgb420.jpg"), copy.path()).unwrap();
        let error = ArtworkReader::open(copy.path(), &header, &MemoryBudget::new(1 << 20)).unwrap_err();
        assert!(error.to_string().contains("changed"), "{error}");
    }

    #[test]
    fn inks_that_are_kept_stand_for_the_colours_that_they_become_otherwise() {
        let mut bytes = std::fs::read(file("cmyk_adobe.jpg")).unwrap();
        let transform = bytes.windows(5).position(|marker| marker == b"Adobe").unwrap() + 11;
        // Inks as they are, and as luma and chroma.
        for kind in [0, 2] {
            bytes[transform] = kind;
            let copy = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(copy.path(), &bytes).unwrap();
            let mut header = testing::header(copy.path()).unwrap();
            let colors = testing::read_as(copy.path(), &header).unwrap();
            header.color.change.way = Way::Inks;
            header.jpeg.keep_inks();
            let inks = testing::read_as(copy.path(), &header).unwrap();
            let become_colors = |inks: &Rgba8| {
                let [r, g, b] = [inks.r, inks.g, inks.b].map(|ink| super::super::convert::unprinted(ink, inks.a));
                Rgba8::new(r, g, b, 255)
            };
            let expected: Vec<Rgba8> = inks.iter().map(become_colors).collect();
            assert!(testing::difference(&colors, &expected) <= 2, "{kind}");
        }
    }
}
