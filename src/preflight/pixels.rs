//! Artwork read at its printed size, once for each, to see how its pixels will print.

use std::collections::HashMap;

use super::deep::{Analyser, Findings, Measures};
use super::{CheckedArtwork, PreflightOptions};
use crate::artwork::{Orientation, RasterStream, Shaping};
use crate::budget::{MemoryBudget, Reservation};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::geom::{Dpi, PxRect, PxSize, Rows, Turn};
use crate::job::{AlphaRules, Checks, Resample, Treatment};
use crate::pixel::Rgba8;

/// What the pixels of artwork tell at each printed size that was met so far.
pub(super) struct Pixels<'a> {
    dpi: Dpi,
    checks: &'a Checks,
    cancel: Cancel,
    known: HashMap<Key, Findings>,
    charges: Vec<Reservation>,
}

/// An artwork by its index, what of it is printed, how large, and what is done to its pixels.
type Key = (usize, PxRect, PxSize, Resample, AlphaRules);

impl<'a> Pixels<'a> {
    /// `None` where the checks need no pixels.
    pub(super) fn wanted(checks: &'a Checks, options: &PreflightOptions, dpi: Dpi) -> Option<Self> {
        let cancel = options.cancel.clone();
        let pixels = Self { dpi, checks, cancel, known: HashMap::new(), charges: Vec::new() };
        ((options.deep && checks.use_pixels()) || checks.need_pixels()).then_some(pixels)
    }

    /// What the pixels of an artwork tell where it is printed at `size`, as it is seen, and not mirrored.
    ///
    /// # Memory
    ///
    /// That of a [`RasterStream`], a row and an [`Analyser`], charged to `budget` while the artwork is read, and about 300 bytes for each size
    /// that was met.
    ///
    /// # Errors
    ///
    /// Those of [`RasterStream::take`], [`MemoryLimit`](crate::ErrorKind::MemoryLimit) and [`Cancelled`](crate::ErrorKind::Cancelled).
    pub(super) fn look(
        &mut self,
        index: usize,
        artwork: &CheckedArtwork,
        treatment: &Treatment,
        size: PxSize,
        budget: &MemoryBudget,
    ) -> Result<&Findings> {
        let crop = artwork.printed(treatment).unwrap_or(artwork.header.stored_size().into());
        let key = (index, crop, size, treatment.resample, treatment.alpha);
        if !self.known.contains_key(&key) {
            let bytes = size_of::<(Key, Findings)>() + size_of::<Reservation>();
            self.charges.push(budget.reserve(bytes as u64, "the list of what was found in artwork")?);
            let findings = self.read(artwork, key, budget)?;
            self.known.insert(key, findings);
        }
        Ok(&self.known[&key])
    }

    fn read(&self, artwork: &CheckedArtwork, (_, crop, size, resample, alpha): Key, budget: &MemoryBudget) -> Result<Findings> {
        let Orientation { mirror, turn } = artwork.header.orientation;
        let size = size.turned(turn);
        let shown = Shown { mirror, turn, sides: sides_within(crop, artwork.header.stored_size()) };
        let mut header = artwork.header.clone();
        let mut shaping = Shaping { crop, place: size.into(), size, mirror, resample, alpha };
        if shaping.may_be_of_smaller(header.stored_size()) {
            header.reduce_to(size.width(), size.height());
            shaping.crop = header.stored_size().into();
        }
        tracing::debug!(artwork = %artwork.path.display(), width = size.width(), height = size.height(), "looking at the pixels");
        let mut stream = RasterStream::open(&artwork.path, &header, &shaping, budget)?;
        let may_be_transparent = header.may_be_transparent || alpha.knockout.is_some();
        let mut analyser = Analyser::new(size, may_be_transparent, &self.measures(shaping.crop.size(), size), budget)?;
        let mut row = budget.buffer::<Rgba8>(size.width() as usize, "a row of an artwork")?;
        for y in 0..size.height() {
            stream.take(Rows::new(y, y + 1)?, &mut row, || self.cancel.check())?;
            analyser.push(&row);
        }
        Ok(shown.turned(analyser.finish(), size))
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "limits and edges are short")]
    fn measures(&self, source: PxSize, printed: PxSize) -> Measures {
        let Checks { thin_lines, gaps, specks, .. } = self.checks;
        let enlarged = |source: u32, printed: u32| f64::from(printed) / f64::from(source);
        let enlarged = enlarged(source.width(), printed.width()).max(enlarged(source.height(), printed.height()));
        Measures {
            line_px: thin_lines.limit.in_px(self.dpi) as f32,
            gap_px: gaps.limit.in_px(self.dpi) as f32,
            speck_px: specks.limit.mm2() * self.dpi.per_mm().powi(2),
            // An edge of a pixel, resampled, is two wide. Those of artwork that is enlarged further are soft indeed.
            edge: (2.0 * enlarged).ceil().clamp(2.0, 16.0) as usize,
        }
    }
}

