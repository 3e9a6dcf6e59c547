//! What was found in an artwork's pixels, as sentences for whoever ordered the print.

use std::fmt;

use super::deep::{Coverage, Findings, Specks, ThinPlaces};
use super::{Place, Refusal, Wanted, Warning, WarningKind};
use crate::error::ProblemKind;
use crate::geom::{Dpi, Length, PxSize};
use crate::job::{Checks, Level};

/// Those of the warnings that the job's checks make errors, and those that stay warnings.
pub(super) fn judge(found: Vec<Warning>, checks: &Checks) -> (Vec<Refusal>, Vec<Warning>) {
    let found = found.into_iter().filter(|warning| level(checks, warning.kind) != Level::Off);
    let (errors, warnings): (Vec<_>, Vec<_>) = found.partition(|warning| level(checks, warning.kind) == Level::Error);
    let errors = errors.into_iter().map(|Warning { kind, message, .. }| Refusal::new(problem_kind(kind), message));
    (errors.collect(), warnings)
}

/// The level of a warning.
fn level(checks: &Checks, kind: WarningKind) -> Level {
    match kind {
        WarningKind::EffectiveDpi => checks.effective_dpi.level,
        WarningKind::Upscaled => checks.upscaled.level,
        WarningKind::SemiTransparent => checks.semi_transparent.level,
        WarningKind::OpaqueBackground => checks.opaque_background.level,
        WarningKind::ThinLines => checks.thin_lines.level,
        WarningKind::Gaps => checks.gaps.level,
        WarningKind::Specks => checks.specks.level,
        WarningKind::TouchesBorder => checks.touches_border.level,
        WarningKind::Inks | WarningKind::UnknownInks | WarningKind::UnusedProfile => checks.color_mode,
        // Whoever allows damaged artwork has it printed.
        WarningKind::FirstFrame | WarningKind::Damaged => Level::Warn,
    }
}

/// Everything that `findings` tell about an artwork of `size`.
pub(super) fn findings(found: &Findings, wanted: &Wanted, size: PxSize, checks: &Checks, dpi: Dpi) -> impl Iterator<Item = Warning> {
    let all = All { wanted, size, checks, dpi };
    let Findings { coverage, lines, gaps, specks } = found;
    [
        all.semi_transparent(coverage),
        all.opaque_background(coverage),
        all.thin_lines(lines),
        all.gaps(gaps),
        all.specks(specks),
        all.touches_border(coverage),
    ]
    .into_iter()
    .flatten()
}

struct All<'a> {
    wanted: &'a Wanted,
    size: PxSize,
    checks: &'a Checks,
    dpi: Dpi,
}

