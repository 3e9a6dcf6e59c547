//! From a task to parts: on which film each part lies, and what lies on it.

use std::collections::HashMap;

use super::blocks::Stacks;
use super::check::fixed_fault;
use super::fold::{Folded, Placed, printable};
use super::orders::{Orders, Unit};
use super::pool::{Pool, Supply, Waves};
use super::refuse::check_pins;
use super::search::{Budget, on_one_part, search};
use super::task::{Film, Lot, PackedPart, Task, claim, room, size};
use super::{Effort, Packing, Spot};
use crate::cancel::Cancel;
use crate::error::{ErrorKind, Result};
use crate::job::Keep;
use crate::preflight::MediaPx;

/// Packs every copy of a task by its rules. On one film: on as few parts as it can, then on as short a length; on several: as cheaply as
/// it can, then on as few parts.
///
/// Copies that only fill up come last: into what the others leave free, and what remains of them onto parts of its own. The result depends
/// on the arguments alone. [`check_task`](super::check_task) accepts it. Without rules and on one film it is that of
/// [`pack_rectangles`](super::pack_rectangles).
///
/// # Memory
///
/// About twice [`packing_memory_bytes`](super::packing_memory_bytes).
///
/// # Errors
///
/// Those of [`pack_rectangles`](super::pack_rectangles), and [`ErrorKind::Layout`] that names the order which a rule leaves no place for.
pub fn pack_task(task: &Task, options: &Packing) -> Result<Vec<PackedPart>> {
    pack_task_unless_cancelled(task, options, &Cancel::default())
}

/// [`pack_task`], or [`ErrorKind::Cancelled`] soon after `cancel` says so.
pub(in crate::layout) fn pack_task_unless_cancelled(task: &Task, options: &Packing, cancel: &Cancel) -> Result<Vec<PackedPart>> {
    let packer = Packer::new(task, options.effort, cancel)?;
    let left = |lot: &Lot| lot.blank.copies - u32::try_from(lot.pinned.len()).unwrap_or(u32::MAX).min(lot.blank.copies);
    let pool = |fill_up: bool| {
        let lots = task.lots.iter().enumerate().filter(|(_, lot)| lot.fill_up == fill_up);
        Pool::new(task, lots.map(|(nth, lot)| (nth, left(lot))))
    };
    let mut parts = packer.pack(&pool(false), &packer.fixed)?;
    let mut left = pool(true);
    if !left.is_used_up() {
        packer.fill_up(&mut parts, &mut left)?;
        parts.extend(packer.pack(&left, &[])?);
    }
    cancel.check()?;
    Ok(parts)
}

/// Packs pools of a task's copies.
#[derive(Debug)]
pub(super) struct Packer<'a> {
    pub(super) task: &'a Task,
    effort: Effort,
    pub(super) cancel: &'a Cancel,
    copies: u64,
    /// The area that all copies claim.
    area: u128,
    /// What lies fixed, by part.
    fixed: Vec<Vec<Spot>>,
    /// The last part on which a copy of an order lies fixed.
    pub(super) pinned_part: HashMap<&'a str, usize>,
}

impl<'a> Packer<'a> {
    fn new(task: &'a Task, effort: Effort, cancel: &'a Cancel) -> Result<Self> {
        let refuse = |message: String| Err(ErrorKind::Layout { part: None, message }.into());
        if task.films.is_empty() {
            return refuse("there is no film to pack on".to_owned());
        }
        for film in &task.films {
            printable(&film.media)?;
        }
        let parts = task.lots.iter().flat_map(|lot| &lot.pinned).map(|pin| pin.part.saturating_add(1)).max().unwrap_or(0);
        let copies: u64 = task.lots.iter().map(|lot| u64::from(lot.blank.copies)).sum();
        if parts as u64 > copies.min(super::MAX_COPIES.into()) {
            return refuse(format!("a copy is pinned on part {parts}, but {copies} copies do not need so many parts"));
        }
        if parts > 0 && task.keep == Keep::Block {
            return refuse("copies are pinned, which cannot be combined with orders that are kept in blocks".to_owned());
        }
        if let Some(lot) = task.lots.iter().find(|lot| lot.pinned.len() > lot.blank.copies as usize) {
            return refuse(format!("order {}: more copies are pinned than ordered", lot.order));
        }
        if task.keep == Keep::Part {
            check_pins(task)?;
        }
        let mut fixed = vec![Vec::new(); parts];
        for (blank, lot) in task.lots.iter().enumerate() {
            for pin in &lot.pinned {
                fixed[pin.part].push(Spot { blank, x: pin.x, y: pin.y, turned: pin.turned });
            }
        }
        for (part, spots) in fixed.iter().enumerate() {
            let faults: Vec<String> = task.films.iter().map_while(|film| fixed_fault(task, &film.media, spots)).collect();
            if faults.len() == task.films.len() {
                let part = u32::try_from(part + 1).ok();
                return Err(ErrorKind::Layout { part, message: faults[0].clone() }.into());
            }
        }
        let pinned = task.lots.iter().flat_map(|lot| lot.pinned.iter().map(|pin| (&*lot.order, pin.part)));
        let area = task.lots.iter().map(|lot| claim(task, &lot.blank) * u128::from(lot.blank.copies)).sum();
        Ok(Self { task, effort, cancel, copies, area, fixed, pinned_part: pinned.collect() })
    }

