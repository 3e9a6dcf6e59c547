//! One band of rows as a self-contained piece of a PNG's compressed stream.

use super::PixelFormat;
use super::repeat::Repeat;
use super::rows::RowEncoder;
use crate::job::Compression;

/// The compressed bytes of one band: raw deflate that refers to nothing before it, never final, ended by a sync flush on a byte boundary.
///
/// Fragments of one part, joined in order between a zlib header and a closing block, are the part's compressed stream
/// ([`PngPart`](crate::PngPart) does that). The same fragment may be appended any number of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    bytes: Vec<u8>,
    adler32: u32,
    raw_bytes: u64,
}

impl Fragment {
    pub(super) fn new(bytes: Vec<u8>, adler32: u32, raw_bytes: u64) -> Self {
        Self { bytes, adler32, raw_bytes }
    }

    /// The compressed bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adler-32 of the filtered rows, filter bytes included (RFC 1950, section 9).
    #[must_use]
    pub fn adler32(&self) -> u32 {
        self.adler32
    }

    /// Bytes of the filtered rows, filter bytes included.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }
}

/// Filters and compresses bands, row by row from the top.
///
/// The first row of a band uses filter None or Sub, so that it needs nothing above it. A fragment depends on its rows and the compression
/// alone: not on the bands before it, nor on the machine.
///
/// # Memory
///
/// At most [`memory_bytes`](Self::memory_bytes), the growing fragment included.
#[derive(Debug)]
pub struct BandEncoder(Engine);

#[derive(Debug)]
enum Engine {
    Rgba8(RowEncoder<4>),
    Rgb8(RowEncoder<3>),
}

impl BandEncoder {
    /// An encoder for bands of `width_px` pixels a row, to which no row was pushed yet.
    #[must_use]
    pub fn new(width_px: u32, format: PixelFormat, compression: Compression) -> Self {
        let row_bytes = usize::try_from(format.row_bytes(width_px)).unwrap_or(usize::MAX);
        Self(match format {
            PixelFormat::Rgba8 => Engine::Rgba8(RowEncoder::new(row_bytes, compression)),
            PixelFormat::Rgb8 => Engine::Rgb8(RowEncoder::new(row_bytes, compression)),
        })
    }

    /// The most bytes that the fragment of a band of `rows` rows of `width_px` pixels can have, whatever is on them: a little over 9/8 of
    /// the pixels.
    #[must_use]
    pub const fn fragment_bound_bytes(width_px: u32, format: PixelFormat, rows: u32) -> u64 {
        match format {
            PixelFormat::Rgba8 => RowEncoder::<4>::fragment_bound_bytes(format.row_bytes(width_px), rows),
            PixelFormat::Rgb8 => RowEncoder::<3>::fragment_bound_bytes(format.row_bytes(width_px), rows),
        }
    }

    /// The most bytes that an encoder holds while it makes bands of up to `rows` rows, a finished fragment included: twice
    /// [`fragment_bound_bytes`](Self::fragment_bound_bytes), a few rows, and about 1 MiB.
    #[must_use]
    pub const fn memory_bytes(width_px: u32, format: PixelFormat, rows: u32) -> u64 {
        match format {
            PixelFormat::Rgba8 => RowEncoder::<4>::memory_bytes(format.row_bytes(width_px), rows),
            PixelFormat::Rgb8 => RowEncoder::<3>::memory_bytes(format.row_bytes(width_px), rows),
        }
    }

    /// The place of the next row: unfiltered pixels, as many bytes as the encoder's width and format make. Two places take turns: this one
    /// holds what was put there before the row before, but anything where that had repeats; zeros at first.
    pub fn row_mut(&mut self) -> &mut [u8] {
        match &mut self.0 {
            Engine::Rgba8(rows) => rows.row_mut(),
            Engine::Rgb8(rows) => rows.row_mut(),
        }
    }

    /// Adds the row in its [place](Self::row_mut). What the place holds in the columns of `repeats` does not count: the pixels there are those
    /// that they repeat. At [`Compression::Fast`] that costs next to nothing as long as rows have the same repeats.
    ///
    /// # Panics
    ///
    /// When `repeats` are out of order or overlap, or one of them is shorter than [`Repeat::MIN_COLUMNS`], reaches outside of the row, or its
    /// distance is shorter than itself or greater than [`Repeat::most_distance`]: faults of the caller.
    pub fn push(&mut self, repeats: &[Repeat]) {
        match &mut self.0 {
            Engine::Rgba8(rows) => rows.push(repeats),
            Engine::Rgb8(rows) => rows.push(repeats),
        }
    }

