//! The `pack` command: layouts, what the rules cost, and film of several widths side by side.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use gangsheet::{Cost, Dpi, ErrorKind, FilmCost, Job, LeftOut, Length, Media, RuleKind, RulePrice, Run, RunOptions, Warning, explain};
use serde::Serialize;

use crate::{Failure, Voice, base_of, counted, in_file, print, print_json, refuse_inputs, success};

/// What is told besides the layout.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    /// What the rules cost.
    pub(crate) explained: bool,
    /// Whether it is JSON.
    pub(crate) json: bool,
}

/// What `pack --json` prints.
#[derive(Serialize)]
struct Packed<'a> {
    version: u32,
    copies: u64,
    parts: usize,
    length_px: u64,
    length_lower_bound_px: u64,
    above_lower_bound_percent: f64,
    utilisation: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<FilmCost>,
    rules: &'a [RulePrice],
    warnings: &'a [Warning],
    left_out: &'a [LeftOut],
}

/// What `pack --compare --json` prints.
#[derive(Serialize)]
struct Comparison<'a> {
    version: u32,
    widths: &'a [Compared],
}

/// What is packed on a width, or why it cannot be.
#[derive(Serialize)]
struct Compared {
    width: Length,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Packed {
        parts: usize,
        width_px: u32,
        length_px: u64,
        length_lower_bound_px: u64,
        utilisation: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        cost: Option<FilmCost>,
    },
    Refused {
        message: String,
    },
}

/// Writes the layout of `job`, which was read from `job_path`.
pub(crate) fn pack(job: &Job, job_path: &Path, output: &Path, told: Told, options: RunOptions, voice: Voice) -> Result<ExitCode, Failure> {
    let (packing, cancel) = (options.packing, options.cancel.clone());
    let prepared = in_file(Run::of_job(job, base_of(job_path)).options(options).prepare(), job_path)?;
    refuse_inputs(output, &prepared)?;
    let (warnings, left_out) = (prepared.preflight.warnings(), prepared.preflight.left_out());
    if !told.json {
        voice.findings(warnings, left_out);
    }
    let prices = if told.explained { explain(&prepared.preflight, &packing, &prepared.budget, &cancel)? } else { Vec::new() };
    prepared.layout.rebased(base_of(job_path), base_of(output))?.write(output)?;
    let (layout, bound_px) = (&prepared.layout, prepared.length_lower_bound_px);
    if told.json {
        print_json(&Packed {
            version: 1,
            copies: layout.copies(),
            parts: layout.parts.len(),
            length_px: layout.length_px(),
            length_lower_bound_px: bound_px,
            above_lower_bound_percent: layout.percent_above(bound_px),
            utilisation: layout.utilisation(),
            cost: layout.film_cost(&prepared.preflight),
            rules: &prices,
            warnings,
            left_out,
        });
    } else {
        voice.tell(tracing::Level::INFO, &certificate(layout.copies(), layout.parts.len(), layout.length_px(), bound_px));
        let is_choice = prepared.preflight.media().len() > 1;
        prices.iter().for_each(|price| print(&price_line(price, is_choice, job.dpi)));
    }
    Ok(success(left_out))
}

/// What a rule costs: money where it is known; else film, by its area where there is a choice of media.
pub(crate) fn price_line(price: &RulePrice, is_choice: bool, dpi: Dpi) -> String {
    let RulePrice { rule, length_px, length_without_px, area_px, area_without_px, cost, cost_without, .. } = *price;
    let rule = words(rule);
    let (length, area) = (length_px.saturating_sub(length_without_px), area_px.saturating_sub(area_without_px));
    match cost.zip(cost_without) {
        Some((cost, without)) => format!("{rule}: {} ({:.1} %)", cost.above(without), cost.above(without).percent_of(cost)),
        None if is_choice => format!("{rule}: {:.3} m² of film ({:.1} %)", metres(1, dpi) * metres(area, dpi), percent(area, area_px)),
        None => format!("{rule}: {} px of film ({:.1} %)", grouped(length), percent(length, length_px)),
    }
}

/// What people call a rule.
fn words(rule: RuleKind) -> &'static str {
    match rule {
        RuleKind::ForbiddenTurns => "turns that are forbidden",
        RuleKind::Gutter => "the gutter",
        RuleKind::Keep => "orders that are kept together",
        RuleKind::Cut => "cuts from edge to edge",
        RuleKind::Urgency => "priorities and due dates",
        RuleKind::FillUp => "orders that only fill up",
        RuleKind::Pinned => "copies that are pinned",
        _ => "a rule",
    }
}

