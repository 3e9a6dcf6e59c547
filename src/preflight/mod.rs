//! Checking a job before film is spent: every artwork is opened once, physical sizes become pixels, and everything that is wrong is told
//! at once.

mod artworks;
mod deep;
mod findings;
mod items;
mod media;
mod pixels;
mod rules;
mod told;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::artworks::Artworks;
pub use self::findings::{LeftOut, Place, Trimmed, Warning, WarningKind};
pub use self::media::MediaPx;
use self::pixels::Pixels;
pub use self::rules::PinPx;
use crate::artwork::{ArtworkHeader, ArtworkLimits, ColorSpace};
use crate::budget::{MemoryBudget, Reservation};
use crate::cancel::Cancel;
use crate::error::{ErrorKind, Problem, ProblemKind, Result};
use crate::geom::{Dpi, PxRect, PxSize};
use crate::job::{Border, Checks, Cut, Job, Keep, Output, Price, Sizing, Treatment, TurnPolicy};
use crate::system::real_folder;

/// How artwork is found and checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreflightOptions {
    /// The only folder that artwork is read from, whatever paths and symbolic links say. Default: `None`, any folder.
    pub artwork_root: Option<PathBuf>,
    /// Whether items are left out whose artwork is missing, damaged or has no visible pixel. Each artwork is then read to its end, so that
    /// damage is known before anything is packed. Default: `false`, such artwork is an error.
    pub skip_bad_artwork: bool,
    /// Whether every artwork is read to its end, so that damage is an error before anything is rendered. Default: `false`, damage inside
    /// the pixels is found while they are decoded.
    pub read_to_end: bool,
    /// Whether the pixels of artwork are looked at, once for each printed size, for what [`Checks`] warn of. They are in any case where the job
    /// makes an error of one of those checks. Default: `false`.
    pub deep: bool,
    /// Whether damaged artwork is printed as far as it can be read, with a warning. Each artwork is then read to its end. Default: `false`.
    pub allow_damaged: bool,
    /// What an artwork may ask of the program before it is refused. Default: [`ArtworkLimits::default`].
    pub limits: ArtworkLimits,
    /// The handle that stops the checking. Default: one that nobody holds.
    pub cancel: Cancel,
}

impl PreflightOptions {
    /// The real path of the only folder that files are read from.
    pub(crate) fn root(&self) -> Result<Option<PathBuf>> {
        self.artwork_root.as_ref().map(|root| real_folder(root, "artwork")).transpose()
    }
}

/// A checked job: integer pixels, and artwork that is there and can be printed.
///
/// # Memory
///
/// About 100 bytes an item, 300 an artwork, and the bytes of their paths, charged to the budget while the `Preflight` lives. Reading
/// pixels, where that is needed, takes a decoder and a row for one artwork at a time; checking them takes some rows at the printed size, and about
/// 300 bytes for each size.
#[derive(Debug)]
pub struct Preflight {
    sheet: Sheet,
    artworks: Vec<CheckedArtwork>,
    items: Vec<CheckedItem>,
    warnings: Vec<Warning>,
    left_out: Vec<LeftOut>,
    ordered_copies: u64,
    _charges: Vec<Reservation>,
}

/// What a checked job has besides its items.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) dpi: Dpi,
    /// At least one.
    pub(crate) media: Vec<MediaPx>,
    /// The prices of the media, if they are known.
    pub(crate) prices: Vec<Price>,
    pub(crate) keep: Keep,
    pub(crate) cut: Cut,
    pub(crate) output: Output,
    /// The space that `output` asks for.
    pub(crate) space: ColorSpace,
    pub(crate) checks: Checks,
}

impl Sheet {
    /// One on media without a price, without rules.
    pub(crate) fn new(name: String, dpi: Dpi, media: MediaPx, output: Output, space: ColorSpace) -> Self {
        let (media, prices, checks) = (vec![media], Vec::new(), Checks::default());
        Self { name, dpi, media, prices, keep: Keep::None, cut: Cut::Free, output, space, checks }
    }
}

