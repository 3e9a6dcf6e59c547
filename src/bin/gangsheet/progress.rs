//! Progress on standard error: a bar, JSON lines, or nothing.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use gangsheet::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle as BarStyle};

use crate::args::ProgressStyle;

/// Rows are reported at most this often.
const INTERVAL: Duration = Duration::from_millis(200);

pub(crate) enum Display {
    Bar(ProgressBar),
    Json { last_rows: Option<Instant> },
    None,
}

impl Display {
    pub(crate) fn new(style: ProgressStyle) -> Self {
        match style {
            ProgressStyle::Auto if io::stderr().is_terminal() => Self::bar(),
            ProgressStyle::Bar => Self::bar(),
            ProgressStyle::Auto | ProgressStyle::Json => Self::Json { last_rows: None },
            ProgressStyle::None => Self::None,
        }
    }

    fn bar() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10));
        let style = BarStyle::with_template("{msg} {wide_bar} {percent:>3} % {eta:>4}");
        Self::Bar(style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style)))
    }

    pub(crate) fn show(&mut self, progress: Progress) {
        match self {
            Self::Bar(bar) => match progress {
                Progress::PartStarted { part, parts, rows, .. } => {
                    bar.reset();
                    bar.set_length(rows.into());
                    bar.set_message(format!("part {part} of {parts}"));
                }
                Progress::RowsWritten { rows, .. } => bar.set_position(rows.into()),
                _ => bar.finish_and_clear(),
            },
            Self::Json { last_rows } => {
                if matches!(progress, Progress::RowsWritten { .. }) {
                    if last_rows.is_some_and(|last| last.elapsed() < INTERVAL) {
                        return;
                    }
                    *last_rows = Some(Instant::now());
                }
                if let Ok(line) = serde_json::to_string(&progress) {
                    // A closed standard error must not stop the print.
                    let _ = writeln!(io::stderr(), "{line}");
                }
            }
            Self::None => {}
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
