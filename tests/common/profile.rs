//! Colour profiles, and files that have them.

use moxcms::{ColorProfile, DataColorSpace, LutDataType, LutStore, LutType, LutWarehouse, Matrix3d, ProfileClass};

/// A profile of inks that print paper from L* 95 down to L* 10, the more ink the darker.
pub(crate) fn press_profile() -> Vec<u8> {
    // Lab in 16 bits: L* 100 is 65535, a* and b* 0 are 0x8080.
    let lightness = |cell: u16| 62_258 - 13_926 * u16::try_from(cell.count_ones()).unwrap();
    let line = |channels| LutStore::Store16([0, u16::MAX].repeat(channels));
    let lut = LutDataType {
        num_input_channels: 4,
        num_output_channels: 3,
        num_clut_grid_points: 2,
        matrix: Matrix3d::IDENTITY,
        num_input_table_entries: 2,
        num_output_table_entries: 2,
        input_table: line(4),
        clut_table: LutStore::Store16((0..16).flat_map(|cell| [lightness(cell), 0x8080, 0x8080]).collect()),
        output_table: line(3),
        lut_type: LutType::Lut16,
    };
    let mut profile = ColorProfile::new_srgb();
    (profile.profile_class, profile.color_space, profile.pcs) = (ProfileClass::OutputDevice, DataColorSpace::Cmyk, DataColorSpace::Lab);
    (profile.cicp, profile.red_trc, profile.green_trc, profile.blue_trc) = (None, None, None, None);
    profile.lut_a_to_b_perceptual = Some(LutWarehouse::Lut(lut.clone()));
    profile.lut_a_to_b_colorimetric = Some(LutWarehouse::Lut(lut));
    profile.encode().unwrap()
}

/// A JPEG file with a profile that fits into one segment (ICC.1:2022, annex B.4).
pub(crate) fn jpeg_with_profile(jpeg: &[u8], profile: &[u8]) -> Vec<u8> {
    let segment = [b"ICC_PROFILE\0\x01\x01", profile].concat();
    let length = u16::try_from(segment.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe2], &length, &segment, &jpeg[2..]].concat()
}
