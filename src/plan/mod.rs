//! Who does what: bands of rows, the rasters that they need, and where those live.
//!
//! A [`RenderPlan`] is complete before the first row is rendered. Bands and everything else that decides the bytes of a part come from
//! the layout and the artwork alone; the memory limit and the number of threads only decide where pixels wait and how many bands are in
//! flight.

mod bands;
mod digest;
mod rasters;
mod repeats;
mod residence;

pub use self::rasters::{Decode, DecodedRaster, RasterSpec};
pub use self::residence::MemoryPlan;
use crate::artwork::{ColorSpace, Residence};
use crate::budget::{MemoryBudget, Reservation};
use crate::encode::{PartColor, PartHeader, PixelFormat};
use crate::error::{Error, ErrorKind, Result};
use crate::geom::{PxSize, Rows};
use crate::job::{Background, Compression, OutputProfile};
use crate::layout::{Layout, Part, Placement};
use crate::preflight::CheckedArtwork;

/// How every part of a layout is rendered.
///
/// # Memory
///
/// About 400 bytes a placement with its layout, 256 bytes a band and 16 bytes for every band that a placement crosses, twice, since a
/// resumed run is planned anew. They are charged to the budget while the plan lives. [`RenderPlan::memory`] tells what rendering itself
/// will hold.
#[derive(Debug)]
pub struct RenderPlan {
    layout: Layout,
    artworks: Vec<CheckedArtwork>,
    rasters: Vec<RasterSpec>,
    parts: Vec<PartPlan>,
    memory: MemoryPlan,
    threads: usize,
    /// Held by the plan that was made first, which outlives those made of it.
    _charge: Option<Reservation>,
}

/// How one part is rendered.
#[derive(Clone, Debug)]
pub struct PartPlan {
    header: PartHeader,
    bands: Vec<Band>,
    decodes: Vec<Decode>,
    /// The raster of each placement, by the placement's index.
    raster_of: Vec<u32>,
    /// How many pixels to the left of each placement the same pixels lie; zero where they are drawn.
    repeat_distances: Vec<u32>,
    /// For each band the rasters that no later band of this part uses and that are not kept for the next part.
    released_after: Vec<Vec<u32>>,
    /// The rasters that the next part uses too.
    kept: Vec<u32>,
    overlapping: bool,
}

/// A range of rows of a part, compressed as one unit.
#[derive(Clone, Debug)]
pub struct Band {
    part: usize,
    index: usize,
    rows: Rows,
    placements: Vec<u32>,
    /// Pixels of all placements in these rows that are drawn, each one counted.
    drawn_pixels: u64,
    like: Option<usize>,
}

impl RenderPlan {
    /// Plans the rendering of `layout` by `threads` threads within what `budget` has left. `artworks` are the checked files of the layout's
    /// placements, as [`Preflight`](crate::Preflight) gives them for parts in this colour `space`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit) when the budget cannot hold the work: with the smallest limit that
    /// would do, and what needs it. [`ErrorKind::Layout`](crate::ErrorKind::Layout) when a placement's artwork is not among `artworks`.
    pub fn new(layout: Layout, artworks: Vec<CheckedArtwork>, space: &ColorSpace, threads: usize, budget: &MemoryBudget) -> Result<Self> {
        Self::with(layout, artworks, space, threads, budget, true)
    }

