//! What a PNG file says about its colours (section 4.3): its chunks, of which the more exact ones win.

use flate2::{Decompress, FlushDecompress, Status};

use super::super::ColorMode;
use super::super::color::{ColorTag, MAX_PROFILE_BYTES};
use super::super::source::Source;
use super::chunks::Chunks;
use crate::error::{ErrorKind, Result};

/// The longest chunks of numbers: cHRM.
const MOST_NUMBER_BYTES: u32 = 32;

/// sRGB's exponent as a gAMA chunk has it, and its primaries as a cHRM chunk has them (sections 11.3.2.5 and 11.3.2.1). Programs round a
/// little.
const SRGB_GAMMA: u32 = 45_455;
const SRGB_PLACES: [u32; 8] = [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000];

/// The colour chunks of a file.
#[derive(Default)]
struct Found {
    cicp: Option<[u8; 4]>,
    profile: Option<ColorTag>,
    is_srgb: bool,
    gamma: Option<u32>,
    places: Option<[u32; 8]>,
}

/// Reads the chunks before the pixels.
pub(in super::super) fn color_tag(source: Source) -> Result<ColorTag> {
    let mut chunks = Chunks::start(source)?;
    chunks.read_header()?;
    let mut found = Found::default();
    loop {
        let (kind, length) = chunks.next()?;
        match &kind {
            b"IDAT" | b"IEND" => break,
            b"iCCP" if u64::from(length) <= MAX_PROFILE_BYTES => {
                found.profile = Some(match chunks.read_vec() {
                    // The pixels may be whole where the profile is not.
                    Err(error) if matches!(error.kind(), ErrorKind::Artwork { .. }) => ColorTag::Damaged("it is damaged"),
                    chunk => profile(&chunk?),
                });
            }
            b"iCCP" => {
                found.profile = Some(ColorTag::Damaged("it is too large"));
                chunks.skip()?;
            }
            b"sRGB" => {
                found.is_srgb = true;
                chunks.skip()?;
            }
            b"cICP" | b"gAMA" | b"cHRM" if length <= MOST_NUMBER_BYTES => {
                let bytes = chunks.read_vec()?;
                let numbers = || bytes.as_chunks::<4>().0.iter().map(|&bytes| u32::from_be_bytes(bytes)).collect::<Vec<u32>>();
                match &kind {
                    b"cICP" => found.cicp = bytes.try_into().ok(),
                    b"gAMA" => found.gamma = numbers().first().copied(),
                    _ => found.places = numbers().try_into().ok(),
                }
            }
            _ => chunks.skip()?,
        }
    }
    Ok(found.tag())
}

impl Found {
    fn tag(self) -> ColorTag {
        // Matrices are not for PNG, nor is a reduced range: such numbers are passed over (section 11.3.2.6).
        if let Some([primaries, transfer, 0, 1]) = self.cicp {
            let tag = ColorTag::Cicp { primaries, transfer };
            // Perceptual quantisation and hybrid log-gamma (ITU-T H.273, table 3).
            let is_hdr = matches!(transfer, 16 | 18);
            if !is_hdr && tag.profile(ColorMode::Rgb).is_ok() {
                return tag;
            }
            if is_hdr && self.profile.is_none() {
                return ColorTag::Damaged("it is for a high dynamic range");
            }
        }
        if let Some(profile) = self.profile {
            return profile;
        }
        let gamma = self.gamma.filter(|&gamma| gamma > 0 && !(SRGB_GAMMA - 500..=SRGB_GAMMA + 500).contains(&gamma));
        let places = self.places.filter(|places| places.iter().zip(SRGB_PLACES).any(|(&found, srgb)| found.abs_diff(srgb) > 300));
        if self.is_srgb || (gamma.is_none() && places.is_none()) {
            return ColorTag::Srgb;
        }
        let exponent = match (gamma, self.gamma) {
            (Some(gamma), _) => Some(100_000.0 / f64::from(gamma)),
            // Other primaries with this exponent mean the exponent, and not sRGB's curve.
            (None, Some(gamma)) if gamma > 0 => Some(100_000.0 / f64::from(gamma)),
            _ => None,
        };
        let chromaticities = places.map(|places| {
            let [white_x, white_y, red_x, red_y, green_x, green_y, blue_x, blue_y] = places.map(|place| f64::from(place) / 100_000.0);
            [[white_x, white_y], [red_x, red_y], [green_x, green_y], [blue_x, blue_y]]
        });
        ColorTag::Measured { exponent, chromaticities }
    }
}

