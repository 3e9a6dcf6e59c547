//! What the rules of a job cost: each by packing again without it.

use serde::{Deserialize, Serialize};

use super::pack::{copies, memory_bytes, task};
use super::packing::{self, Packing, Task};
use crate::budget::MemoryBudget;
use crate::cancel::Cancel;
use crate::error::{ErrorKind, Result};
use crate::job::{Cost, Cut, Keep};
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

/// What one rule costs: what a packing with all rules takes, and what one without this rule takes. Both are of what the packer looks for the
/// least of: the length on one kind of media; on several what they cost or, without prices, their area. That is no more without the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "what a rule costs: an object")]
#[non_exhaustive]
pub struct RulePrice {
    /// The rule.
    pub rule: RuleKind,
    /// Pixels of film, all parts together, that a packing with the rule takes.
    pub length_px: u64,
    /// Pixels of film that a packing without the rule takes.
    pub length_without_px: u64,
    /// Square pixels of film that a packing with the rule takes.
    pub area_px: u64,
    /// Square pixels of film that a packing without the rule takes.
    pub area_without_px: u64,
    /// What the film costs with the rule, where the job gives prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// What the film costs without the rule, where the job gives prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_without: Option<Cost>,
}

/// Packs a checked job with all its rules, then without each rule that it has.
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
    let with = Film::of(&task, preflight, options, cancel)?;
    let mut prices = Vec::new();
    for rule in RULES {
        let Some(without) = without(rule, &task) else { continue };
        let found = match Film::of(&without, preflight, options, cancel) {
            // Without the rule, what is pinned may leave a part before it empty: there is nothing to compare.
            Err(error) if matches!(error.kind(), ErrorKind::Layout { .. }) => continue,
            found => found?,
        };
        // What keeps to the rule is a packing without it too.
        let without = if found.value < with.value { found } else { with };
        prices.push(RulePrice {
            rule,
            length_px: with.length_px,
            length_without_px: without.length_px,
            area_px: with.area_px,
            area_without_px: without.area_px,
            cost: with.cost,
            cost_without: without.cost,
        });
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

/// The film that the parts of a task take together, margins included.
#[derive(Clone, Copy, Debug)]
struct Film {
    /// What the packer looks for the least of.
    value: (u128, u64),
    length_px: u64,
    area_px: u64,
    cost: Option<Cost>,
}

impl Film {
    fn of(task: &Task, preflight: &Preflight, options: &Packing, cancel: &Cancel) -> Result<Self> {
        let parts = packing::pack_task_unless_cancelled(task, options, cancel)?;
        let prices = preflight.prices();
        let (mut length_px, mut area_px, mut costs, mut value) = (0, 0, Vec::new(), 0_u128);
        for part in &parts {
            let film = &task.films[part.film];
            let used_px = if film.is_sheet { film.media.max_length.into() } else { part.bottom(task) + u64::from(film.media.bottom) };
            length_px += used_px;
            area_px += used_px * u64::from(film.media.width);
            costs.extend(prices.get(part.film).map(|price| price.of(film.media.width, used_px, preflight.dpi())));
            value = value.saturating_add(if task.films.len() > 1 { part.cost(task) } else { used_px.into() });
        }
        let cost = (!prices.is_empty()).then(|| costs.into_iter().sum());
        Ok(Self { value: (value, length_px), length_px, area_px, cost })
    }
}
