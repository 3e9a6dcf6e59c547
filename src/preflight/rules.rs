//! What a job asks of the layout, in pixels and ranks.

use crate::error::{ErrorKind, Result};
use crate::geom::{Dpi, Length, Turn};
use crate::job::{Item, Job, Order};

/// A fixed place of one copy, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PinPx {
    /// The part, counted from 1.
    pub part: u32,
    /// Left edge, margin included.
    pub x: u32,
    /// Upper edge, margin included.
    pub y: u32,
    /// How the copy is turned.
    pub turn: Turn,
}

/// The rank of each order: 0 for those that come first, then 1, and so on. Orders of the same priority and day share a rank.
pub(super) fn ranks(job: &Job) -> Vec<u32> {
    // Without a day comes after any day.
    let urgency = |order: &Order| (std::cmp::Reverse(order.priority), order.due.is_none(), order.due);
    let mut urgencies: Vec<_> = job.orders.iter().map(urgency).collect();
    urgencies.sort_unstable();
    urgencies.dedup();
    let rank = |order| urgencies.binary_search(&urgency(order)).ok().and_then(|rank| u32::try_from(rank).ok());
    job.orders.iter().map(|order| rank(order).unwrap_or(0)).collect()
}

/// The fixed places of the item that is at `at` in the job.
///
/// # Errors
///
/// [`ErrorKind::Document`] where a length is beyond any part or a turn is not one that the item allows.
pub(super) fn pins(item: &Item, at: impl Fn() -> String, dpi: Dpi) -> Result<Vec<PinPx>> {
    let wrong = |nth: usize, field: &str, message: String| {
        let at = format!("{}.pinned[{nth}].{field}", at());
        ErrorKind::Document { file: None, at, message }
    };
    let px = |nth, field, length: Length| length.to_px(dpi).map_err(|error| wrong(nth, field, error.to_string()));
    let pins = item.pinned.iter().enumerate().map(|(nth, pin)| {
        let allowed = item.turn.allowed();
        let turn = pin.turn.unwrap_or(allowed[0]);
        if !allowed.contains(&turn) {
            let allowed: Vec<String> = allowed.iter().map(|turn| turn.degrees().to_string()).collect();
            let message = format!("found {}, expected a turn that the item allows: {}", turn.degrees(), allowed.join(" or "));
            return Err(wrong(nth, "turn", message).into());
        }
        Ok(PinPx { part: pin.part, x: px(nth, "x", pin.x)?, y: px(nth, "y", pin.y)?, turn })
    });
    pins.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Media;

    #[test]
    fn priority_comes_before_the_day_and_no_day_comes_last() {
        let order = |id: &str, priority, due: Option<&str>| Order {
            priority,
            due: due.map(|due| due.parse().unwrap()),
            ..Order::new(id, vec![Item::new("a.png")])
        };
        let orders = vec![
            order("1", 0, None),
            order("2", 0, Some("2026-12-01")),
            order("3", -1, Some("2026-01-01")),
            order("4", 0, Some("2026-11-30")),
            order("5", 7, None),
            order("6", 0, Some("2026-12-01")),
        ];
        let media = Media::new("22in".parse().unwrap(), "240in".parse().unwrap());
        let job = Job::new("Test", Dpi::new(300).unwrap(), media, orders);
        assert_eq!(ranks(&job), [3, 2, 4, 1, 0, 2]);
    }
}
