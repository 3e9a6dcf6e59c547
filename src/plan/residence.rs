//! Where each raster lives, decided before the run from sizes alone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::Serialize;

use super::{Decode, PartPlan, RasterSpec};
use crate::artwork::{ArtworkReader, RasterStream, RasterWriter, Residence, ShapedRows};
use crate::budget::MemoryBudget;
use crate::encode::BandEncoder;
use crate::error::{ErrorKind, Result};
use crate::geom::PxSize;
use crate::pixel::Rgba8;
use crate::preflight::CheckedArtwork;

/// More threads than this are not asked of any machine.
const MOST_WORKERS: usize = 256;

/// What rendering will hold, known before it starts.
///
/// # Memory
///
/// The peak is the sum of
///
/// - `workers` × (a row + the encoder's state with its fragment + the artwork's rows of one band),
/// - (`window` − `workers`) × the worst case of a compressed band that waits to be written,
/// - the largest sum, over the run, of resident rasters, open streams and one decode (source rows, resampling window, turning
///   block), where there is room as many more as half of the workers.
#[derive(Clone, Copy, Debug, Serialize)]
#[non_exhaustive]
pub struct MemoryPlan {
    /// Threads that render bands.
    pub workers: usize,
    /// Bands that may be started and not yet written.
    pub window: usize,
    /// Bytes that workers and window hold all the time.
    pub fixed_bytes: u64,
    /// The most bytes that are held at once, what the budget already held included.
    pub peak_bytes: u64,
    /// Bytes that are written to the temporary folder over the whole run.
    pub spill_bytes: u64,
    /// Bytes that temporary files take at once, at most.
    pub spill_peak_bytes: u64,
    /// About how many bytes all parts will have: artwork compresses in print about as it does in its file, and copies side by
    /// side once.
    pub output_bytes: u64,
    /// The smallest limit under which this layout can be rendered.
    pub smallest_limit_bytes: u64,
}

/// A stretch of the run during which a raster lives: from its decode to the last band that uses it. Points are decodes, counted over all
/// parts.
struct Life {
    part: usize,
    decode: usize,
    nth: usize,
    bytes: u64,
    /// What it holds as a stream, where it can be one and that is less.
    stream_bytes: Option<u64>,
    points: Range<usize>,
}

