//! WebP: the walk over its chunks (RFC 9649), and its rows.

use std::path::Path;

use image_webp::{DecodingError, WebPDecoder};

use crate::budget::{MemoryBudget, Reservation};
use crate::error::{Error, Result};
use crate::geom::PxSize;

use super::ColorMode;
use super::color::{ColorTag, MAX_PROFILE_BYTES};
use super::convert::Conversion;
use super::depth::Pixel;
use super::exif::Exif;
use super::header::{ArtworkFormat, ArtworkHeader};
use super::limits::{ArtworkLimits, Deadline};
use super::source::{Source, damaged_by};
use super::timed::Timed;
use super::vp8l;

/// Bytes of the file that are read at once.
const INPUT_BYTES: usize = 32 << 10;

/// The input buffer and tables.
const CONSTANT_BYTES: u64 = (INPUT_BYTES + (256 << 10)) as u64;

/// Most cameras' files have less than 64 KiB of it.
const MOST_EXIF_BYTES: u32 = 1 << 20;

/// What the chunks say.
#[derive(Debug, Default)]
struct Chunks {
    canvas: Option<PxSize>,
    alpha: bool,
    animated: bool,
    frames: u32,
    /// Bytes of the largest chunk of pixels.
    pixel_bytes: u64,
    /// Bytes that the codes of a lossless picture, or of lossless alpha, take when they are decoded; `None` where there is neither.
    lossless_bytes: Option<u64>,
    metadata_bytes: u64,
    exif: Exif,
}

/// Walks over all chunks and makes sure that the file does not end before the last one.
pub(super) fn probe(mut source: Source, limits: &ArtworkLimits) -> Result<ArtworkHeader> {
    let chunks = read_chunks(&mut source, limits)?;
    let Some(size) = chunks.canvas else { return Err(source.damaged("it has no pixels: export it again")) };
    if chunks.pixel_bytes == 0 {
        return Err(source.damaged("it has no pixels: export it again"));
    }
    let header = ArtworkHeader {
        size,
        format: ArtworkFormat::WebP,
        may_be_transparent: chunks.alpha,
        dpi: chunks.exif.dpi,
        frames: chunks.frames.max(1),
        fingerprint: source.digest()?,
        file_bytes: source.length_bytes(),
        damage: None,
        color_mode: ColorMode::Rgb,
        color: Default::default(),
        deep_bytes: None,
        orientation: Default::default(),
        reduction: Default::default(),
        limits: *limits,
        decoder_bytes: decoder_bytes(&chunks, size),
        jpeg: Default::default(),
    };
    Ok(header.oriented(chunks.exif.orientation))
}

/// The profile in the ICCP chunk (section 2.7.1.4).
pub(super) fn color_tag(mut source: Source) -> Result<ColorTag> {
    source.skip(12)?;
    while source.position() + 8 <= source.length_bytes() {
        let (kind, bytes) = (source.read_array::<4>()?, u32::from_le_bytes(source.read_array()?));
        if kind == *b"ICCP" {
            if u64::from(bytes) > MAX_PROFILE_BYTES {
                return Ok(ColorTag::Damaged("it is too large"));
            }
            let mut profile = vec![0; bytes as usize];
            source.read_exact(&mut profile)?;
            return Ok(ColorTag::Icc(profile));
        }
        let bytes = u64::from(bytes);
        source.skip((bytes + bytes % 2).min(source.length_bytes() - source.position()))?;
    }
    Ok(ColorTag::Srgb)
}