/// An artwork whose header was read.
#[derive(Clone, Debug)]
pub struct CheckedArtwork {
    /// Where the file is: absolute, symbolic links resolved.
    pub path: PathBuf,
    /// The path as the job or layout writes it; of several spellings, the first.
    pub written: Arc<str>,
    /// What the file says about itself.
    pub header: ArtworkHeader,
    /// For each way in which items ask for it to be trimmed, what is left: in the artwork's pixels as they are stored, before the orientation
    /// that the file asks for. `None` where that is nothing.
    visible: BTreeMap<Border, Option<PxRect>>,
    /// What makes all of it vanish, of the items' rules for alpha.
    blanking: BTreeSet<Border>,
}

impl CheckedArtwork {
    /// The rectangle of the artwork's stored pixels that is printed, before the orientation that the file asks for; `None` where trimming
    /// leaves nothing, or was not asked for when the artwork was checked.
    #[must_use]
    pub fn printed(&self, treatment: &Treatment) -> Option<PxRect> {
        match treatment.border() {
            None => Some(self.header.stored_size().into()),
            Some(border) => self.visible.get(&border).copied().flatten(),
        }
    }

    /// Whether the rules for alpha would leave any visible pixel of the artwork as it is stored.
    fn survives_alpha_rules(&self, treatment: &Treatment) -> bool {
        treatment.vanishing().is_none_or(|border| !self.blanking.contains(&border))
    }
}

/// An item with its size in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedItem {
    /// The order's id.
    pub order: Arc<str>,
    /// The item's index in its order, counted from 0.
    pub item: u32,
    /// The artwork's index in [`Preflight::artworks`].
    pub artwork: usize,
    /// The printed size before the turn, with the canvas.
    pub size: PxSize,
    /// The size of the artwork in the middle of it, where it has a canvas.
    pub inner: Option<PxSize>,
    /// How it may be turned. In at least one way it fits the media.
    pub turn: TurnPolicy,
    /// What is done to the artwork's pixels.
    pub treatment: Treatment,
    /// Number of copies.
    pub copies: u32,
    /// How early its order comes: 0 before 1, and so on.
    pub rank: u32,
    /// Whether its order only fills what others leave free.
    pub fill_up: bool,
    /// Fixed places of some of the copies.
    pub pinned: Vec<PinPx>,
}

/// One item, or what the placements of a layout say about one, before its artwork is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    pub(crate) order: Arc<str>,
    pub(crate) item: u32,
    pub(crate) artwork: Arc<str>,
    pub(crate) size: WantedSize,
    /// The size of the canvas, if there is one.
    pub(crate) canvas: Option<PxSize>,
    pub(crate) turn: TurnPolicy,
    pub(crate) treatment: Treatment,
    pub(crate) copies: u32,
    pub(crate) rank: u32,
    pub(crate) fill_up: bool,
    pub(crate) pinned: Vec<PinPx>,
}

/// A printed size that is known, or the rule for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WantedSize {
    Rule(Option<Sizing>),
    Px(PxSize),
}

/// What is wrong with an item or its artwork.
#[derive(Clone, Debug)]
struct Refusal {
    kind: ProblemKind,
    message: String,
}

impl Refusal {
    fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    fn of(self, wanted: &Wanted) -> Problem {
        let Self { kind, message } = self;
        Problem { kind, order: wanted.order.to_string(), item: Some(wanted.item as usize), artwork: wanted.artwork.to_string(), message }
    }
}

