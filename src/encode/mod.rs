//! From rows of pixels to PNG: row filters, deflate, fragments, the container.

mod adler;
mod changes;
mod color;
mod deflate;
mod filter;
mod fragment;
mod part;
mod repeat;
mod resume;
mod rows;
#[cfg(test)]
mod testing;

pub use self::color::PartColor;
pub use self::fragment::{BandEncoder, Fragment};
pub use self::part::{PartFile, PartHeader, PngPart};
pub use self::repeat::Repeat;

/// The pixels of an output file, 8 bits a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PixelFormat {
    /// Red, green, blue and straight alpha: PNG colour type 6.
    Rgba8,
    /// Red, green and blue, for an opaque background: PNG colour type 2.
    Rgb8,
}

impl PixelFormat {
    /// Bytes of one pixel.
    #[must_use]
    pub const fn bytes_per_pixel(self) -> usize {
        match self {
            Self::Rgba8 => 4,
            Self::Rgb8 => 3,
        }
    }

    /// The colour type in PNG's header (PNG specification, section 11.2.1).
    #[must_use]
    pub const fn color_type(self) -> u8 {
        match self {
            Self::Rgba8 => 6,
            Self::Rgb8 => 2,
        }
    }

    /// Bytes of a row of `width_px` pixels, the filter byte not counted.
    #[must_use]
    pub const fn row_bytes(self, width_px: u32) -> u64 {
        // Below 2³² × 4: fits u64.
        width_px as u64 * self.bytes_per_pixel() as u64
    }
}
