//! Which rasters the placements need, and when each artwork is decoded and its rasters released.

use std::collections::HashMap;
use std::sync::Arc;

use super::PartPlan;
use crate::artwork::{Orientation, Residence, Shaping};
use crate::error::{ErrorKind, Result};
use crate::geom::{PxRect, PxSize, Turn};
use crate::job::{AlphaRules, Resample, Treatment};
use crate::layout::Layout;
use crate::preflight::CheckedArtwork;

/// One artwork at one size: decoded, trimmed, resampled, mirrored, put on its canvas, then turned. All copies that look alike share it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RasterSpec {
    /// The artwork's index in [`RenderPlan::artworks`](super::RenderPlan::artworks).
    pub artwork: usize,
    /// The rectangle of the artwork's stored pixels that is printed.
    pub crop: PxRect,
    /// The size before the turn, with the canvas.
    pub size: PxSize,
    /// The size of the artwork in the middle of it, before the turn.
    pub inner: PxSize,
    /// Whether it is mirrored left to right: by the placement or by the file's own orientation.
    pub mirror: bool,
    /// How it is turned, after mirroring: by the placement and by the file's own orientation.
    pub turn: Turn,
    /// How it is resampled.
    pub resample: Resample,
    /// What becomes of its transparency.
    pub alpha: AlphaRules,
}

impl RasterSpec {
    /// How the artwork becomes the rows of the raster before its turn.
    pub(crate) fn shaping(&self) -> Shaping {
        let Self { crop, size, inner, mirror, resample, alpha, .. } = *self;
        Shaping { crop, place: inner.in_the_middle_of(size), size, mirror, resample, alpha }
    }
}

/// One pass over an artwork that makes all its rasters that a part needs.
#[derive(Clone, Debug)]
pub struct Decode {
    /// The artwork's index in [`RenderPlan::artworks`](super::RenderPlan::artworks).
    pub artwork: usize,
    /// The rasters to make.
    pub rasters: Vec<DecodedRaster>,
    /// The index of the part that it is for in [`RenderPlan::parts`](super::RenderPlan::parts).
    pub part: usize,
    /// The first band of that part that needs one of them.
    pub first_band: usize,
    /// Bytes to reserve before it starts: what decoding and resampling hold, and the resident rasters. A stream holds them to its last band.
    pub bytes: u64,
}

/// A raster that a [`Decode`] makes.
#[derive(Clone, Debug)]
pub struct DecodedRaster {
    /// Its index in [`RenderPlan::rasters`](super::RenderPlan::rasters).
    pub raster: usize,
    /// Where it lives.
    pub residence: Residence,
    /// The part and the band after which it is released.
    pub(super) last_use: (usize, usize),
    /// Whether it is drawn once and from the top: its bands can take their rows as the artwork is decoded.
    pub(super) streamable: bool,
}

pub(super) struct Assigned {
    pub(super) specs: Vec<RasterSpec>,
    /// For each part, the raster of each placement.
    pub(super) by_placement: Vec<Vec<u32>>,
}

/// Finds the raster of every placement.
pub(super) fn assign(layout: &Layout, artworks: &[CheckedArtwork]) -> Result<Assigned> {
    let index_of: HashMap<&Arc<str>, usize> = artworks.iter().enumerate().map(|(index, artwork)| (&artwork.written, index)).collect();
    let mut specs = Vec::new();
    let mut known: HashMap<RasterSpec, u32> = HashMap::new();
    let mut by_placement = Vec::with_capacity(layout.parts.len());
    for (part, number) in layout.parts.iter().zip(1..) {
        let mut rasters = Vec::with_capacity(part.placements().len());
        for placement in part.placements() {
            let refusal = |reason: &str| ErrorKind::Layout { part: Some(number), message: format!("{placement}: {reason}") };
            let artwork = *index_of.get(&placement.artwork).ok_or_else(|| refusal("its artwork was not checked by preflight"))?;
            let header = &artworks[artwork].header;
            let Treatment { mirror, resample, alpha, .. } = placement.treatment;
            let crop = artworks[artwork].printed(&placement.treatment);
            let crop = crop.ok_or_else(|| refusal("its artwork's visible rectangle is not known"))?;
            let Orientation { mirror, turn } = header.orientation.then(mirror, placement.turn);
            let size = placement.rect.size().turned(turn);
            let inner = placement.inner.map_or(size, |inner| inner.turned(header.orientation.turn));
            if !size.holds(inner.into()) {
                return Err(refusal("its artwork is larger than its canvas").into());
            }
            let spec = RasterSpec { artwork, crop, size, inner, mirror, turn, resample, alpha };
            let next = u32::try_from(specs.len()).map_err(|_| refusal("the layout has more than 2³² rasters"))?;
            rasters.push(*known.entry(spec).or_insert_with_key(|spec| {
                specs.push(spec.clone());
                next
            }));
        }
        by_placement.push(rasters);
    }
    Ok(Assigned { specs, by_placement })
}