/// How stored pixels become what is seen, and which of their four sides are the file's own: top, right, bottom, left.
struct Shown {
    mirror: bool,
    turn: Turn,
    sides: [bool; 4],
}

impl Shown {
    /// Findings in rows of `size`, which are mirrored already, as they are seen.
    fn turned(self, mut findings: Findings, size: PxSize) -> Findings {
        let mut sides = self.sides;
        if self.mirror {
            sides.swap(1, 3);
        }
        let border = &mut findings.coverage.border_px;
        border.iter_mut().zip(sides).filter(|(_, own)| !own).for_each(|(px, _)| *px = 0);
        border.rotate_right(self.turn.degrees() as usize / 90);
        let (right, bottom) = (size.width() - 1, size.height() - 1);
        let place = |(x, y): (u32, u32)| match self.turn {
            Turn::None => (x, y),
            Turn::Cw90 => (bottom.saturating_sub(y), x),
            Turn::Cw180 => (right.saturating_sub(x), bottom.saturating_sub(y)),
            Turn::Cw270 => (y, right.saturating_sub(x)),
        };
        let Findings { coverage, lines, gaps, specks } = &mut findings;
        for at in [&mut coverage.semi_transparent_at, &mut specks.first].into_iter().flatten() {
            *at = place(*at);
        }
        for thin in [lines, gaps].into_iter().flat_map(|places| &mut places.thinnest) {
            (thin.x, thin.y) = place((thin.x, thin.y));
        }
        findings
    }
}

