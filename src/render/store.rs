//! The artwork's pixels, decoded and resampled once, for all bands that need them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

use tracing::debug;

use super::Cancel;
use super::strip::{Ground, Strip};
use crate::artwork::{ArtworkReader, Raster, RasterStream, RasterView, RasterWriter, Residence, Shape, ShapedRows, Spill, Written};
use crate::budget::{Buffer, MemoryBudget};
use crate::error::{Error, ErrorKind, Result};
use crate::geom::{PxRect, PxSize, Rows};
use crate::pixel::Rgba8;
use crate::plan::{Band, Decode, PartPlan, RenderPlan};

/// The rasters that are ready to be composited.
///
/// Each [`Decode`] of a [`RenderPlan`] makes its rasters in one pass over the artwork; they live where the plan says, until they are
/// released.
///
/// # Memory
///
/// Resident rasters hold 4 bytes a pixel, streamed ones a decoder and a few rows, both charged to the budget; spilled ones nothing. What a
/// band takes of streamed and spilled ones is held while it is composited.
#[derive(Debug)]
pub struct ArtworkStore {
    budget: MemoryBudget,
    temp_dir: PathBuf,
    cancel: Cancel,
    /// Whether bands are started in their order, so that one may wait for the rows that those before it take from a stream. Otherwise
    /// what was planned as a stream is spilled: only a stream that is read to its end is known to be whole.
    in_order: bool,
    rasters: RwLock<HashMap<usize, Held>>,
    spills: Mutex<Spills>,
    /// Room for pixels that no band uses now: as many as there were bands at once.
    spare: Mutex<Vec<Vec<Rgba8>>>,
    /// The memory of rasters that were released, while bands are started in their order: the next ones are often of the same size, and new
    /// pages are a tenth of the whole time.
    pages: Mutex<Vec<Buffer<Rgba8>>>,
    /// The artworks that were read to their end and have colours that the parts cannot show.
    beyond_gamut: Mutex<BTreeSet<usize>>,
    /// Held while a band decodes what it misses, so that two bands do not decode the same artwork.
    preparing: Mutex<()>,
}

/// A raster in its residence.
#[derive(Clone, Debug)]
enum Held {
    Resident(Arc<Raster>),
    Streamed(Arc<Stream>),
    Spilled(Arc<Spill>),
}

impl Held {
    /// Whether bands have to bring its rows into memory.
    fn is_elsewhere(&self) -> bool {
        !matches!(self, Self::Resident(_))
    }
}

/// What one band draws.
#[derive(Debug)]
pub(crate) struct BandArtwork {
    drawn: Vec<(Drawn, PxRect)>,
    /// The rectangles that hold the same pixels as those so many columns to their left.
    repeated: Vec<(PxRect, u32)>,
    /// All pieces, one after the other.
    pixels: Vec<Rgba8>,
}

#[derive(Debug)]
enum Drawn {
    Whole(Arc<Raster>),
    /// The rows that lie in the band, and where they are in the band's pixels.
    Piece(Shape, Range<usize>),
}

impl BandArtwork {
    /// The `rows` of the band, strip by strip.
    pub(crate) fn strips(&self, rows: Rows, ground: Ground) -> impl Iterator<Item = Strip<'_>> {
        let placed = self.drawn.iter().map(|(drawn, rect)| match drawn {
            Drawn::Whole(raster) => (raster.view(), *rect),
            Drawn::Piece(shape, range) => (RasterView::new(*shape, &self.pixels[range.clone()]), *rect),
        });
        Strip::cut(rows, ground, placed.collect(), &self.repeated)
    }
}

/// An artwork that bands take their rows from.
#[derive(Debug)]
struct Stream {
    artwork: usize,
    state: Mutex<StreamState>,
    /// Rows were taken, or the stream was abandoned.
    moved: Condvar,
}

#[derive(Debug)]
struct StreamState {
    rows: RasterStream,
    abandoned: bool,
}

impl ArtworkStore {
    /// An empty store that takes memory from `budget`, spills into `temp_dir` and stops decoding when `cancel` says so.
    #[must_use]
    pub fn new(budget: MemoryBudget, temp_dir: &Path, cancel: Cancel) -> Self {
        Self {
            budget,
            temp_dir: temp_dir.to_owned(),
            cancel,
            in_order: false,
            rasters: RwLock::default(),
            spills: Mutex::default(),
            spare: Mutex::default(),
            pages: Mutex::default(),
            beyond_gamut: Mutex::default(),
            preparing: Mutex::default(),
        }
    }