fn read_chunks(source: &mut Source, limits: &ArtworkLimits) -> Result<Chunks> {
    source.skip(4)?;
    let riff_bytes = u32::from_le_bytes(source.read_array()?);
    let end = 8 + u64::from(riff_bytes);
    if end > source.length_bytes() {
        return Err(source.truncated());
    }
    source.skip(4)?;
    let mut chunks = Chunks::default();
    // No picture of a file is larger than this.
    let deadline = limits.deadline(PxSize::new(1 << 14, 1 << 14)?);
    while source.position() + 8 <= end {
        let (kind, bytes) = (source.read_array::<4>()?, u32::from_le_bytes(source.read_array()?));
        let next = source.position() + u64::from(bytes);
        read_chunk(source, &kind, bytes, &mut chunks, &deadline)?;
        limits.check_metadata(chunks.metadata_bytes, source.path())?;
        limits.check_frames(chunks.frames, source.path())?;
        source.skip(next - source.position())?;
        // Chunks begin at even places. The last one need not be filled up.
        if bytes % 2 == 1 && source.position() < source.length_bytes() {
            source.skip(1)?;
        }
    }
    Ok(chunks)
}

fn read_chunk(source: &mut Source, kind: &[u8; 4], bytes: u32, chunks: &mut Chunks, deadline: &Deadline) -> Result<()> {
    match kind {
        b"VP8X" if bytes >= 10 => {
            let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = source.read_array()?;
            chunks.canvas = Some(PxSize::new(side(w0, w1, w2), side(h0, h1, h2))?);
            (chunks.alpha, chunks.animated) = (flags & 0x10 != 0, flags & 2 != 0);
        }
        b"VP8 " if bytes >= 10 => {
            let [_, _, _, _, _, _, w0, w1, h0, h1] = source.read_array()?;
            let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            chunks.found_pixels(bytes, side(w0, w1), side(h0, h1))?;
        }
        b"VP8L" if bytes >= 5 => {
            let [_, bits @ ..] = source.read_array::<5>()?;
            let bits = u32::from_le_bytes(bits);
            if chunks.canvas.is_none() {
                chunks.alpha = bits >> 28 & 1 == 1;
            }
            chunks.found_pixels(bytes, (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)?;
            source.go_to(source.position() - 5)?;
            chunks.found_lossless(vp8l::held_bytes(source, bytes.into(), None, deadline)?);
        }
        b"ALPH" => {
            chunks.pixel_bytes = chunks.pixel_bytes.max(bytes.into());
            if let Some(canvas) = chunks.canvas.filter(|_| chunks.alpha && !chunks.animated) {
                read_alpha(source, bytes.into(), (canvas.width(), canvas.height()), chunks, deadline)?;
            }
        }
        b"ANMF" => {
            chunks.frames += 1;
            if chunks.frames == 1 {
                chunks.pixel_bytes = bytes.into();
                read_first_frame(source, bytes.into(), chunks, deadline)?;
            }
        }
        b"EXIF" if bytes <= MOST_EXIF_BYTES => {
            let mut block = vec![0; bytes as usize];
            source.read_exact(&mut block)?;
            // Some programs write JPEG's prefix, too.
            chunks.exif = Exif::read(block.strip_prefix(b"Exif\0\0").unwrap_or(&block));
            chunks.metadata_bytes += u64::from(bytes);
        }
        _ => chunks.metadata_bytes += u64::from(bytes),
    }
    Ok(())
}

/// Alpha of its own, beside a lossy picture of this size (RFC 9649, section 2.7.1.2).
fn read_alpha(source: &mut Source, bytes: u64, size: (u32, u32), chunks: &mut Chunks, deadline: &Deadline) -> Result<()> {
    const COMPRESSION: u8 = 3;
    let [facts] = source.read_array()?;
    chunks.found_lossless(match facts & COMPRESSION {
        0 => 0,
        _ => vp8l::held_bytes(source, bytes.saturating_sub(1), Some(size), deadline)?,
    });
    Ok(())
}

/// Which kind of picture the first frame of an animation is says a chunk inside (RFC 9649, section 2.7.1.1).
fn read_first_frame(source: &mut Source, bytes: u64, chunks: &mut Chunks, deadline: &Deadline) -> Result<()> {
    const HEADER_BYTES: u64 = 16 + 8;
    let Some(most) = bytes.checked_sub(HEADER_BYTES) else { return Err(source.truncated()) };
    let [_, _, _, _, _, _, w0, w1, w2, h0, h1, h2, _, _, _, _] = source.read_array()?;
    let (kind, bytes) = (source.read_array::<4>()?, u64::from(u32::from_le_bytes(source.read_array()?)).min(most));
    match &kind {
        b"VP8L" => chunks.found_lossless(vp8l::held_bytes(source, bytes, None, deadline)?),
        b"ALPH" => read_alpha(source, bytes, (side(w0, w1, w2), side(h0, h1, h2)), chunks, deadline)?,
        _ => {}
    }
    Ok(())
}

/// A side in pixels that is written in three bytes, less one.
fn side(low: u8, middle: u8, high: u8) -> u32 {
    u32::from_le_bytes([low, middle, high, 0]) + 1
}

impl Chunks {
    fn found_lossless(&mut self, held_bytes: u64) {
        self.lossless_bytes = self.lossless_bytes.max(Some(held_bytes));
    }

    fn found_pixels(&mut self, bytes: u32, width: u32, height: u32) -> Result<()> {
        self.pixel_bytes = self.pixel_bytes.max(bytes.into());
        if self.canvas.is_none() {
            self.canvas = Some(PxSize::new(width, height)?);
        }
        Ok(())
    }
}

/// Bytes of a pixel as it is decoded.
fn channels(header: &ArtworkHeader) -> usize {
    if header.may_be_transparent { 4 } else { 3 }
}

/// What decoding holds apart from a constant and the pixels that come out (image-webp 0.2.4).
fn decoder_bytes(chunks: &Chunks, size: PxSize) -> u64 {
    // Lossy pictures come in blocks of 16 × 16 px.
    let blocks = u64::from(size.width().div_ceil(16)) * u64::from(size.height().div_ceil(16));
    // Luma, half as much for both chromas, and facts of each block; the data in pieces, copied, in a vector with room for twice as much.
    let lossy = blocks * (384 + 64) + u64::from(size.width()) * 8 + 3 * chunks.pixel_bytes;
    // The picture as red, green, blue and alpha; its alpha alone.
    let lossless = chunks.lossless_bytes.map_or(0, |bytes| bytes.saturating_add(size.area() * (4 + 1)));
    // The canvas that frames are drawn on, and a frame.
    let animation = if chunks.animated { size.area() * 8 } else { 0 };
    lossy.saturating_add(lossless).saturating_add(animation)
}

/// The most bytes that reading a file with this `header` holds.
pub(super) fn memory_bytes(header: &ArtworkHeader) -> u64 {
    header.decoder_bytes.saturating_add(frame_bytes(header)).saturating_add(CONSTANT_BYTES)
}

fn frame_bytes(header: &ArtworkHeader) -> u64 {
    header.size.area() * channels(header) as u64
}

/// Reads a WebP file, or the first frame of an animation, into a frame and hands out its rows.
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
        let mut source = Source::open(path, INPUT_BYTES)?;
        if source.digest()? != header.fingerprint {
            return Err(source.changed());
        }
        let refused = |error| undecodable(path, error);
        let mut decoder = WebPDecoder::new(Timed::new(source.into_file(), *deadline)).map_err(refused)?;
        let size = header.stored_size();
        if decoder.dimensions() != (size.width(), size.height()) || decoder.has_alpha() != header.may_be_transparent {
            return Err(super::source::damaged(path, "its header is damaged: export it again"));
        }
        let mut frame = vec![0; usize::try_from(frame_bytes(header)).unwrap_or(usize::MAX)];
        decoder.read_image(&mut frame).map_err(refused)?;
        drop(decoder);
        reservation.shrink_to(frame_bytes(header));
        let conversion = if header.may_be_transparent { Conversion::Rgba8 } else { Conversion::Rgb8 { key: None } };
        Ok(Self { frame, next: 0, channels: channels(header), conversion, _reservation: reservation })
    }

    /// The next row. The whole frame was decoded when it was opened, so that there is nothing to interrupt.
    pub(super) fn read_row<P: Pixel>(&mut self, out: &mut [P], _: &Deadline) -> Result<()> {
        let end = self.next + out.len() * self.channels;
        self.conversion.convert(&self.frame[self.next..end], out);
        self.next = end;
        Ok(())
    }
}

