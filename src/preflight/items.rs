//! An item's size in pixels, whether it fits, and what is told of it.

use super::deep::Findings;
use super::{CheckedArtwork, CheckedItem, MediaPx, Refusal, Sheet, Trimmed, Wanted, WantedSize, Warning, WarningKind, told};
use crate::artwork::ColorMode;
use crate::error::ProblemKind;
use crate::geom::{Dpi, PxSize, Turn};
use crate::job::{Checks, Density, Item, Level, SizeError, Sizing, TurnPolicy};

/// The size of an item's canvas.
pub(super) fn canvas(item: &Item, dpi: Dpi) -> Result<Option<PxSize>, String> {
    let Some((width, height)) = item.canvas else { return Ok(None) };
    let size = width.to_px(dpi).and_then(|width| PxSize::new(width, height.to_px(dpi)?));
    size.map(Some).map_err(|error| error.to_string())
}

/// The printed size, which fits the media in at least one turn that is allowed, and that of the artwork in its middle where there is a
/// canvas around it. Sizes of a layout are taken as they are.
pub(super) fn size(wanted: &Wanted, artwork: &CheckedArtwork, sheet: &Sheet) -> Result<(PxSize, Option<PxSize>), Refusal> {
    let source = source(wanted, artwork)?;
    let rule = match (wanted.size, wanted.canvas) {
        (WantedSize::Px(size), None) => return Ok((size, None)),
        (WantedSize::Px(size), Some(canvas)) => return Ok((canvas, Some(size))),
        (WantedSize::Rule(rule), _) => rule.unwrap_or(Sizing::Dpi(sheet.dpi)),
    };
    let tag = artwork.header.dpi.and_then(Density::from_tag);
    let printed = rule.to_px(source, sheet.dpi, tag).map_err(|error| match error {
        SizeError::NoResolution => Refusal::new(
            ProblemKind::NoResolution,
            "its size is asked of the file's resolution tag, but the file has none: give a width, height or dpi",
        ),
        SizeError::Unprintable(error) => Refusal::new(ProblemKind::Limit, error.to_string()),
    })?;
    let (size, inner) = match wanted.canvas {
        None => (printed, None),
        Some(canvas) if canvas.holds(printed.into()) => (canvas, Some(printed)),
        Some(canvas) => {
            let (printed, canvas) = (Inches(printed, sheet.dpi), Inches(canvas, sheet.dpi));
            let message = format!("its {printed} do not fit its canvas of {canvas}: print it smaller, or give it a larger canvas");
            return Err(Refusal::new(ProblemKind::TooLargeForCanvas, message));
        }
    };
    let printables = || sheet.media.iter().filter_map(MediaPx::printable);
    let fits = |turn: Turn| {
        let turned = size.turned(turn);
        printables().any(|printable| turned.width() <= printable.width() && turned.height() <= printable.height())
    };
    if wanted.turn.allowed().iter().any(|&turn| fits(turn)) {
        return Ok((size, inner));
    }
    match printables().max_by_key(|printable| printable.area()) {
        Some(largest) => Err(too_large(wanted.turn, size, largest, sheet.dpi, fits)),
        None => Ok((size, inner)),
    }
}

fn too_large(turn: TurnPolicy, size: PxSize, printable: PxSize, dpi: Dpi, fits: impl Fn(Turn) -> bool) -> Refusal {
    let fits_turned = Turn::ALL.into_iter().any(fits);
    let (how, advice) = match turn {
        TurnPolicy::Auto => (" in either turn", "print it smaller or on larger media"),
        TurnPolicy::None if fits_turned => (" upright", "allow it to be turned"),
        TurnPolicy::Fixed(_) if fits_turned => (" as it is turned", "turn it otherwise"),
        TurnPolicy::None => (" upright", "print it smaller or on larger media"),
        TurnPolicy::Fixed(_) => (" as it is turned", "print it smaller or on larger media"),
    };
    let message = format!(
        "its {size} ({}) do not fit the printable {printable} ({}) of the media{how}: {advice}",
        Inches(size, dpi),
        Inches(printable, dpi)
    );
    Refusal::new(ProblemKind::TooLargeForMedia, message)
}