/// The profile of an iCCP chunk (section 11.3.2.3): a name, a zero, the compression method, and the compressed profile.
fn profile(chunk: &[u8]) -> ColorTag {
    let damaged = ColorTag::Damaged("it is damaged");
    let Some(end) = chunk.iter().take(80).position(|&byte| byte == 0) else { return damaged };
    let Some([0, compressed @ ..]) = chunk.get(end + 1..) else { return damaged };
    let mut inflate = Decompress::new(true);
    let mut profile = Vec::new();
    loop {
        // Profiles say in their first bytes how long they are.
        let expected = profile.first_chunk::<4>().map_or(128, |&bytes| u64::from(u32::from_be_bytes(bytes)));
        if expected > MAX_PROFILE_BYTES {
            return ColorTag::Damaged("it is too large");
        }
        profile.reserve_exact(usize::try_from(expected).unwrap_or_default().saturating_sub(profile.len()).max(1));
        let (taken, made) = (inflate.total_in(), inflate.total_out());
        let rest = &compressed[usize::try_from(taken).unwrap_or(compressed.len())..];
        match inflate.decompress_vec(rest, &mut profile, FlushDecompress::None) {
            Ok(Status::StreamEnd) => return ColorTag::Icc(profile),
            Ok(_) if (inflate.total_in(), inflate.total_out()) != (taken, made) && profile.len() as u64 <= expected => {}
            _ => return damaged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(profile: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(b"name\0\0".to_vec(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, profile).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_profile_is_unpacked_as_far_as_it_says_it_goes() {
        let mut icc = vec![5; 3000];
        icc[..4].copy_from_slice(&3000_u32.to_be_bytes());
        let whole = chunk(&icc);
        assert_eq!(profile(&whole), ColorTag::Icc(icc.clone()));
        for wrong in [&whole[..whole.len() - 7], b"name\0\x01", b"name", b"", &[b'a'; 100]] {
            assert_eq!(profile(wrong), ColorTag::Damaged("it is damaged"));
        }
        icc[..4].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(profile(&chunk(&icc)), ColorTag::Damaged("it is too large"));
        icc[..4].copy_from_slice(&200_u32.to_be_bytes());
        assert!(matches!(profile(&chunk(&icc)), ColorTag::Damaged(_)));
    }

    #[test]
    fn the_more_exact_chunk_wins() {
        let found = || Found { gamma: Some(100_000), ..Found::default() };
        assert_eq!(found().tag(), ColorTag::Measured { exponent: Some(1.0), chromaticities: None });
        assert_eq!(Found { is_srgb: true, ..found() }.tag(), ColorTag::Srgb);
        assert_eq!(Found { profile: Some(ColorTag::Icc(vec![1])), is_srgb: true, ..found() }.tag(), ColorTag::Icc(vec![1]));
        assert_eq!(Found { cicp: Some([9, 14, 0, 1]), ..found() }.tag(), ColorTag::Cicp { primaries: 9, transfer: 14 });
        for unused in [[9, 14, 1, 1], [2, 2, 0, 1], [99, 13, 0, 1]] {
            assert_eq!(Found { cicp: Some(unused), is_srgb: true, ..found() }.tag(), ColorTag::Srgb);
        }
        assert!(matches!(Found { cicp: Some([9, 16, 0, 1]), ..found() }.tag(), ColorTag::Damaged(_)));
        let srgb = Found { gamma: Some(45_500), places: Some(SRGB_PLACES.map(|place| place + 9)), ..Found::default() };
        assert_eq!(srgb.tag(), ColorTag::Srgb);
        let places = Some([34_570, 35_850, 64_000, 33_000, 21_000, 71_000, 15_000, 6_000]);
        let ColorTag::Measured { exponent, chromaticities } = (Found { places, ..Found::default() }).tag() else { panic!() };
        assert_eq!((exponent, chromaticities.unwrap()[2]), (None, [0.21, 0.71]));
    }
}
