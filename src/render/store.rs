//! The artwork's pixels, decoded and resampled once, for all bands that need them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tracing::debug;

use super::Cancel;
use super::strip::Placed;
use crate::artwork::{ArtworkReader, Raster, RasterWriter, Resampler};
use crate::budget::{Buffer, MemoryBudget};
use crate::error::Result;
use crate::geom::PxRect;
use crate::pixel::Rgba8;
use crate::plan::{Band, Decode, DecodedRaster, PartPlan, RenderPlan};

/// The rasters that are ready to be composited.
///
/// Each [`Decode`] of a [`RenderPlan`] makes its rasters in one pass over the artwork; they live in memory or in an unlinked temporary file,
/// as the plan says, until they are released.
///
/// # Memory
///
/// Resident rasters hold 4 bytes a pixel, charged to the budget; spilled ones hold the mapped rows of the bands in flight.
#[derive(Debug)]
pub struct ArtworkStore {
    budget: MemoryBudget,
    temp_dir: PathBuf,
    cancel: Cancel,
    rasters: RwLock<HashMap<usize, Arc<Raster>>>,
    spills: Mutex<Spills>,
    /// Held while a band decodes what it misses, so that two bands do not decode the same artwork.
    preparing: Mutex<()>,
}

impl ArtworkStore {
    /// An empty store that takes memory from `budget`, spills into `temp_dir` and stops decoding when `cancel` says so.
    #[must_use]
    pub fn new(budget: MemoryBudget, temp_dir: &Path, cancel: Cancel) -> Self {
        Self {
            budget,
            temp_dir: temp_dir.to_owned(),
            cancel,
            rasters: RwLock::default(),
            spills: Mutex::default(),
            preparing: Mutex::default(),
        }
    }

    /// Makes the rasters of `decode`, taking all memory from `budget`, which may be a [part](crate::Reservation::into_budget) of the store's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Artwork`](crate::ErrorKind::Artwork) when the artwork is damaged or no longer has the size that was planned,
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when it cannot be read or spilled, [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit),
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled).
    pub fn decode(&self, plan: &RenderPlan, decode: &Decode, budget: &MemoryBudget) -> Result<()> {
        let artwork = &plan.artworks()[decode.artwork];
        let mut reader = ArtworkReader::open(&artwork.path, &artwork.header, budget)?;
        let size = artwork.header.size;
        let mut row = budget.buffer::<Rgba8>(size.width() as usize, "a row of the artwork")?;
        let makers = decode.rasters.iter().map(|made| RasterMaker::new(plan, made, budget, &self.temp_dir));
        let mut makers = makers.collect::<Result<Vec<_>>>()?;
        for y in 0..size.height() {
            self.cancel.check()?;
            reader.read_row(&mut row)?;
            makers.iter_mut().try_for_each(|maker| maker.push(y, &row))?;
        }
        reader.finish()?;
        let made = makers.into_iter().map(RasterMaker::finish).collect::<Result<Vec<_>>>()?;
        for (_, raster) in made.iter().filter(|(_, raster)| raster.spilled_bytes() > 0) {
            let bytes = raster.spilled_bytes();
            debug!(artwork = %artwork.path.display(), bytes, folder = %self.temp_dir.display(), "spill file created");
            self.count(|spills| {
                spills.created += 1;
                spills.bytes += bytes;
            });
        }
        self.rasters.write().unwrap_or_else(PoisonError::into_inner).extend(made);
        Ok(())
    }

    /// The rasters of `band` in drawing order; those that are missing are decoded now.
    pub(super) fn placed(&self, plan: &RenderPlan, band: &Band) -> Result<Vec<Placed>> {
        if let Some(placed) = self.placed_if_ready(plan, band) {
            return Ok(placed);
        }
        let _preparing = self.preparing.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(placed) = self.placed_if_ready(plan, band) {
                return Ok(placed);
            }
            for decode in self.missing(plan, std::slice::from_ref(band)) {
                self.decode(plan, &decode, &self.budget)?;
            }
        }
    }

    fn placed_if_ready(&self, plan: &RenderPlan, band: &Band) -> Option<Vec<Placed>> {
        let rasters = self.rasters.read().unwrap_or_else(PoisonError::into_inner);
        plan.placements_of(band).map(|(raster, placement)| Some((rasters.get(&raster)?.clone(), placement.rect))).collect()
    }

    /// The decodes that make what `bands`, all of one part, miss, in the order in which bands need them. A run that joins in the middle
    /// also gets what earlier parts would have kept for it.
    pub(crate) fn missing(&self, plan: &RenderPlan, bands: &[Band]) -> Vec<Decode> {
        let Some(part) = bands.first().map(Band::part) else { return Vec::new() };
        let held = self.rasters.read().unwrap_or_else(PoisonError::into_inner);
        let mut missing: HashMap<usize, usize> = HashMap::new();
        for band in bands {
            for (raster, _) in plan.placements_of(band).filter(|(raster, _)| !held.contains_key(raster)) {
                missing.entry(raster).or_insert(band.index());
            }
        }
        let mut decodes = Vec::new();
        // The nearest earlier decode of a raster is the one whose residence was planned for this stretch of the run.
        for decode in plan.parts()[..=part].iter().rev().flat_map(PartPlan::decodes) {
            let mut decode = decode.clone();
            decode.rasters.retain(|made| missing.contains_key(&made.raster));
            let first_bands = decode.rasters.iter().filter_map(|made| missing.remove(&made.raster));
            if let Some(first_band) = first_bands.min() {
                decode.first_band = first_band;
                decodes.push(decode);
            }
            if missing.is_empty() {
                break;
            }
        }
        decodes.sort_by_key(|decode| decode.first_band);
        decodes
    }

    /// Drops the rasters that no band after `band` uses: their memory or temporary file is free once no band holds them. To be called when
    /// this band and all before it are done.
    pub fn release_after(&self, plan: &RenderPlan, band: &Band) {
        let rasters = plan.parts()[band.part()].released_after(band.index());
        let mut held = self.rasters.write().unwrap_or_else(PoisonError::into_inner);
        for &raster in rasters {
            if held.remove(&(raster as usize)).is_some_and(|raster| raster.spilled_bytes() > 0) {
                debug!(raster, "spill file removed");
                self.count(|spills| spills.removed += 1);
            }
        }
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
        rasters.values().filter(|raster| raster.spilled_bytes() == 0).map(|raster| raster.size().rgba_bytes()).sum()
    }
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

