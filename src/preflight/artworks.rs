//! The artwork files of a job: each opened once, however often and in whatever spelling it is used.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{CheckedArtwork, CheckedItem, PreflightOptions, Refusal, Wanted};
use crate::artwork::{ArtworkLimits, ArtworkReader, ColorSpace, Probing, are_visible, probe, probe_damaged, visible_boxes};
use crate::budget::{MemoryBudget, Reservation};
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Problem, ProblemKind, Result};
use crate::geom::PxRect;
use crate::job::Border;
use crate::system::is_machine_fault;

/// The artwork files that were met so far.
pub(super) struct Artworks<'a> {
    base_dir: &'a Path,
    root: Option<PathBuf>,
    skip_bad: bool,
    read_to_end: bool,
    cancel: Cancel,
    keep_spellings: bool,
    limits: ArtworkLimits,
    space: ColorSpace,
    allow_damaged: bool,
    by_written: HashMap<Arc<str>, usize>,
    by_path: HashMap<PathBuf, usize>,
    found: Vec<Found>,
    /// How many of them cannot be printed.
    refused: usize,
    charges: Vec<Reservation>,
}

struct Found {
    checked: Result<CheckedArtwork, Refusal>,
    /// The ways in which items ask for it to be trimmed.
    borders: BTreeSet<Border>,
    /// What vanishes by items' rules for alpha.
    vanishing: BTreeSet<Border>,
}

impl<'a> Artworks<'a> {
    /// Where pixels `are_looked_at`, damage is to be known before.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoFolder`] when the only folder that artwork may be read from cannot be found, [`ErrorKind::Io`].
    pub(super) fn new(base_dir: &'a Path, options: &PreflightOptions, space: &ColorSpace, are_looked_at: bool) -> Result<Self> {
        Ok(Self {
            base_dir,
            root: options.root()?,
            skip_bad: options.skip_bad_artwork,
            read_to_end: options.skip_bad_artwork || options.read_to_end || options.allow_damaged || are_looked_at,
            cancel: options.cancel.clone(),
            keep_spellings: false,
            limits: options.limits,
            space: space.clone(),
            allow_damaged: options.allow_damaged,
            by_written: HashMap::new(),
            by_path: HashMap::new(),
            found: Vec::new(),
            refused: 0,
            charges: Vec::new(),
        })
    }

    /// Keeps one artwork for every spelling of a path.
    pub(super) fn keep_spellings(self) -> Self {
        Self { keep_spellings: true, ..self }
    }

    pub(super) fn skip_bad(&self) -> bool {
        self.skip_bad
    }

    /// Whether more are bad than can be told, so that there is no point in looking at others.
    pub(super) fn are_hopeless(&self) -> bool {
        !self.skip_bad && self.refused >= Problem::MOST
    }

    /// The index of the artwork that is `wanted`; its header is read when it is met for the first time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`], and [`ErrorKind::Io`] where the machine fails. What is wrong with the file is kept for
    /// [`checked`](Self::checked).
    pub(super) fn open(&mut self, wanted: &Wanted, budget: &MemoryBudget) -> Result<usize> {
        let index = match self.by_written.get(&wanted.artwork) {
            Some(&index) => index,
            None => self.open_spelling(&wanted.artwork, budget)?,
        };
        let Found { borders, vanishing, .. } = &mut self.found[index];
        for (border, known) in [(wanted.treatment.border(), borders), (wanted.treatment.vanishing(), vanishing)] {
            let Some(border) = border.filter(|border| !known.contains(border)) else { continue };
            let bytes = size_of::<Border>() + size_of::<(Border, Option<PxRect>)>() + size_of::<Reservation>();
            self.charges.push(budget.reserve(2 * bytes as u64, "the list of artworks")?);
            known.insert(border);
        }
        Ok(index)
    }

