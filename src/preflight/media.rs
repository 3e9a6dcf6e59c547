//! The media in pixels.

use crate::error::{ErrorKind, Result};
use crate::geom::{Length, PxSize};
use crate::job::{Job, Media};

/// What is printed on, and the distances that are kept on it, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
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
    pub(super) fn all_of(job: &Job) -> Result<Vec<Self>> {
        let at = |nth: usize| if job.more_media.is_empty() { "media".to_owned() } else { format!("media[{nth}]") };
        job.all_media().enumerate().map(|(nth, media)| Self::of(job, media, &at(nth))).collect()
    }

    fn of(job: &Job, media: &Media, at: &str) -> Result<Self> {
        let document = |at: String, message: String| ErrorKind::Document { file: None, at, message };
        let to_px = |at: String, length: Length| length.to_px(job.dpi).map_err(|error| document(at, error.to_string()));
        let px = |field: &str, length| to_px(format!("{at}.{field}"), length);
        let margin = &media.margin;
        let media_px = Self {
            width: px("width", media.width)?,
            max_length: px("max_length", media.max_length)?,
            left: px("margin.left", margin.left)?,
            right: px("margin.right", margin.right)?,
            top: px("margin.top", margin.top)?,
            bottom: px("margin.bottom", margin.bottom)?,
            gutter_x: to_px("gutter.x".to_owned(), job.gutter.x)?,
            gutter_y: to_px("gutter.y".to_owned(), job.gutter.y)?,
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
        Err(document(at.to_owned(), message).into())
    }

    /// The media without its margins; `None` where nothing is left.
    #[must_use]
    pub fn printable(&self) -> Option<PxSize> {
        let inside = |length: u32, before: u32, after: u32| length.checked_sub(before)?.checked_sub(after);
        PxSize::new(inside(self.width, self.left, self.right)?, inside(self.max_length, self.top, self.bottom)?).ok()
    }
}