/// What turns an artwork's rows into one raster: crop, resample, mirror, turn.
struct RasterMaker {
    raster: usize,
    crop: PxRect,
    resampler: Resampler,
    mirrored: Option<Buffer<Rgba8>>,
    writer: RasterWriter,
}

impl RasterMaker {
    fn new(plan: &RenderPlan, made: &DecodedRaster, budget: &MemoryBudget, temp_dir: &Path) -> Result<Self> {
        let spec = &plan.rasters()[made.raster];
        let source = plan.artworks()[spec.artwork].header.size;
        let crop = match spec.crop {
            Some(crop) => crop,
            None => PxRect::new(0, 0, source)?,
        };
        let mirrored = if spec.mirror { Some(budget.buffer(spec.size.width() as usize, "a mirrored row")?) } else { None };
        Ok(Self {
            raster: made.raster,
            crop,
            resampler: Resampler::new(crop.size(), spec.size, budget)?,
            mirrored,
            writer: RasterWriter::new(spec.size, spec.turn, made.residence, budget, temp_dir)?,
        })
    }

    /// Takes row `y` of the artwork.
    fn push(&mut self, y: u32, row: &[Rgba8]) -> Result<()> {
        if !(self.crop.y()..self.crop.bottom()).contains(&y) {
            return Ok(());
        }
        let Self { writer, mirrored, .. } = self;
        self.resampler.push_row(&row[self.crop.x() as usize..self.crop.right() as usize], &mut |row: &[Rgba8]| match mirrored {
            None => writer.push_row(row),
            Some(mirrored) => {
                mirrored.iter_mut().zip(row.iter().rev()).for_each(|(to, from)| *to = *from);
                writer.push_row(mirrored)
            }
        })
    }

    fn finish(self) -> Result<(usize, Arc<Raster>)> {
        Ok((self.raster, Arc::new(self.writer.finish()?)))
    }
}