    fn open_spelling(&mut self, written: &Arc<str>, budget: &MemoryBudget) -> Result<usize> {
        self.cancel.check()?;
        let texts = 4 * written.len() + 3 * self.base_dir.as_os_str().len();
        let bytes = size_of::<Found>() + size_of::<(Arc<str>, usize)>() + size_of::<(PathBuf, usize)>() + size_of::<Reservation>() + texts;
        let charge = budget.reserve(bytes as u64, "the list of artworks")?;
        let path = self.resolve(written)?;
        let known = path.as_ref().ok().and_then(|path| self.by_path.get(path)).copied();
        let index = match known {
            Some(index) if !self.keep_spellings => index,
            _ => {
                let checked = match (known, path) {
                    (Some(known), _) => self.found[known].checked.clone().map(|known| CheckedArtwork { written: written.clone(), ..known }),
                    (None, Ok(path)) => self.probe(path, written, budget)?,
                    (None, Err(refusal)) => Err(refusal),
                };
                self.refused += usize::from(checked.is_err());
                self.found.push(Found { checked, borders: BTreeSet::new(), vanishing: BTreeSet::new() });
                self.found.len() - 1
            }
        };
        self.by_written.insert(written.clone(), index);
        self.charges.push(charge);
        Ok(index)
    }

    fn probe(&mut self, path: PathBuf, written: &Arc<str>, budget: &MemoryBudget) -> Result<Result<CheckedArtwork, Refusal>> {
        self.by_path.insert(path.clone(), self.found.len());
        tracing::debug!(artwork = %path.display(), "reading the header");
        let probing = Probing { limits: &self.limits, space: &self.space, budget };
        let header = match probe(&path, &probing).map_err(Error::into_kind) {
            Err(ErrorKind::Artwork { message, source, .. }) if self.allow_damaged => match probe_damaged(&path, &probing) {
                Ok(header) => Ok(header.damaged(message)),
                Err(_) => Err(ErrorKind::Artwork { path: path.clone(), message, source }.into()),
            },
            header => header.map_err(Error::from),
        };
        Ok(match header {
            Ok(header) => {
                Ok(CheckedArtwork { path, written: written.clone(), header, visible: BTreeMap::new(), blanking: BTreeSet::new() })
            }
            Err(error) => Err(refusal(error)?),
        })
    }

    /// The file that is meant by `written`: absolute, symbolic links resolved.
    fn resolve(&self, written: &str) -> Result<Result<PathBuf, Refusal>> {
        let path = self.base_dir.join(written);
        let resolved = fs::canonicalize(&path).and_then(|resolved| {
            // Opening a pipe would wait for somebody to write into it.
            if fs::metadata(&resolved)?.is_file() { Ok(resolved) } else { Err(io::Error::other("it is a folder or a device")) }
        });
        let resolved = match resolved {
            Ok(resolved) => Ok(resolved),
            Err(source) => Err(unreadable(&path, source)?),
        };
        Ok(match &self.root {
            // The same words whether the file exists or not: who may not read it learns nothing about it.
            Some(root) => resolved.ok().filter(|resolved| resolved.starts_with(root)).ok_or_else(|| {
                let message = format!("there is no such file in {}, where all artwork must lie: upload it there", root.display());
                Refusal::new(ProblemKind::Missing, message)
            }),
            None => resolved,
        })
    }

    /// Finds out which artworks have no visible pixel, where the visible ones lie if that is wanted, and, if they are to be read to
    /// their end, which are damaged.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`] where the budget cannot hold a decoder, and [`ErrorKind::Io`] where the machine fails.
    pub(super) fn read_pixels(&mut self, budget: &MemoryBudget) -> Result<()> {
        for found in &mut self.found {
            let Ok(artwork) = &mut found.checked else { continue };
            let (borders, vanishing) = (&found.borders, &found.vanishing);
            let look = |artwork: &CheckedArtwork| visible_pixels(artwork, borders, vanishing, self.read_to_end, budget, &self.cancel);
            let mut visible = look(artwork);
            if let Some(damage) = visible.as_ref().err().and_then(damage).filter(|_| self.allow_damaged && artwork.header.damage.is_none())
            {
                let header = artwork.header.clone().damaged(damage);
                artwork.header = header;
                visible = look(artwork);
            }
            match visible {
                Ok(Some(Visible { by_border, blanking })) => (artwork.visible, artwork.blanking) = (by_border, blanking),
                Ok(None) => {
                    let message = "it has no visible pixel: every one is fully transparent; export it again";
                    found.checked = Err(Refusal::new(ProblemKind::FullyTransparent, message));
                }
                Err(error) => found.checked = Err(refusal(error)?),
            }
        }
        Ok(())
    }

    /// What is known of an artwork after [`read_pixels`](Self::read_pixels).
    pub(super) fn checked(&self, index: usize) -> Result<&CheckedArtwork, &Refusal> {
        self.found[index].checked.as_ref()
    }