/// Which sides of a rectangle lie at those of a picture: top, right, bottom, left.
fn sides_within(rect: PxRect, picture: PxSize) -> [bool; 4] {
    [rect.y() == 0, rect.right() == picture.width(), rect.bottom() == picture.height(), rect.x() == 0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, ProblemKind};
    use crate::job::{Item, Level, Trim};
    use crate::preflight::deep::{Coverage, ThinPlaces};
    use crate::preflight::tests::{Shop, job, problems, sized};
    use crate::preflight::{Preflight, WarningKind};

    /// At 100 DPI a pixel is 0.254 mm wide.
    fn check(shop: &Shop, items: Vec<Item>, checks: Checks, deep: bool) -> Result<Preflight> {
        let job = crate::job::Job { checks, ..job(items) };
        Preflight::new(&job, shop.0.path(), &PreflightOptions { deep, ..PreflightOptions::default() }, &MemoryBudget::new(1 << 24))
    }

    /// A block, a hairline that hangs on it, a slit in it, and a speck.
    fn bad_art(shop: &Shop) {
        shop.png("bad.png", 100, 60, |x, y| {
            let block = (0..40).contains(&x) && (10..50).contains(&y) && (x, y) != (30, y.clamp(15, 40));
            block || ((40..80).contains(&x) && y == 30) || ((90..92).contains(&x) && (5..7).contains(&y))
        });
    }

    #[test]
    fn what_prints_badly_is_told_with_its_place() {
        let shop = Shop::new();
        bad_art(&shop);
        let checked = check(&shop, vec![Item::new("bad.png")], Checks::default(), true).unwrap();
        let told: Vec<_> = checked.warnings().iter().map(|warning| (warning.kind, warning.message.as_str())).collect();
        let [(WarningKind::ThinLines, line), (WarningKind::Gaps, gap), (WarningKind::Specks, speck), (WarningKind::TouchesBorder, border)] =
            told[..]
        else {
            panic!("{told:?}")
        };
        assert!(line.starts_with("has lines as thin as 0.2"), "{line}");
        assert!(gap.starts_with("has gaps as narrow as 0.2"), "{gap}");
        assert!(speck.starts_with("has a speck below 1mm2 of 0.26 mm², the first 22.8mm from the left and 1.2mm from the top"), "{speck}");
        assert!(border.starts_with("touches the border of its picture at the left (10.2 mm)"), "{border}");
        let place = checked.warnings()[2].place.unwrap();
        assert_eq!((place.x.to_string(), place.y.to_string()), ("22.8mm".to_owned(), "1.2mm".to_owned()));
        assert!(check(&shop, vec![Item::new("bad.png")], Checks::default(), false).unwrap().warnings().is_empty());
    }

    #[test]
    fn a_check_at_error_reads_pixels_unasked_and_refuses_the_job() {
        let shop = Shop::new();
        bad_art(&shop);
        let mut checks = Checks::default();
        checks.specks.level = Level::Error;
        let items = vec![Item::new("bad.png"), sized("bad.png", r#"{"width": "3in"}"#)];
        let found = problems(check(&shop, items.clone(), checks, false));
        let kinds: Vec<_> = found.iter().map(|problem| (problem.item, problem.kind)).collect();
        // Three times as large it is no speck any more.
        assert_eq!(kinds, [(Some(0), ProblemKind::Specks)]);
        checks.specks.limit = "0.2mm2".parse().unwrap();
        assert!(check(&shop, items, checks, false).is_ok());
        checks = serde_json::from_str(r#"{"upscaled": {"limit": "200%", "level": "error"}}"#).unwrap();
        let found = |size: &str| check(&shop, vec![sized("bad.png", size)], checks, false);
        assert!(found(r#"{"width": "2in"}"#).is_ok());
        assert_eq!(problems(found(r#"{"width": "2.1in"}"#))[0].kind, ProblemKind::Upscaled);
    }

    #[test]
    fn a_forgotten_background_is_told_in_any_format() {
        let shop = Shop::new();
        let path = shop.0.path().join("white.png");
        let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), 60, 40);
        encoder.set_color(png::ColorType::Grayscale);
        let pixels: Vec<u8> =
            (0..2400).map(|at| if at % 60 > 20 && at % 60 < 40 && at / 60 > 5 && at / 60 < 30 { 0 } else { 255 }).collect();
        encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
        let checked = check(&shop, vec![Item::new("white.png")], Checks::default(), true).unwrap();
        let [warning] = checked.warnings() else { panic!("{:?}", checked.warnings()) };
        assert!(warning.kind == WarningKind::OpaqueBackground && warning.message.contains("(#ffffff)"), "{}", warning.message);
    }

    #[test]
    fn the_sides_of_a_trimmed_artwork_are_not_its_border() {
        let shop = Shop::new();
        shop.png("fox.png", 60, 40, |x, y| (20..60).contains(&x) && (10..30).contains(&y) && (x, y) != (50, 20));
        let trimmed =
            |artwork: &str| Item { treatment: Treatment { trim: Trim::TRANSPARENT, ..Treatment::default() }, ..Item::new(artwork) };
        let checked = check(&shop, vec![trimmed("fox.png")], Checks::default(), true).unwrap();
        let borders: Vec<_> = checked.warnings().iter().filter(|warning| warning.kind == WarningKind::TouchesBorder).collect();
        assert!(borders.is_empty(), "it is a rectangle: {borders:?}");
        shop.png("cow.png", 60, 40, |x, y| (20..60).contains(&x) && (10..30).contains(&y) && (x > 25 || y > 25));
        let checked = check(&shop, vec![trimmed("cow.png")], Checks::default(), true).unwrap();
        let [warning] = checked.warnings() else { panic!("{:?}", checked.warnings()) };
        assert!(warning.message.contains("at the right (5.1 mm):"), "{}", warning.message);
    }

    #[test]
    fn looking_keeps_within_the_budget_and_stops_when_asked() {
        let shop = Shop::new();
        bad_art(&shop);
        let (job, options) = (job(vec![Item::new("bad.png")]), PreflightOptions { deep: true, ..PreflightOptions::default() });
        let budget = MemoryBudget::new(1 << 24);
        drop(Preflight::new(&job, shop.0.path(), &options, &budget).unwrap());
        assert_eq!(budget.held_bytes(), 0);
        let needed = budget.high_water_bytes();
        assert!(Preflight::new(&job, shop.0.path(), &options, &MemoryBudget::new(needed)).is_ok());
        let error = Preflight::new(&job, shop.0.path(), &options, &MemoryBudget::new(needed - 1)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::MemoryLimit { .. }), "{error}");
    }

    #[test]
    fn places_and_sides_are_told_as_they_are_seen() {
        let size = PxSize::new(30, 20).unwrap();
        for (turn, place, border) in [
            (Turn::None, (3, 2), [1, 2, 3, 4]),
            (Turn::Cw90, (17, 3), [4, 1, 2, 3]),
            (Turn::Cw180, (26, 17), [3, 4, 1, 2]),
            (Turn::Cw270, (2, 26), [2, 3, 4, 1]),
        ] {
            let coverage = Coverage { semi_transparent_at: Some((3, 2)), border_px: [1, 2, 3, 4], ..Coverage::default() };
            let found = Findings { coverage, lines: ThinPlaces::default(), ..Findings::default() };
            let Findings { coverage, .. } = Shown { mirror: false, turn, sides: [true; 4] }.turned(found, size);
            assert_eq!((coverage.semi_transparent_at, coverage.border_px), (Some(place), border), "{turn:?}");
        }
        let found = Findings { coverage: Coverage { border_px: [1, 2, 3, 4], ..Coverage::default() }, ..Findings::default() };
        let shown = Shown { mirror: true, turn: Turn::None, sides: [true, true, true, false] }.turned(found, size);
        assert_eq!(shown.coverage.border_px, [1, 0, 3, 4]);
    }
}