/// Warnings where the artwork has too few pixels for its printed size: to the inch, or beside the pixels of the job. Of both, which say the
/// same, the one of the higher level.
pub(super) fn resolution(wanted: &Wanted, artwork: &CheckedArtwork, size: PxSize, sheet: &Sheet) -> Vec<Warning> {
    let (Ok(source), dpi) = (source(wanted, artwork), sheet.dpi) else { return Vec::new() };
    // Rounded to nearest: a side that was rounded up by a pixel is no enlargement.
    let effective =
        |pixels: u32, printed: u32| (2 * u64::from(pixels) * u64::from(dpi.get()) + u64::from(printed)) / (2 * u64::from(printed));
    let effective = effective(source.width(), size.width()).min(effective(source.height(), size.height()));
    let Checks { effective_dpi, upscaled, .. } = sheet.checks;
    let is_below = effective_dpi.level != Level::Off && effective_dpi.limit <= dpi && effective < effective_dpi.limit.get().into();
    let mut found = Vec::new();
    if is_below {
        let message = format!(
            "prints at {effective} DPI, below {}, where pixels show: use an image with more pixels, best for 300 DPI, or print it no larger than {}",
            effective_dpi.limit,
            Inches(source, effective_dpi.limit)
        );
        found.push(Warning::of(WarningKind::EffectiveDpi, wanted, message));
    }
    let is_told = is_below && effective_dpi.level >= upscaled.level;
    if effective * u64::from(upscaled.limit.hundredths()) < u64::from(dpi.get()) * 10_000 && !is_told {
        let message = format!(
            "prints at {effective} DPI, below the job's {dpi}: use an image with more pixels, or print it no larger than {}",
            Inches(source, dpi)
        );
        found.push(Warning::of(WarningKind::Upscaled, wanted, message));
    }
    found
}

/// What is wrong with an item whose artwork is `printed` at this size, and what is to be told of it; what its pixels tell if they were `seen`.
pub(super) fn findings(
    wanted: &Wanted,
    artwork: &CheckedArtwork,
    printed: PxSize,
    seen: Option<&Findings>,
    sheet: &Sheet,
) -> (Vec<Refusal>, Vec<Warning>) {
    let mut found = resolution(wanted, artwork, printed, sheet);
    found.extend([first_frame(wanted, artwork), damaged(wanted, artwork), colors(wanted, artwork)].into_iter().flatten());
    found.extend(seen.into_iter().flat_map(|seen| told::findings(seen, wanted, printed, &sheet.checks, sheet.dpi)));
    let (mut refusals, warnings) = told::judge(found, &sheet.checks);
    if seen.is_some_and(|seen| seen.coverage.visible_px == 0) {
        let message = "nothing of it is visible at its printed size: print it larger, or give its rules for alpha a lower alpha";
        refusals.push(Refusal::new(ProblemKind::FullyTransparent, message));
    }
    (refusals, warnings)
}

/// A warning where the artwork has more frames or pages than the one that is printed.
fn first_frame(wanted: &Wanted, artwork: &CheckedArtwork) -> Option<Warning> {
    let frames = artwork.header.frames;
    (frames > 1).then(|| {
        let message = format!("has {frames} frames or pages, of which only the first one is printed: export the one that is meant");
        Warning::of(WarningKind::FirstFrame, wanted, message)
    })
}

/// A warning where the artwork is damaged.
fn damaged(wanted: &Wanted, artwork: &CheckedArtwork) -> Option<Warning> {
    let damage = artwork.header.damage.as_ref()?;
    Some(Warning::of(WarningKind::Damaged, wanted, format!("is damaged and printed as far as it can be read: {damage}")))
}

