//! The memory limit as a ledger: reserve before allocating, hold, release; the high-water mark is kept.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytemuck::Pod;
use memmap2::MmapMut;

use crate::error::{Error, ErrorKind, Result};

/// What the program itself holds apart from its buffers: code, stacks, allocator slack, decoder state.
pub const PROCESS_BYTES: u64 = 16 << 20;

/// What a run that its limit does not hold may take to find out which limit would: less than that holds hardly any job.
pub(crate) const SURVEY_BYTES: u64 = 2 * PROCESS_BYTES;

/// A limit on the bytes that all buffers of a run may hold together, shared by cloning.
///
/// Every buffer that grows with the input takes its bytes from here *before* it is allocated and gives them back when it is dropped. The
/// ledger never exceeds its limit: what does not fit is an error or waits, and nothing is allocated behind its back.
///
/// # Memory
///
/// The ledger itself is a few dozen bytes, whatever is reserved.
#[derive(Clone, Debug)]
pub struct MemoryBudget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limit_bytes: u64,
    ledger: Mutex<Ledger>,
}

#[derive(Debug, Default)]
struct Ledger {
    held_bytes: u64,
    high_water_bytes: u64,
    /// What this budget was cut from, for a budget made by [`Reservation::into_budget`].
    parent: Option<Reservation>,
    /// Whether bytes go back to the parent as they are released.
    closed: bool,
}

impl MemoryBudget {
    /// A budget of `limit_bytes`, nothing of it held.
    #[must_use]
    pub fn new(limit_bytes: u64) -> Self {
        Self(Arc::new(Shared { limit_bytes, ledger: Mutex::default() }))
    }

    /// The limit in bytes.
    #[must_use]
    pub fn limit_bytes(&self) -> u64 {
        self.0.limit_bytes
    }

    /// Bytes that are held now.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.ledger().held_bytes
    }

    /// The most bytes that were ever held at once.
    #[must_use]
    pub fn high_water_bytes(&self) -> u64 {
        self.ledger().high_water_bytes
    }

    /// Takes `bytes` from the budget; `what` names their use in the error: “the memory limit cannot hold `what`”.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`] when fewer bytes are free.
    pub fn reserve(&self, bytes: u64, what: impl fmt::Display) -> Result<Reservation> {
        self.try_reserve(bytes).ok_or_else(|| {
            let needed_bytes = self.held_bytes().saturating_add(bytes);
            ErrorKind::MemoryLimit { what: what.to_string(), needed_bytes, limit_bytes: self.limit_bytes() }.into()
        })
    }

    /// Takes `bytes` from the budget if so many are free.
    #[must_use]
    pub fn try_reserve(&self, bytes: u64) -> Option<Reservation> {
        let mut ledger = self.ledger();
        if ledger.closed {
            return None;
        }
        let held = ledger.held_bytes.checked_add(bytes).filter(|&held| held <= self.0.limit_bytes)?;
        ledger.held_bytes = held;
        ledger.high_water_bytes = ledger.high_water_bytes.max(held);
        Some(Reservation { budget: self.clone(), bytes })
    }

    /// A buffer of `len` zeroed elements, charged to the budget while it lives.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MemoryLimit`] when the bytes are not free.
    pub fn buffer<T: Pod>(&self, len: usize, what: impl fmt::Display) -> Result<Buffer<T>> {
        let bytes = (len as u64).saturating_mul(size_of::<T>() as u64);
        let reservation = self.reserve(bytes, what)?;
        Ok(Buffer { elements: Elements::zeroed(len), _reservation: reservation })
    }

    /// Ends the reservations from a budget that [`Reservation::into_budget`] made: what it did not use goes back to the larger budget at
    /// once, the rest as its holders drop it.
    pub fn close(&self) {
        self.ledger().closed = true;
        self.release(0);
    }

    fn release(&self, bytes: u64) {
        let mut ledger = self.ledger();
        ledger.held_bytes -= bytes;
        let held = ledger.held_bytes;
        if let (true, Some(parent)) = (ledger.closed, &mut ledger.parent) {
            parent.shrink_to(held);
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Every change of the ledger is a single assignment, so a panic elsewhere cannot leave it half-made.
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part of a [`MemoryBudget`], given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: MemoryBudget,
    bytes: u64,
}

impl Reservation {
    /// The bytes held.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives back all but `bytes`. Does nothing when fewer are held.
    pub fn shrink_to(&mut self, bytes: u64) {
        let released = self.bytes.saturating_sub(bytes);
        self.budget.release(released);
        self.bytes -= released;
    }

    /// Turns the reservation into a budget of its own, from which the steps of one piece of work take their buffers. Reserving the whole
    /// first means that work which has begun never runs out halfway. The bytes stay taken from the larger budget until
    /// [`close`](MemoryBudget::close).
    #[must_use]
    pub fn into_budget(self) -> MemoryBudget {
        let limit_bytes = self.bytes;
        let ledger = Ledger { parent: Some(self), ..Ledger::default() };
        MemoryBudget(Arc::new(Shared { limit_bytes, ledger: Mutex::new(ledger) }))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

/// A slice of fixed length whose bytes are charged to a [`MemoryBudget`].
///
/// # Memory
///
/// Large buffers are pages of their own, so that the process's resident set shrinks as soon as they are dropped: an allocator would keep the
/// pages for later.
#[derive(Debug)]
pub struct Buffer<T> {
    elements: Elements<T>,
    _reservation: Reservation,
}

#[derive(Debug)]
enum Elements<T> {
    Heap(Vec<T>),
    Pages(MmapMut),
}

impl<T: Pod> Elements<T> {
    /// From this size on a buffer is worth pages of its own.
    const OWN_PAGES_BYTES: usize = 128 << 10;

    /// From this size on those are worth being huge, which spares a quarter of the time that filling them takes.
    const HUGE_PAGES_BYTES: usize = 4 << 20;

    fn zeroed(len: usize) -> Self {
        let bytes = len.saturating_mul(size_of::<T>());
        let pages = if bytes < Self::OWN_PAGES_BYTES { None } else { MmapMut::map_anon(bytes).ok() };
        #[cfg(target_os = "linux")]
        if let Some(pages) = pages.as_ref().filter(|_| bytes >= Self::HUGE_PAGES_BYTES) {
            // A hint: a system without huge pages refuses it.
            let _ = pages.advise(memmap2::Advice::HugePage);
        }
        // Where the system gives no pages, the allocator says so in its own way.
        pages.map_or_else(|| Self::Heap(vec![T::zeroed(); len]), Self::Pages)
    }
}

impl<T: Pod> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.elements {
            Elements::Heap(elements) => elements,
            Elements::Pages(pages) => bytemuck::cast_slice(pages),
        }
    }
}

impl<T: Pod> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.elements {
            Elements::Heap(elements) => elements,
            Elements::Pages(pages) => bytemuck::cast_slice_mut(pages),
        }
    }
}

