//! The compressed pieces of a TIFF file, strips or tiles, as rows of samples.

use std::convert::Infallible;

use fax::decoder::{DecodeStatus, Group4Decoder};
use flate2::{Decompress, FlushDecompress, Status};
use weezl::BitOrder;
use weezl::decode::Decoder as Lzw;

use crate::error::{Error, Result};

use super::super::jpeg;
use super::super::limits::Deadline;
use super::super::source::{Source, damaged_by};
use super::{Color, Compression, Image};

/// The rows of one strip or tile.
pub(super) struct Chunk {
    unpack: Unpack,
    /// Compressed bytes that were not read yet.
    remaining: u64,
}

enum Unpack {
    Raw,
    PackBits(PackBits),
    Deflate { inflate: Decompress, ended: bool },
    Lzw(Box<Lzw>),
    Fax { decoder: Box<Group4Decoder<FaxBytes>>, width: u32 },
    Jpeg { frame: Vec<u8>, next: usize },
}

type FaxBytes = std::iter::Map<std::vec::IntoIter<u8>, fn(u8) -> Result<u8, Infallible>>;

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chunk").field("remaining", &self.remaining).finish_non_exhaustive()
    }
}

impl Chunk {
    /// Begins with the chunk of this index, which has at least `rows` rows.
    pub(super) fn open(source: &mut Source, image: &Image, index: u64, rows: u32, deadline: &Deadline) -> Result<Self> {
        let (offset, bytes) = (image.offsets.get(source, index)?, image.byte_counts.get(source, index)?);
        if bytes > image.largest_chunk_bytes && matches!(image.compression, Compression::Fax | Compression::Jpeg) {
            return Err(source.truncated());
        }
        let unpack = match image.compression {
            Compression::None => Unpack::Raw,
            Compression::PackBits => Unpack::PackBits(PackBits::default()),
            Compression::Deflate => Unpack::Deflate { inflate: Decompress::new(true), ended: false },
            Compression::Lzw => Unpack::Lzw(Box::new(Lzw::with_tiff_size_switch(BitOrder::Msb, 8))),
            Compression::Fax => {
                source.go_to(offset)?;
                let order: fn(u8) -> Result<u8, Infallible> = if image.reversed { |byte| Ok(byte.reverse_bits()) } else { Ok };
                let compressed = read_vec(source, bytes)?.into_iter().map(order);
                let Ok(decoder) = Group4Decoder::new(compressed, image.chunk.width());
                Unpack::Fax { decoder: Box::new(decoder), width: image.chunk.width() }
            }
            Compression::Jpeg => Unpack::Jpeg { frame: decode_jpeg(source, image, (offset, bytes), rows, deadline)?, next: 0 },
        };
        source.go_to(offset)?;
        Ok(Self { unpack, remaining: bytes })
    }

    /// Fills `row` with the next samples.
    pub(super) fn read(&mut self, source: &mut Source, row: &mut [u8]) -> Result<()> {
        match &mut self.unpack {
            Unpack::Raw => {
                self.remaining = self.remaining.checked_sub(row.len() as u64).ok_or_else(|| incomplete(source))?;
                source.read_exact(row)
            }
            Unpack::PackBits(packed) => packed.read(source, &mut self.remaining, row),
            Unpack::Deflate { inflate, ended } => match inflate_into(source, inflate, ended, &mut self.remaining, row)? {
                filled if filled == row.len() => Ok(()),
                _ => Err(incomplete(source)),
            },
            Unpack::Lzw(lzw) => unpack_lzw(source, lzw, &mut self.remaining, row),
            Unpack::Fax { decoder, width } => match decoder.advance() {
                Ok(DecodeStatus::Incomplete) => {
                    paint(decoder.transition(), *width, row);
                    Ok(())
                }
                Ok(DecodeStatus::End) => Err(incomplete(source)),
                Err(error) => Err(damaged_by(source.path(), error)),
            },
            Unpack::Jpeg { frame, next } => {
                let samples = frame.get(*next..*next + row.len()).ok_or_else(|| incomplete(source))?;
                row.copy_from_slice(samples);
                *next += row.len();
                Ok(())
            }
        }
    }

    /// Checks what follows the rows: the checksum of a deflated chunk. Data beyond the last row are ignored.
    pub(super) fn finish(mut self, source: &mut Source) -> Result<()> {
        if let Unpack::Deflate { inflate, ended } = &mut self.unpack {
            let beyond = inflate_into(source, inflate, ended, &mut self.remaining, &mut [0])?;
            if beyond == 0 && !*ended {
                return Err(incomplete(source));
            }
        }
        Ok(())
    }
}

fn incomplete(source: &Source) -> Error {
    source.damaged("its pixels are incomplete: upload it again")
}

fn read_vec(source: &mut Source, bytes: u64) -> Result<Vec<u8>> {
    let mut data = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
    source.read_exact(&mut data)?;
    Ok(data)
}

