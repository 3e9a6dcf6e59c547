//! The proof of a packed task: it looks at the result only.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::areas::{Area, pieces_between_cuts};
use super::check::{Tally, Violation};
use super::task::{Lot, PackedPart, Task, bottom, size};
use super::{Blank, Spot};
use crate::job::{Cut, Keep};

/// Proves that `parts` is a packing of the task: everything that [`check_packing`](super::check_packing) proves of each part on its film, and
/// that every rule is kept.
///
/// Takes time O(n log n), with cuts from edge to edge at worst that for each of their levels.
///
/// # Errors
///
/// The first [`Violation`] that is found.
pub fn check_task(task: &Task, parts: &[PackedPart]) -> Result<(), Violation> {
    let blanks: Vec<Blank> = task.lots.iter().map(|lot| lot.blank).collect();
    let mut tally = Tally::new(&blanks);
    for (part, packed) in parts.iter().enumerate() {
        let film = task.films.get(packed.film).ok_or(Violation::UnknownFilm { part })?;
        tally.add(part, &film.media, &packed.spots)?;
    }
    tally.finish()?;
    let free = without_pinned(task, parts)?;
    ranks(task, &free)?;
    let mut pinned: HashMap<usize, u64> = HashMap::new();
    for (lot, pin) in task.lots.iter().flat_map(|lot| lot.pinned.iter().map(move |pin| (lot, pin))) {
        let reach = pinned.entry(pin.part).or_default();
        *reach = (*reach).max(u64::from(pin.y) + u64::from(size(lot, pin.turned).1));
    }
    for (part, packed) in parts.iter().enumerate() {
        fills(task, part, &packed.spots, &free[part], pinned.get(&part).copied().unwrap_or(0))?;
        if task.keep == Keep::Block {
            blocks(task, part, &packed.spots)?;
        }
        if task.cut == Cut::Guillotine && !is_cut_free(task, &packed.spots) {
            return Err(Violation::NotCutFree { part });
        }
    }
    if task.keep == Keep::None { Ok(()) } else { kept_on_parts(task, parts) }
}

/// The spots of each part without those that lie fixed, all of which are there.
fn without_pinned(task: &Task, parts: &[PackedPart]) -> Result<Vec<Vec<Spot>>, Violation> {
    let mut pins: HashMap<(usize, Spot), usize> = HashMap::new();
    for (blank, lot) in task.lots.iter().enumerate() {
        for pin in &lot.pinned {
            *pins.entry((pin.part, Spot { blank, x: pin.x, y: pin.y, turned: pin.turned })).or_default() += 1;
        }
    }
    let mut free = Vec::with_capacity(parts.len());
    for (part, packed) in parts.iter().enumerate() {
        let is_free = |spot: &Spot| match pins.get_mut(&(part, *spot)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        };
        free.push(packed.spots.iter().copied().filter(is_free).collect());
    }
    match pins.into_iter().filter(|&(_, left)| left > 0).map(|((part, spot), _)| (part, spot.blank)).min() {
        Some((part, blank)) => Err(Violation::NotPinned { part, blank }),
        None => Ok(free),
    }
}

/// No copy lies on an earlier part than one of a smaller rank. What only fills up has none, nor what is kept on the part where a copy of its
/// order lies fixed.
fn ranks(task: &Task, parts: &[Vec<Spot>]) -> Result<(), Violation> {
    let pinned = task.lots.iter().filter(|lot| task.keep == Keep::Part && !lot.pinned.is_empty());
    let pinned: HashSet<&str> = pinned.map(|lot| &*lot.order).collect();
    let mut reached = 0;
    for (part, spots) in parts.iter().enumerate() {
        let mut highest = reached;
        for lot in spots.iter().map(|spot| spot.blank).filter(|&lot| !task.lots[lot].fill_up && !pinned.contains(&*task.lots[lot].order)) {
            let rank = task.lots[lot].rank;
            if rank < reached {
                return Err(Violation::TooLate { part, blank: lot });
            }
            highest = highest.max(rank);
        }
        reached = highest;
    }
    Ok(())
}

/// What only fills up reaches no farther than the rest of a part, on which what lies fixed reaches to `pinned`.
fn fills(task: &Task, part: usize, spots: &[Spot], free: &[Spot], pinned: u64) -> Result<(), Violation> {
    let reach = |spots: &mut dyn Iterator<Item = &Spot>| spots.map(|spot| bottom(&task.lots[spot.blank], spot)).max().unwrap_or(0);
    let fills = |spot: &&Spot| task.lots[spot.blank].fill_up;
    if free.iter().filter(fills).count() == spots.len() {
        return Ok(());
    }
    let filled = reach(&mut free.iter().filter(fills));
    // What lies fixed is part of the rest, also where its order only fills up.
    let others = reach(&mut free.iter().filter(|spot| !fills(spot)));
    if filled > others.max(pinned) { Err(Violation::Lengthened { part }) } else { Ok(()) }
}

/// The lengths of film that orders reach over are disjoint.
fn blocks(task: &Task, part: usize, spots: &[Spot]) -> Result<(), Violation> {
    let mut spans: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for spot in spots {
        let lot = &task.lots[spot.blank];
        let (top, end) = (u64::from(spot.y), bottom(lot, spot));
        let span = spans.entry(&lot.order).or_insert((top, end));
        *span = (span.0.min(top), span.1.max(end));
    }
    let mut spans: Vec<(u64, u64, &str)> = spans.into_iter().map(|(order, (top, end))| (top, end, order)).collect();
    spans.sort_unstable();
    match spans.windows(2).find(|pair| pair[1].0 < pair[0].1) {
        Some(pair) => Err(Violation::Apart { part, order: pair[0].2.into() }),
        None => Ok(()),
    }
}

/// Each order lies on one part.
fn kept_on_parts(task: &Task, parts: &[PackedPart]) -> Result<(), Violation> {
    let mut part_of: HashMap<&str, usize> = HashMap::new();
    for (part, packed) in parts.iter().enumerate() {
        for spot in &packed.spots {
            let order = &task.lots[spot.blank].order;
            if *part_of.entry(order).or_insert(part) != part {
                return Err(Violation::Apart { part, order: order.clone() });
            }
        }
    }
    Ok(())
}

/// Whether cuts from edge to edge free every copy.
fn is_cut_free(task: &Task, spots: &[Spot]) -> bool {
    let area = |spot: &Spot| {
        let lot: &Lot = &task.lots[spot.blank];
        let (width, height) = size(lot, spot.turned);
        Area { x: spot.x, y: spot.y, width, height }
    };
    let taken: Vec<Area> = spots.iter().map(area).collect();
    let whole = Area { x: 0, y: 0, width: u32::MAX, height: u32::MAX };
    pieces_between_cuts(whole, taken).is_some()
}