/// Prints what film the job takes on media of other widths.
pub(crate) fn compare_widths(job: &Job, job_path: &Path, widths: &[Length], options: &RunOptions, json: bool) -> Result<ExitCode, Failure> {
    let compared = widths.iter().map(|&width| compare(job, job_path, width, options)).collect::<Result<Vec<_>, _>>()?;
    if json {
        print_json(&Comparison { version: 1, widths: &compared });
        return Ok(ExitCode::SUCCESS);
    }
    let priced = if job.media.price.is_some() { "         cost" } else { "" };
    print(&format!("width        parts   length in m   utilisation   film in m²   best possible length in m{priced}"));
    let metres = |px: u64| metres(px, job.dpi);
    for Compared { width, outcome } in &compared {
        let width = width.to_string();
        match outcome {
            Outcome::Packed { parts, width_px, length_px, length_lower_bound_px, utilisation, cost } => print(&format!(
                "{width:<12} {parts:>5} {:>13.3} {:>11.1} % {:>12.3} {:>27.3}{}",
                metres(*length_px),
                utilisation * 100.0,
                metres(*length_px) * metres((*width_px).into()),
                metres(*length_lower_bound_px),
                cost.as_ref().map_or(String::new(), |cost| format!(" {:>12}", cost.total))
            )),
            Outcome::Refused { message } => print(&format!("{width:<12} {message}")),
        }
    }
    print_orders(&compared);
    Ok(ExitCode::SUCCESS)
}

fn compare(job: &Job, job_path: &Path, width: Length, options: &RunOptions) -> Result<Compared, Failure> {
    // A width of the job's own has its own length, margins and price.
    let like = *job.all_media().find(|media| media.width == width).unwrap_or(&job.media);
    let job = Job { media: Media { width, ..like }, more_media: Vec::new(), ..job.clone() };
    let outcome = match Run::of_job(&job, base_of(job_path)).options(options.clone()).prepare() {
        Ok(prepared) => Outcome::Packed {
            parts: prepared.layout.parts.len(),
            width_px: prepared.preflight.media()[0].width,
            length_px: prepared.layout.length_px(),
            length_lower_bound_px: prepared.length_lower_bound_px,
            utilisation: prepared.layout.utilisation(),
            cost: prepared.layout.film_cost(&prepared.preflight),
        },
        Err(error) if matches!(error.kind(), ErrorKind::Preflight { .. } | ErrorKind::DoesNotFit { .. } | ErrorKind::Layout { .. }) => {
            Outcome::Refused { message: error.to_string() }
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Compared { width, outcome })
}

/// What each order costs on each width, where that is known.
fn print_orders(compared: &[Compared]) {
    let cost = |compared: &'_ Compared| match &compared.outcome {
        Outcome::Packed { cost: Some(cost), .. } => Some((compared.width, cost.clone())),
        _ => None,
    };
    let costs: Vec<(Length, FilmCost)> = compared.iter().filter_map(cost).collect();
    let Some((_, first)) = costs.first() else { return };
    let by_order = |cost: &'_ FilmCost| cost.orders.iter().map(|share| (share.order.clone(), share.cost)).collect();
    let shares: Vec<HashMap<Arc<str>, Cost>> = costs.iter().map(|(_, cost)| by_order(cost)).collect();
    let widths: String = costs.iter().map(|(width, _)| format!(" {:>12}", width.to_string())).collect();
    print(&format!("\n{:<24}{widths}", "cost of order"));
    for order in first.orders.iter().map(|share| &share.order) {
        let of_order = |shares: &HashMap<Arc<str>, Cost>| format!(" {:>12}", shares.get(order).copied().unwrap_or_default());
        print(&format!("{order:<24}{}", shares.iter().map(of_order).collect::<String>()));
    }
}

/// How long the film is, and how short it could be at best.
pub(crate) fn certificate(copies: u64, parts: usize, length_px: u64, bound_px: u64) -> String {
    let within = match length_px.saturating_sub(bound_px) {
        0 => "it is the shortest".to_owned(),
        more => format!("within {:.1} %", percent(more, bound_px)),
    };
    format!(
        "{} on {}, {} px of film; no packing can be shorter than {} px ({within})",
        counted(copies, "copy", "copies"),
        counted(parts as u64, "part", "parts"),
        grouped(length_px),
        grouped(bound_px)
    )
}

/// `number` with a comma between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut groups: Vec<&str> = Vec::new();
    groups.extend(digits.get(..first).filter(|group| !group.is_empty()));
    groups.extend((first..digits.len()).step_by(3).filter_map(|at| digits.get(at..at + 3)));
    groups.join(",")
}

#[expect(clippy::cast_precision_loss, reason = "for people: a rounded number")]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64 * 100.0
}

#[expect(clippy::cast_precision_loss, reason = "for people: a rounded number")]
fn metres(px: u64, dpi: Dpi) -> f64 {
    px as f64 / f64::from(dpi.get()) * 0.0254
}
