//! Words in strokes: each letter is a few lines on a grid of 5 × 7 points.

use super::draw::{Line, Point, at};

/// Width of a letter and the space behind it, in units of the grid; a space has half of it.
const ADVANCE: f32 = 6.0;

type Stroke = &'static [(u8, u8)];

/// The strokes of a letter; nothing for one that is not there.
fn strokes(letter: char) -> &'static [Stroke] {
    match letter {
        'A' => &[&[(0, 6), (0, 2), (2, 0), (4, 2), (4, 6)], &[(0, 4), (4, 4)]],
        'E' => &[&[(4, 0), (0, 0), (0, 6), (4, 6)], &[(0, 3), (3, 3)]],
        'G' => &[&[(4, 1), (3, 0), (1, 0), (0, 1), (0, 5), (1, 6), (3, 6), (4, 5), (4, 3), (2, 3)]],
        'H' => &[&[(0, 0), (0, 6)], &[(4, 0), (4, 6)], &[(0, 3), (4, 3)]],
        'N' => &[&[(0, 6), (0, 0), (4, 6), (4, 0)]],
        'O' => &[&[(1, 0), (3, 0), (4, 1), (4, 5), (3, 6), (1, 6), (0, 5), (0, 1), (1, 0)]],
        'R' => &[&[(0, 6), (0, 0), (3, 0), (4, 1), (4, 2), (3, 3), (0, 3)], &[(2, 3), (4, 6)]],
        'S' => &[&[(4, 1), (3, 0), (1, 0), (0, 1), (0, 2), (1, 3), (3, 3), (4, 4), (4, 5), (3, 6), (1, 6), (0, 5)]],
        'T' => &[&[(0, 0), (4, 0)], &[(2, 0), (2, 6)]],
        'o' => &[&[(1, 2), (3, 2), (4, 3), (4, 5), (3, 6), (1, 6), (0, 5), (0, 3), (1, 2)]],
        '1' => &[&[(1, 1), (2, 0), (2, 6)], &[(1, 6), (3, 6)]],
        _ => &[],
    }
}

/// A line of text.
#[derive(Debug)]
pub(super) struct Text {
    letters: Vec<Letter>,
    /// Half its width and height, from the first stroke's middle to the last one's.
    half: Point,
    unit: f32,
}

#[derive(Debug)]
struct Letter {
    middle_x: f32,
    lines: Vec<Line>,
}

impl Text {
    /// `text`, centred at the origin; the grid's points lie `unit` apart.
    pub(super) fn new(text: &str, unit: f32) -> Self {
        let mut left = 0.0;
        let mut letters = Vec::new();
        for letter in text.chars() {
            let point = |&(x, y): &(u8, u8)| at(left + f32::from(x), f32::from(y)) * unit;
            let lines = strokes(letter).iter().flat_map(|stroke| stroke.windows(2).map(|pair| Line::new(point(&pair[0]), point(&pair[1]))));
            letters.push(Letter { middle_x: (left + 2.0) * unit, lines: lines.collect() });
            left += if letter == ' ' { ADVANCE / 2.0 } else { ADVANCE };
        }
        let half = at((left - 2.0) / 2.0, 3.0) * unit;
        Self { letters, half, unit }
    }

    /// Distance from `p` to the middle of the nearest stroke, as far as it is below `reach`.
    pub(super) fn distance(&self, p: Point, reach: f32) -> f32 {
        let mut square = reach * reach;
        if p.y.abs() - self.half.y < reach {
            let p = p + self.half;
            // No stroke of a letter is further than 2 units beside its middle.
            let near = |letter: &&Letter| (p.x - letter.middle_x).abs() - 2.0 * self.unit < reach;
            for letter in self.letters.iter().filter(near) {
                square = letter.lines.iter().map(|line| line.square(p)).fold(square, f32::min);
            }
        }
        square.sqrt()
    }
}