impl All<'_> {
    fn warning(&self, kind: WarningKind, at: Option<(u32, u32)>, message: String) -> Warning {
        let place = at.map(|at| Place::of(at, self.dpi));
        Warning { place, ..Warning::of(kind, self.wanted, message) }
    }

    fn semi_transparent(&self, found: &Coverage) -> Option<Warning> {
        let limit = self.checks.semi_transparent.limit;
        let share = share(found.semi_transparent_px, found.visible_px);
        let at = found.semi_transparent_at.filter(|_| share > f64::from(limit.hundredths()) / 100.0)?;
        let message = format!(
            "is semi-transparent over {:.1} mm², {share:.1} % of what is printed (more than {limit}), first {}: that prints unevenly; make it opaque, or take it away",
            self.mm2(found.semi_transparent_px as f64),
            self.at(at)
        );
        Some(self.warning(WarningKind::SemiTransparent, Some(at), message))
    }

    fn is_opaque(&self, found: &Coverage) -> bool {
        share(found.opaque_px, self.size.area()) >= f64::from(self.checks.opaque_background.limit.hundredths()) / 100.0
    }

    fn opaque_background(&self, found: &Coverage) -> Option<Warning> {
        let color = found.background.filter(|_| self.is_opaque(found))?;
        let message = format!(
            "is an opaque rectangle with a border of one colour (#{:02x}{:02x}{:02x}): if that is a forgotten background, take it away",
            color.r, color.g, color.b
        );
        Some(self.warning(WarningKind::OpaqueBackground, None, message))
    }

    fn thin_lines(&self, found: &ThinPlaces) -> Option<Warning> {
        let (what, advice) = ("lines as thin as", "they may not hold; make them thicker, or print it larger");
        self.thin(WarningKind::ThinLines, found, self.checks.thin_lines.limit, what, advice)
    }

    fn gaps(&self, found: &ThinPlaces) -> Option<Warning> {
        let (what, advice) = ("gaps as narrow as", "they may close; make them wider, or print it larger");
        self.thin(WarningKind::Gaps, found, self.checks.gaps.limit, what, advice)
    }

    fn thin(&self, kind: WarningKind, found: &ThinPlaces, limit: Length, what: &str, advice: &str) -> Option<Warning> {
        let place = found.thinnest?;
        let at = (place.x, place.y);
        let message = format!(
            "has {what} {:.2} mm {}, and {:.1} mm² in all below {limit}: {advice}",
            f64::from(place.thickness_px) / self.dpi.per_mm(),
            self.at(at),
            self.mm2(found.area_px)
        );
        Some(self.warning(kind, Some(at), message))
    }

    fn specks(&self, found: &Specks) -> Option<Warning> {
        let at = found.first?;
        let (specks, smallest) = match found.count {
            1 => ("a speck".to_owned(), ""),
            count => (format!("{count} specks"), ", the smallest"),
        };
        let message = format!(
            "has {specks} below {}{smallest} of {:.2} mm², the first {}: so little may not hold; take it away, or print it larger",
            self.checks.specks.limit,
            self.mm2(found.smallest_px),
            self.at(at)
        );
        Some(self.warning(WarningKind::Specks, Some(at), message))
    }

    fn touches_border(&self, found: &Coverage) -> Option<Warning> {
        let limit = self.checks.touches_border.limit;
        let touched = ["top", "right", "bottom", "left"].into_iter().zip(found.border_px);
        let touched = touched.filter(|&(_, px)| px > 0 && px as f64 >= limit.in_px(self.dpi));
        let sides: Vec<String> = touched.map(|(side, px)| format!("{side} ({:.1} mm)", px as f64 / self.dpi.per_mm())).collect();
        if sides.is_empty() || self.is_opaque(found) {
            return None;
        }
        let message =
            format!("touches the border of its picture at the {}: it may be cut off there; export it with a margin", sides.join(", "));
        Some(self.warning(WarningKind::TouchesBorder, None, message))
    }

    fn mm2(&self, px: f64) -> f64 {
        px / self.dpi.per_mm().powi(2)
    }

    fn at(&self, at: (u32, u32)) -> impl fmt::Display {
        let Place { x, y } = Place::of(at, self.dpi);
        format!("{x} from the left and {y} from the top")
    }
}

/// In per cent.
fn share(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

/// The kind of a warning that the job makes an error.
fn problem_kind(kind: WarningKind) -> ProblemKind {
    match kind {
        WarningKind::EffectiveDpi => ProblemKind::EffectiveDpi,
        WarningKind::Upscaled => ProblemKind::Upscaled,
        WarningKind::SemiTransparent => ProblemKind::SemiTransparent,
        WarningKind::OpaqueBackground => ProblemKind::OpaqueBackground,
        WarningKind::ThinLines => ProblemKind::ThinLines,
        WarningKind::Gaps => ProblemKind::Gaps,
        WarningKind::Specks => ProblemKind::Specks,
        WarningKind::TouchesBorder => ProblemKind::TouchesBorder,
        WarningKind::Inks => ProblemKind::Inks,
        WarningKind::UnknownInks => ProblemKind::UnknownInks,
        WarningKind::UnusedProfile => ProblemKind::UnusedProfile,
        WarningKind::FirstFrame | WarningKind::Damaged => ProblemKind::Unreadable,
    }
}