    /// The plan of drawing every copy in every band from its artwork, for a proof that does not rely on what should be the same.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub(crate) fn without_repeats(
        layout: Layout,
        artworks: Vec<CheckedArtwork>,
        space: &ColorSpace,
        threads: usize,
        budget: &MemoryBudget,
    ) -> Result<Self> {
        Self::with(layout, artworks, space, threads, budget, false)
    }

    fn with(
        layout: Layout,
        mut artworks: Vec<CheckedArtwork>,
        space: &ColorSpace,
        threads: usize,
        budget: &MemoryBudget,
        repeats: bool,
    ) -> Result<Self> {
        let format = match layout.output.background {
            Background::Transparent => PixelFormat::Rgba8,
            Background::Opaque(_) => PixelFormat::Rgb8,
        };
        let color = match (&layout.output.profile, space.icc()) {
            (OutputProfile::Untagged, _) => PartColor::Untagged,
            (_, Some(icc)) => PartColor::Icc(icc.clone()),
            (_, None) => PartColor::Srgb(space.intent()),
        };
        let row_bytes = |part: &Part| u64::from(part.size().width()) * format.bytes_per_pixel() as u64;
        let placements = |part: &Part| part.placements().len() as u64 * 400;
        let rows_of_bands: Vec<Vec<Rows>> = layout.parts.iter().map(|part| bands::cut(part, row_bytes(part))).collect();
        let descriptions =
            layout.parts.iter().zip(&rows_of_bands).map(|(part, rows)| bands::description_bytes(part, rows) + placements(part));
        let description_bytes: u64 = descriptions.sum();
        // Once more for the plan of what is left, if the run is resumed.
        let charge = budget.reserve(2 * description_bytes, "the plan of the layout's bands and placements")?;
        let mut assigned = rasters::assign(&layout, &artworks)?;
        rasters::reduce(&mut assigned.specs, &mut artworks);
        let mut parts = Vec::with_capacity(layout.parts.len());
        for (index, ((part, rows), raster_of)) in layout.parts.iter().zip(&rows_of_bands).zip(assigned.by_placement).enumerate() {
            let overlapping = bands::any_overlap(part);
            let repeat_distances =
                if repeats && !overlapping { repeats::side_by_side(part, &raster_of, format) } else { vec![0; part.placements().len()] };
            let bands = rows.iter().zip(bands::placements_by_band(part, rows)).enumerate();
            let bands = bands.map(|(nth, (&rows, placements))| {
                let drawn = placements.iter().filter(|&&placement| repeat_distances[placement as usize] == 0);
                let rects = drawn.map(|&placement| part.placements()[placement as usize].rect);
                let drawn_pixels = rects.map(|rect| u64::from(rect.size().width()) * overlap(rows, rect.rows())).sum();
                Band { part: index, index: nth, rows, drawn_pixels, placements, like: None }
            });
            let mut bands: Vec<Band> = bands.collect();
            if repeats {
                repeats::note_like_bands(&mut bands, part, &raster_of);
            }
            let digest = digest::of_part(&layout, part, &artworks, space, &assigned.specs, &raster_of);
            parts.push(PartPlan {
                header: PartHeader { size: part.size(), dpi: layout.dpi, format, color: color.clone(), digest },
                bands,
                decodes: Vec::new(),
                raster_of,
                repeat_distances,
                released_after: Vec::new(),
                kept: Vec::new(),
                overlapping,
            });
        }
        let first_bands = vec![0; parts.len()];
        rasters::schedule(&mut parts, &assigned.specs, &first_bands);
        let memory = residence::decide(&mut parts, &assigned.specs, &artworks, threads, budget)?;
        Ok(Self { layout, artworks, rasters: assigned.specs, parts, memory, threads, _charge: Some(charge) })
    }

    /// The plan of what is left of a run, from the band of `first_bands` on in each part. The bytes of the bands are the same; which artwork
    /// is decoded when, and where its pixels live, is decided anew.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`](crate::ErrorKind::MemoryLimit) as for [`new`](Self::new).
    pub(crate) fn resumed_at(&self, first_bands: &[usize], budget: &MemoryBudget) -> Result<Self> {
        let mut parts = self.parts.clone();
        rasters::schedule(&mut parts, &self.rasters, first_bands);
        let memory = residence::decide(&mut parts, &self.rasters, &self.artworks, self.threads, budget)?;
        let (layout, artworks, rasters) = (self.layout.clone(), self.artworks.clone(), self.rasters.clone());
        Ok(Self { layout, artworks, rasters, parts, memory, threads: self.threads, _charge: None })
    }

    /// The refusal of a limit that does not hold this plan.
    pub(crate) fn refusal(&self, limit_bytes: u64) -> Error {
        let what = residence::what_needs_most(&self.parts, &self.rasters, &self.artworks);
        ErrorKind::MemoryLimit { what, needed_bytes: self.memory.smallest_limit_bytes, limit_bytes }.into()
    }

    /// What is rendered.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The parts, in the layout's order.
    #[must_use]
    pub fn parts(&self) -> &[PartPlan] {
        &self.parts
    }

    /// The artwork files that the parts are made of.
    #[must_use]
    pub fn artworks(&self) -> &[CheckedArtwork] {
        &self.artworks
    }

    /// All rasters that the parts are made of. [`Decode`]s and placements name them by index.
    #[must_use]
    pub fn rasters(&self) -> &[RasterSpec] {
        &self.rasters
    }

    /// What rendering will hold in memory and on disk.
    #[must_use]
    pub fn memory(&self) -> &MemoryPlan {
        &self.memory
    }

    /// Bytes of the rasters that are kept for the next part when the one of this index is done.
    pub(crate) fn kept_bytes(&self, part: usize) -> u64 {
        self.parts[part].kept().iter().map(|&raster| self.rasters[raster as usize].size.rgba_bytes()).sum()
    }

    /// About how many bytes the file of a part will have, as [`MemoryPlan::output_bytes`] counts them.
    pub(crate) fn output_bytes(&self, part: usize) -> u64 {
        residence::output_bytes(&self.parts[part], &self.rasters, &self.artworks)
    }

    /// How hard the parts are compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.layout.output.compression
    }

    /// The rasters that `band` needs, each with its placement, in drawing order.
    pub fn placements_of(&self, band: &Band) -> impl Iterator<Item = (usize, &Placement)> {
        let (part, placed) = (&self.parts[band.part], self.layout.parts[band.part].placements());
        band.placements.iter().map(|&index| (part.raster_of[index as usize] as usize, &placed[index as usize]))
    }

    /// Of the [placements of `band`](Self::placements_of), how many pixels to their left the same pixels lie, in the same order; zero where
    /// they are drawn from their raster.
    pub(crate) fn repeat_distances(&self, band: &Band) -> impl Iterator<Item = u32> {
        let distances = &self.parts[band.part].repeat_distances;
        band.placements.iter().map(|&index| distances[index as usize])
    }
}