impl Preflight {
    /// Checks `job`, whose relative artwork paths hold from `base_dir`. Every artwork's header is read once; pixels are read only to find
    /// out whether any is visible, or what is to be trimmed, in files that may have transparent ones or have a colour knocked out, and for
    /// the [`Checks`] that need them, once for each printed size. Nothing is written.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Preflight`] with everything that is wrong, in the job's order, and what the job's checks make errors.
    /// [`ErrorKind::Document`] where the job as a whole makes no sense: no orders, too many copies, margins that leave nothing of the media.
    /// [`ErrorKind::MemoryLimit`] where the budget cannot hold the items or a decoder.
    pub fn new(job: &Job, base_dir: &Path, options: &PreflightOptions, budget: &MemoryBudget) -> Result<Self> {
        job.check()?;
        let media = MediaPx::all_of(job)?;
        let ranks = rules::ranks(job);
        let items = job.orders.iter().map(|order| order.items.len()).sum::<usize>();
        let pins = job.orders.iter().flat_map(|order| &order.items).map(|item| item.pinned.len()).sum::<usize>();
        let _charge = budget.reserve((items * size_of::<Wanted>() + pins * size_of::<PinPx>()) as u64, "the list of items")?;
        let mut wanted = Vec::with_capacity(items);
        let mut problems = Vec::new();
        let mut first_with_id = std::collections::HashMap::new();
        for (nth, order) in job.orders.iter().enumerate() {
            let first = *first_with_id.entry(&*order.id).or_insert(nth);
            if first != nth && problems.len() < Problem::MOST {
                let message =
                    format!("orders[{nth}] has the id of orders[{first}]: give each order its own id, or put the items into one order");
                let problem = Problem { kind: ProblemKind::Job, order: order.id.to_string(), item: None, artwork: String::new(), message };
                problems.push((wanted.len(), problem));
            }
            for (item, index) in order.items.iter().zip(0..) {
                wanted.push(Wanted {
                    order: order.id.clone(),
                    item: index,
                    artwork: item.artwork.clone(),
                    size: WantedSize::Rule(item.size),
                    canvas: items::canvas(item, job.dpi).map_err(|message| {
                        let at = format!("orders[{nth}].items[{index}].canvas");
                        ErrorKind::Document { file: None, at, message }
                    })?,
                    turn: item.turn,
                    treatment: item.treatment,
                    copies: item.copies.get(),
                    rank: ranks[nth],
                    fill_up: order.fill_up,
                    pinned: rules::pins(item, || format!("orders[{nth}].items[{index}]"), job.dpi)?,
                });
            }
        }
        let prices = job.all_media().filter_map(|media| media.price).collect();
        let (name, output) = (job.name.clone(), job.output.clone());
        let space = ColorSpace::of(&output, base_dir, options.root()?.as_deref())?;
        let sheet = Sheet { name, dpi: job.dpi, media, prices, keep: job.keep, cut: job.cut, output, space, checks: job.checks };
        let pixels = Pixels::wanted(&job.checks, options, job.dpi);
        let artworks = Artworks::new(base_dir, options, &sheet.space, pixels.is_some())?;
        Self::check(sheet, &wanted, problems, artworks, pixels, budget)
    }

    /// Checks what is `wanted` by a layout, whose relative artwork paths hold from `base_dir`. There is one artwork for every spelling of its
    /// path, so that placements find theirs by it; items are what is wanted. Sizes are taken as they are.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), without those about the job and the media.
    pub(crate) fn of_wanted(
        sheet: Sheet,
        wanted: &[Wanted],
        base_dir: &Path,
        options: &PreflightOptions,
        budget: &MemoryBudget,
    ) -> Result<Self> {
        let checks = sheet.checks;
        let pixels = Pixels::wanted(&checks, options, sheet.dpi);
        let artworks = Artworks::new(base_dir, options, &sheet.space, pixels.is_some())?.keep_spellings();
        Self::check(sheet, wanted, Vec::new(), artworks, pixels, budget)
    }

    /// `problems` are those that are known already, each with the index of what is wanted that it stands before.
    fn check(
        sheet: Sheet,
        wanted: &[Wanted],
        mut problems: Vec<(usize, Problem)>,
        mut artworks: Artworks<'_>,
        mut pixels: Option<Pixels<'_>>,
        budget: &MemoryBudget,
    ) -> Result<Self> {
        let pins = wanted.iter().map(|wanted| size_of_val(wanted.pinned.as_slice())).sum::<usize>();
        let items = wanted.len() * (size_of::<CheckedItem>() + size_of::<usize>());
        let charge = budget.reserve((items + pins) as u64, "the list of items")?;
        let mut artwork_of = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            artwork_of.push(artworks.open(wanted, budget)?);
            if artworks.are_hopeless() {
                break;
            }
        }
        artworks.read_pixels(budget)?;