    /// Packs a pool around what lies fixed on the first parts.
    fn pack(&self, pool: &Pool, fixed: &[Vec<Spot>]) -> Result<Vec<PackedPart>> {
        if pool.is_used_up() && fixed.is_empty() {
            return Ok(Vec::new());
        }
        let films = self.task.films.len();
        let is_choice = films > 1;
        // Each film alone, then all of them.
        let mut choices: Vec<Vec<usize>> = (0..films).map(|film| vec![film]).collect();
        choices.extend(is_choice.then(|| (0..films).collect()));
        let mut found: Vec<Vec<PackedPart>> = Vec::new();
        match self.task.keep {
            Keep::None => {
                for film in 0..films {
                    found.extend(self.all_on(film, pool, fixed)?);
                }
                if is_choice {
                    let largest = self.task.films.iter().map(|film| room(&film.media)).max().unwrap_or(0);
                    let every: Vec<usize> = (0..films).collect();
                    found.extend(self.in_turn(&every, &mut Waves::new(self.task, pool, largest), fixed)?);
                }
            }
            Keep::Part => {
                let units = Unit::all(self.task, pool);
                for choice in &choices {
                    found.extend(self.in_turn(choice, &mut Orders::new(self, &units), fixed)?);
                }
            }
            Keep::Block => {
                let units = Unit::all(self.task, pool);
                let blocks = self.blocks(&units)?;
                for choice in &choices {
                    found.extend(self.in_turn(choice, &mut Stacks::new(&units, &blocks), fixed)?);
                }
            }
        }
        self.cancel.check()?;
        let value = |parts: &Vec<PackedPart>| {
            let cost: u128 = parts.iter().map(|part| part.cost(self.task)).fold(0, u128::saturating_add);
            // Where there is a choice of film, its cost is what matters.
            if is_choice { (cost, parts.len() as u128) } else { (parts.len() as u128, cost) }
        };
        let mut best = found.into_iter().min_by_key(value).ok_or_else(|| self.refusal(pool))?;
        if self.task.keep == Keep::Part || (self.task.keep == Keep::None && is_choice) {
            for (nth, part) in best.iter_mut().enumerate() {
                self.polish(part, fixed.get(nth).map_or(&[], Vec::as_slice))?;
            }
        }
        Ok(best)
    }

    /// All copies on one film, searched together. `None` where it does not hold them.
    fn all_on(&self, film: usize, pool: &Pool, fixed: &[Vec<Spot>]) -> Result<Option<Vec<PackedPart>>> {
        let media = self.task.films[film].media;
        if !self.all_fit(pool, &media) || fixed.iter().any(|spots| fixed_fault(self.task, &media, spots).is_some()) {
            return Ok(None);
        }
        let Some(folded) = self.fold(pool, &media, true, fixed)? else { return Ok(None) };
        // Where there is a choice, half of the effort is for what is chosen.
        let films = self.task.films.len() as u64;
        let budget = self.budget(folded.copies).share(1, if films > 1 { 2 * films } else { 1 });
        let Some(placed) = search(&folded, budget, self.cancel) else { return Ok(None) };
        let mut parts = of_lots(folded.unfold(&placed), pool);
        parts.resize(parts.len().max(fixed.len()), Vec::new());
        for (part, spots) in parts.iter_mut().zip(fixed) {
            part.extend_from_slice(spots);
        }
        Ok(Some(parts.into_iter().map(|spots| PackedPart { film, spots }).collect()))
    }