/// Chooses residence for every raster, and how many bands may be in flight.
pub(super) fn decide(
    parts: &mut [PartPlan],
    specs: &[RasterSpec],
    artworks: &[CheckedArtwork],
    threads: usize,
    budget: &MemoryBudget,
) -> Result<MemoryPlan> {
    let available = budget.limit_bytes() - budget.held_bytes();
    let decode_bytes = |decode: &Decode| transient_bytes(decode.artwork, decode.rasters.iter().map(|made| made.raster), specs, artworks);
    let mut transient: Vec<u64> = parts.iter().flat_map(|part| &part.decodes).map(decode_bytes).collect();
    let (largest, _) = largest_decode(parts, specs, artworks);
    let fixed = |workers: usize, window: usize| fixed_bytes(parts, workers, window);

    let smallest = fixed(1, 1).saturating_add(largest);
    if smallest > available {
        let what = what_needs_most(parts, specs, artworks);
        let needed_bytes = budget.held_bytes().saturating_add(smallest).max(budget.high_water_bytes());
        return Err(ErrorKind::MemoryLimit { what, needed_bytes, limit_bytes: budget.limit_bytes() }.into());
    }
    // At most half of what artwork leaves goes into speed.
    let affordable = (available - largest) / 2;
    let most = if cfg!(feature = "parallel") { threads.clamp(1, MOST_WORKERS) } else { 1 };
    let (workers, window) = (1..=most)
        .rev()
        // One worker lands each band before it starts the next.
        .flat_map(|workers| (0..=if workers > 1 { 2 } else { 0 }).rev().map(move |ahead| (workers, workers + ahead)))
        .find(|&(workers, window)| fixed(workers, window) <= affordable)
        .unwrap_or((1, 1));
    let fixed_bytes = fixed(workers, window);
    let for_artwork = available - fixed_bytes;

    // Decodes that run at once are planned for where there is room, so that threads do not wait for one another.
    let most_ahead = workers / 2;
    let at_once = |point: usize, ahead: usize| transient[point..].iter().take(1 + ahead).copied().fold(0, u64::saturating_add);
    let ahead_of = |point: usize| (1..=most_ahead).rev().find(|&ahead| at_once(point, ahead) <= for_artwork).unwrap_or(0);
    let ahead: Vec<usize> = (0..transient.len()).map(ahead_of).collect();
    let mut usage: Vec<u64> = ahead.iter().enumerate().map(|(point, &ahead)| at_once(point, ahead)).collect();
    let mut spilled = vec![0; usage.len()];
    let mut spill_bytes = 0;
    for life in lives(parts, specs, artworks) {
        let decode = &mut parts[life.part].decodes[life.decode];
        let mut held_over = |points: Range<usize>, bytes: u64| {
            let points = &mut usage[points];
            let fits = points.iter().all(|&used| used.saturating_add(bytes) <= for_artwork);
            if fits {
                points.iter_mut().for_each(|used| *used += bytes);
            }
            fits
        };
        let start = life.points.start;
        let decoded_from = (start.saturating_sub(most_ahead)..start).find(|&point| point + ahead[point] >= start).unwrap_or(start);
        decode.rasters[life.nth].residence = match life.stream_bytes {
            // While it is opened it holds no more than any other decode.
            Some(bytes) if held_over(start + 1..life.points.end, bytes) => {
                transient[start] = bytes;
                Residence::Streamed
            }
            None if held_over(decoded_from..life.points.end, life.bytes) => {
                decode.bytes += life.bytes;
                Residence::Resident
            }
            _ => {
                spilled[life.points].iter_mut().for_each(|bytes| *bytes += life.bytes);
                spill_bytes += life.bytes;
                Residence::Spilled
            }
        };
    }
    for (decode, bytes) in parts.iter_mut().flat_map(|part| &mut part.decodes).zip(transient) {
        decode.bytes += bytes;
    }
    let peak_bytes = budget.held_bytes() + fixed_bytes + usage.into_iter().max().unwrap_or(0);
    // What earlier stages held at once counts too.
    let smallest_limit_bytes = (budget.held_bytes() + smallest).max(budget.high_water_bytes());
    Ok(MemoryPlan {
        workers,
        window,
        fixed_bytes,
        peak_bytes,
        spill_bytes,
        spill_peak_bytes: spilled.into_iter().max().unwrap_or(0),
        output_bytes: parts.iter().map(|part| output_bytes(part, specs, artworks)).fold(0, u64::saturating_add),
        smallest_limit_bytes,
    })
}

/// What needs the smallest limit.
pub(super) fn what_needs_most(parts: &[PartPlan], specs: &[RasterSpec], artworks: &[CheckedArtwork]) -> String {
    let (_, largest) = largest_decode(parts, specs, artworks);
    let artwork = |artwork: usize| format!("the job, whose largest artwork to decode is {}", artworks[artwork].path.display());
    largest.map_or("the job".to_owned(), artwork)
}

/// The most that one decode holds, and of which artwork. It counts all rasters that a part draws, also those that were kept for it: where a
/// run is resumed, they are made again.
fn largest_decode(parts: &[PartPlan], specs: &[RasterSpec], artworks: &[CheckedArtwork]) -> (u64, Option<usize>) {
    let of_part = |part: &PartPlan| {
        let mut drawn: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for &raster in &part.raster_of {
            drawn.entry(specs[raster as usize].artwork).or_default().insert(raster as usize);
        }
        let bytes =
            drawn.into_iter().map(|(artwork, rasters)| (transient_bytes(artwork, rasters.into_iter(), specs, artworks), Some(artwork)));
        bytes.max()
    };
    parts.iter().filter_map(of_part).max().unwrap_or((0, None))
}