        let (mut items, mut warnings, mut left_out) = (Vec::with_capacity(wanted.len()), Vec::new(), Vec::new());
        let mut charges = Vec::new();
        for (nth, (wanted, &artwork)) in wanted.iter().zip(&artwork_of).enumerate() {
            let checked = artworks
                .checked(artwork)
                .map_err(|refusal| (true, refusal.clone()))
                .and_then(|artwork| items::size(wanted, artwork, &sheet).map(|size| (artwork, size)).map_err(|refusal| (false, refusal)));
            match checked {
                Ok((file, (size, inner))) => {
                    let printed = inner.unwrap_or(size);
                    let seen = match &mut pixels {
                        Some(pixels) => Some(pixels.look(artwork, file, &wanted.treatment, printed, budget)?),
                        None => None,
                    };
                    let (refusals, found) = items::findings(wanted, file, printed, seen, &sheet);
                    let most = Problem::MOST.saturating_sub(problems.len());
                    problems.extend(refusals.into_iter().take(most).map(|refusal| (nth, refusal.of(wanted))));
                    if problems.len() >= Problem::MOST {
                        break;
                    }
                    for warning in found {
                        charges.push(budget.reserve((size_of::<Warning>() + warning.message.len()) as u64, "the list of warnings")?);
                        warnings.push(warning);
                    }
                    let Wanted { order, item, turn, treatment, copies, rank, fill_up, pinned, .. } = wanted.clone();
                    items.push(CheckedItem { order, item, artwork, size, inner, turn, treatment, copies, rank, fill_up, pinned });
                }
                Err((true, refusal)) if artworks.skip_bad() => {
                    charges.push(budget.reserve((size_of::<LeftOut>() + refusal.message.len()) as u64, "the list of what is left out")?);
                    let Wanted { order, item, artwork, copies, .. } = wanted.clone();
                    left_out.push(LeftOut { order, item, artwork, copies, reason: refusal.message });
                }
                Err(_) if problems.len() == Problem::MOST => break,
                Err((_, refusal)) => problems.push((nth, refusal.of(wanted))),
            }
        }
        if items.is_empty() && problems.is_empty() {
            let reasons = left_out.iter().zip(wanted).zip(&artwork_of);
            problems.extend(
                reasons
                    .take(Problem::MOST)
                    .filter_map(|((_, wanted), &artwork)| Some((0, artworks.checked(artwork).err()?.clone().of(wanted)))),
            );
        }
        if !problems.is_empty() {
            problems.sort_by_key(|&(nth, _)| nth);
            return Err(ErrorKind::Preflight { problems: problems.into_iter().map(|(_, problem)| problem).collect() }.into());
        }
        let ordered_copies = wanted.iter().map(|wanted| u64::from(wanted.copies)).sum();
        let (artworks, held) = artworks.into_good(&mut items);
        charges.extend(held);
        charges.push(charge);
        charges.push(budget.reserve(sheet.space.memory_bytes(), "the profile of the parts")?);
        let trimmed = items.iter().filter(|item| item.treatment.border().is_some()).count() * size_of::<Trimmed>();
        charges.push(budget.reserve(trimmed as u64, "the list of what is cut away")?);
        tracing::info!(artworks = artworks.len(), items = items.len(), warnings = warnings.len(), left_out = left_out.len(), "job checked");
        Ok(Self { sheet, artworks, items, warnings, left_out, ordered_copies, _charges: charges })
    }

    /// This one of a layout, with the copies, warnings and left out items of the job that it places.
    pub(crate) fn answering(mut self, job: Self) -> Self {
        (self.ordered_copies, self.warnings, self.left_out) = (job.ordered_copies, job.warnings, job.left_out);
        self
    }

    /// The job's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.sheet.name
    }

    /// The job's resolution.
    #[must_use]
    pub fn dpi(&self) -> Dpi {
        self.sheet.dpi
    }

    /// What parts may be printed on: at least one. Of a layout: its largest part.
    #[must_use]
    pub fn media(&self) -> &[MediaPx] {
        &self.sheet.media
    }

    /// What the media costs, each at its index. Empty where that is not known.
    #[must_use]
    pub fn prices(&self) -> &[Price] {
        &self.sheet.prices
    }

    /// Whether the copies of an order lie together.
    #[must_use]
    pub fn keep(&self) -> Keep {
        self.sheet.keep
    }

    /// How the parts are cut.
    #[must_use]
    pub fn cut(&self) -> Cut {
        self.sheet.cut
    }

    /// How the parts are written.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.sheet.output
    }

    /// The colour space of the parts, to which all artwork is converted.
    #[must_use]
    pub fn color_space(&self) -> &ColorSpace {
        &self.sheet.space
    }

    /// The artwork files, in the order in which the items first use them.
    #[must_use]
    pub fn artworks(&self) -> &[CheckedArtwork] {
        &self.artworks
    }

    /// The artwork files by value.
    #[must_use]
    pub fn into_artworks(self) -> Vec<CheckedArtwork> {
        self.artworks
    }

    /// The items in the job's order, without those left out.
    #[must_use]
    pub fn items(&self) -> &[CheckedItem] {
        &self.items
    }

    /// Number of copies that the job orders, those left out included.
    #[must_use]
    pub fn ordered_copies(&self) -> u64 {
        self.ordered_copies
    }

    /// What prints, but perhaps not as it was meant, in the job's order.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What is cut away of artwork, in the job's order: items that nothing is cut away of are left out.
    #[must_use]
    pub fn trimmed(&self) -> Vec<Trimmed> {
        self.items.iter().filter_map(|item| items::trimmed(item, &self.artworks[item.artwork], self.sheet.dpi)).collect()
    }

    /// What is not printed, in the job's order. Empty unless [`PreflightOptions::skip_bad_artwork`] is set.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Item, Margin, Media, Order};
    use std::num::NonZeroU32;

    /// A folder with artwork, and jobs that use it.
    pub(super) struct Shop(pub(super) tempfile::TempDir);

    impl Shop {
        pub(super) fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        /// Writes a PNG whose pixels are opaque where `visible` says so.
        pub(super) fn png(&self, name: &str, width: u32, height: u32, visible: impl Fn(u32, u32) -> bool) -> PathBuf {
            let path = self.0.path().join(name);
            let mut encoder = png::Encoder::new(std::fs::File::create(&path).unwrap(), width, height);
            encoder.set_color(png::ColorType::Rgba);
            let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            let pixels: Vec<u8> = pixels.flat_map(|(x, y)| [200, 100, 50, if visible(x, y) { 255 } else { 0 }]).collect();
            encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
            path
        }

        /// Writes a PNG without an alpha channel.
        pub(super) fn opaque_png(&self, name: &str, width: u32, height: u32) -> PathBuf {
            let path = self.0.path().join(name);
            let mut encoder = png::Encoder::new(std::fs::File::create(&path).unwrap(), width, height);
            encoder.set_color(png::ColorType::Grayscale);
            encoder.write_header().unwrap().write_image_data(&vec![7; (width * height) as usize]).unwrap();
            path
        }

        pub(super) fn check(&self, items: Vec<Item>, options: &PreflightOptions) -> Result<Preflight> {
            Preflight::new(&job(items), self.0.path(), options, &MemoryBudget::new(1 << 24))
        }

        pub(super) fn problems(&self, items: Vec<Item>) -> Vec<Problem> {
            problems(self.check(items, &PreflightOptions::default()))
        }
    }

    /// One order on film of 1000 × 2000 px with margins of 50 px.
    pub(super) fn job(items: Vec<Item>) -> Job {
        let media =
            Media { margin: Margin::all("50px".parse().unwrap()), ..Media::new("1000px".parse().unwrap(), "2000px".parse().unwrap()) };
        Job::new("Test", Dpi::new(100).unwrap(), media, vec![Order::new("1001", items)])
    }

    pub(super) fn problems(checked: Result<Preflight>) -> Vec<Problem> {
        match checked.unwrap_err().into_kind() {
            ErrorKind::Preflight { problems } => problems,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn sized(artwork: &str, size: &str) -> Item {
        Item { size: Some(serde_json::from_str(size).unwrap()), ..Item::new(artwork) }
    }

    #[test]
    fn everything_that_is_wrong_is_told_in_the_jobs_order() {
        let shop = Shop::new();
        shop.png("fox.png", 30, 20, |_, _| true);
        std::fs::write(shop.0.path().join("note.png"), "not an image").unwrap();
        let mut job = job(vec![Item::new("gone.png"), Item::new("fox.png"), sized("fox.png", r#"{"width": "19in"}"#)]);
        job.orders.push(Order::new("1002", vec![Item::new("note.png"), sized("fox.png", r#"{"metadata": true}"#)]));
        job.orders.push(Order::new("1001", vec![Item::new("gone.png"), sized("fox.png", r#"{"height": "30000000in"}"#)]));
        let found = problems(Preflight::new(&job, shop.0.path(), &PreflightOptions::default(), &MemoryBudget::new(1 << 24)));
        let places: Vec<_> =
            found.iter().map(|problem| (problem.order.as_str(), problem.item, problem.artwork.as_str(), problem.kind)).collect();
        use ProblemKind::{Limit, Missing, NoResolution, TooLargeForMedia, Unreadable};
        let expected = [
            ("1001", Some(0), "gone.png", Missing),
            ("1001", Some(2), "fox.png", TooLargeForMedia),
            ("1002", Some(0), "note.png", Unreadable),
            ("1002", Some(1), "fox.png", NoResolution),
            ("1001", None, "", ProblemKind::Job),
            ("1001", Some(0), "gone.png", Missing),
            ("1001", Some(1), "fox.png", Limit),
        ];
        assert_eq!(places, expected);
        assert!(found[4].message.contains("orders[2] has the id of orders[0]"), "{}", found[4]);
        assert!(found[6].message.contains("30000000in"), "{}", found[6]);
    }

    #[test]
    fn no_more_is_told_than_anyone_reads() {
        let shop = Shop::new();
        let items = (0..Problem::MOST + 10).map(|nth| Item::new(format!("gone {nth}.png"))).collect();
        let error = shop.check(items, &PreflightOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with("the job cannot be printed, for 1000 reasons or more:\n"));
        assert_eq!(problems(Err(error)).len(), Problem::MOST);
        shop.png("fox.png", 30, 20, |_, _| true);
        let too_large = vec![sized("fox.png", r#"{"width": "30in"}"#); Problem::MOST + 10];
        assert_eq!(shop.problems(too_large).len(), Problem::MOST);
        let mut job = job(vec![Item::new("fox.png")]);
        job.orders = vec![job.orders[0].clone(); Problem::MOST + 10];
        let twice = Preflight::new(&job, shop.0.path(), &PreflightOptions::default(), &MemoryBudget::new(1 << 24));
        assert_eq!(problems(twice).len(), Problem::MOST);
    }

    #[test]
    fn what_is_told_is_held_in_the_budget() {
        let shop = Shop::new();
        shop.png("fox.png", 30, 20, |_, _| true);
        let held_bytes = |first: Item, told: usize| {
            let job = job([vec![first; 100], vec![Item::new("fox.png")]].concat());
            let (budget, options) =
                (MemoryBudget::new(1 << 24), PreflightOptions { skip_bad_artwork: true, ..PreflightOptions::default() });
            let checked = Preflight::new(&job, shop.0.path(), &options, &budget).unwrap();
            assert_eq!(checked.warnings().len() + checked.left_out().len(), told);
            budget.held_bytes()
        };
        let fine = held_bytes(Item::new("fox.png"), 0);
        assert!(held_bytes(sized("fox.png", r#"{"width": "3in"}"#), 100) > fine + 100 * 100);
        assert!(held_bytes(Item::new("gone.png"), 100) > fine + 100 * 100);
    }

    #[test]
    fn checking_stops_when_it_is_asked_to() {
        let shop = Shop::new();
        shop.png("fox.png", 30, 20, |_, _| true);
        let options = PreflightOptions::default();
        options.cancel.cancel();
        let error = shop.check(vec![Item::new("fox.png")], &options).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Cancelled), "{error}");
    }

    #[test]
    fn bad_artwork_is_left_out_when_asked_and_nothing_else_is() {
        let shop = Shop::new();
        shop.png("fox.png", 30, 20, |_, _| true);
        shop.png("empty.png", 30, 20, |_, _| false);
        let three = NonZeroU32::new(3).unwrap();
        let items = vec![Item { copies: three, ..Item::new("gone.png") }, Item::new("fox.png"), Item::new("empty.png")];
        let skip = PreflightOptions { skip_bad_artwork: true, ..PreflightOptions::default() };
        let checked = shop.check(items.clone(), &skip).unwrap();
        assert_eq!(checked.items().iter().map(|item| item.item).collect::<Vec<_>>(), [1]);
        assert_eq!(checked.artworks()[checked.items()[0].artwork].written, "fox.png".into());
        let left_out: Vec<_> = checked.left_out().iter().map(|left_out| (left_out.item, left_out.copies, &*left_out.artwork)).collect();
        assert_eq!(left_out, [(0, 3, "gone.png"), (2, 1, "empty.png")]);
        assert_eq!(checked.ordered_copies(), 5);

        let too_large = [items, vec![sized("fox.png", r#"{"width": "30in"}"#)]].concat();
        let kinds: Vec<_> = problems(shop.check(too_large, &skip)).into_iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [ProblemKind::TooLargeForMedia]);
        let kinds: Vec<_> =
            problems(shop.check(vec![Item::new("gone.png"), Item::new("empty.png")], &skip)).into_iter().map(|p| p.kind).collect();
        assert_eq!(kinds, [ProblemKind::Missing, ProblemKind::FullyTransparent], "nothing is left to print");
    }

    #[test]
    fn a_job_that_makes_no_sense_is_refused_before_artwork_is_read() {
        let refusal = |change: fn(&mut Job)| {
            let mut job = job(vec![Item::new("gone.png")]);
            change(&mut job);
            Preflight::new(&job, Path::new("/"), &PreflightOptions::default(), &MemoryBudget::new(1 << 24)).unwrap_err().to_string()
        };
        assert!(
            refusal(|job| job.media.margin = Margin::all("5in".parse().unwrap())).starts_with("media: found 1000 × 2000 px with margins")
        );
        assert!(refusal(|job| job.media.width = "0.004in".parse().unwrap()).contains("expected something left to print on"));
        assert!(refusal(|job| job.media.max_length = "900000000in".parse().unwrap()).starts_with("media.max_length: 900000000in"));
        assert!(refusal(|job| job.orders.clear()).starts_with("orders: found no order"));
        let copies = refusal(|job| job.orders[0].items[0].copies = NonZeroU32::new(1 << 31).unwrap());
        assert!(copies.starts_with("orders[0].items[0].copies: found 2147483648 copies"), "{copies}");
    }

    #[test]
    fn the_budget_holds_what_preflight_holds() {
        let shop = Shop::new();
        shop.png("fox.png", 30, 20, |_, _| true);
        let (job, budget) = (job(vec![Item::new("fox.png"); 100]), MemoryBudget::new(1 << 24));
        let checked = Preflight::new(&job, shop.0.path(), &PreflightOptions::default(), &budget).unwrap();
        assert!(budget.held_bytes() >= 100 * size_of::<CheckedItem>() as u64);
        drop(checked);
        assert_eq!(budget.held_bytes(), 0);
        let too_small = Preflight::new(&job, shop.0.path(), &PreflightOptions::default(), &MemoryBudget::new(1 << 10)).unwrap_err();
        assert!(matches!(too_small.kind(), ErrorKind::MemoryLimit { .. }), "{too_small}");
    }

    #[test]
    fn warnings_and_what_is_left_out_are_written_as_reports_hold_them() {
        let (order, artwork): (Arc<str>, Arc<str>) = ("1001".into(), "art/logo.png".into());
        let warning = Warning {
            kind: WarningKind::Upscaled,
            order: order.clone(),
            item: 0,
            artwork: artwork.clone(),
            place: None,
            message: "…".to_owned(),
        };
        let json = r#"{"kind":"upscaled","order":"1001","item":0,"artwork":"art/logo.png","message":"…"}"#;
        assert_eq!(serde_json::to_string(&warning).unwrap(), json);
        let left_out = LeftOut { order, item: 0, artwork, copies: 3, reason: "…".to_owned() };
        let json = r#"{"order":"1001","item":0,"artwork":"art/logo.png","copies":3,"reason":"…"}"#;
        assert_eq!(serde_json::to_string(&left_out).unwrap(), json);
    }
}