    /// One part after the other, each on the film that holds most for its cost. `None` where some copies find no place.
    fn in_turn(&self, films: &[usize], supply: &mut dyn Supply, fixed: &[Vec<Spot>]) -> Result<Option<Vec<PackedPart>>> {
        let mut parts = Vec::new();
        while !supply.is_used_up() || parts.len() < fixed.len() {
            let spots = fixed.get(parts.len()).map_or(&[][..], Vec::as_slice);
            let mut best: Option<(PackedPart, u128, u128)> = None;
            for &film in films {
                let media = self.task.films[film].media;
                let is_possible = spots.is_empty()
                    || (fixed_fault(self.task, &media, spots).is_none()
                        && self.fold(&Pool::default(), &media, false, &[spots.to_vec()])?.is_some());
                if !is_possible {
                    continue;
                }
                let mut packed = supply.next_part(self, film, parts.len(), spots)?;
                packed.extend_from_slice(spots);
                let part = PackedPart { film, spots: packed };
                let area = part.spots.iter().map(|spot| u128::from(self.task.lots[spot.blank].blank.size.area())).sum();
                let cost = part.cost(self.task);
                let is_better =
                    |&(_, best_cost, best_area): &(PackedPart, u128, u128)| cost.saturating_mul(best_area) < best_cost.saturating_mul(area);
                if area > 0 && best.as_ref().is_none_or(is_better) {
                    best = Some((part, cost, area));
                }
            }
            let Some((part, _, _)) = best else { return Ok(None) };
            supply.remove(&part.spots[..part.spots.len() - spots.len()]);
            parts.push(part);
        }
        Ok(Some(parts))
    }

    /// Lays what is on a part on the film where it is cheapest.
    fn polish(&self, part: &mut PackedPart, fixed: &[Spot]) -> Result<()> {
        let pool = Pool::new(self.task, part.spots[..part.spots.len() - fixed.len()].iter().map(|spot| (spot.blank, 1)));
        for (film, Film { media, .. }) in self.task.films.iter().enumerate() {
            if !self.all_fit(&pool, media) || fixed_fault(self.task, media, fixed).is_some() {
                continue;
            }
            let Some(folded) = self.fold(&pool, media, false, &[fixed.to_vec()])? else { continue };
            // What is chosen from several films has but half of the effort left.
            let films = self.task.films.len() as u64;
            let is_searched = films > 1 && self.task.keep == Keep::None;
            let budget = self.budget(folded.copies).share(1, if is_searched { 2 * films } else { films });
            let Some(placed) = search(&folded, budget, self.cancel).filter(|placed| placed.iter().all(|place| place.part == 0)) else {
                continue;
            };
            let mut spots = only_part(&folded, &placed, &pool);
            spots.extend_from_slice(fixed);
            let other = PackedPart { film, spots };
            if other.cost(self.task) < part.cost(self.task) {
                *part = other;
            }
        }
        Ok(())
    }

    /// What lies fixed on a part.
    pub(super) fn fixed(&self, part: usize) -> Option<&[Spot]> {
        self.fixed.get(part).map(Vec::as_slice)
    }

    /// The share of the effort that is for so many of all copies.
    pub(super) fn budget(&self, copies: u32) -> Budget {
        Budget::of(self.effort, copies).share(copies.into(), self.copies)
    }

    /// How many steps are for choosing what lies on one part of this film.
    pub(super) fn part_steps(&self, media: &MediaPx) -> u64 {
        let all = u128::from(Budget::for_choices(self.effort));
        let share = all * room(media).min(self.area) / self.area.max(1) / self.task.films.len().max(1) as u128;
        u64::try_from(share).unwrap_or(u64::MAX)
    }

    /// Whether a copy of each lot fits on film.
    pub(super) fn all_fit(&self, pool: &Pool, media: &MediaPx) -> bool {
        pool.lots().iter().all(|&lot| fits(&self.task.lots[lot], media))
    }