/// What decoding an artwork and making some rasters of it holds, without the rasters.
fn transient_bytes(artwork: usize, rasters: impl Iterator<Item = usize>, specs: &[RasterSpec], artworks: &[CheckedArtwork]) -> u64 {
    let header = &artworks[artwork].header;
    let making = rasters.map(|raster| {
        let spec = &specs[raster];
        ShapedRows::memory_bytes(&spec.shaping()).saturating_add(RasterWriter::memory_bytes(spec.size, spec.turn))
    });
    let reading = ArtworkReader::memory_bytes(header).saturating_add(row_bytes(header.stored_size()));
    making.fold(reading, u64::saturating_add)
}

/// About how many bytes a part will have; see [`MemoryPlan::output_bytes`].
pub(super) fn output_bytes(part: &PartPlan, specs: &[RasterSpec], artworks: &[CheckedArtwork]) -> u64 {
    let printed = |&raster: &u32| {
        let spec = &specs[raster as usize];
        let header = &artworks[spec.artwork].header;
        // More pixels than the file has hold no more than it does.
        let bytes = u128::from(header.file_bytes) * u128::from(spec.inner.area().min(header.size.area())) / u128::from(header.size.area());
        u64::try_from(bytes).unwrap_or(u64::MAX).min(spec.size.rgba_bytes())
    };
    let placements = part.raster_of.iter().zip(&part.repeat_distances).filter(|&(_, &distance)| distance == 0);
    placements.map(|(raster, _)| printed(raster)).fold(0, u64::saturating_add)
}

/// A row of an image as pixels.
fn row_bytes(size: PxSize) -> u64 {
    u64::from(size.width()) * Rgba8::BYTES as u64
}

fn fixed_bytes(parts: &[PartPlan], workers: usize, window: usize) -> u64 {
    let worst = |bytes: &dyn Fn(&PartPlan) -> u64| parts.iter().map(bytes).max().unwrap_or(0);
    let rows = |part: &PartPlan| part.bands.iter().map(|band| band.rows.len()).max().unwrap_or(0);
    // A band is encoded, or proven as the pixels that it is.
    let pixels = |part: &PartPlan| row_bytes(part.size()) * u64::from(rows(part));
    let worker = worst(&|part| {
        let row = row_bytes(part.size());
        let rows_of_artwork = part.bands.iter().map(|band| band.drawn_pixels * Rgba8::BYTES as u64).max().unwrap_or(0);
        row + rows_of_artwork + BandEncoder::memory_bytes(part.header.size.width(), part.header.format, rows(part)).max(pixels(part))
    });
    let fragment =
        worst(&|part| BandEncoder::fragment_bound_bytes(part.header.size.width(), part.header.format, rows(part)).max(pixels(part)));
    worker * workers as u64 + fragment * (window - workers) as u64
}

/// The life of every raster, in the order in which they are made.
fn lives(parts: &[PartPlan], specs: &[RasterSpec], artworks: &[CheckedArtwork]) -> Vec<Life> {
    let first_point: Vec<usize> = parts
        .iter()
        .scan(0, |points, part| {
            let first = *points;
            *points += part.decodes.len();
            Some(first)
        })
        .collect();
    let mut lives = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        for (nth_decode, decode) in part.decodes.iter().enumerate() {
            for (nth, made) in decode.rasters.iter().enumerate() {
                let start = first_point[index] + nth_decode;
                let (last_part, last_band) = made.last_use;
                let needed_until = parts[last_part].decodes.partition_point(|decode| decode.first_band <= last_band);
                let end = (first_point[last_part] + needed_until).max(start + 1);
                let spec = &specs[made.raster];
                let bytes = spec.size.rgba_bytes();
                let stream_bytes = RasterStream::memory_bytes(&artworks[spec.artwork].header, &spec.shaping());
                let stream_bytes = Some(stream_bytes).filter(|&stream| made.streamable && stream < bytes);
                lives.push(Life { part: index, decode: nth_decode, nth, bytes, stream_bytes, points: start..end });
            }
        }
    }
    lives
}
