//! Whether a layout holds what a job orders.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Layout, Placement};
use crate::error::{ErrorKind, Result};
use crate::geom::PxSize;
use crate::preflight::{CheckedItem, Preflight};

impl Layout {
    /// Proves that the layout places every copy of the checked job exactly once, with the job's artwork, size, turn, trim and mirror.
    ///
    /// Relative artwork paths hold from `base`. Parts must not be larger than the job's media. Where the copies lie on them is the layout's own
    /// affair: they may overlap or leave the media's margins.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Layout`] names the first part that is too large, or copy that is unknown, repeated, missing or not as ordered.
    pub fn check_against(&self, base: &Path, preflight: &Preflight) -> Result<()> {
        if self.dpi != preflight.dpi() {
            let message = format!("it is laid out at {} DPI where the job is printed at {}", self.dpi, preflight.dpi());
            return Err(ErrorKind::Layout { part: None, message }.into());
        }
        for (part, number) in self.parts.iter().zip(1..) {
            let size = part.size();
            let media = preflight.media();
            if !media.iter().any(|media| size.width() <= media.width && size.height() <= media.max_length) {
                let largest: Vec<String> = media.iter().map(|media| format!("{} × {} px", media.width, media.max_length)).collect();
                let message = format!("it is {size} where the job's media is {} at most", largest.join(" or "));
                return Err(ErrorKind::Layout { part: Some(number), message }.into());
            }
        }
        let items: HashMap<(&str, u32), usize> =
            preflight.items().iter().enumerate().map(|(index, item)| ((&*item.order, item.item), index)).collect();
        let mut files: HashMap<&str, Option<PathBuf>> = HashMap::new();
        // One flag a copy, by item.
        let mut placed: Vec<Vec<bool>> = vec![Vec::new(); preflight.items().len()];
        for (part, number) in self.parts.iter().zip(1..) {
            for placement in part.placements() {
                let refusal = |reason: String| ErrorKind::Layout { part: Some(number), message: format!("{placement}: {reason}") };
                let index = items.get(&(&*placement.order, placement.item)).copied();
                let index = index.ok_or_else(|| refusal("the job has no such item".to_owned()))?;
                let item = &preflight.items()[index];
                let artwork = files.entry(&placement.artwork).or_insert_with(|| fs::canonicalize(base.join(&*placement.artwork)).ok());
                let ordered = &preflight.artworks()[item.artwork];
                if artwork.as_ref() != Some(&ordered.path) {
                    return Err(refusal(format!("the job orders the artwork {}", ordered.written)).into());
                }
                if let Some(reason) = difference(placement, item) {
                    return Err(refusal(reason).into());
                }
                let copy = (placement.copy as usize).checked_sub(1).filter(|_| placement.copy <= item.copies);
                let copy = copy.ok_or_else(|| refusal(format!("the job orders copies 1 to {}", item.copies)))?;
                let flags = &mut placed[index];
                if flags.len() <= copy {
                    flags.resize(copy + 1, false);
                }
                if std::mem::replace(&mut flags[copy], true) {
                    return Err(refusal("this copy is placed twice".to_owned()).into());
                }
            }
        }
        for (item, flags) in preflight.items().iter().zip(&placed) {
            let count = flags.iter().filter(|&&placed| placed).count();
            if count < item.copies as usize {
                let first = flags.iter().position(|&placed| !placed).unwrap_or(flags.len()) + 1;
                let message = format!(
                    "order {}, item {}: {count} of {} copies are placed; copy {first} is missing",
                    item.order, item.item, item.copies
                );
                return Err(ErrorKind::Layout { part: None, message }.into());
            }
        }
        Ok(())
    }
}

/// In what a placement is not as its item was ordered.
fn difference(placement: &Placement, item: &CheckedItem) -> Option<String> {
    let size = placement.rect.size().turned(placement.turn);
    if (size, placement.inner) != (item.size, item.inner) {
        let inner = |inner: Option<PxSize>| inner.map_or(String::new(), |inner| format!(" around {inner}"));
        Some(format!("it is {size}{} where the job orders {}{}", inner(placement.inner), item.size, inner(item.inner)))
    } else if !item.turn.allowed().contains(&placement.turn) {
        Some(format!("the job does not allow a turn of {}°", placement.turn.degrees()))
    } else if placement.treatment != item.treatment {
        Some("trim, mirror, resample or alpha are not as in the job".to_owned())
    } else {
        None
    }
}
