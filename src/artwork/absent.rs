//! Stands in for the reader of a format that this build leaves out.

use std::path::Path;

use crate::budget::MemoryBudget;
use crate::error::{Error, Result};

use super::color::ColorTag;
use super::depth::Pixel;
use super::header::ArtworkHeader;
use super::limits::{ArtworkLimits, Deadline};
use super::source::{Source, damaged};

/// There is none.
#[derive(Debug)]
pub(super) enum Reader {}

pub(super) fn probe(source: Source, _: &ArtworkLimits) -> Result<ArtworkHeader> {
    Err(left_out(source.path()))
}

pub(super) fn color_tag(source: Source) -> Result<ColorTag> {
    Err(left_out(source.path()))
}

pub(super) fn memory_bytes(_: &ArtworkHeader) -> u64 {
    0
}

impl Reader {
    pub(super) fn open(path: &Path, _: &ArtworkHeader, _: &MemoryBudget, _: &Deadline) -> Result<Self> {
        Err(left_out(path))
    }

    pub(super) fn read_row<P: Pixel>(&mut self, _: &mut [P], _: &Deadline) -> Result<()> {
        match *self {}
    }
}

fn left_out(path: &Path) -> Error {
    damaged(path, "this build does not read its format: convert it to PNG")
}
