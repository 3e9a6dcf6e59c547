//! What becomes of transparency: a colour knocked out of an artwork's rows, and the alpha of printed rows cleaned.

use crate::job::{AlphaRules, Knockout};
use crate::pixel::Rgba8;

/// Makes the pixels of a colour transparent.
pub(super) fn knock_out(knockout: Knockout, row: &mut [Rgba8]) {
    let [red, green, blue] = knockout.color;
    let color = Rgba8::new(red, green, blue, 255);
    for pixel in row {
        if pixel.color_distance(color) <= knockout.tolerance {
            *pixel = Rgba8::TRANSPARENT;
        }
    }
}

/// Applies the rules for the printed size.
pub(super) fn clean(rules: AlphaRules, row: &mut [Rgba8]) {
    let lowest = rules.lowest_alpha();
    for pixel in row.iter_mut().filter(|pixel| pixel.a > 0) {
        if pixel.a < lowest {
            *pixel = Rgba8::TRANSPARENT;
        } else if rules.harden.is_some() {
            pixel.a = u8::MAX;
        }
    }
}

/// Whether [`clean`] changes anything.
pub(super) fn cleans(rules: AlphaRules) -> bool {
    rules.lowest_alpha() > 1 || rules.harden.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Harden;

    #[test]
    fn colours_within_the_tolerance_become_transparent() {
        let mut row = [Rgba8::new(10, 0, 0, 255), Rgba8::new(11, 0, 0, 255), Rgba8::new(0, 0, 0, 7)];
        knock_out(Knockout { color: [0; 3], tolerance: 10 }, &mut row);
        assert_eq!(row, [Rgba8::TRANSPARENT, Rgba8::new(11, 0, 0, 255), Rgba8::TRANSPARENT]);
    }

    #[test]
    fn dust_is_dropped_before_edges_are_hardened() {
        let cleaned = |rules, alpha| {
            let mut row = [Rgba8::new(1, 2, 3, alpha)];
            clean(rules, &mut row);
            row[0]
        };
        let dust = AlphaRules { min_alpha: 9, ..AlphaRules::default() };
        assert_eq!([0, 8, 9, 255].map(|alpha| cleaned(dust, alpha).a), [0, 0, 9, 255]);
        let hard = AlphaRules { harden: Harden::new(0.5), ..dust };
        assert_eq!([0, 8, 127, 128, 255].map(|alpha| cleaned(hard, alpha).a), [0, 0, 0, 255, 255]);
        let all = AlphaRules { min_alpha: 200, harden: Harden::new(0.001), ..dust };
        assert_eq!([199, 200].map(|alpha| cleaned(all, alpha)), [Rgba8::TRANSPARENT, Rgba8::new(1, 2, 3, 255)]);
        assert!(cleans(dust) && cleans(hard) && !cleans(AlphaRules { min_alpha: 1, ..AlphaRules::default() }));
    }
}