fn undecodable(path: &Path, error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(source) if source.kind() != std::io::ErrorKind::UnexpectedEof => Error::io("read", path, source),
        error => damaged_by(path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Orientation;
    use super::super::testing::{self, data, difference, read, read_bytes};
    use super::*;
    use crate::geom::Turn;

    const FILES: [&str; 7] = ["lossless", "lossless_opaque", "lossy", "lossy_alpha", "palette", "orientation6", "animated"];

    fn file(name: &str) -> std::path::PathBuf {
        data("webp").join(name).with_extension("webp")
    }

    fn header(name: &str) -> ArtworkHeader {
        testing::header(&file(name)).unwrap()
    }

    #[test]
    fn every_kind_shows_its_picture() {
        for (name, picture, most) in [
            ("lossless", "tiff/alpha.png", 0),
            ("lossless_opaque", "jpeg/expected.png", 0),
            ("palette", "tiff/palette.png", 0),
            ("animated", "tiff/alpha.png", 0),
            ("lossy", "jpeg/expected.png", 160),
        ] {
            let found = difference(&read(&file(name)).unwrap(), &read(&data(picture)).unwrap());
            assert!(found <= most, "{name}: {found}");
        }
        let (lossy, exact) = (read(&file("lossy_alpha")).unwrap(), read(&data("tiff/alpha.png")).unwrap());
        assert!(lossy.iter().zip(&exact).all(|(lossy, exact)| lossy.a == exact.a), "alpha is never lossy here");
    }

    #[test]
    fn what_the_chunks_say_beside_the_pixels() {
        assert_eq!((header("animated").frames, header("lossless").frames), (2, 1));
        assert!(header("lossless").may_be_transparent && header("lossy_alpha").may_be_transparent);
        assert!(!header("lossless_opaque").may_be_transparent && !header("lossy").may_be_transparent);
        let turned = header("orientation6");
        assert_eq!(turned.orientation, Orientation { mirror: false, turn: Turn::Cw90 });
        assert_eq!(turned.size, header("lossless").size);
    }

    #[test]
    fn a_file_that_ends_anywhere_too_early_is_refused() {
        for name in FILES {
            let bytes = std::fs::read(file(name)).unwrap();
            for length in 0..bytes.len() {
                assert!(read_bytes(&bytes[..length]).is_err(), "{name}: {length} of {} bytes", bytes.len());
            }
        }
    }

    #[test]
    fn a_damaged_file_is_refused_or_read_but_never_more() {
        for name in FILES {
            let whole = std::fs::read(file(name)).unwrap();
            for at in (4..whole.len()).step_by(3) {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << (at % 8);
                let _ = read_bytes(&bytes);
            }
        }
    }

    #[test]
    fn a_file_with_too_little_data_in_a_whole_container_is_refused() {
        for name in ["lossless", "lossless_opaque", "lossy", "palette"] {
            let bytes = std::fs::read(file(name)).unwrap();
            // The length of the file and of its last chunk are made to fit.
            let chunk = if bytes[12..16] == *b"VP8X" { 30 } else { 12 };
            for length in (chunk + 40..bytes.len() - 24).step_by(5) {
                let mut cut = bytes[..length].to_vec();
                let (riff, data) = (u32::try_from(length - 8).unwrap(), u32::try_from(length - chunk - 8).unwrap());
                cut[4..8].copy_from_slice(&riff.to_le_bytes());
                cut[chunk + 4..chunk + 8].copy_from_slice(&data.to_le_bytes());
                assert!(read_bytes(&cut).is_err(), "{name}: {length} of {} bytes", bytes.len());
            }
        }
    }
}