    /// The good artworks, with what the budget holds for them. The items' indices are changed to theirs.
    pub(super) fn into_good(self, items: &mut [CheckedItem]) -> (Vec<CheckedArtwork>, Vec<Reservation>) {
        let mut good = Vec::with_capacity(self.found.len());
        let index_of = self.found.into_iter().map(|found| {
            good.extend(found.checked);
            good.len().saturating_sub(1)
        });
        let index_of: Vec<usize> = index_of.collect();
        items.iter_mut().for_each(|item| item.artwork = index_of[item.artwork]);
        (good, self.charges)
    }
}

/// What is visible of an artwork.
#[derive(Default)]
struct Visible {
    /// What each border leaves.
    by_border: BTreeMap<Border, Option<PxRect>>,
    /// What leaves nothing, of what vanishes.
    blanking: BTreeSet<Border>,
}

/// What is left of an artwork by each of its borders, and of what vanishes what leaves nothing; `None` where no pixel is visible. Rows are read
/// only as far as that needs, but all of them if `to_the_end` is set.
fn visible_pixels(
    artwork: &CheckedArtwork,
    borders: &BTreeSet<Border>,
    vanishing: &BTreeSet<Border>,
    to_the_end: bool,
    budget: &MemoryBudget,
    cancel: &Cancel,
) -> Result<Option<Visible>> {
    let CheckedArtwork { path, header, .. } = artwork;
    let all_rows = to_the_end || !borders.is_empty();
    if !header.may_be_transparent && !to_the_end && borders.union(vanishing).all(|border| border.knockout.is_none()) {
        let whole = Some(PxRect::from(header.stored_size()));
        return Ok(Some(Visible { by_border: borders.iter().map(|&border| (border, whole)).collect(), ..Visible::default() }));
    }
    let reader = match ArtworkReader::open(path, header, budget) {
        // The plan will refuse it too, and says which limit would do for the whole job.
        Err(error) if !all_rows && matches!(error.kind(), ErrorKind::MemoryLimit { .. }) => return Ok(Some(Visible::default())),
        reader => reader?,
    };
    let count = 1 + vanishing.len() + borders.len();
    let bytes = count * (size_of::<Border>() + size_of::<Option<PxRect>>());
    let _charge = budget.reserve(bytes as u64, "what is visible of an artwork")?;
    // The first one tells whether any pixel is visible.
    let all: Vec<Border> = std::iter::once(Border::default()).chain(vanishing.iter().chain(borders).copied()).collect();
    let (seen, boxes) = if all_rows {
        let boxes = visible_boxes(reader, &all, budget, cancel)?;
        (boxes.iter().map(Option::is_some).collect(), boxes)
    } else {
        (are_visible(reader, &all, budget, cancel)?, Vec::new())
    };
    let blanking = vanishing.iter().zip(&seen[1..]).filter(|(_, is_visible)| !**is_visible).map(|(&border, _)| border).collect();
    let by_border = borders.iter().copied().zip(boxes.into_iter().skip(1 + vanishing.len())).collect();
    Ok(seen[0].then_some(Visible { by_border, blanking }))
}

/// What is wrong with the pixels of an artwork, where that is what the error is about.
fn damage(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::Artwork { message, .. } => Some(message.clone()),
        _ => None,
    }
}

/// What is wrong with an artwork; an error about anything else comes back.
fn refusal(error: Error) -> Result<Refusal> {
    match error.into_kind() {
        ErrorKind::Io { path, source, .. } => unreadable(&path, source),
        ErrorKind::Artwork { message, source, .. } => {
            let message = source.map_or(message.clone(), |source| format!("{message} ({source})"));
            Ok(Refusal::new(ProblemKind::Unreadable, message))
        }
        ErrorKind::ArtworkLimit { message, .. } => Ok(Refusal::new(ProblemKind::Limit, message)),
        kind @ (ErrorKind::TooLarge { .. } | ErrorKind::Empty { .. }) => {
            Ok(Refusal::new(ProblemKind::Limit, Error::from(kind).to_string()))
        }
        other => Err(other.into()),
    }
}

