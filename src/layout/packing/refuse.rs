//! Why a task cannot be packed.

use std::collections::HashMap;
use std::sync::Arc;

use super::Blank;
use super::check::fixed_fault;
use super::orders::Unit;
use super::parts::{Packer, fits};
use super::pool::Pool;
use super::task::Task;
use crate::error::{Error, ErrorKind, Result};
use crate::job::{Cut, Keep};
use crate::preflight::MediaPx;

impl Packer<'_> {
    /// Why a pool cannot be packed.
    pub(super) fn refusal(&self, pool: &Pool) -> Error {
        let media = || self.task.films.iter().map(|film| film.media);
        if let Some(&blank) = pool.lots().iter().find(|&&lot| !media().any(|media| fits(&self.task.lots[lot], &media))) {
            let Blank { size, turnable, .. } = self.task.lots[blank].blank;
            let inside = media().filter_map(|media| media.printable()).max_by_key(|inside| inside.area());
            let (width_px, length_px) = inside.map_or((0, 0), |inside| (inside.width(), inside.height()));
            return ErrorKind::DoesNotFit { blank, size, turnable, width_px, length_px }.into();
        }
        let message = match (self.refused_order(pool), self.task.cut) {
            (Some(order), _) => {
                format!("order {order} cannot be kept together: no part was found that holds it; raise the media's length or split the order")
            }
            (None, Cut::Guillotine) => {
                "the copies that are pinned cannot be cut free from edge to edge, or leave a part before them empty".to_owned()
            }
            (None, Cut::Free) => "the copies that are pinned leave a part before them empty, or leave no room for the orders that are kept with them: pin them elsewhere".to_owned(),
        };
        ErrorKind::Layout { part: None, message }.into()
    }

    /// The first order that finds no part even where nothing else lies.
    fn refused_order(&self, pool: &Pool) -> Option<Arc<str>> {
        if self.task.keep == Keep::None {
            return None;
        }
        let units = Unit::all(self.task, pool);
        let finds_place = |unit: &Unit| self.task.films.iter().any(|film| self.holds_order(unit, &film.media));
        units.iter().find(|unit| !finds_place(unit)).map(|unit| self.order(unit).clone())
    }

    /// Whether the order finds a place on a part of its own.
    fn holds_order(&self, unit: &Unit, media: &MediaPx) -> bool {
        let pool = Pool::new(self.task, unit.copies.iter().copied());
        let fixed = self.part_of(unit).and_then(|part| self.fixed(part)).unwrap_or_default();
        let mut steps = self.part_steps(media);
        fixed_fault(self.task, media, fixed).is_none() && self.together(&pool, media, fixed, &mut steps).is_ok_and(|spots| spots.is_some())
    }
}

/// An order that is to stay on one part is not pinned on two, and does not only fill up beside what it is pinned to.
///
/// # Errors
///
/// [`ErrorKind::Layout`] with the order.
pub(super) fn check_pins(task: &Task) -> Result<()> {
    let mut part_of: HashMap<&str, usize> = HashMap::new();
    for lot in &task.lots {
        for pin in &lot.pinned {
            if lot.fill_up {
                let message = format!("order {} is to be kept on one part: it cannot both be pinned and only fill up", lot.order);
                return Err(ErrorKind::Layout { part: None, message }.into());
            }
            let part = *part_of.entry(&lot.order).or_insert(pin.part);
            if part != pin.part {
                let message =
                    format!("order {} is to be kept on one part, but pinned on parts {} and {}", lot.order, part + 1, pin.part + 1);
                return Err(ErrorKind::Layout { part: None, message }.into());
            }
        }
    }
    Ok(())
}
