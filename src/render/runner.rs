//! The one home of threads: works on the bands of a part side by side and lands the results in order.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tracing::{Span, warn};

use super::Cancel;
use super::store::ArtworkStore;
use crate::budget::{Buffer, MemoryBudget};
use crate::error::{Error, ErrorKind, Result};
use crate::pixel::Rgba8;
use crate::plan::{Band, Decode, RenderPlan};

/// Threads that this process can run at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// What a part's bands are worked on with.
pub(crate) struct Crew<'a> {
    pub(crate) plan: &'a RenderPlan,
    pub(crate) store: &'a ArtworkStore,
    pub(crate) budget: &'a MemoryBudget,
    pub(crate) cancel: &'a Cancel,
}

impl Crew<'_> {
    /// Calls `work` for the `bands` of a part, those that the plan was made for, on as many threads as the plan has workers, each with a
    /// `bench` of its own, and `land` for each result on this thread, in the order of the bands. A band that is [like](Band::like) an earlier
    /// one is not worked on and has no result.
    ///
    /// Decodes run before the first band that needs them, ahead of it where the budget allows. No more bands than the plan's window are
    /// started and not yet landed, however slow one of them is. Rasters are released after the last band that uses them.
    ///
    /// # Errors
    ///
    /// The first error of a decode, of `work` or of `land`; then nothing new is started. A panic, wherever it happens, is
    /// [`ErrorKind::Panicked`].
    pub(crate) fn run<T: Send, B>(
        &self,
        part: usize,
        bands: Range<usize>,
        bench: impl Fn() -> B + Sync,
        work: impl Fn(&mut B, &Band) -> Result<T> + Sync,
        land: impl FnMut(&Band, Option<T>) -> Result<()>,
    ) -> Result<()> {
        let part = &self.plan.parts()[part];
        let run = PartWork {
            crew: self,
            bands: part.bands(),
            decodes: part.decodes(),
            bench: &bench,
            work: &work,
            board: Mutex::new(Board::new(bands.clone())),
            changed: Condvar::new(),
        };
        let span = Span::current();
        match self.plan.memory().workers {
            workers if workers > 1 => std::thread::scope(|scope| {
                let wanted = workers.min(bands.len());
                let worker = || span.in_scope(|| run.guarded(|| run.work_until_done()));
                let start = |_: &usize| std::thread::Builder::new().spawn_scoped(scope, worker).is_ok();
                let started = (0..wanted).take_while(start).count();
                if started < wanted {
                    warn!(threads = started, "the system gives no more threads");
                }
                // Without any, this one does all the work.
                run.guarded(|| if started > 0 { run.land_all(land) } else { run.work_and_land(land) });
            }),
            _ => run.guarded(|| run.work_and_land(land)),
        }
        run.into_result()
    }
}

/// One part being worked on.
struct PartWork<'a, T, N, W> {
    crew: &'a Crew<'a>,
    bands: &'a [Band],
    decodes: &'a [Decode],
    bench: &'a N,
    work: &'a W,
    board: Mutex<Board<T>>,
    changed: Condvar,
}

/// Who is at what: everything that the threads share, behind one lock that is never held while working.
struct Board<T> {
    bands: Range<usize>,
    /// The next band to start; bands start in order.
    next_band: usize,
    /// All bands before this one are done, and their rasters released.
    all_done: usize,
    /// Bands after `all_done` that are done.
    done_ahead: BTreeSet<usize>,
    /// The next band to land.
    next_landing: usize,
    next_decode: usize,
    /// All decodes before this one are done.
    all_decoded: usize,
    /// Decodes after `all_decoded` that are done.
    decoded_ahead: BTreeSet<usize>,
    /// Bands that were worked on and have not landed, and those that are worked on.
    in_flight: usize,
    /// Tasks that threads are at, and how many of them are decodes.
    active: usize,
    decoding: usize,
    /// Results that wait for their turn to land.
    results: BTreeMap<usize, T>,
    failure: Option<Error>,
}