/// What is wrong with an artwork whose file cannot be read. What the machine is to blame for, such as a failing disk, comes back: the artwork
/// may be good.
fn unreadable(path: &Path, source: io::Error) -> Result<Refusal> {
    if is_machine_fault(&source) {
        return Err(Error::io("read", path, source));
    }
    Ok(if source.kind() == io::ErrorKind::NotFound {
        Refusal::new(ProblemKind::Missing, format!("there is no file {}: upload it, or correct the path", path.display()))
    } else {
        Refusal::new(ProblemKind::Unreadable, format!("{} cannot be read: {source}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::{Dpi, PxSize};
    use crate::job::{Item, Output, Treatment, Trim, TurnPolicy};
    use crate::preflight::tests::{Shop, problems};
    use crate::preflight::{MediaPx, Preflight, Sheet, WantedSize};

    fn written(checked: &Preflight) -> Vec<&str> {
        checked.artworks().iter().map(|artwork| &*artwork.written).collect()
    }

    #[test]
    fn a_file_is_one_artwork_in_whatever_spelling() {
        let shop = Shop::new();
        let path = shop.png("fox.png", 3, 2, |_, _| true);
        shop.png("cow.png", 3, 2, |_, _| true);
        let spellings = ["fox.png", "./fox.png", "cow.png", path.to_str().unwrap(), "fox.png"];
        let checked = shop.check(spellings.map(Item::new).to_vec(), &PreflightOptions::default()).unwrap();
        assert_eq!(written(&checked), ["fox.png", "cow.png"]);
        assert_eq!(checked.items().iter().map(|item| item.artwork).collect::<Vec<_>>(), [0, 0, 1, 0, 0]);
        assert_eq!(checked.artworks()[0].path, fs::canonicalize(path).unwrap());
    }

    #[test]
    fn a_layout_finds_artwork_by_each_spelling() {
        let shop = Shop::new();
        shop.png("fox.png", 3, 2, |x, _| x > 0);
        let trimmed = Treatment { trim: Trim::TRANSPARENT, ..Treatment::default() };
        let wanted = |artwork: &str, treatment| Wanted {
            order: "1001".into(),
            item: 0,
            artwork: artwork.into(),
            size: WantedSize::Px(PxSize::new(6, 4).unwrap()),
            turn: TurnPolicy::None,
            canvas: None,
            treatment,
            copies: 1,
            rank: 0,
            fill_up: false,
            pinned: Vec::new(),
        };
        let media = MediaPx { width: 5, max_length: 5, left: 0, right: 0, top: 0, bottom: 0, gutter_x: 0, gutter_y: 0 };
        let sheet = Sheet::new("Test".to_owned(), Dpi::new(100).unwrap(), media, Output::default(), ColorSpace::default());
        let wanted = [wanted("fox.png", Treatment::default()), wanted("./fox.png", trimmed), wanted("fox.png", Treatment::default())];
        let check = |wanted: &[Wanted]| {
            Preflight::of_wanted(sheet.clone(), wanted, shop.0.path(), &PreflightOptions::default(), &MemoryBudget::new(1 << 24))
        };
        let checked = check(&wanted).unwrap();
        assert_eq!(written(&checked), ["fox.png", "./fox.png"]);
        let visible: Vec<_> = checked.artworks().iter().map(|artwork| artwork.printed(&trimmed).map(PxRect::x)).collect();
        assert_eq!(visible, [None, Some(1)]);
        assert_eq!(checked.warnings().len(), 3);
        assert_eq!(problems(check(&[Wanted { artwork: "gone.png".into(), ..wanted[0].clone() }])).len(), 1);
    }

    #[test]
    fn files_that_are_no_artwork_are_named() {
        let shop = Shop::new();
        let fox = shop.png("fox.png", 30, 20, |_, _| true);
        fs::write(shop.0.path().join("cut.png"), &fs::read(&fox).unwrap()[..60]).unwrap();
        fs::write(shop.0.path().join("note.png"), "not an image").unwrap();
        for (artwork, kind, message) in [
            ("gone.png", ProblemKind::Missing, "gone.png: upload it, or correct the path"),
            ("fox.png/fox.png", ProblemKind::Unreadable, "cannot be read"),
            (".", ProblemKind::Unreadable, "it is a folder or a device"),
            ("cut.png", ProblemKind::Unreadable, "ends too early"),
            ("note.png", ProblemKind::Unreadable, "a text"),
        ] {
            let [problem] = &shop.problems(vec![Item::new(artwork)])[..] else { panic!("{artwork}") };
            assert_eq!((problem.kind, problem.artwork.as_str()), (kind, artwork));
            assert!(problem.message.contains(message), "{problem}");
        }
    }

    /// Neither is it told as the customer's fault, nor left out of a print.
    #[cfg(unix)]
    #[test]
    fn a_failing_machine_is_no_bad_artwork() {
        let path = Path::new("fox.png");
        for error in [rustix::io::Errno::IO, rustix::io::Errno::MFILE, rustix::io::Errno::STALE] {
            let refused = unreadable(path, error.into()).unwrap_err();
            assert!(
                matches!(refused.kind(), ErrorKind::Io { source, .. } if source.raw_os_error() == Some(error.raw_os_error())),
                "{refused}"
            );
        }
        for error in [rustix::io::Errno::NOENT, rustix::io::Errno::ACCESS, rustix::io::Errno::LOOP, rustix::io::Errno::NAMETOOLONG] {
            assert!(unreadable(path, error.into()).is_ok());
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_path_leaves_the_artwork_root_and_none_tells_what_lies_outside() {
        let shop = Shop::new();
        let outside = shop.png("outside.png", 3, 2, |_, _| true);
        let root = shop.0.path().join("art");
        fs::create_dir(&root).unwrap();
        let inside = shop.png("art/fox.png", 3, 2, |_, _| true);
        std::os::unix::fs::symlink(&outside, root.join("sly.png")).unwrap();
        std::os::unix::fs::symlink(&inside, shop.0.path().join("link.png")).unwrap();
        let options = PreflightOptions { artwork_root: Some(root), ..PreflightOptions::default() };
        for artwork in ["art/fox.png", "art/../art/fox.png", "link.png", inside.to_str().unwrap()] {
            shop.check(vec![Item::new(artwork)], &options).unwrap();
        }
        let mut messages = Vec::new();
        for artwork in
            ["outside.png", "art/../outside.png", "art/sly.png", outside.to_str().unwrap(), "gone.png", "/etc/passwd", "/dev/null"]
        {
            let found = problems(shop.check(vec![Item::new(artwork)], &options));
            assert_eq!(found[0].kind, ProblemKind::Missing);
            messages.push(found[0].message.clone());
        }
        messages.dedup();
        assert_eq!(messages.len(), 1, "{messages:?}");
    }

    #[test]
    fn artwork_without_a_visible_pixel_is_refused() {
        let shop = Shop::new();
        shop.png("empty.png", 30, 20, |_, _| false);
        shop.png("dot.png", 30, 20, |x, y| (x, y) == (29, 19));
        let found = shop.problems(vec![
            Item::new("empty.png"),
            Item::new("dot.png"),
            Item { treatment: Treatment { trim: Trim::TRANSPARENT, ..Treatment::default() }, ..Item::new("empty.png") },
        ]);
        let found: Vec<_> = found.iter().map(|problem| (problem.item, problem.kind)).collect();
        assert_eq!(found, [(Some(0), ProblemKind::FullyTransparent), (Some(2), ProblemKind::FullyTransparent)]);
    }

    #[test]
    fn damaged_pixels_are_found_before_packing_only_when_they_are_to_be_skipped() {
        let shop = Shop::new();
        let path = shop.opaque_png("fox.png", 30, 20);
        let mut bytes = fs::read(&path).unwrap();
        let data = bytes.windows(4).position(|window| window == b"IDAT").unwrap() + 4;
        bytes[data + 5] ^= 0x55;
        // The chunk's checksum is made right again: only the pixels are wrong.
        let length = u32::from_be_bytes(bytes[data - 8..data - 4].try_into().unwrap()) as usize;
        let checksum = crc32fast::hash(&bytes[data - 4..data + length]).to_be_bytes();
        bytes[data + length..][..4].copy_from_slice(&checksum);
        fs::write(&path, bytes).unwrap();
        shop.opaque_png("cow.png", 30, 20);
        let items = vec![Item::new("fox.png"), Item::new("cow.png")];
        assert_eq!(shop.check(items.clone(), &PreflightOptions::default()).unwrap().items().len(), 2);
        let skip = PreflightOptions { skip_bad_artwork: true, ..PreflightOptions::default() };
        let checked = shop.check(items, &skip).unwrap();
        assert_eq!((checked.left_out()[0].item, written(&checked)), (0, vec!["cow.png"]));
    }
}
