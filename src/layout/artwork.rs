//! A layout's artwork: checked like a job's.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::{Layout, Part};
use crate::artwork::ColorSpace;
use crate::budget::MemoryBudget;
use crate::error::{ErrorKind, Result};
use crate::geom::PxSize;
use crate::job::TurnPolicy;
use crate::preflight::{LeftOut, MediaPx, Preflight, PreflightOptions, Sheet, Wanted, WantedSize};

impl Layout {
    /// Checks the artwork of a layout that is rendered without a job. Relative paths hold from `base`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Preflight`] with everything that is wrong, and [`ErrorKind::MemoryLimit`].
    pub fn preflight(&self, base: &Path, options: &PreflightOptions, budget: &MemoryBudget) -> Result<Preflight> {
        let _charge = budget.reserve(2 * self.copies() * size_of::<Wanted>() as u64, "the list of placements")?;
        // Copies that are alike are checked as one item, in the order in which they first occur.
        let mut index_of: HashMap<Wanted, usize> = HashMap::new();
        let mut wanted: Vec<Wanted> = Vec::new();
        for placement in self.parts.iter().flat_map(Part::placements) {
            let size = placement.rect.size().turned(placement.turn);
            let one = Wanted {
                order: placement.order.clone(),
                item: placement.item,
                artwork: placement.artwork.clone(),
                size: WantedSize::Px(placement.inner.unwrap_or(size)),
                canvas: placement.inner.map(|_| size),
                turn: TurnPolicy::Fixed(placement.turn),
                treatment: placement.treatment,
                copies: 1,
                rank: 0,
                fill_up: false,
                pinned: Vec::new(),
            };
            match index_of.get(&one) {
                Some(&index) => wanted[index].copies += 1,
                None => {
                    index_of.insert(one.clone(), wanted.len());
                    wanted.push(one);
                }
            }
        }
        let largest = |side: fn(PxSize) -> u32| self.parts.iter().map(|part| side(part.size())).max().unwrap_or(0);
        let media = MediaPx {
            width: largest(PxSize::width),
            max_length: largest(PxSize::height),
            left: 0,
            right: 0,
            top: 0,
            bottom: 0,
            gutter_x: 0,
            gutter_y: 0,
        };
        let space = ColorSpace::of(&self.output, base, options.root()?.as_deref())?;
        let sheet = Sheet::new(self.name.clone(), self.dpi, media, self.output.clone(), space);
        Preflight::of_wanted(sheet, &wanted, base, options, budget)
    }

    /// The layout without the copies of items that are left out, and without the parts that nothing remains on.
    pub(crate) fn without(mut self, left_out: &[LeftOut]) -> Result<Self> {
        if left_out.is_empty() {
            return Ok(self);
        }
        let left_out: HashSet<(&Arc<str>, u32, &Arc<str>)> = left_out.iter().map(|item| (&item.order, item.item, &item.artwork)).collect();
        for part in &mut self.parts {
            part.placements.retain(|placement| !left_out.contains(&(&placement.order, placement.item, &placement.artwork)));
        }
        self.parts.retain(|part| !part.placements.is_empty());
        if self.parts.is_empty() {
            return Err(ErrorKind::Layout { part: None, message: "nothing remains of it without the bad artwork".to_owned() }.into());
        }
        Ok(self)
    }
}