    /// Folds a pool, with the ranks of its lots or without. `None` where cuts from edge to edge cannot free what lies fixed.
    pub(super) fn fold<'b>(&self, pool: &'b Pool, media: &MediaPx, is_ranked: bool, fixed: &[Vec<Spot>]) -> Result<Option<Folded<'b>>> {
        let lot = |nth: usize| &self.task.lots[pool.lots()[nth]];
        let rank = |nth: usize| if is_ranked && !lot(nth).fill_up { lot(nth).rank } else { 0 };
        let folded = Folded::ranked(pool.blanks(), rank, media, self.task.cut)?;
        let rectangle = |spot: &Spot| {
            let (width, height) = size(&self.task.lots[spot.blank], spot.turned);
            (spot.x, spot.y, width, height)
        };
        let fixed: Vec<Vec<_>> = fixed.iter().map(|spots| spots.iter().map(rectangle).collect()).collect();
        Ok(folded.around(&fixed))
    }

    /// All of a pool on one part; `None` where no construction within the steps succeeds.
    pub(super) fn together(&self, pool: &Pool, media: &MediaPx, fixed: &[Spot], steps: &mut u64) -> Result<Option<Vec<Spot>>> {
        if pool.area() > room(media) || !self.all_fit(pool, media) {
            return Ok(None);
        }
        let Some(folded) = self.fold(pool, media, false, &[fixed.to_vec()])? else { return Ok(None) };
        Ok(on_one_part(&folded, steps, self.cancel).map(|placed| only_part(&folded, &placed, pool)))
    }
}

/// Whether a copy of the lot fits on film in a turn that is allowed.
pub(super) fn fits(lot: &Lot, media: &MediaPx) -> bool {
    let Some(inside) = media.printable() else { return false };
    let turns: &[bool] = if lot.blank.turnable { &[false, true] } else { &[false] };
    turns.iter().map(|&turned| size(lot, turned)).any(|(width, height)| width <= inside.width() && height <= inside.height())
}

/// What was placed on the only part, each spot naming its lot.
pub(super) fn only_part(folded: &Folded<'_>, placed: &[Placed], pool: &Pool) -> Vec<Spot> {
    of_lots(folded.unfold(placed), pool).into_iter().next().unwrap_or_default()
}