/// A warning where the artwork's colours may come out other than they were designed.
fn colors(wanted: &Wanted, artwork: &CheckedArtwork) -> Option<Warning> {
    let header = &artwork.header;
    let (kind, message) = match (header.has_unknown_inks(), header.unused_profile()) {
        (true, None) => {
            (WarningKind::UnknownInks, "has inks (CMYK) without a profile: their colours are estimated; export it as sRGB".to_owned())
        }
        (true, Some(why)) => (
            WarningKind::UnknownInks,
            format!("has inks (CMYK) whose profile is not used, since {why}: their colours are estimated; export it as sRGB"),
        ),
        (false, Some(why)) => (
            WarningKind::UnusedProfile,
            format!("has a colour profile that is not used, since {why}: it is taken for sRGB; export it as sRGB"),
        ),
        (false, None) if header.color_mode == ColorMode::Cmyk => (
            WarningKind::Inks,
            "has inks (CMYK), converted by its profile: bright colours may look other than designed; export it as sRGB".to_owned(),
        ),
        (false, None) => return None,
    };
    Some(Warning::of(kind, wanted, message))
}

/// The size of what is printed of the artwork, as it is seen.
fn source(wanted: &Wanted, artwork: &CheckedArtwork) -> Result<PxSize, Refusal> {
    let printed = artwork.printed(&wanted.treatment).filter(|_| artwork.survives_alpha_rules(&wanted.treatment));
    let printed = printed.ok_or_else(|| {
        let message = "trimming or its rules for alpha leave no pixel of it: give them a lower alpha, or another colour";
        Refusal::new(ProblemKind::FullyTransparent, message)
    })?;
    Ok(printed.size().turned(artwork.header.orientation.turn))
}

/// What is cut away of an item's artwork.
pub(super) fn trimmed(item: &CheckedItem, artwork: &CheckedArtwork, dpi: Dpi) -> Option<Trimmed> {
    let (crop, stored) = (artwork.printed(&item.treatment)?, artwork.header.stored_size());
    if crop == stored.into() {
        return None;
    }
    let printed = item.inner.unwrap_or(item.size).turned(artwork.header.orientation.turn);
    // Tenths of a millimetre are more exact than any cutter.
    let mm = |cut: u32, of: u32, printed: u32| {
        let pixels = f64::from(cut) * f64::from(printed) / f64::from(of);
        (pixels * 254.0 / f64::from(dpi.get())).round() / 10.0
    };
    let across = |cut| mm(cut, crop.size().width(), printed.width());
    let down = |cut| mm(cut, crop.size().height(), printed.height());
    let (right, bottom) = (stored.width() - crop.right(), stored.height() - crop.bottom());
    // Left, top, right and bottom, clockwise, as they are stored and then as they are seen.
    let mut sides = [across(crop.x()), down(crop.y()), across(right), down(bottom)];
    if artwork.header.orientation.mirror {
        sides.swap(0, 2);
    }
    sides.rotate_right((artwork.header.orientation.turn.degrees() / 90) as usize);
    let [left_mm, top_mm, right_mm, bottom_mm] = sides;
    let (order, artwork) = (item.order.clone(), artwork.written.clone());
    Some(Trimmed { order, item: item.item, artwork, left_mm, right_mm, top_mm, bottom_mm })
}

/// A size for people: in inches, rounded down to a hundredth, so that what fits does so as it is displayed.
struct Inches(PxSize, Dpi);

