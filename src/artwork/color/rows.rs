//! Rows of an artwork in the colours of the parts.

use super::super::depth::{Pixel, Rgba16};
use super::super::header::{ArtworkHeader, color_tag};
use super::super::source::{Source, changed};
use super::{ColorSpace, ColorTransform};
use crate::budget::{Buffer, MemoryBudget, Reservation};
use crate::error::Result;
use crate::pixel::Rgba8;

/// How the colours of rows become those of the parts. Samples of 16 bits are rounded afterwards: in linear light, 8 bits leave steps in the
/// shadows.
#[derive(Debug)]
pub(in super::super) enum Colors {
    Narrow(ConvertedRows<Rgba8>),
    Deep(ConvertedRows<Rgba16>),
}

/// Converts rows, and counts what they lose.
#[derive(Debug)]
pub(in super::super) struct ConvertedRows<P: Pixel> {
    transform: ColorTransform<P>,
    /// A row as the decoder gives it.
    row: Buffer<P>,
    /// Visible pixels so far, and those of them that the parts cannot show.
    visible: u64,
    beyond: u64,
    _charge: Reservation,
}

impl Colors {
    /// `None` for a file whose colours are those of the parts; another one's are read from `open`.
    pub(in super::super) fn new(
        open: impl FnOnce() -> Result<Source>,
        header: &ArtworkHeader,
        budget: &MemoryBudget,
    ) -> Result<Option<Self>> {
        let Some(space) = &header.color.space else { return Ok(None) };
        Ok(Some(if header.deep_bytes.is_some() {
            Self::Deep(ConvertedRows::new(open()?, header, space, budget)?)
        } else {
            Self::Narrow(ConvertedRows::new(open()?, header, space, budget)?)
        }))
    }

    /// Whether one visible pixel of a thousand or more was of a colour that the parts cannot show.
    pub(in super::super) fn are_beyond(&self) -> bool {
        let (visible, beyond) = match self {
            Self::Narrow(rows) => (rows.visible, rows.beyond),
            Self::Deep(rows) => (rows.visible, rows.beyond),
        };
        beyond > 0 && beyond * 1000 >= visible
    }

    /// Bytes that reading a file with this header holds for its colours.
    pub(in super::super) fn memory_bytes(header: &ArtworkHeader) -> u64 {
        if header.color.space.is_none() {
            0
        } else if header.deep_bytes.is_some() {
            ConvertedRows::<Rgba16>::memory_bytes(header)
        } else {
            ConvertedRows::<Rgba8>::memory_bytes(header)
        }
    }
}

impl<P: Pixel> ConvertedRows<P> {
    fn new(source: Source, header: &ArtworkHeader, space: &ColorSpace, budget: &MemoryBudget) -> Result<Self> {
        let charge = budget.reserve(Self::transform_bytes(header), "a colour profile")?;
        let row = budget.buffer(header.stored_size().width() as usize, "a row of an artwork")?;
        let path = source.path().to_owned();
        let tag = color_tag(source, header.format)?;
        let transform = ColorTransform::new(&tag, header.color_mode, space).ok_or_else(|| changed(&path))?;
        Ok(Self { transform, row, visible: 0, beyond: 0, _charge: charge })
    }

    /// Converts the row that `decode` gives.
    pub(in super::super) fn read_row(&mut self, decode: impl FnOnce(&mut [P]) -> Result<()>, out: &mut [Rgba8]) -> Result<()> {
        decode(&mut self.row)?;
        let (visible, beyond) = self.transform.count_beyond(&self.row);
        self.visible += visible;
        self.beyond += beyond;
        self.transform.convert(&self.row, out);
        Ok(())
    }

    fn memory_bytes(header: &ArtworkHeader) -> u64 {
        Self::transform_bytes(header) + u64::from(header.stored_size().width()) * size_of::<P>() as u64
    }

    fn transform_bytes(header: &ArtworkHeader) -> u64 {
        ColorTransform::<P>::memory_bytes(header.color.profile_bytes, header.color_mode)
    }
}