/// Has artwork decoded smaller than it is stored, where the format allows it and all of its rasters are that small.
pub(super) fn reduce(specs: &mut [RasterSpec], artworks: &mut [CheckedArtwork]) {
    let mut largest = vec![(0, 0); artworks.len()];
    for spec in &*specs {
        let (width, height) = &mut largest[spec.artwork];
        let may_be = spec.shaping().may_be_of_smaller(artworks[spec.artwork].header.stored_size());
        *width = spec.inner.width().max(if may_be { *width } else { u32::MAX });
        *height = spec.inner.height().max(*height);
    }
    for (artwork, (width, height)) in artworks.iter_mut().zip(largest) {
        artwork.header.reduce_to(width, height);
    }
    for spec in specs {
        let header = &artworks[spec.artwork].header;
        if header.is_reduced() {
            spec.crop = header.stored_size().into();
        }
    }
}

/// Fills in each part's decodes and releases. A raster that the next part uses too is kept for it; any other is released after the last
/// band that uses it.
///
/// Only the bands from `first_bands` on count, one number for each part.
pub(super) fn schedule(parts: &mut [PartPlan], specs: &[RasterSpec], first_bands: &[usize]) {
    let uses: Vec<HashMap<u32, (usize, usize)>> =
        parts.iter().zip(first_bands).map(|(part, &first)| bands_of_rasters(part, first)).collect();
    for (index, part) in parts.iter_mut().enumerate() {
        let kept_before = |raster: &u32| index > 0 && uses[index - 1].contains_key(raster);
        let kept_after = |raster: &u32| uses.get(index + 1).is_some_and(|next| next.contains_key(raster));
        let last_use = |raster: u32| {
            let consecutive = uses[index..].iter().map_while(|uses| uses.get(&raster)).enumerate();
            consecutive.last().map_or((index, 0), |(parts, &(_, band))| (index + parts, band))
        };

        let drawn = draws_of_rasters(part, first_bands[index]);
        let mut decodes: HashMap<usize, Decode> = HashMap::new();
        for (&raster, &(first, last)) in uses[index].iter().filter(|(raster, _)| !kept_before(raster)) {
            let artwork = specs[raster as usize].artwork;
            let decode =
                decodes.entry(artwork).or_insert(Decode { artwork, rasters: Vec::new(), part: index, first_band: first, bytes: 0 });
            decode.first_band = decode.first_band.min(first);
            let once = drawn[&raster] == 1 && !kept_after(&raster);
            decode.rasters.push(DecodedRaster {
                raster: raster as usize,
                residence: Residence::Resident,
                last_use: last_use(raster),
                // Of one band's rows there is nothing to gain.
                streamable: once && first < last && specs[raster as usize].turn == Turn::None,
            });
        }
        for decode in decodes.values_mut().filter(|decode| decode.rasters.len() > 1) {
            decode.rasters.iter_mut().for_each(|made| made.streamable = false);
        }
        part.decodes = decodes.into_values().collect();
        part.decodes.sort_unstable_by_key(|decode| (decode.first_band, decode.artwork));
        part.decodes.iter_mut().for_each(|decode| decode.rasters.sort_unstable_by_key(|made| made.raster));

        part.kept = uses[index].keys().copied().filter(kept_after).collect();
        part.released_after = vec![Vec::new(); part.bands.len()];
        for (&raster, &(_, last)) in uses[index].iter().filter(|(raster, _)| !kept_after(raster)) {
            part.released_after[last].push(raster);
        }
        // A band that is like another one is rendered by whoever wants it; what it draws alone is not kept for longer.
        for band in part.bands.iter().filter(|band| band.like.is_some()) {
            let raster = |&placement: &u32| part.raster_of[placement as usize];
            let needed = |raster: &u32| kept_after(raster) || uses[index].get(raster).is_some_and(|&(_, last)| last > band.index);
            part.released_after[band.index].extend(band.placements.iter().map(raster).filter(|raster| !needed(raster)));
        }
        for rasters in &mut part.released_after {
            rasters.sort_unstable();
            rasters.dedup();
        }
    }
}

/// The bands from `first` on that are rendered, each with the placements that it draws.
fn drawn_in_bands(part: &PartPlan, first: usize) -> impl Iterator<Item = (usize, u32)> {
    let rendered = part.bands[first..].iter().filter(|band| band.like.is_none());
    let placements = rendered.flat_map(|band| band.placements.iter().map(|&placement| (band.index, placement)));
    placements.filter(|&(_, placement)| part.repeat_distances[placement as usize] == 0)
}

/// The first and the last band from `first` on that draws each raster.
fn bands_of_rasters(part: &PartPlan, first: usize) -> HashMap<u32, (usize, usize)> {
    let mut uses = HashMap::new();
    for (band, placement) in drawn_in_bands(part, first) {
        let (_, last) = uses.entry(part.raster_of[placement as usize]).or_insert((band, band));
        *last = band;
    }
    uses
}

/// How many placements each raster is drawn for from the band `first` on.
fn draws_of_rasters(part: &PartPlan, first: usize) -> HashMap<u32, u32> {
    let mut placements: Vec<u32> = drawn_in_bands(part, first).map(|(_, placement)| placement).collect();
    placements.sort_unstable();
    placements.dedup();
    let mut draws = HashMap::new();
    for placement in placements {
        *draws.entry(part.raster_of[placement as usize]).or_default() += 1;
    }
    draws
}
