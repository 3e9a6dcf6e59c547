//! How a camera was held: from the pixels of a file to what is seen.

use crate::geom::Turn;

/// How the pixels of a file become what is seen: mirrored left to right, then turned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Orientation {
    pub(crate) mirror: bool,
    pub(crate) turn: Turn,
}

impl Orientation {
    /// From the value of an orientation tag (TIFF 6.0, section 8; Exif 3.0, section 4.6.5), 1 to 8. Any other value says nothing.
    pub(super) fn from_tag(value: u64) -> Self {
        let (mirror, turn) = match value {
            2 => (true, Turn::None),
            3 => (false, Turn::Cw180),
            4 => (true, Turn::Cw180),
            5 => (true, Turn::Cw270),
            6 => (false, Turn::Cw90),
            7 => (true, Turn::Cw90),
            8 => (false, Turn::Cw270),
            _ => (false, Turn::None),
        };
        Self { mirror, turn }
    }

    /// What is seen, mirrored again where `mirror` says so, then turned, in one step from the file's pixels.
    pub(crate) fn then(self, mirror: bool, turn: Turn) -> Self {
        // A turn before mirroring is the opposite turn after it.
        let first = if mirror { 360 - self.turn.degrees() } else { self.turn.degrees() };
        let degrees = (first + turn.degrees()) % 360;
        Self { mirror: self.mirror ^ mirror, turn: Turn::from_degrees(degrees.into()).unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of three columns and two rows.
    const STORED: &[&str] = &["abc", "def"];

    fn shown(stored: &[&str], how: Orientation) -> Vec<String> {
        let mut rows: Vec<Vec<char>> = stored.iter().map(|row| row.chars().collect()).collect();
        if how.mirror {
            rows.iter_mut().for_each(|row| row.reverse());
        }
        for _ in 0..how.turn.degrees() / 90 {
            rows = (0..rows[0].len()).map(|x| rows.iter().rev().map(|row| row[x]).collect()).collect();
        }
        rows.into_iter().map(String::from_iter).collect()
    }

    #[test]
    fn each_tag_shows_the_picture_as_the_camera_saw_it() {
        let expected: [&[&str]; 8] = [
            &["abc", "def"],
            &["cba", "fed"],
            &["fed", "cba"],
            &["def", "abc"],
            &["ad", "be", "cf"],
            &["da", "eb", "fc"],
            &["fc", "eb", "da"],
            &["cf", "be", "ad"],
        ];
        for (value, expected) in (1..).zip(expected) {
            assert_eq!(shown(STORED, Orientation::from_tag(value)), expected, "{value}");
        }
        assert_eq!(Orientation::from_tag(0), Orientation::from_tag(1));
        assert_eq!(Orientation::from_tag(9), Orientation::default());
    }

    #[test]
    fn two_steps_are_one() {
        for value in 1..=8 {
            for (mirror, turn) in [false, true].into_iter().flat_map(|mirror| Turn::ALL.map(|turn| (mirror, turn))) {
                let first = Orientation::from_tag(value);
                let seen = shown(STORED, first);
                let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
                assert_eq!(
                    shown(STORED, first.then(mirror, turn)),
                    shown(&seen, Orientation { mirror, turn }),
                    "{value} {mirror} {turn:?}"
                );
            }
        }
    }
}
