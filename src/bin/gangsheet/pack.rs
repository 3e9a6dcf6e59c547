//! The `pack` command: layouts, what the rules cost, and film of several widths side by side.

use std::path::Path;
use std::process::ExitCode;

use gangsheet::{Dpi, ErrorKind, Job, Layout, Length, Media, RuleKind, RulePrice, Run, RunOptions, explain};

use crate::{Failure, Voice, base_of, finished, in_file, print, refuse_inputs};

/// Writes the layout of `job`, which was read from `job_path`.
pub(crate) fn pack(
    job: &Job,
    job_path: &Path,
    output: &Path,
    explained: bool,
    options: RunOptions,
    voice: Voice,
) -> Result<ExitCode, Failure> {
    let (packing, cancel) = (options.packing, options.cancel.clone());
    let prepared = in_file(Run::of_job(job, base_of(job_path)).options(options).prepare(), job_path)?;
    refuse_inputs(output, &prepared)?;
    voice.findings(prepared.preflight.warnings(), prepared.preflight.left_out());
    prepared.layout.rebased(base_of(job_path), base_of(output))?.write(output)?;
    voice.tell("info", &certificate(&prepared.layout, prepared.length_lower_bound_px));
    if explained {
        for RulePrice { rule, length_px, length_without_px, .. } in explain(&prepared.preflight, &packing, &prepared.budget, &cancel)? {
            let rule = match rule {
                RuleKind::ForbiddenTurns => "turns that are forbidden",
                RuleKind::Gutter => "the gutter",
                _ => "a rule",
            };
            let price = length_px - length_without_px;
            print(&format!("{rule}: {} px of film ({:.1} %)", grouped(price), percent(price, length_px)));
        }
    }
    Ok(finished(prepared.preflight.left_out()))
}

/// Prints what film the job takes on media of other widths.
pub(crate) fn compare_widths(job: &Job, job_path: &Path, widths: &[Length], options: &RunOptions) -> Result<ExitCode, Failure> {
    print("width        parts   length in m   utilisation   film in m²   best possible length in m");
    for &width in widths {
        let job = Job { media: Media { width, ..job.media }, ..job.clone() };
        let prepared = match Run::of_job(&job, base_of(job_path)).options(options.clone()).prepare() {
            Ok(prepared) => prepared,
            Err(error) if matches!(error.kind(), ErrorKind::Preflight { .. } | ErrorKind::DoesNotFit { .. }) => {
                print(&format!("{:<12} {error}", width.to_string()));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let (layout, media) = (&prepared.layout, prepared.preflight.media());
        let length_px = layout.parts.iter().map(|part| u64::from(part.size().height())).sum();
        let metres = |px: u64| metres(px, job.dpi);
        print(&format!(
            "{:<12} {:>5} {:>13.3} {:>11.1} % {:>12.3} {:>27.3}",
            width.to_string(),
            layout.parts.len(),
            metres(length_px),
            layout.utilisation() * 100.0,
            metres(length_px) * metres(media.width.into()),
            metres(prepared.length_lower_bound_px)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// How long the film is, and how short it could be at best.
fn certificate(layout: &Layout, bound_px: u64) -> String {
    let length_px: u64 = layout.parts.iter().map(|part| u64::from(part.size().height())).sum();
    let within = match length_px.saturating_sub(bound_px) {
        0 => "it is the shortest".to_owned(),
        more => format!("within {:.1} %", percent(more, bound_px)),
    };
    format!(
        "{} copies on {} parts, {} px of film; no packing can be shorter than {} px ({within})",
        layout.copies(),
        layout.parts.len(),
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