/// Spots that name their lots instead of the pool's blanks.
fn of_lots(mut parts: Vec<Vec<Spot>>, pool: &Pool) -> Vec<Vec<Spot>> {
    parts.iter_mut().flatten().for_each(|spot| spot.blank = pool.lots()[spot.blank]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::PxSize;
    use crate::job::Cut;
    use crate::layout::packing::task::PinnedSpot;
    use crate::layout::packing::{Blank, check_task, pack_rectangles};
    use proptest::prelude::*;

    const FAST: Packing = Packing { effort: Effort::Fast };

    fn media(width: u32, max_length: u32) -> MediaPx {
        MediaPx { width, max_length, ..MediaPx::default() }
    }

    fn lot(order: &str, width: u32, height: u32, copies: u32) -> Lot {
        Lot::new(Blank { size: PxSize::new(width, height).unwrap(), copies, turnable: false }, order)
    }

    fn task(lots: Vec<Lot>, films: &[MediaPx]) -> Task {
        Task { lots, films: films.iter().copied().map(Film::roll).collect(), keep: Keep::None, cut: Cut::Free }
    }

    fn packed(task: &Task) -> Vec<PackedPart> {
        let parts = pack_task(task, &FAST).unwrap();
        check_task(task, &parts).unwrap();
        parts
    }

    fn refusal(task: &Task) -> String {
        pack_task(task, &FAST).unwrap_err().to_string()
    }

    #[test]
    fn orders_are_kept_on_a_part() {
        // Three orders of 60 rows on parts of 100: two parts by area, three with whole orders.
        let lots = ["1", "2", "3"].map(|order| lot(order, 100, 20, 3)).to_vec();
        let free = task(lots, &[media(100, 100)]);
        assert_eq!(packed(&free).len(), 2);
        let kept = Task { keep: Keep::Part, ..free };
        assert_eq!(packed(&kept).len(), 3);
        let longer = Task { films: vec![Film::roll(media(100, 120))], ..kept.clone() };
        assert_eq!(packed(&longer).len(), 2);
        let shorter = Task { films: vec![Film::roll(media(100, 50))], ..kept };
        assert!(refusal(&shorter).contains("order 1 cannot be kept together"), "{}", refusal(&shorter));
    }

    #[test]
    fn blocks_do_not_share_rows() {
        // Side by side, two orders take 30 rows; in blocks, 20 + 30 with a gutter of 5 between them.
        let lots = vec![lot("1", 40, 20, 1), lot("2", 40, 30, 1)];
        let free = task(lots, &[MediaPx { gutter_x: 5, gutter_y: 5, ..media(100, 100) }]);
        assert_eq!(packed(&free)[0].bottom(&free), 30);
        let blocks = Task { keep: Keep::Block, ..free };
        assert_eq!(packed(&blocks)[0].bottom(&blocks), 55);
    }

    #[test]
    fn what_is_urgent_comes_first() {
        let mut lots = ["late", "soon", "now"].map(|order| lot(order, 100, 40, 2)).to_vec();
        let rank = |lots: &mut Vec<Lot>, ranks: [u32; 3]| lots.iter_mut().zip(ranks).for_each(|(lot, rank)| lot.rank = rank);
        rank(&mut lots, [2, 1, 0]);
        let ranked = task(lots, &[media(100, 100)]);
        let parts = packed(&ranked);
        assert_eq!(parts.iter().map(|part| part.spots[0].blank).collect::<Vec<_>>(), [2, 1, 0]);
        // A task with other ranks is not kept by the same parts.
        let mut other = ranked;
        rank(&mut other.lots, [0, 1, 2]);
        assert!(check_task(&other, &parts).is_err());
    }

    #[test]
    fn what_fills_up_lengthens_nothing_and_is_not_lost() {
        // Beside 60 × 90 there is room for 40 × 90: two of the five that fill up, which take parts of their own together.
        let mut filling = lot("later", 40, 40, 5);
        filling.fill_up = true;
        let filled = task(vec![lot("1", 60, 90, 1), filling], &[media(100, 100)]);
        let parts = packed(&filled);
        assert_eq!(parts[0].spots.len(), 3);
        assert_eq!(parts[0].bottom(&filled), 90);
        assert_eq!(parts.len(), 2);
        // With nothing to fill up, they are an order like any other.
        let alone = task(vec![Lot { fill_up: true, ..lot("later", 100, 60, 2) }], &[media(100, 100)]);
        assert_eq!(packed(&alone).len(), 2);
    }

    #[test]
    fn the_rest_is_packed_around_what_is_pinned() {
        let mut pinned = lot("1", 40, 40, 2);
        pinned.pinned = vec![PinnedSpot { part: 0, x: 30, y: 30, turned: false }];
        let around = task(vec![pinned, lot("2", 30, 30, 4)], &[media(100, 100)]);
        assert_eq!(packed(&around).len(), 2);
        let mut beyond = around.clone();
        beyond.lots[0].pinned[0].x = 61;
        assert!(refusal(&beyond).contains("order 1 is pinned at x 61, y 30"), "{}", refusal(&beyond));
        let mut twice = around.clone();
        twice.lots[0].pinned.push(PinnedSpot { part: 0, x: 60, y: 30, turned: false });
        assert!(refusal(&twice).contains("overlap"), "{}", refusal(&twice));
        let mut far = around;
        far.lots[0].pinned[0].part = 4;
        assert!(refusal(&far).contains("pinned"), "{}", refusal(&far));
    }

    #[test]
    fn each_part_takes_the_cheapest_film() {
        // 90 wide on 100 rather than on 160; two of 80 beside each other on 160 rather than below each other on 100.
        let both = [media(160, 100), media(100, 100)];
        let parts = |lots| packed(&task(lots, &both)).iter().map(|part| part.film).collect::<Vec<_>>();
        assert_eq!(parts(vec![lot("1", 90, 90, 1)]), [1]);
        assert_eq!(parts(vec![lot("1", 80, 90, 2)]), [0]);
        assert_eq!(parts(vec![lot("1", 80, 90, 3)]), [0, 1]);
        let mut priced = task(vec![lot("1", 90, 90, 1)], &both);
        (priced.films[0].row_cost, priced.films[1].row_cost) = (3, 4);
        assert_eq!(packed(&priced)[0].film, 0);
        // As whole sheets, the shorter one is the cheaper.
        let mut sheets = task(vec![lot("1", 90, 40, 1)], &[media(100, 100), media(100, 50)]);
        sheets.films.iter_mut().for_each(|film| film.is_sheet = true);
        assert_eq!(packed(&sheets)[0].film, 1);
    }

    #[test]
    fn shears_cut_what_a_plotter_could_nest() {
        let mut pinwheel = vec![lot("1", 60, 40, 2), lot("1", 40, 60, 2)];
        let pin = |x, y| PinnedSpot { part: 0, x, y, turned: false };
        (pinwheel[0].pinned, pinwheel[1].pinned) = (vec![pin(0, 0), pin(40, 60)], vec![pin(60, 0), pin(0, 40)]);
        let free = task(pinwheel, &[media(100, 1000)]);
        assert_eq!(packed(&free)[0].bottom(&free), 100);
        let mut cut = Task { cut: Cut::Guillotine, ..free.clone() };
        assert!(check_task(&cut, &packed(&free)).is_err());
        assert!(refusal(&cut).contains("cannot be cut free"), "{}", refusal(&cut));
        cut.lots.iter_mut().for_each(|lot| lot.pinned.clear());
        assert_eq!(packed(&cut)[0].bottom(&cut), 120);
    }

    fn any_task() -> impl Strategy<Value = Task> {
        let lot = (1_u32..57, 1_u32..57, 0_u32..7, any::<bool>(), 0_u8..5, 0_u32..3);
        let film = (60_u32..130, 60_u32..200, 0_u32..4, 1_u128..9, any::<bool>());
        let keep = prop_oneof![Just(Keep::None), Just(Keep::Part), Just(Keep::Block)];
        let pins = prop::collection::vec((0_usize..9, 0_usize..2, 0_u32..90, 0_u32..90), 0..3);
        let films = prop::collection::vec(film, 1..4);
        (prop::collection::vec(lot, 0..14), films, keep, any::<bool>(), 0_u32..9, 0_u32..9, 0_u32..4, pins).prop_map(
            |(lots, films, keep, is_cut, gutter_x, gutter_y, ranks, pins)| {
                let lot = |(width, height, copies, turnable, order, rank): (u32, u32, u32, bool, u8, u32)| {
                    let blank = Blank { size: PxSize::new(width, height).unwrap(), copies, turnable };
                    // Of an order all lots have the same rank, and one order only fills up.
                    let rank = (u32::from(order) + rank / 3) % (ranks + 1);
                    Lot { rank, fill_up: order == 4, ..Lot::new(blank, order.to_string()) }
                };
                let film = |(width, length, margin, row_cost, is_sheet): (u32, u32, u32, u128, bool)| Film {
                    media: MediaPx { left: margin, bottom: margin, gutter_x, gutter_y, ..media(width, length) },
                    row_cost,
                    is_sheet,
                };
                let mut lots: Vec<Lot> = lots.into_iter().map(lot).collect();
                for (at, part, x, y) in pins {
                    if let Some(lot) = lots.get_mut(at).filter(|lot| lot.pinned.len() < lot.blank.copies as usize) {
                        lot.pinned.push(PinnedSpot { part, x, y, turned: false });
                    }
                }
                let cut = if is_cut { Cut::Guillotine } else { Cut::Free };
                Task { lots, films: films.into_iter().map(film).collect(), keep, cut }
            },
        )
    }

    proptest! {
        /// Whatever the rules, a packing obeys them, and it is the same each time.
        #[test]
        fn packings_obey_the_rules(task in any_task()) {
            match pack_task(&task, &FAST) {
                Ok(parts) => {
                    let checked = check_task(&task, &parts);
                    prop_assert!(checked.is_ok(), "{:?} of {:?}", checked, parts);
                    prop_assert_eq!(parts, pack_task(&task, &FAST).unwrap());
                }
                Err(error) => {
                    // Nothing but a rule refuses what fits the film.
                    let has_rule = task.keep != Keep::None || task.lots.iter().any(|lot| !lot.pinned.is_empty());
                    prop_assert!(has_rule && matches!(error.kind(), ErrorKind::Layout { .. }), "{}", error);
                }
            }
        }

        /// Without rules, a task on one film is packed like its rectangles.
        #[test]
        fn without_rules_nothing_changes(mut task in any_task()) {
            task.lots.iter_mut().for_each(|lot| (lot.rank, lot.fill_up, lot.pinned) = (0, false, Vec::new()));
            task.films.truncate(1);
            let task = Task { keep: Keep::None, cut: Cut::Free, ..task };
            let blanks: Vec<Blank> = task.lots.iter().map(|lot| lot.blank).collect();
            let plain = pack_rectangles(&blanks, &task.films[0].media, &FAST).unwrap();
            let ruled: Vec<Vec<Spot>> = pack_task(&task, &FAST).unwrap().into_iter().map(|part| part.spots).collect();
            prop_assert_eq!(plain, ruled);
        }
    }
}
