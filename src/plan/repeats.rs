//! What a layout says more than once: copies side by side, and bands that are like an earlier one.

use std::cmp::Ordering;

use super::Band;
use crate::encode::{PixelFormat, Repeat};
use crate::layout::Part;

/// For each placement, how many pixels to its left the same raster lies in the same rows; zero where it does not, or too far away. Placements
/// must not overlap.
pub(super) fn side_by_side(part: &Part, raster_of: &[u32], format: PixelFormat) -> Vec<u32> {
    let placements = part.placements();
    let place = |index: u32| {
        let rect = placements[index as usize].rect;
        (raster_of[index as usize], rect.y(), rect.x())
    };
    let mut order: Vec<u32> = (0..).take(placements.len()).collect();
    order.sort_unstable_by_key(|&index| place(index));
    let mut distances = vec![0; placements.len()];
    for pair in order.windows(2) {
        let ((raster, y, x), (next_raster, next_y, next_x)) = (place(pair[0]), place(pair[1]));
        let wide_enough = placements[pair[1] as usize].rect.size().width() >= Repeat::MIN_COLUMNS;
        if (raster, y) == (next_raster, next_y) && wide_enough && next_x - x <= Repeat::most_distance(format) {
            distances[pair[1] as usize] = next_x - x;
        }
    }
    distances
}

/// Notes for each band the first one that has as many rows and the same rows of the same rasters in the same columns.
pub(super) fn note_like_bands(bands: &mut [Band], part: &Part, raster_of: &[u32]) {
    let compare = |a: &Band, b: &Band| -> Ordering {
        a.rows.len().cmp(&b.rows.len()).then_with(|| drawn(a, part, raster_of).cmp(drawn(b, part, raster_of)))
    };
    let mut order: Vec<usize> = (0..bands.len()).collect();
    order.sort_unstable_by(|&a, &b| compare(&bands[a], &bands[b]).then(a.cmp(&b)));
    let mut first = 0;
    for pair in 1..order.len() {
        let (index, before) = (order[pair], order[pair - 1]);
        if compare(&bands[index], &bands[before]) == Ordering::Equal {
            bands[index].like = Some(order[first]);
        } else {
            first = pair;
        }
    }
}

/// What a band draws: rasters, columns, and how many rows below the band's first they begin.
fn drawn<'a>(band: &'a Band, part: &'a Part, raster_of: &'a [u32]) -> impl Iterator<Item = (u32, u32, i64)> + 'a {
    let start = i64::from(band.rows.start());
    band.placements.iter().map(move |&index| {
        let rect = part.placements()[index as usize].rect;
        (raster_of[index as usize], rect.x(), i64::from(rect.y()) - start)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::{PxRect, PxSize, Rows, Turn};
    use crate::layout::Placement;

    /// A part of placements at (raster, x, y) of 100 × 50 px, and their rasters.
    fn part(places: &[(u32, u32, u32)]) -> (Part, Vec<u32>) {
        let placement = |&(raster, x, y): &(u32, u32, u32)| Placement {
            order: "1".into(),
            item: raster,
            copy: 1,
            artwork: "a.png".into(),
            rect: PxRect::new(x, y, PxSize::new(100, 50).unwrap()).unwrap(),
            turn: Turn::None,
            inner: None,
            treatment: crate::job::Treatment::default(),
        };
        let placements = places.iter().map(placement).collect();
        (Part::new(PxSize::new(20_000, 1000).unwrap(), placements).unwrap(), places.iter().map(|place| place.0).collect())
    }

    #[test]
    fn a_copy_repeats_the_nearest_one_to_its_left_in_the_same_rows() {
        let (part, raster_of) = part(&[(0, 400, 0), (0, 100, 0), (1, 220, 0), (0, 550, 0), (0, 650, 1), (1, 8_412, 0), (0, 8_743, 0)]);
        // Deflate reaches 8192 pixels of four bytes; those of three farther.
        assert_eq!(side_by_side(&part, &raster_of, PixelFormat::Rgba8), [300, 0, 0, 150, 0, 8192, 0]);
        assert_eq!(side_by_side(&part, &raster_of, PixelFormat::Rgb8), [300, 0, 0, 150, 0, 8192, 8193]);
    }

    #[test]
    fn bands_are_alike_where_all_that_they_draw_is() {
        let (part, raster_of) = part(&[(0, 0, 10), (0, 0, 110), (0, 1, 210), (1, 0, 310), (0, 0, 411), (0, 0, 510), (0, 200, 510)]);
        let band = |index: usize, start: u32, end: u32| {
            let rows = Rows::new(start, end).unwrap();
            let placements = (0..7).filter(|&at| part.placements()[at as usize].rect.rows().intersect(rows).is_some()).collect();
            Band { part: 0, index, rows, placements, drawn_pixels: 0, like: None }
        };
        let mut bands: Vec<Band> = (0..6).map(|nth| band(nth as usize, nth * 100, nth * 100 + 100)).collect();
        bands.extend([band(6, 600, 700), band(7, 700, 800), band(8, 800, 950)]);
        note_like_bands(&mut bands, &part, &raster_of);
        let like: Vec<_> = bands.iter().map(Band::like).collect();
        assert_eq!(like, [None, Some(0), None, None, None, None, None, Some(6), None]);
    }
}
