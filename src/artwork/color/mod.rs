//! Colours: what a file says about its own, and how they become those of the parts, by the moxcms crate. Black point compensation, which it
//! has not, is done by the curves of the profile that it converts to.

mod gamut;
mod rows;
mod space;
mod tag;
mod transform;

pub(super) use self::rows::Colors;
pub use self::space::ColorSpace;
pub(super) use self::space::MAX_PROFILE_BYTES;
pub(super) use self::tag::ColorTag;
pub(super) use self::transform::{ColorChange, ColorTransform, Way};

/// What the samples of an artwork stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColorMode {
    /// Shades of grey.
    Grey,
    /// Red, green and blue, or a palette of them.
    Rgb,
    /// Cyan, magenta, yellow and black inks.
    Cmyk,
}