    /// Adds the next row from elsewhere.
    ///
    /// # Panics
    ///
    /// When `row` has another length than the encoder's rows: a fault of the caller that would shear the picture.
    pub fn push_row(&mut self, row: &[u8]) {
        let place = self.row_mut();
        assert_eq!(row.len(), place.len(), "a row of another width");
        place.copy_from_slice(row);
        self.push(&[]);
    }

    /// Adds `count` rows of zero bytes, transparent or black, at no cost: the same as pushing each.
    pub fn push_empty_rows(&mut self, count: u32) {
        match &mut self.0 {
            Engine::Rgba8(rows) => rows.push_empty_rows(count),
            Engine::Rgb8(rows) => rows.push_empty_rows(count),
        }
    }

    /// Ends the band. The encoder is ready for another one, and faster than a new one.
    #[must_use]
    pub fn finish(&mut self) -> Fragment {
        match &mut self.0 {
            Engine::Rgba8(rows) => rows.finish(),
            Engine::Rgb8(rows) => rows.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::adler;
    use super::super::testing::*;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_fragment_is_complete_in_itself_and_ends_on_a_sync_flush() {
        for (format, compression) in FORMATS.into_iter().flat_map(|f| COMPRESSIONS.map(|c| (f, c))) {
            let picture = picture(301, 50, format);
            let fragment = encode(&picture, 301, format, compression);
            let raw = inflate(&fragment);
            assert_eq!(raw.len() as u64, fragment.raw_bytes());
            assert_eq!(fragment.raw_bytes(), (format.row_bytes(301) + 1) * 50);
            assert_eq!(fragment.adler32(), adler::extend(adler::EMPTY, &raw));
            assert!(fragment.bytes().ends_with(&[0, 0, 0xff, 0xff]));
        }
    }

    #[test]
    fn the_first_row_of_a_band_needs_nothing_above_it() {
        for (format, compression) in FORMATS.into_iter().flat_map(|f| COMPRESSIONS.map(|c| (f, c))) {
            let picture = picture(211, 60, format);
            for fragment in encode_bands(&picture, 211, format, compression, &[1; 60]) {
                assert!(inflate(&fragment)[0] <= 1);
            }
        }
    }

    #[test]
    fn noise_stays_inside_the_bound() {
        for (format, compression) in FORMATS.into_iter().flat_map(|f| COMPRESSIONS.map(|c| (f, c))) {
            for (width, rows) in [(1, 1), (1, 3000), (7, 100), (1000, 300), (20_000, 20)] {
                let rows_bytes = noise(row_bytes(width, format) * rows as usize);
                let fragment = encode(&rows_bytes, width, format, compression);
                let bound = BandEncoder::fragment_bound_bytes(width, format, rows);
                assert!(fragment.bytes().len() as u64 <= bound, "{width} × {rows}, {format:?}, {compression:?}");
            }
        }
    }

    #[test]
    fn no_rows_make_an_empty_fragment() {
        let fragment = BandEncoder::new(10, PixelFormat::Rgba8, Compression::Fast).finish();
        assert_eq!((fragment.raw_bytes(), fragment.adler32()), (0, adler::EMPTY));
        assert!(inflate(&fragment).is_empty());
    }

    #[test]
    fn an_encoder_that_goes_on_makes_the_fragments_of_new_ones() {
        for (format, compression) in FORMATS.into_iter().flat_map(|f| COMPRESSIONS.map(|c| (f, c))) {
            // Filter Sub, whose byte is 1, leaves ones: the row repeats from its filter byte on.
            let row: Vec<u8> = (1..=200).flat_map(|value| std::iter::repeat_n(value, format.bytes_per_pixel())).collect();
            let mut encoder = BandEncoder::new(200, format, compression);
            encoder.push_row(&row);
            let first = encoder.finish();
            encoder.push_row(&row);
            assert_eq!(encoder.finish(), first, "{format:?}, {compression:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn arbitrary_rows_in_arbitrary_bands_come_back(
            width in 1_u32..40,
            format in prop::sample::select(&FORMATS),
            compression in prop::sample::select(&COMPRESSIONS),
            cuts in prop::collection::vec(1_u32..9, 1..6),
            // Few distinct values, in runs: what the encoder looks for. The rest is noise.
            runs in prop::collection::vec((any::<u8>(), 1_usize..400), 1..60),
        ) {
            let height: u32 = cuts.iter().sum();
            let length = row_bytes(width, format) * height as usize;
            let picture: Vec<u8> = runs.iter().cycle().flat_map(|&(byte, count)| std::iter::repeat_n(byte, count)).take(length).collect();
            let fragments = encode_bands(&picture, width, format, compression, &cuts);
            let file = join(&header(width, height, format), &fragments);
            prop_assert_eq!(decode(&file).unwrap(), picture);
        }
    }

    /// Rows of `pixels` in which columns repeat others, and lists of repeats that they change to now and then.
    fn repeating_rows() -> impl Strategy<Value = (Vec<u8>, Vec<Vec<Repeat>>)> {
        let repeat = (0_u32..300, Repeat::MIN_COLUMNS..200, 0_u32..400);
        let lists = prop::collection::vec((prop::collection::vec(repeat, 0..5), 1_usize..6), 1..6);
        let changes = prop::collection::vec((0..REPEATING_WIDTH as usize * 4, 1_usize..600, any::<u8>()), 30);
        (changes, lists).prop_map(|(changes, lists)| {
            let valid = |wanted: Vec<(u32, u32, u32)>| {
                let mut repeats: Vec<Repeat> = Vec::new();
                for (skipped, columns, further) in wanted {
                    let start = repeats.last().map_or(0, |last| last.columns.end) + skipped;
                    let distance = columns + further;
                    if start >= distance && start + columns <= REPEATING_WIDTH {
                        repeats.push(Repeat { columns: start..start + columns, distance });
                    }
                }
                repeats
            };
            let lists: Vec<_> = lists.into_iter().flat_map(|(wanted, rows)| std::iter::repeat_n(valid(wanted), rows)).collect();
            // Each row is the one above but for a stretch.
            let mut row = vec![0; REPEATING_WIDTH as usize * 4];
            let pixels = lists.iter().zip(changes).flat_map(|(_, (start, length, byte))| {
                let end = row.len().min(start + length);
                row[start..end].fill(byte);
                row.clone()
            });
            (pixels.collect(), lists)
        })
    }

    const REPEATING_WIDTH: u32 = 900;

    proptest! {
        #[test]
        fn columns_that_repeat_others_come_back_whatever_their_place_holds(
            (pixels, lists) in repeating_rows(),
            format in prop::sample::select(&FORMATS),
            compression in prop::sample::select(&COMPRESSIONS),
            rest in any::<u8>(),
        ) {
            let (row_bytes, bpp) = (row_bytes(REPEATING_WIDTH, format), format.bytes_per_pixel());
            let mut encoder = BandEncoder::new(REPEATING_WIDTH, format, compression);
            let mut picture = Vec::new();
            for (row, repeats) in pixels.chunks_exact(REPEATING_WIDTH as usize * 4).map(|row| &row[..row_bytes]).zip(&lists) {
                let (mut whole, mut given) = (row.to_vec(), row.to_vec());
                for Repeat { columns, distance } in repeats {
                    let (start, end, distance) = (columns.start as usize * bpp, columns.end as usize * bpp, *distance as usize * bpp);
                    whole.copy_within(start - distance..end - distance, start);
                    given[start..end].fill(rest);
                }
                encoder.row_mut().copy_from_slice(&given);
                encoder.push(repeats);
                picture.extend(whole);
            }
            let height = u32::try_from(lists.len()).unwrap();
            let fragment = encoder.finish();
            prop_assert!(fragment.bytes().len() as u64 <= BandEncoder::fragment_bound_bytes(REPEATING_WIDTH, format, height));
            prop_assert_eq!(decode(&join(&header(REPEATING_WIDTH, height, format), &[fragment])).unwrap(), picture);
        }
    }

    #[test]
    fn what_differs_may_begin_inside_the_first_pixel_of_a_repeat() {
        // The first pixel's green byte is the first one of the chunk at 448; its red byte ends the empty chunk before.
        let repeats = [Repeat { columns: 149..269, distance: 149 }];
        let mut row = vec![0; row_bytes(300, PixelFormat::Rgb8)];
        let mut encoder = BandEncoder::new(300, PixelFormat::Rgb8, Compression::Fast);
        let mut picture = Vec::new();
        for green in 1..=5 {
            (row[1], row[149 * 3 + 1]) = (green, green);
            encoder.row_mut().copy_from_slice(&row);
            encoder.push(&repeats);
            picture.extend_from_slice(&row);
        }
        assert_eq!(decode(&join(&header(300, 5, PixelFormat::Rgb8), &[encoder.finish()])).unwrap(), picture);
    }

    #[test]
    fn repeats_that_cannot_be_are_refused() {
        let repeat = |columns, distance| Repeat { columns, distance };
        for repeats in [
            vec![repeat(0..100, 100)],
            vec![repeat(200..295, 200)],
            vec![repeat(200..300, 99)],
            vec![repeat(200..300, 201)],
            vec![repeat(9_900..10_001, 200)],
            vec![repeat(9_000..9_200, 8_193)],
            vec![repeat(200..300, 100), repeat(299..400, 200)],
            vec![repeat(400..500, 100), repeat(200..300, 100)],
        ] {
            let mut encoder = BandEncoder::new(10_000, PixelFormat::Rgba8, Compression::Fast);
            let pushed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| encoder.push(&repeats)));
            assert!(pushed.is_err(), "{repeats:?}");
        }
    }
}
