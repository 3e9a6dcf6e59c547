//! Property: whatever lots, films and rules are asked for, a packing obeys every rule, is no worse than one construction where all is packed at
//! once, and is the same each time; and it is refused only where a lot fits no film, or where a rule is to blame.

#![no_main]

use arbitrary::Arbitrary;
use gangsheet::{
    Blank, Cut, Effort, ErrorKind, Film, Keep, Lot, MediaPx, PackedPart, Packing, PinnedSpot, PxSize, Task, check_task, pack_task,
};
use libfuzzer_sys::{Corpus, fuzz_target};

#[derive(Arbitrary, Debug)]
struct Input {
    films: Vec<FilmInput>,
    gutter: [u8; 2],
    lots: Vec<LotInput>,
    /// Rank of each order, and whether it fills up.
    orders: [(u8, bool); 6],
    pins: Vec<(u8, u8, u16, u16, bool)>,
    keep: u8,
    is_cut: bool,
    is_thorough: bool,
}

#[derive(Arbitrary, Debug)]
struct FilmInput {
    width: u16,
    max_length: u16,
    margins: [u8; 4],
    row_cost: u16,
    is_sheet: bool,
}

#[derive(Arbitrary, Debug)]
struct LotInput {
    order: u8,
    width: u16,
    height: u16,
    copies: u8,
    turnable: bool,
}

/// More copies than this take too long for a fuzzer, and fewer still where the search is thorough.
const MOST_COPIES: u64 = 300;
const MOST_SEARCHED: u64 = 4;

fn task(input: &Input) -> Task {
    let film = |film: &FilmInput| {
        let [left, right, top, bottom] = film.margins.map(u32::from);
        let (width, max_length, [gutter_x, gutter_y]) = (film.width.into(), film.max_length.into(), input.gutter.map(u32::from));
        let media = MediaPx { width, max_length, left, right, top, bottom, gutter_x, gutter_y };
        Film { media, row_cost: film.row_cost.into(), is_sheet: film.is_sheet }
    };
    let lot = |lot: &LotInput| {
        let order = usize::from(lot.order) % input.orders.len();
        let blank =
            Blank { size: PxSize::new(lot.width.into(), lot.height.into()).ok()?, copies: lot.copies.into(), turnable: lot.turnable };
        let (rank, fill_up) = input.orders[order];
        Some(Lot { rank: rank.into(), fill_up, ..Lot::new(blank, order.to_string()) })
    };
    let mut lots: Vec<Lot> = input.lots.iter().filter_map(lot).collect();
    for &(at, part, x, y, turned) in &input.pins {
        let count = lots.len().max(1);
        if let Some(lot) = lots.get_mut(usize::from(at) % count) {
            lot.pinned.push(PinnedSpot { part: usize::from(part % 4), x: x.into(), y: y.into(), turned });
        }
    }
    Task {
        lots,
        films: input.films.iter().take(4).map(film).collect(),
        keep: [Keep::None, Keep::Part, Keep::Block][usize::from(input.keep % 3)],
        cut: if input.is_cut { Cut::Guillotine } else { Cut::Free },
    }
}

fuzz_target!(|input: Input| -> Corpus {
    let task = task(&input);
    let copies: u64 = task.lots.iter().map(|lot| u64::from(lot.blank.copies)).sum();
    if copies > if input.is_thorough { MOST_SEARCHED } else { MOST_COPIES } {
        return Corpus::Reject;
    }
    let effort = if input.is_thorough { Effort::Normal } else { Effort::Fast };
    let options = Packing::default().with_effort(effort);
    match pack_task(&task, &options) {
        Ok(parts) => {
            check_task(&task, &parts).unwrap_or_else(|violation| panic!("{violation:?}"));
            assert_eq!(parts, pack_task(&task, &options).unwrap(), "packed differently the second time");
            // Where orders are kept together or fill up, or film is chosen, parts are filled one by one, and more effort on one may leave less to
            // the next.
            if task.films.len() == 1 && task.keep == Keep::None && !task.lots.iter().any(|lot| lot.fill_up) {
                let value = |parts: &[PackedPart]| (parts.len(), parts.iter().map(|part| part.cost(&task)).sum::<u128>());
                let once = pack_task(&task, &options.with_effort(Effort::Once)).unwrap();
                assert!(value(&parts) <= value(&once), "worse than one construction");
            }
        }
        Err(error) => {
            let is_ruled = task.keep != Keep::None || task.lots.iter().any(|lot| !lot.pinned.is_empty());
            let is_printable = !task.films.is_empty() && task.films.iter().all(|film| film.media.printable().is_some());
            match error.kind() {
                ErrorKind::Layout { .. } => assert!(is_ruled || !is_printable, "{error}"),
                ErrorKind::DoesNotFit { blank, .. } => {
                    let Blank { size, turnable, .. } = task.lots[*blank].blank;
                    let fits = |width, height| {
                        let inside = task.films.iter().filter_map(|film| film.media.printable());
                        inside.into_iter().any(|inside| width <= inside.width() && height <= inside.height())
                    };
                    assert!(!fits(size.width(), size.height()) && !(turnable && fits(size.height(), size.width())), "{error}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    Corpus::Keep
});