enum Task<'a> {
    Band(&'a Band),
    /// A decode with the memory that was reserved for it, and that of an earlier raster.
    Decode(usize, &'a Decode, MemoryBudget, Option<Buffer<Rgba8>>),
}

enum Next<'a> {
    Task(Task<'a>),
    Wait,
    Stop,
}

impl<T> Board<T> {
    fn new(bands: Range<usize>) -> Self {
        Self {
            next_band: bands.start,
            all_done: bands.start,
            next_landing: bands.start,
            bands,
            next_decode: 0,
            all_decoded: 0,
            decoded_ahead: BTreeSet::new(),
            in_flight: 0,
            active: 0,
            decoding: 0,
            done_ahead: BTreeSet::new(),
            results: BTreeMap::new(),
            failure: None,
        }
    }

    fn decode_done(&mut self, nth: usize) {
        self.decoded_ahead.insert(nth);
        advance(&mut self.all_decoded, &mut self.decoded_ahead);
    }

    fn debug_assert_invariants(&self) {
        debug_assert!(self.results.len() <= self.in_flight && self.all_done <= self.next_band && self.next_band <= self.bands.end);
        debug_assert!(self.results.keys().all(|band| (self.next_landing..=self.next_band).contains(band)));
        debug_assert!(self.done_ahead.iter().all(|band| (self.all_done..self.next_band).contains(band)));
    }
}

impl<T: Send, B, N: Fn() -> B + Sync, W: Fn(&mut B, &Band) -> Result<T> + Sync> PartWork<'_, T, N, W> {
    /// Works and lands by turns on this thread.
    fn work_and_land(&self, mut land: impl FnMut(&Band, Option<T>) -> Result<()>) {
        let mut bench = (self.bench)();
        loop {
            self.land_ready(&mut land);
            let next = self.next_task(&mut self.lock());
            match next {
                Next::Task(task) => self.perform(task, &mut bench),
                Next::Wait | Next::Stop => return,
            }
        }
    }

    fn work_until_done(&self) {
        let mut bench = (self.bench)();
        let mut board = self.lock();
        loop {
            match self.next_task(&mut board) {
                Next::Stop => return,
                Next::Wait => board = self.changed.wait(board).unwrap_or_else(PoisonError::into_inner),
                Next::Task(task) => {
                    drop(board);
                    self.perform(task, &mut bench);
                    board = self.lock();
                }
            }
        }
    }

    /// Lands results as they come, until all have landed or something failed.
    fn land_all(&self, mut land: impl FnMut(&Band, Option<T>) -> Result<()>) {
        loop {
            self.land_ready(&mut land);
            let board = self.lock();
            if board.failure.is_some() || board.next_landing == board.bands.end {
                return;
            }
            let nothing_landable = |board: &mut Board<T>| board.failure.is_none() && !board.results.contains_key(&board.next_landing);
            drop(self.changed.wait_while(board, nothing_landable).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Lands the results whose turn it is, and the bands between them that need none.
    fn land_ready(&self, land: &mut impl FnMut(&Band, Option<T>) -> Result<()>) {
        loop {
            let mut board = self.lock();
            let landing = board.next_landing;
            let Some(band) = self.bands[..board.bands.end].get(landing).filter(|_| board.failure.is_none()) else { return };
            let result = board.results.remove(&landing);
            drop(board);
            let worked_on = result.is_some();
            if !worked_on && band.like().is_none() {
                return;
            }
            match caught(|| self.crew.cancel.check().and_then(|()| land(band, result))) {
                Ok(()) => {
                    let mut board = self.lock();
                    board.next_landing += 1;
                    board.in_flight -= usize::from(worked_on);
                }
                Err(error) => return self.fail(error),
            }
            if worked_on {
                self.changed.notify_all();
            }
        }
    }

    /// The next thing to do: a decode ahead for some threads, the next band if its rasters are there and the window is open, else the next
    /// decode, if the budget has room.
    fn next_task<'s>(&'s self, board: &mut MutexGuard<'_, Board<T>>) -> Next<'s> {
        if let Err(cancelled) = self.crew.cancel.check() {
            board.failure.get_or_insert(cancelled);
            self.changed.notify_all();
        }
        while let Some(band) = self.bands[..board.bands.end].get(board.next_band).filter(|band| band.like().is_some()) {
            board.next_band += 1;
            self.band_done(board, band.index());
        }
        if board.failure.is_some() || board.next_band == board.bands.end {
            return Next::Stop;
        }
        // Half of the threads decode ahead, lest all wait for a decode together.
        if board.decoding < self.crew.plan.memory().workers / 2
            && let Some(task) = self.next_decode(board)
        {
            return Next::Task(task);
        }
        // Decodes are sorted by the band that first needs them.
        let ready = self.decodes.get(board.all_decoded).is_none_or(|decode| decode.first_band > board.next_band);
        if ready && board.in_flight < self.crew.plan.memory().window {
            board.next_band += 1;
            board.in_flight += 1;
            board.active += 1;
            return Next::Task(Task::Band(&self.bands[board.next_band - 1]));
        }
        if let Some(task) = self.next_decode(board) {
            return Next::Task(task);
        }
        if let Some(decode) = self.decodes.get(board.next_decode).filter(|_| !ready && board.active == 0) {
            let what = format!("the decoding of {}", self.crew.plan.artworks()[decode.artwork].path.display());
            let needed_bytes = self.crew.budget.held_bytes().saturating_add(decode.bytes);
            board.failure = Some(ErrorKind::MemoryLimit { what, needed_bytes, limit_bytes: self.crew.budget.limit_bytes() }.into());
            self.changed.notify_all();
            return Next::Stop;
        }
        Next::Wait
    }

    /// The next decode, if the budget has room; ahead of the bands only as far as the plan says, since what the budget has beyond that would
    /// be fresh pages, where those that a band gives back are faster.
    fn next_decode<'s>(&'s self, board: &mut Board<T>) -> Option<Task<'s>> {
        let decode = self.decodes.get(board.next_decode)?;
        let Crew { plan, store, budget, .. } = self.crew;
        let is_ahead = decode.first_band > board.next_band;
        let reserve = |bytes: u64| {
            let within_plan = budget.held_bytes().saturating_add(bytes) <= plan.memory().peak_bytes;
            if is_ahead && !within_plan { None } else { budget.try_reserve(bytes) }
        };
        let mut pages = store.take_pages(plan, decode);
        let bytes = decode.bytes - pages.as_ref().map_or(0, |pages| size_of_val(&pages[..]) as u64);
        let mut reservation = reserve(bytes);
        while reservation.is_none() && store.drop_pages() {
            reservation = reserve(bytes);
        }
        if reservation.is_none() {
            pages = None;
            reservation = reserve(decode.bytes);
        }
        let reservation = reservation?;
        board.next_decode += 1;
        board.active += 1;
        board.decoding += 1;
        Some(Task::Decode(board.next_decode - 1, decode, reservation.into_budget(), pages))
    }

    fn perform(&self, task: Task<'_>, bench: &mut B) {
        let decodes = usize::from(matches!(task, Task::Decode(..)));
        let performed = caught(|| match task {
            Task::Band(band) => (self.work)(bench, band).map(|result| {
                let mut board = self.lock();
                board.results.insert(band.index(), result);
                self.band_done(&mut board, band.index());
            }),
            Task::Decode(nth, decode, budget, pages) => {
                let decoded = self.crew.store.decode_into(self.crew.plan, decode, &budget, pages);
                budget.close();
                decoded.map(|()| self.lock().decode_done(nth))
            }
        });
        if let Err(error) = performed {
            self.fail(error);
        }
        let mut board = self.lock();
        board.active -= 1;
        board.decoding -= decodes;
        drop(board);
        self.changed.notify_all();
    }

    /// Releases what no band from here on uses.
    fn band_done(&self, board: &mut Board<T>, band: usize) {
        let Board { all_done, done_ahead, .. } = board;
        done_ahead.insert(band);
        let done = *all_done;
        advance(all_done, done_ahead);
        let newly_done = done..*all_done;
        board.debug_assert_invariants();
        self.bands[newly_done].iter().for_each(|band| self.crew.store.release_after(self.crew.plan, band));
    }

    /// Calls `work`, whose panic ends the waiting of all others.
    fn guarded(&self, work: impl FnOnce()) {
        if let Err(error) = caught(|| {
            work();
            Ok(())
        }) {
            self.fail(error);
        }
    }

    fn fail(&self, error: Error) {
        self.lock().failure.get_or_insert(error);
        self.crew.store.abandon();
        self.changed.notify_all();
    }

    /// What came of it. Only now, that every thread has seen it, the failure is taken off the board.
    fn into_result(self) -> Result<()> {
        self.board.into_inner().unwrap_or_else(PoisonError::into_inner).failure.map_or(Ok(()), Err)
    }

    fn lock(&self) -> MutexGuard<'_, Board<T>> {
        // Every change of the board is complete before its lock is dropped; a panic of a task is a failure of its own.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves `all_done` over the numbers that follow it in `ahead`.
fn advance(all_done: &mut usize, ahead: &mut BTreeSet<usize>) {
    while ahead.first() == Some(all_done) {
        ahead.pop_first();
        *all_done += 1;
    }
}

/// Calls `work`; its panic is an error, so that no thread is left waiting for one that is gone.
fn caught<R>(work: impl FnOnce() -> Result<R>) -> Result<R> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(ErrorKind::Panicked { message: panic_message(&*panic) }.into()))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::{Dpi, PxRect, PxSize, Turn};
    use crate::job::Output;
    use crate::layout::{Layout, Part, Placement};
    use crate::preflight::PreflightOptions;

    /// The plan of a part of several different bands.
    fn plan(folder: &std::path::Path, threads: usize, budget: &MemoryBudget) -> RenderPlan {
        let mut encoder = png::Encoder::new(std::fs::File::create(folder.join("dot.png")).unwrap(), 1, 1);
        encoder.set_color(png::ColorType::Rgba);
        encoder.write_header().unwrap().write_image_data(&[1, 2, 3, 255]).unwrap();
        let placement = |copy: u32| Placement {
            order: "1".into(),
            item: copy,
            copy: 1,
            artwork: "dot.png".into(),
            rect: PxRect::new(0, copy * 400, PxSize::new(copy + 1, 300).unwrap()).unwrap(),
            turn: Turn::None,
            inner: None,
            treatment: crate::job::Treatment::default(),
        };
        let part = Part::new(PxSize::new(900, 4000).unwrap(), (0..10).map(placement).collect()).unwrap();
        let layout = Layout { name: "Test".to_owned(), dpi: Dpi::new(300).unwrap(), parts: vec![part], output: Output::default() };
        let artworks = layout.preflight(folder, &PreflightOptions::default(), budget).unwrap().into_artworks();
        RenderPlan::new(layout, artworks, &Default::default(), threads, budget).unwrap()
    }

    #[test]
    fn a_panic_anywhere_is_an_error_and_nobody_is_left_waiting() {
        let folder = tempfile::tempdir().unwrap();
        for threads in [1, 2, 5] {
            let budget = MemoryBudget::new(1 << 28);
            let plan = plan(folder.path(), threads, &budget);
            let bands = plan.parts()[0].bands().len();
            assert!(bands >= 5 && plan.memory().workers == threads);
            let run = |in_bench: bool, in_work: usize, in_landing: usize| {
                let cancel = Cancel::default();
                let store = ArtworkStore::new(budget.clone(), folder.path(), cancel.clone()).in_order();
                let crew = Crew { plan: &plan, store: &store, budget: &budget, cancel: &cancel };
                let bench = || assert!(!in_bench, "a lamp burst");
                let work = |(): &mut (), band: &Band| {
                    assert!(band.index() != in_work, "a lamp burst");
                    Ok(())
                };
                crew.run(0, 0..bands, bench, work, |band, _| {
                    assert!(band.index() != in_landing, "a lamp burst");
                    Ok(())
                })
            };
            run(false, bands, bands).unwrap();
            for outcome in [run(true, bands, bands), run(false, 0, bands), run(false, bands - 1, bands), run(false, bands, bands - 1)] {
                let error = outcome.unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Panicked { message } if message == "a lamp burst"), "{error:?}");
            }
        }
    }
}