/// Number of rows in both ranges.
fn overlap(rows: Rows, others: Rows) -> u64 {
    rows.intersect(others).map_or(0, Rows::len).into()
}

impl PartPlan {
    /// Width and length of the part in pixels.
    #[must_use]
    pub fn size(&self) -> PxSize {
        self.header.size
    }

    /// The facts that the part's file starts with.
    #[must_use]
    pub fn header(&self) -> &PartHeader {
        &self.header
    }

    /// The bands, from the top of the part to its end.
    #[must_use]
    pub fn bands(&self) -> &[Band] {
        &self.bands
    }

    /// The artwork to decode for this part, in the order in which bands need it.
    #[must_use]
    pub fn decodes(&self) -> &[Decode] {
        &self.decodes
    }

    /// Whether any two placements overlap, so that drawing has to blend.
    #[must_use]
    pub fn overlapping(&self) -> bool {
        self.overlapping
    }

    /// What the part's decodes make, by residence: number of rasters and their bytes.
    pub(crate) fn to_hold(&self, rasters: &[RasterSpec], residence: Residence) -> (u64, u64) {
        let made = self.decodes.iter().flat_map(|decode| &decode.rasters).filter(|made| made.residence == residence);
        made.fold((0, 0), |(count, bytes), made| (count + 1, bytes + rasters[made.raster].size.rgba_bytes()))
    }

    /// The rasters that are kept for the next part.
    pub(crate) fn kept(&self) -> &[u32] {
        &self.kept
    }

    /// The rasters to release once the band of this index is done.
    pub(crate) fn released_after(&self, band: usize) -> &[u32] {
        &self.released_after[band]
    }
}

impl Band {
    /// The index of the band's part in [`RenderPlan::parts`].
    #[must_use]
    pub fn part(&self) -> usize {
        self.part
    }

    /// The band's index in [`PartPlan::bands`].
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The rows of the part that the band covers.
    #[must_use]
    pub fn rows(&self) -> Rows {
        self.rows
    }

    /// The earlier band of the part, by its index, that holds the same rows of the same rasters in the same columns: its fragment is this
    /// one's, too, and is [appended again](crate::PngPart::append_again) instead of being made twice.
    #[must_use]
    pub fn like(&self) -> Option<usize> {
        self.like
    }
}
