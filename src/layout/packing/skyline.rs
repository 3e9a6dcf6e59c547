//! The upper contour of what has been placed on one part.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The height of the wall at the strip's edges: nothing is as high.
pub(super) const EDGE: u32 = u32::MAX;

const NONE: u32 = u32::MAX;

/// The lowest, leftmost level piece of the contour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    /// How far the contour rises on the left of the gap; [`EDGE`] at the strip's edge.
    pub(super) left: u32,
    /// The same on the right.
    pub(super) right: u32,
}

impl Gap {
    /// Where the higher wall is.
    pub(super) fn higher(&self) -> Side {
        if self.left >= self.right { Side::Left } else { Side::Right }
    }
}

/// At which end of the gap to place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    x: u32,
    y: u32,
    /// 0 once the segment was absorbed by a neighbour.
    width: u32,
    previous: u32,
    next: u32,
}

/// Level segments from left to right, no two neighbours at the same height. The lowest, leftmost is in hand as the gap; the others
/// wait in a heap. Absorbed segments stay in both until they are popped.
#[derive(Debug, Default)]
pub(super) struct Skyline {
    segments: Vec<Segment>,
    waiting: BinaryHeap<Reverse<(u32, u32, u32)>>,
    current: u32,
}

impl Skyline {
    /// An empty part of `width`.
    pub(super) fn reset(&mut self, width: u32) {
        self.segments.clear();
        self.waiting.clear();
        self.segments.push(Segment { x: 0, y: 0, width, previous: NONE, next: NONE });
        self.current = 0;
    }

    /// The gap to fill next.
    pub(super) fn gap(&self) -> Gap {
        let Segment { x, y, width, previous, next } = self.segments[self.current as usize];
        let rise = |neighbour: u32| self.segments.get(neighbour as usize).map_or(EDGE, |segment| segment.y - y);
        Gap { x, y, width, left: rise(previous), right: rise(next) }
    }

    /// Covers `width` of the gap at one `side` up to `height` above it.
    pub(super) fn place(&mut self, side: Side, width: u32, height: u32) {
        let id = self.current;
        let Segment { x, y, width: room, previous, next } = self.segments[id as usize];
        let top = y + height;
        if width == room {
            self.raise(id, top);
            return;
        }
        let (wall, covered_x) = match side {
            Side::Left => (previous, x),
            Side::Right => (next, x + room - width),
        };
        // The rest of the gap is still the lowest, and the leftmost at its height: it stays in hand.
        self.segments[id as usize].width -= width;
        if side == Side::Left {
            self.segments[id as usize].x += width;
        }
        match self.segments.get_mut(wall as usize) {
            Some(segment) if segment.y == top => {
                segment.width += width;
                if side == Side::Right {
                    segment.x = covered_x;
                    self.waiting.push(Reverse((top, covered_x, wall)));
                }
            }
            _ => self.insert(side, Segment { x: covered_x, y: top, width, previous, next }),
        }
    }

    /// Gives the gap up: raises it to its lower neighbour. False when the contour is flat.
    pub(super) fn lift(&mut self) -> bool {
        let gap = self.gap();
        let rise = gap.left.min(gap.right);
        if rise == EDGE {
            return false;
        }
        self.raise(self.current, gap.y + rise);
        true
    }

    /// Puts a segment between the gap and the wall at its `side`.
    fn insert(&mut self, side: Side, mut segment: Segment) {
        // There are at most as many segments as copies, which are fewer than 2³².
        let Ok(id) = u32::try_from(self.segments.len()) else { return };
        let gap = self.current;
        match side {
            Side::Left => segment.next = gap,
            Side::Right => segment.previous = gap,
        }
        self.segments.push(segment);
        self.link(segment.previous, id);
        self.link(id, segment.next);
        self.waiting.push(Reverse((segment.y, segment.x, id)));
    }

    fn link(&mut self, left: u32, right: u32) {
        if let Some(segment) = self.segments.get_mut(left as usize) {
            segment.next = right;
        }
        if let Some(segment) = self.segments.get_mut(right as usize) {
            segment.previous = left;
        }
    }

    /// Moves a whole segment up to `top`, joins it with neighbours of that height, and takes the next gap in hand.
    fn raise(&mut self, id: u32, top: u32) {
        let Segment { x, width, previous, next, .. } = self.segments[id as usize];
        let level = |segment: Option<&Segment>| segment.filter(|segment| segment.y == top).copied();
        let left = level(self.segments.get(previous as usize));
        let right = level(self.segments.get(next as usize));
        let mut joined = Segment { x, y: top, width, previous, next };
        let mut home = id;
        if let Some(right) = right {
            joined.width += right.width;
            joined.next = right.next;
            self.segments[next as usize].width = 0;
        }
        if let Some(left) = left {
            joined.x = left.x;
            joined.width += left.width;
            joined.previous = left.previous;
            self.segments[id as usize].width = 0;
            home = previous;
        } else {
            self.waiting.push(Reverse((top, x, id)));
        }
        self.segments[home as usize] = joined;
        self.link(joined.previous, home);
        self.link(home, joined.next);
        self.take_lowest();
    }

    fn take_lowest(&mut self) {
        while let Some(Reverse((y, x, id))) = self.waiting.pop() {
            let segment = self.segments[id as usize];
            if segment.width > 0 && (segment.y, segment.x) == (y, x) {
                self.current = id;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contour(skyline: &Skyline) -> Vec<(u32, u32, u32)> {
        let mut id = (0..).find(|&id: &u32| {
            let segment = skyline.segments[id as usize];
            segment.width > 0 && segment.previous == NONE
        });
        let mut pieces = Vec::new();
        while let Some(at) = id.filter(|&at| at != NONE) {
            let segment = skyline.segments[at as usize];
            pieces.push((segment.x, segment.width, segment.y));
            id = Some(segment.next);
        }
        pieces
    }

    #[test]
    fn equal_heights_join_and_the_lowest_leftmost_is_next() {
        let mut skyline = Skyline::default();
        skyline.reset(100);
        skyline.place(Side::Left, 20, 30);
        skyline.place(Side::Right, 30, 30);
        skyline.place(Side::Left, 10, 30);
        assert_eq!(contour(&skyline), [(0, 30, 30), (30, 40, 0), (70, 30, 30)]);
        let gap = skyline.gap();
        assert_eq!((gap.x, gap.y, gap.width, gap.left, gap.right), (30, 0, 40, 30, 30));
        skyline.place(Side::Left, 40, 30);
        assert_eq!(contour(&skyline), [(0, 100, 30)]);
        assert!(!skyline.lift());
    }

    #[test]
    fn a_lifted_gap_joins_its_lower_neighbour() {
        let mut skyline = Skyline::default();
        skyline.reset(100);
        skyline.place(Side::Left, 50, 20);
        skyline.place(Side::Right, 20, 10);
        assert!(skyline.lift());
        assert_eq!(contour(&skyline), [(0, 50, 20), (50, 50, 10)]);
        assert_eq!(skyline.gap().x, 50);
        assert!(skyline.lift());
        assert_eq!(contour(&skyline), [(0, 100, 20)]);
    }
}