/// What lies ready of a chunk's compressed bytes; empty at its end.
fn ready(source: &mut Source, remaining: u64) -> Result<&[u8]> {
    if remaining == 0 {
        return Ok(&[]);
    }
    if source.fill()?.is_empty() {
        return Err(source.truncated());
    }
    let data = source.fill()?;
    Ok(&data[..data.len().min(usize::try_from(remaining).unwrap_or(usize::MAX))])
}

/// Takes `count` of the bytes that were ready.
fn take(source: &mut Source, remaining: &mut u64, count: usize) {
    source.consume(count);
    *remaining -= count as u64;
}

/// Fills `out` as far as there is data and returns the number of bytes.
fn inflate_into(source: &mut Source, inflate: &mut Decompress, ended: &mut bool, remaining: &mut u64, out: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < out.len() && !*ended {
        let input = ready(source, *remaining)?;
        let (input_before, output_before) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(input, &mut out[filled..], FlushDecompress::None);
        // Both are at most the lengths of the slices.
        let consumed = usize::try_from(inflate.total_in() - input_before).unwrap_or_default();
        let produced = usize::try_from(inflate.total_out() - output_before).unwrap_or_default();
        take(source, remaining, consumed);
        filled += produced;
        *ended = status.map_err(|error| damaged_by(source.path(), error))? == Status::StreamEnd;
        if consumed == 0 && produced == 0 {
            break;
        }
    }
    Ok(filled)
}

fn unpack_lzw(source: &mut Source, lzw: &mut Lzw, remaining: &mut u64, row: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    while filled < row.len() {
        let input = ready(source, *remaining)?;
        let done = lzw.decode_bytes(input, &mut row[filled..]);
        take(source, remaining, done.consumed_in);
        filled += done.consumed_out;
        done.status.map_err(|error| damaged_by(source.path(), error))?;
        if done.consumed_in == 0 && done.consumed_out == 0 {
            return Err(incomplete(source));
        }
    }
    Ok(())
}

/// What is left of a run (TIFF 6.0, section 9).
#[derive(Debug, Default)]
struct PackBits {
    literal: usize,
    repeated: usize,
    byte: u8,
}

impl PackBits {
    fn read(&mut self, source: &mut Source, remaining: &mut u64, row: &mut [u8]) -> Result<()> {
        let mut filled = 0;
        while filled < row.len() {
            let left = &mut row[filled..];
            if self.repeated > 0 {
                let count = self.repeated.min(left.len());
                left[..count].fill(self.byte);
                self.repeated -= count;
                filled += count;
                continue;
            }
            let input = ready(source, *remaining)?;
            if self.literal > 0 {
                let count = self.literal.min(left.len()).min(input.len());
                if count == 0 {
                    return Err(incomplete(source));
                }
                left[..count].copy_from_slice(&input[..count]);
                self.literal -= count;
                filled += count;
                take(source, remaining, count);
                continue;
            }
            let &[code, ..] = input else { return Err(incomplete(source)) };
            take(source, remaining, 1);
            match code {
                0..=127 => self.literal = usize::from(code) + 1,
                // Nothing at all.
                128 => {}
                129..=255 => {
                    let &[byte, ..] = ready(source, *remaining)? else { return Err(incomplete(source)) };
                    take(source, remaining, 1);
                    (self.byte, self.repeated) = (byte, 257 - usize::from(code));
                }
            }
        }
        Ok(())
    }
}

/// Paints a fax line, which tells where its colour changes, beginning with white: bits of 1 are black.
fn paint(changes: &[u32], width: u32, row: &mut [u8]) {
    row.fill(0);
    for pair in changes.chunks(2) {
        let [start, ends @ ..] = pair else { continue };
        let end = ends.first().copied().unwrap_or(width).min(width);
        for x in *start..end {
            row[x as usize / 8] |= 0x80 >> (x % 8);
        }
    }
}

/// Decodes a whole chunk that is a JPEG file, perhaps with its tables elsewhere (TIFF Technical Note 2).
fn decode_jpeg(source: &mut Source, image: &Image, (offset, bytes): (u64, u64), rows: u32, deadline: &Deadline) -> Result<Vec<u8>> {
    let mut file = Vec::new();
    if let Some(tables) = image.jpeg_tables {
        let (at, count) = tables.bytes();
        source.go_to(at)?;
        file = read_vec(source, count)?;
        // Without its end marker; the chunk goes on without its start marker.
        file.truncate(file.len().saturating_sub(2));
    }
    source.go_to(offset)?;
    let chunk = read_vec(source, bytes)?;
    file.extend_from_slice(if file.is_empty() { &chunk } else { chunk.get(2..).unwrap_or_default() });
    drop(chunk);
    let expected =
        jpeg::Embedded { size: image.chunk, rows, channels: image.samples_per_chunk_pixel(), to_rgb: image.color == Color::YCbCr };
    jpeg::decode_embedded(file, source.path(), &expected, deadline)
}
