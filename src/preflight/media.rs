//! The media in pixels.

use crate::error::{ErrorKind, Result};
use crate::geom::{Length, PxSize};
use crate::job::Job;

/// What is printed on, and the distances that are kept on it, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediaPx {
    /// Width, margins included.
    pub width: u32,
    /// The longest part, margins included.
    pub max_length: u32,
    /// Left margin.
    pub left: u32,
    /// Right margin.
    pub right: u32,
    /// Margin at the edge that is printed first.
    pub top: u32,
    /// Margin at the edge that is printed last.
    pub bottom: u32,
    /// Clear distance between neighbours side by side.
    pub gutter_x: u32,
    /// Clear distance between neighbours one above the other.
    pub gutter_y: u32,
}

impl MediaPx {
    /// # Errors
    ///
    /// [`ErrorKind::Document`] where a length is beyond any part or the margins leave nothing to print on.
    pub(super) fn of(job: &Job) -> Result<Self> {
        let px = |at: &str, length: Length| {
            length.to_px(job.dpi).map_err(|error| ErrorKind::Document { file: None, at: at.to_owned(), message: error.to_string() })
        };
        let (media, margin) = (&job.media, &job.media.margin);
        let media_px = Self {
            width: px("media.width", media.width)?,
            max_length: px("media.max_length", media.max_length)?,
            left: px("media.margin.left", margin.left)?,
            right: px("media.margin.right", margin.right)?,
            top: px("media.margin.top", margin.top)?,
            bottom: px("media.margin.bottom", margin.bottom)?,
            gutter_x: px("gutter.x", job.gutter.x)?,
            gutter_y: px("gutter.y", job.gutter.y)?,
        };
        if media_px.printable().is_some() {
            return Ok(media_px);
        }
        let Self { width, max_length, left, right, top, bottom, .. } = media_px;
        let message = format!(
            "found {width} × {max_length} px with margins of {left} px left, {right} px right, {top} px top and {bottom} px bottom at {} DPI, \
             expected something left to print on",
            job.dpi
        );
        Err(ErrorKind::Document { file: None, at: "media".to_owned(), message }.into())
    }

    /// The media without its margins; `None` where nothing is left.
    #[must_use]
    pub fn printable(&self) -> Option<PxSize> {
        let inside = |length: u32, before: u32, after: u32| length.checked_sub(before)?.checked_sub(after);
        PxSize::new(inside(self.width, self.left, self.right)?, inside(self.max_length, self.top, self.bottom)?).ok()
    }
}