    /// The store for bands that are started in their order, each one once, until [`abandon`](Self::abandon).
    pub(crate) fn in_order(self) -> Self {
        Self { in_order: true, ..self }
    }

    /// Makes the rasters of `decode`, taking all memory from `budget`, which may be a [part](crate::Reservation::into_budget) of the store's.
    /// What was planned as a stream is spilled, which takes up to [`Resampler::memory_bytes`](crate::Resampler::memory_bytes) and some rows
    /// more than [`Decode::bytes`].
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Artwork`] when the artwork is damaged or no longer has the size that was planned, [`ErrorKind::Io`] when it cannot be
    /// read or spilled, [`ErrorKind::MemoryLimit`], [`ErrorKind::Cancelled`].
    pub fn decode(&self, plan: &RenderPlan, decode: &Decode, budget: &MemoryBudget) -> Result<()> {
        self.decode_into(plan, decode, budget, None)
    }

    /// Decodes into `pages` that were [taken](Self::take_pages), of which `budget` knows nothing.
    pub(crate) fn decode_into(
        &self,
        plan: &RenderPlan,
        decode: &Decode,
        budget: &MemoryBudget,
        pages: Option<Buffer<Rgba8>>,
    ) -> Result<()> {
        let made = match &decode.rasters[..] {
            [made] if made.residence == Residence::Streamed && self.in_order => {
                let state = Mutex::new(self.open(plan, decode, made.raster, budget)?);
                let stream = Stream { artwork: decode.artwork, state, moved: Condvar::new() };
                vec![(made.raster, Held::Streamed(Arc::new(stream)))]
            }
            _ => self.decode_whole(plan, decode, budget, pages)?,
        };
        self.rasters.write().unwrap_or_else(PoisonError::into_inner).extend(made);
        Ok(())
    }

    /// One pass over an artwork, from which all of its rasters are made.
    fn decode_whole(
        &self,
        plan: &RenderPlan,
        decode: &Decode,
        budget: &MemoryBudget,
        mut pages: Option<Buffer<Rgba8>>,
    ) -> Result<Vec<(usize, Held)>> {
        let artwork = &plan.artworks()[decode.artwork];
        let mut reader = ArtworkReader::open(&artwork.path, &artwork.header, budget)?;
        let size = artwork.header.stored_size();
        let mut row = budget.buffer::<Rgba8>(size.width() as usize, "a row of the artwork")?;
        let mut makers = Vec::with_capacity(decode.rasters.len());
        for made in &decode.rasters {
            let spec = &plan.rasters()[made.raster];
            let writer = match made.residence {
                Residence::Resident => {
                    let fitting = pages.take_if(|pages| pages.len() as u64 == spec.size.area());
                    RasterWriter::resident(spec.size, spec.turn, budget, fitting)?
                }
                Residence::Spilled | Residence::Streamed => RasterWriter::spilled(spec.size, spec.turn, budget, &self.temp_dir)?,
            };
            makers.push((ShapedRows::new(&spec.shaping(), budget)?, writer));
        }
        for y in 0..size.height() {
            self.cancel.check()?;
            reader.read_row(&mut row)?;
            for (rows, writer) in &mut makers {
                rows.push(y, &row)?;
                while let Some(row) = rows.next()? {
                    writer.push_row(row)?;
                }
            }
        }
        if reader.finish()? {
            self.note_beyond_gamut(decode.artwork);
        }
        let held = |(_, writer): (ShapedRows, RasterWriter)| match writer.finish() {
            Written::Resident(raster) => Held::Resident(Arc::new(raster)),
            Written::Spilled(spill) => {
                let bytes = spill.bytes();
                debug!(artwork = %artwork.path.display(), bytes, folder = %self.temp_dir.display(), "spill file created");
                self.count(|spills| {
                    spills.created += 1;
                    spills.bytes += bytes;
                });
                Held::Spilled(Arc::new(spill))
            }
        };
        Ok(decode.rasters.iter().map(|made| made.raster).zip(makers.into_iter().map(held)).collect())
    }

    /// Opens the artwork of a raster and reads up to the row that the decode's first band draws first.
    fn open(&self, plan: &RenderPlan, decode: &Decode, raster: usize, budget: &MemoryBudget) -> Result<StreamState> {
        let (spec, artwork) = (&plan.rasters()[raster], &plan.artworks()[decode.artwork]);
        let band = &plan.parts()[decode.part].bands()[decode.first_band];
        let placement = plan.placements_of(band).find(|&(drawn, _)| drawn == raster);
        let first = placement.and_then(|(_, placement)| rows_within(band, placement.rect)).map_or(0, Rows::start);
        let mut rows = RasterStream::open(&artwork.path, &artwork.header, &spec.shaping(), budget)?;
        rows.skip(first, || self.cancel.check())?;
        Ok(StreamState { rows, abandoned: false })
    }

    /// The artwork that `band` draws; what is missing is decoded now. To be [put back](Self::put_back) when it is drawn.
    pub(crate) fn take(&self, plan: &RenderPlan, band: &Band) -> Result<BandArtwork> {
        let held = self.held(plan, band)?;
        let placed =
            || plan.placements_of(band).zip(plan.repeat_distances(band)).map(|((_, placement), distance)| (placement.rect, distance));
        let area = |rows: Rows, rect: PxRect| rows.len() as usize * rect.size().width() as usize;
        let elsewhere = held.iter().zip(placed()).filter(|(held, (_, distance))| held.is_elsewhere() && *distance == 0);
        let count = elsewhere.filter_map(|(_, (rect, _))| Some(area(rows_within(band, rect)?, rect))).sum();
        let mut artwork = BandArtwork { drawn: Vec::with_capacity(held.len()), repeated: Vec::new(), pixels: self.spare_pixels(count) };
        let (mut rest, mut start) = (artwork.pixels.as_mut_slice(), 0);
        for (held, (rect, distance)) in held.into_iter().zip(placed()) {
            let Some(rows) = rows_within(band, rect) else { continue };
            if distance > 0 {
                artwork.repeated.push((rect, distance));
                continue;
            }
            let mut take = |read: &dyn Fn(&mut [Rgba8]) -> Result<Shape>| {
                let (piece, after) = std::mem::take(&mut rest).split_at_mut(area(rows, rect));
                rest = after;
                let place = start..start + piece.len();
                start = place.end;
                Ok::<_, Error>(Drawn::Piece(read(piece)?, place))
            };
            let drawn = match held {
                Held::Resident(raster) => {
                    artwork.drawn.push((Drawn::Whole(raster), rect));
                    continue;
                }
                Held::Spilled(spill) => take(&|piece| spill.read(rows, piece))?,
                Held::Streamed(stream) => take(&|piece| self.take_rows(&stream, rows, piece))?,
            };
            let size = PxSize::new(rect.size().width(), rows.len())?;
            artwork.drawn.push((drawn, PxRect::new(rect.x(), rect.y() + rows.start(), size)?));
        }
        Ok(artwork)
    }

    /// Room for `count` pixels, which a band before may have used. Fresh pages for each band would cost more than what is done with them.
    fn spare_pixels(&self, count: usize) -> Vec<Rgba8> {
        let mut pixels = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        pixels.clear();
        pixels.reserve_exact(count);
        pixels.resize(count, Rgba8::TRANSPARENT);
        pixels
    }

    /// Takes back what a band has drawn.
    pub(crate) fn put_back(&self, artwork: BandArtwork) {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(artwork.pixels);
    }

    /// Takes `rows` from a stream, once the bands before have taken theirs.
    fn take_rows(&self, stream: &Stream, rows: Rows, pixels: &mut [Rgba8]) -> Result<Shape> {
        let early = |state: &mut StreamState| !state.abandoned && state.rows.next_row() < rows.start();
        let state = stream.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = stream.moved.wait_while(state, early).unwrap_or_else(PoisonError::into_inner);
        if state.abandoned {
            return Err(ErrorKind::Cancelled.into());
        }
        let taken = state.rows.take(rows, pixels, || self.cancel.check());
        stream.moved.notify_all();
        if state.rows.is_beyond_gamut() {
            self.note_beyond_gamut(stream.artwork);
        }
        taken
    }

    fn note_beyond_gamut(&self, artwork: usize) {
        self.beyond_gamut.lock().unwrap_or_else(PoisonError::into_inner).insert(artwork);
    }

    /// How many of the artworks that were read to their end so far have colours that the parts cannot show.
    pub(crate) fn artworks_beyond_gamut(&self) -> usize {
        self.beyond_gamut.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Ends the waiting of all bands for rows of streams: no others will take the rows before theirs any more.
    pub(crate) fn abandon(&self) {
        for held in self.rasters.read().unwrap_or_else(PoisonError::into_inner).values() {
            if let Held::Streamed(stream) = held {
                stream.state.lock().unwrap_or_else(PoisonError::into_inner).abandoned = true;
                stream.moved.notify_all();
            }
        }
    }

    fn held(&self, plan: &RenderPlan, band: &Band) -> Result<Vec<Held>> {
        if let Some(held) = self.held_if_ready(plan, band) {
            return Ok(held);
        }
        let _preparing = self.preparing.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(held) = self.held_if_ready(plan, band) {
                return Ok(held);
            }
            let missing = self.missing(plan, band);
            if missing.is_empty() {
                let message = "a band of another plan was to be rendered".to_owned();
                return Err(ErrorKind::Layout { part: None, message }.into());
            }
            for decode in missing {
                self.decode(plan, &decode, &self.budget)?;
            }
        }
    }

    fn held_if_ready(&self, plan: &RenderPlan, band: &Band) -> Option<Vec<Held>> {
        let rasters = self.rasters.read().unwrap_or_else(PoisonError::into_inner);
        plan.placements_of(band).map(|(raster, _)| rasters.get(&raster).cloned()).collect()
    }

    /// The decodes that make what `band` misses.
    fn missing(&self, plan: &RenderPlan, band: &Band) -> Vec<Decode> {
        let held = self.rasters.read().unwrap_or_else(PoisonError::into_inner);
        let missing = plan.placements_of(band).map(|(raster, _)| raster).filter(|raster| !held.contains_key(raster));
        let mut missing: HashSet<usize> = missing.collect();
        let mut decodes = Vec::new();
        // The nearest earlier decode of a raster is the one whose residence was planned for this stretch of the run.
        for decode in plan.parts()[..=band.part()].iter().rev().flat_map(PartPlan::decodes) {
            let mut decode = decode.clone();
            decode.rasters.retain(|made| missing.remove(&made.raster));
            if !decode.rasters.is_empty() {
                (decode.part, decode.first_band) = (band.part(), band.index());
                decodes.push(decode);
            }
            if missing.is_empty() {
                break;
            }
        }
        decodes
    }

    /// Drops the rasters that no band after `band` uses: their memory or temporary file is free once no band holds them. To be called when
    /// this band and all before it are done.
    pub fn release_after(&self, plan: &RenderPlan, band: &Band) {
        let rasters = plan.parts()[band.part()].released_after(band.index());
        let mut held = self.rasters.write().unwrap_or_else(PoisonError::into_inner);
        for &raster in rasters {
            match held.remove(&(raster as usize)) {
                Some(Held::Spilled(_)) => {
                    debug!(raster, "spill file removed");
                    self.count(|spills| spills.removed += 1);
                }
                Some(Held::Resident(raster)) if self.in_order => {
                    if let Some(raster) = Arc::into_inner(raster) {
                        self.pages().push(raster.into_pages());
                    }
                }
                _ => {}
            }
        }
    }

    /// The memory of a released raster, if a raster of this decode has the same size. Its bytes are still reserved.
    pub(crate) fn take_pages(&self, plan: &RenderPlan, decode: &Decode) -> Option<Buffer<Rgba8>> {
        let resident = decode.rasters.iter().filter(|made| made.residence == Residence::Resident);
        let areas: Vec<u64> = resident.map(|made| plan.rasters()[made.raster].size.area()).collect();
        let mut pages = self.pages();
        let fitting = pages.iter().position(|pages| areas.contains(&(pages.len() as u64)))?;
        Some(pages.swap_remove(fitting))
    }

    /// Gives back the memory of a released raster; says whether there was any.
    pub(crate) fn drop_pages(&self) -> bool {
        self.pages().pop().is_some()
    }

    fn pages(&self) -> MutexGuard<'_, Vec<Buffer<Rgba8>>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, change: impl FnOnce(&mut Spills)) {
        change(&mut self.spills.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The folder for spilled pixels.
    pub(crate) fn temp_dir(&self) -> &Path {
        &self.temp_dir
    }

    /// The temporary files made and removed so far.
    pub(crate) fn spills(&self) -> Spills {
        *self.spills.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the rasters that are held in memory now.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let rasters = self.rasters.read().unwrap_or_else(PoisonError::into_inner);
        let bytes = |held: &Held| if let Held::Resident(raster) = held { raster.bytes() } else { 0 };
        rasters.values().map(bytes).sum()
    }
}

/// The rows of a raster at `rect` that lie in the band, counted from the raster's first.
fn rows_within(band: &Band, rect: PxRect) -> Option<Rows> {
    band.rows().intersect(rect.rows()).map(|rows| rows.relative_to(rect.y()))
}

/// Counts of temporary files, and the bytes written to them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spills {
    pub(crate) created: u64,
    pub(crate) removed: u64,
    pub(crate) bytes: u64,
}

impl Spills {
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self { created: self.created - earlier.created, removed: self.removed - earlier.removed, bytes: self.bytes - earlier.bytes }
    }
}