impl std::fmt::Display for Inches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hundredths = |pixels: u32| u64::from(pixels) * 100 / u64::from(self.1.get());
        let (width, height) = (hundredths(self.0.width()), hundredths(self.0.height()));
        write!(f, "{}.{:02} × {}.{:02} in", width / 100, width % 100, height / 100, height % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Treatment, Trim};
    use crate::preflight::PreflightOptions;
    use crate::preflight::tests::{Shop, sized};

    #[test]
    fn an_item_that_fits_in_no_allowed_turn_is_told_what_to_do() {
        let shop = Shop::new();
        shop.opaque_png("wide.png", 1800, 20);
        shop.opaque_png("high.png", 20, 1800);
        shop.opaque_png("huge.png", 901, 1901);
        // Printable are 900 × 1900 px.
        for (artwork, turn, advice) in [
            ("wide.png", TurnPolicy::Auto, None),
            ("wide.png", TurnPolicy::Fixed(Turn::Cw270), None),
            ("wide.png", TurnPolicy::None, Some("upright: allow it to be turned")),
            ("wide.png", TurnPolicy::Fixed(Turn::Cw180), Some("as it is turned: turn it otherwise")),
            ("high.png", TurnPolicy::None, None),
            ("high.png", TurnPolicy::Fixed(Turn::Cw90), Some("as it is turned: turn it otherwise")),
            ("huge.png", TurnPolicy::Auto, Some("in either turn: print it smaller or on larger media")),
            ("huge.png", TurnPolicy::None, Some("upright: print it smaller or on larger media")),
        ] {
            let item = Item { turn, ..Item::new(artwork) };
            let Some(advice) = advice else {
                shop.check(vec![item], &PreflightOptions::default()).unwrap();
                continue;
            };
            let [problem] = &shop.problems(vec![item])[..] else { panic!() };
            assert_eq!(problem.kind, ProblemKind::TooLargeForMedia);
            assert!(problem.message.contains("do not fit the printable 900 × 1900 px (9.00 × 19.00 in) of the media"), "{problem}");
            assert!(problem.message.ends_with(advice), "{problem}");
        }
    }

    #[test]
    fn artwork_with_too_few_pixels_for_its_size_is_warned_of() {
        let shop = Shop::new();
        shop.opaque_png("fox.png", 77, 1000);
        for (size, effective) in [
            (r#"{"dpi": 100}"#, None),
            (r#"{"height": "9in"}"#, None),
            // A pixel in a thousand is rounding, not enlarging.
            (r#"{"exact": ["0.77in", "10.01in"]}"#, None),
            (r#"{"exact": ["0.77in", "10.1in"]}"#, Some(99)),
            (r#"{"exact": ["1.54in", "10in"]}"#, Some(50)),
            (r#"{"dpi": 75}"#, Some(75)),
        ] {
            let checked = shop.check(vec![sized("fox.png", size)], &PreflightOptions::default()).unwrap();
            let messages: Vec<_> = checked.warnings().iter().map(|warning| warning.message.as_str()).collect();
            let expected = effective.map(|dpi| {
                format!(
                    "prints at {dpi} DPI, below the job's 100: use an image with more pixels, or print it no larger than 0.77 × 10.00 in"
                )
            });
            assert_eq!(messages, Vec::from_iter(expected.as_deref()), "{size}");
        }
    }

    #[test]
    fn trimmed_artwork_is_sized_by_what_is_visible() {
        let shop = Shop::new();
        shop.png("fox.png", 200, 100, |x, y| (50..100).contains(&x) && (10..20).contains(&y));
        let trimmed =
            Item { treatment: Treatment { trim: Trim::TRANSPARENT, ..Treatment::default() }, ..sized("fox.png", r#"{"width": "1in"}"#) };
        let whole = sized("fox.png", r#"{"width": "1in"}"#);
        let checked = shop.check(vec![trimmed, whole], &PreflightOptions::default()).unwrap();
        let sizes: Vec<_> = checked.items().iter().map(|item| item.size.to_string()).collect();
        assert_eq!(sizes, ["100 × 20 px", "100 × 50 px"]);
        assert_eq!(checked.warnings().iter().map(|warning| warning.item).collect::<Vec<_>>(), [0]);
    }
}
