//! What the rules of a job cost in film: each by packing again without it.

use serde::{Deserialize, Serialize};

use super::pack::{copies, memory_bytes, task};
use super::packing::{self, Film, PackedPart, Packing, Task};
use crate::budget::MemoryBudget;
use crate::cancel::Cancel;
use crate::error::{ErrorKind, Result};
use crate::job::{Cut, Keep};
use crate::preflight::Preflight;

/// A rule of the job that film is spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RuleKind {
    /// Items that may not be turned by 90°, or are turned in one way only.
    ForbiddenTurns,
    /// The clear distance between neighbours.
    Gutter,
    /// Orders that are kept together.
    Keep,
    /// Cuts from edge to edge.
    Cut,
    /// Priorities and due dates.
    Urgency,
    /// Orders that only fill up.
    FillUp,
    /// Copies that lie fixed.
    Pinned,
}

/// What one rule costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RulePrice {
    /// The rule.
    pub rule: RuleKind,
    /// Pixels of film, all parts together, that a packing with the rule needs.
    pub length_px: u64,
    /// Pixels of film that a packing without the rule needs: no more.
    pub length_without_px: u64,
}

/// Packs a checked job with all its rules, then without each rule that it has. On several media the packer looks for the least cost, not for
/// the least length, which may then be the same without a rule.
///
/// # Memory
///
/// That of [`pack`](super::pack()), charged to `budget` while packing.
///
/// # Errors
///
/// Those of [`pack`](super::pack()).
pub fn explain(preflight: &Preflight, options: &Packing, budget: &MemoryBudget, cancel: &Cancel) -> Result<Vec<RulePrice>> {
    let task = task(preflight);
    let _memory = budget.reserve(2 * memory_bytes(&task), format_args!("the packing of {} copies", copies(&task)))?;
    let length_px = length(&task, options, cancel)?;
    let mut prices = Vec::new();
    for rule in RULES {
        let Some(without) = without(rule, &task) else { continue };
        let found_px = match length(&without, options, cancel) {
            // Without the rule, what is pinned may leave a part before it empty: there is nothing to compare.
            Err(error) if matches!(error.kind(), ErrorKind::Layout { .. }) => continue,
            found => found?,
        };
        prices.push(RulePrice { rule, length_px, length_without_px: found_px.min(length_px) });
    }
    Ok(prices)
}

const RULES: [RuleKind; 7] =
    [RuleKind::ForbiddenTurns, RuleKind::Gutter, RuleKind::Keep, RuleKind::Cut, RuleKind::Urgency, RuleKind::FillUp, RuleKind::Pinned];

/// The task without a rule; `None` where it does not have it.
fn without(rule: RuleKind, task: &Task) -> Option<Task> {
    let mut without = task.clone();
    let Task { lots, films, keep, cut } = &mut without;
    match rule {
        RuleKind::ForbiddenTurns => lots.iter_mut().for_each(|lot| lot.blank.turnable = true),
        RuleKind::Gutter => films.iter_mut().for_each(|film| (film.media.gutter_x, film.media.gutter_y) = (0, 0)),
        RuleKind::Keep => *keep = Keep::None,
        RuleKind::Cut => *cut = Cut::Free,
        RuleKind::Urgency => lots.iter_mut().for_each(|lot| lot.rank = 0),
        RuleKind::FillUp => lots.iter_mut().for_each(|lot| lot.fill_up = false),
        RuleKind::Pinned => lots.iter_mut().for_each(|lot| lot.pinned.clear()),
    }
    (without != *task).then_some(without)
}

/// The length of film that the parts of a task take together, margins included.
fn length(task: &Task, options: &Packing, cancel: &Cancel) -> Result<u64> {
    let parts = packing::pack_task_unless_cancelled(task, options, cancel)?;
    let used = |part: &PackedPart| {
        let Film { media, is_sheet, .. } = task.films[part.film];
        if is_sheet { media.max_length.into() } else { part.bottom(task) + u64::from(media.bottom) }
    };
    Ok(parts.iter().map(used).sum::<u64>())
}
