//! What a part says about its colours.

use std::io::Write;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::part::chunk;
use crate::job::Intent;

/// What a part says about its colours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PartColor {
    /// Nothing.
    #[default]
    Untagged,
    /// That they are sRGB, and how colours became so: an `sRGB` chunk.
    Srgb(Intent),
    /// An ICC profile: an `iCCP` chunk.
    Icc(Arc<[u8]>),
}

impl PartColor {
    /// The chunk that says so (PNG specification, sections 11.3.2.3 and 11.3.2.5), whole; empty where there is none.
    pub(crate) fn chunk(&self) -> Vec<u8> {
        match self {
            Self::Untagged => Vec::new(),
            Self::Srgb(intent) => {
                let intent = match intent {
                    Intent::Perceptual => 0,
                    Intent::Relative => 1,
                    Intent::Saturation => 2,
                };
                chunk(*b"sRGB", &[intent])
            }
            Self::Icc(profile) => {
                // A name, its end, and the method of compression.
                let mut encoder = ZlibEncoder::new(b"ICC profile\0\0".to_vec(), Compression::default());
                // A vector takes everything.
                let written = encoder.write_all(profile).and_then(|()| encoder.finish());
                chunk(*b"iCCP", &written.unwrap_or_default())
            }
        }
    }
}
