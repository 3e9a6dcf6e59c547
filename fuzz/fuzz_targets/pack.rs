//! Property: whatever rectangles and film are asked for, a packing is valid, never shorter than its lower bound, no worse than its first
//! constructions and the same each time; and it is refused only where the film is impossible, a rectangle fits in no allowed turn, or there are too many copies.

#![no_main]

use arbitrary::Arbitrary;
use gangsheet::{
    Blank, Effort, ErrorKind, MAX_COPIES, MAX_SIDE_PX, MediaPx, Packing, PxSize, check_packing, length_lower_bound, pack_rectangles,
    parts_lower_bound,
};
use libfuzzer_sys::{Corpus, fuzz_target};

/// A number of pixels, most often small, at times at the end of the range.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Px {
    Small(u8),
    Medium(u16),
    NearLargest(u8),
    Any(u32),
}

impl Px {
    fn get(self) -> u32 {
        match self {
            Self::Small(px) => px.into(),
            Self::Medium(px) => px.into(),
            Self::NearLargest(less) => MAX_SIDE_PX - u32::from(less) + 2,
            Self::Any(px) => px,
        }
    }
}

#[derive(Arbitrary, Debug)]
struct Input {
    film: [Px; 8],
    blanks: Vec<(Px, Px, Copies, bool)>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Copies {
    Few(u8),
    Any(u32),
}

/// More copies than this take too long for a fuzzer.
const MOST_COPIES: u64 = 2_000;

/// Up to so many copies the search of normal effort is short enough for a fuzzer.
const SEARCHED_COPIES: u64 = 3;

fuzz_target!(|input: Input| -> Corpus {
    let [width, max_length, left, right, top, bottom, gutter_x, gutter_y] = input.film.map(Px::get);
    let film = MediaPx { width, max_length, left, right, top, bottom, gutter_x, gutter_y };
    let blanks: Vec<Blank> = input
        .blanks
        .iter()
        .filter_map(|&(width, height, copies, turnable)| {
            let copies = match copies {
                Copies::Few(copies) => copies.into(),
                Copies::Any(copies) => copies,
            };
            Some(Blank { size: PxSize::new(width.get(), height.get()).ok()?, copies, turnable })
        })
        .collect();
    let copies: u64 = blanks.iter().map(|blank| u64::from(blank.copies)).sum();
    if copies > MOST_COPIES && copies <= u64::from(MAX_COPIES) {
        return Corpus::Reject;
    }

    let effort = if copies <= SEARCHED_COPIES { Effort::Normal } else { Effort::Fast };
    let options = Packing::default().with_effort(effort);
    match pack_rectangles(&blanks, &film, &options) {
        Ok(parts) => {
            assert!(copies <= u64::from(MAX_COPIES));
            check_packing(&blanks, &film, &parts).unwrap_or_else(|violation| panic!("part: {violation:?}"));
            assert_eq!(parts, pack_rectangles(&blanks, &film, &options).unwrap(), "packed differently the second time");
            let count = u32::try_from(parts.len()).unwrap();
            assert!(parts_lower_bound(&blanks, &film).unwrap() <= count);
            let bottom_of = |part: &Vec<gangsheet::Spot>| {
                let height = |spot: &gangsheet::Spot| {
                    let size = blanks[spot.blank].size;
                    if spot.turned { size.width() } else { size.height() }
                };
                part.iter().map(|spot| u64::from(spot.y) + u64::from(height(spot))).max().unwrap()
            };
            let length = |parts: &[Vec<gangsheet::Spot>]| parts.iter().map(|part| bottom_of(part) + u64::from(film.bottom)).sum::<u64>();
            assert!(length_lower_bound(&blanks, &film, count).unwrap() <= length(&parts));
            let once = pack_rectangles(&blanks, &film, &options.with_effort(Effort::Once)).unwrap();
            assert!((parts.len(), length(&parts)) <= (once.len(), length(&once)), "worse than one construction");
        }
        Err(error) => {
            let left_of = |side: u32, before: u32, after: u32| i64::from(side) - i64::from(before) - i64::from(after);
            let (width, length) = (left_of(film.width, film.left, film.right), left_of(film.max_length, film.top, film.bottom));
            match error.kind() {
                ErrorKind::TooLarge { .. } => assert!(film.width > MAX_SIDE_PX || film.max_length > MAX_SIDE_PX, "{error}"),
                ErrorKind::Layout { part: None, .. } => {
                    assert!(width <= 0 || length <= 0 || copies > u64::from(MAX_COPIES), "{error}");
                }
                ErrorKind::DoesNotFit { blank, .. } => {
                    let Blank { size, copies, turnable } = blanks[*blank];
                    let fits = |across: u32, along: u32| i64::from(across) <= width && i64::from(along) <= length;
                    assert!(copies > 0, "{error}");
                    assert!(!fits(size.width(), size.height()) && !(turnable && fits(size.height(), size.width())), "{error}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    Corpus::Keep
});