/// Reads a size of memory: `128MiB`, `512MB`, `2G`. Units are binary unless they end in `B` without `i`, so `2G` is 2 GiB and `2GB` is
/// 2·10⁹ bytes.
///
/// # Errors
///
/// [`ErrorKind::InvalidByteSize`] for anything else, also where the unit is missing or the result exceeds `u64`.
///
/// ```
/// assert_eq!(gangsheet::parse_bytes("128MiB")?, 134_217_728);
/// assert_eq!(gangsheet::parse_bytes("512MB")?, 512_000_000);
/// # Ok::<(), gangsheet::Error>(())
/// ```
pub fn parse_bytes(text: &str) -> Result<u64> {
    let error = || Error::from(ErrorKind::InvalidByteSize { text: text.chars().take(60).collect() });
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
    let (number, unit) = text.split_at(unit_at);
    let unit_bytes: u64 = match unit.trim_start() {
        "B" => 1,
        "K" | "KiB" => 1 << 10,
        "M" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        "T" | "TiB" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return Err(error()),
    };
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_bytes)).ok_or_else(error)
}

/// `bytes` for people: in MiB, rounded up, so that a limit of the displayed size is never too small.
pub(crate) fn display_bytes(bytes: u64) -> impl fmt::Display {
    format!("{}MiB", bytes.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_never_exceeds_its_limit_and_comes_back_to_zero() {
        let budget = MemoryBudget::new(100);
        let first = budget.reserve(60, "a test").unwrap();
        assert!(budget.try_reserve(41).is_none());
        assert!(budget.try_reserve(u64::MAX).is_none());
        let mut second = budget.try_reserve(40).unwrap();
        second.shrink_to(10);
        assert_eq!(budget.held_bytes(), 70);
        drop((first, second));
        assert_eq!((budget.held_bytes(), budget.high_water_bytes()), (0, 100));
    }

    #[test]
    fn a_closed_part_of_a_budget_gives_back_what_it_does_not_hold() {
        let whole = MemoryBudget::new(100);
        let part = whole.reserve(80, "a test").unwrap().into_budget();
        let (first, second) = (part.reserve(30, "a test").unwrap(), part.reserve(20, "a test").unwrap());
        assert!(part.try_reserve(31).is_none());
        drop(second);
        assert_eq!(whole.held_bytes(), 80);
        part.close();
        assert_eq!(whole.held_bytes(), 30);
        assert!(part.try_reserve(1).is_none());
        drop((first, part));
        assert_eq!(whole.held_bytes(), 0);
    }

    #[test]
    fn a_buffer_is_charged_before_it_is_allocated() {
        let budget = MemoryBudget::new(64);
        let buffer = budget.buffer::<u32>(16, "a test").unwrap();
        assert_eq!((buffer.len(), budget.held_bytes()), (16, 64));
        let error = budget.buffer::<u64>(usize::MAX, "a monster").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::MemoryLimit { needed_bytes: u64::MAX, .. }), "{error:?}");
    }

    #[test]
    fn buffers_of_every_size_begin_zeroed_and_can_be_written() {
        let budget = MemoryBudget::new(1 << 20);
        for len in [0, 1, Elements::<u32>::OWN_PAGES_BYTES / 4 - 1, Elements::<u32>::OWN_PAGES_BYTES / 4, 200_000] {
            let mut buffer = budget.buffer::<u32>(len, "a test").unwrap();
            assert!(buffer.len() == len && buffer.iter().all(|&element| element == 0));
            buffer.fill(7);
            assert!(buffer.iter().all(|&element| element == 7));
        }
    }

    #[test]
    fn sizes_of_memory() {
        assert_eq!(parse_bytes("2G").unwrap(), 2 << 30);
        assert_eq!(parse_bytes("2GB").unwrap(), 2_000_000_000);
        assert_eq!(parse_bytes("64 MiB").unwrap(), 64 << 20);
        for text in ["", "12", "MiB", "-1M", "1.5G", "1XB", "99999999999T", "1m"] {
            assert!(parse_bytes(text).is_err(), "{text:?}");
        }
    }
}
