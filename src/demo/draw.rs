//! Drawing by formula: the paint at a point from distances to shapes.
//!
//! Only `+ − × ÷ √`, rounding and comparisons are used, which IEEE 754 defines to the last bit: the same pixels on every machine.

use std::ops::{Add, Mul, Sub};

/// A point or a difference of points, in whatever unit the shape uses; y points down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

pub(super) const fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Point {
    pub(super) fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub(super) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }
}

impl Add for Point {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        at(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        at(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Self;

    fn mul(self, factor: f32) -> Self {
        at(self.x * factor, self.y * factor)
    }
}

/// A colour with straight alpha, all channels from 0 to 1, encoded as sRGB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) rgb: [f32; 3],
    pub(super) alpha: f32,
}

impl Paint {
    /// No paint.
    pub(super) const CLEAR: Self = Self { rgb: [0.0; 3], alpha: 0.0 };

    /// An opaque colour, written as in HTML: `0xrrggbb`.
    pub(super) fn hex(rgb: u32) -> Self {
        let [_, r, g, b] = rgb.to_be_bytes();
        Self { rgb: [r, g, b].map(|channel| f32::from(channel) / 255.0), alpha: 1.0 }
    }

    /// The same colour, its alpha multiplied by `coverage`.
    pub(super) fn faded(self, coverage: f32) -> Self {
        Self { alpha: self.alpha * coverage, ..self }
    }

    /// The same alpha, its colour multiplied by `light`.
    pub(super) fn lit(self, light: f32) -> Self {
        Self { rgb: self.rgb.map(|channel| (channel * light).clamp(0.0, 1.0)), ..self }
    }

    /// From `self` at 0 to `other` at 1.
    pub(super) fn towards(self, other: Self, t: f32) -> Self {
        let t = t.clamp(0.0, 1.0);
        let mix = |from: f32, to: f32| from + (to - from) * t;
        let [r, g, b] = self.rgb;
        let [r2, g2, b2] = other.rgb;
        Self { rgb: [mix(r, r2), mix(g, g2), mix(b, b2)], alpha: mix(self.alpha, other.alpha) }
    }

    /// `self` painted over `below`: Porter and Duff's *over*.
    pub(super) fn over(self, below: Self) -> Self {
        if self.alpha <= 0.0 || below.alpha <= 0.0 || self.alpha >= 1.0 {
            return if self.alpha <= 0.0 { below } else { self };
        }
        let kept = below.alpha * (1.0 - self.alpha);
        let alpha = self.alpha + kept;
        let mix = |top: f32, bottom: f32| (top * self.alpha + bottom * kept) / alpha;
        let [r, g, b] = self.rgb;
        let [r2, g2, b2] = below.rgb;
        Self { rgb: [mix(r, r2), mix(g, g2), mix(b, b2)], alpha }
    }
}

/// Paints over each other, the lowest first.
pub(super) fn layers<const N: usize>(paints: [Paint; N]) -> Paint {
    paints.into_iter().fold(Paint::CLEAR, |below, paint| paint.over(below))
}

/// A colour between equally spaced `stops`, the first at 0 and the last at 1.
pub(super) fn gradient<const N: usize>(stops: [u32; N], t: f32) -> Paint {
    let mut from = 0.0;
    let step = 1.0 / (N as f32 - 1.0);
    let mut paint = Paint::hex(stops[0]);
    for stop in &stops[1..] {
        paint = paint.towards(Paint::hex(*stop), (t - from) / step);
        from += step;
    }
    paint
}

/// How much of a pixel a shape covers whose edge is `distance` pixels away, negative inside: an edge that is one pixel soft.
pub(super) fn fill(distance: f32) -> f32 {
    (0.5 - distance).clamp(0.0, 1.0)
}

/// From 1 at `from` to 0 at `to`, smooth at both ends: a feathered edge.
pub(super) fn feather(distance: f32, from: f32, to: f32) -> f32 {
    let t = ((distance - from) / (to - from)).clamp(0.0, 1.0);
    1.0 - t * t * (3.0 - 2.0 * t)
}

/// Distance to a circle round the origin, negative inside. So are all that follow.
pub(super) fn circle(p: Point, radius: f32) -> f32 {
    p.length() - radius
}

/// Distance to a line of width `2 × reach` along the circle of `radius`.
pub(super) fn ring(p: Point, radius: f32, reach: f32) -> f32 {
    circle(p, radius).abs() - reach
}

/// Distance to a rectangle round the origin with rounded corners.
pub(super) fn rounded_box(p: Point, half: Point, corner: f32) -> f32 {
    let q = at(p.x.abs() - half.x + corner, p.y.abs() - half.y + corner);
    at(q.x.max(0.0), q.y.max(0.0)).length() + q.x.max(q.y).min(0.0) - corner
}

/// A line between two points, infinitely thin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    start: Point,
    along: Point,
    per_square: f32,
}

impl Line {
    pub(super) fn new(start: Point, end: Point) -> Self {
        let along = end - start;
        Self { start, along, per_square: 1.0 / along.dot(along) }
    }

    /// The square of the distance: the root is worth taking for the nearest line only.
    pub(super) fn square(&self, p: Point) -> f32 {
        let to = p - self.start;
        let off = to - self.along * (to.dot(self.along) * self.per_square).clamp(0.0, 1.0);
        off.dot(off)
    }
}

/// A closed line of straight sides.
#[derive(Debug)]
pub(super) struct Polygon(Vec<Line>);

impl Polygon {
    pub(super) fn new(corners: &[Point]) -> Self {
        Self(corners.iter().zip(corners.iter().cycle().skip(1)).map(|(&a, &b)| Line::new(a, b)).collect())
    }

    /// A star with five points, one of them upwards.
    pub(super) fn star(tip: f32, notch: f32) -> Self {
        let corners = around(10, 1.0, STEP_36).into_iter().zip([tip, notch].into_iter().cycle());
        Self::new(&corners.map(|(p, radius)| p * radius).collect::<Vec<_>>())
    }

    /// Distance to the polygon, negative inside.
    pub(super) fn distance(&self, p: Point) -> f32 {
        let (mut square, mut inside) = (f32::MAX, false);
        for side in &self.0 {
            square = square.min(side.square(p));
            let (from, to) = (side.start.y - p.y, side.start.y + side.along.y - p.y);
            // A side that a ray from `p` to the right crosses.
            if (from > 0.0) != (to > 0.0) {
                inside ^= side.start.x - from / side.along.y * side.along.x > p.x;
            }
        }
        if inside { -square.sqrt() } else { square.sqrt() }
    }

    /// Which side lies in the direction of `p`, seen from the origin; the origin is inside and sees all sides.
    pub(super) fn side_towards(&self, p: Point) -> usize {
        let left_of = |corner: Point| corner.x * p.y - corner.y * p.x >= 0.0;
        self.0.iter().position(|side| left_of(side.start) && !left_of(side.start + side.along)).unwrap_or(0)
    }
}

/// Distance from `p` to the nearest of `points`.
pub(super) fn nearest(p: Point, points: &[Point]) -> f32 {
    let square = |&point: &Point| (p - point).dot(p - point);
    points.iter().map(square).fold(f32::MAX, f32::min).sqrt()
}

/// Cosine and sine of 12°: a step of what goes round a circle 30 times.
pub(super) const STEP_12: Point = at(0.978_147_6, 0.207_911_69);

/// Cosine and sine of 36°: a step of what goes round a circle 10 times.
const STEP_36: Point = at(0.809_017, 0.587_785_25);

/// `count` points on the circle of `radius` round the origin, clockwise from the top; `step` is the cosine and sine of their distance.
pub(super) fn around(count: usize, radius: f32, step: Point) -> Vec<Point> {
    std::iter::successors(Some(at(0.0, -radius)), |p| Some(at(p.x * step.x - p.y * step.y, p.x * step.y + p.y * step.x)))
        .take(count)
        .collect()
}

/// Smooth noise from 0 to 1 that changes over one unit of `p`.
pub(super) fn noise(p: Point, seed: u32) -> f32 {
    let corner = at(p.x.floor(), p.y.floor());
    let smooth = |t: f32| t * t * (3.0 - 2.0 * t);
    let (tx, ty) = (smooth(p.x - corner.x), smooth(p.y - corner.y));
    let value = |dx: f32, dy: f32| lattice(corner + at(dx, dy), seed);
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    mix(mix(value(0.0, 0.0), value(1.0, 0.0), tx), mix(value(0.0, 1.0), value(1.0, 1.0), tx), ty)
}

/// Noise of several sizes, each half as large and half as strong as the one before, from 0 to 1.
pub(super) fn clouds(p: Point, octaves: u32, seed: u32) -> f32 {
    let (mut sum, mut weight, mut scale) = (0.0, 0.5, 1.0);
    for octave in 0..octaves {
        sum += noise(p * scale, seed + octave) * weight;
        (weight, scale) = (weight * 0.5, scale * 2.0);
    }
    // The weights make up 1 − weight × 2.
    sum / (1.0 - weight * 2.0)
}

/// A number from 0 to 1 that looks random, for whole `p`.
fn lattice(p: Point, seed: u32) -> f32 {
    // In this magnitude a float's last bit counts as 1, so that different whole numbers have different bits.
    let bits = |value: f32| (value + 12_582_912.0).to_bits();
    let mut hash = bits(p.x).wrapping_mul(0x9e37_79b1) ^ bits(p.y).wrapping_mul(0x85eb_ca77) ^ seed.wrapping_mul(0xc2b2_ae3d);
    for _ in 0..2 {
        hash = (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d);
    }
    (hash >> 8) as f32 / 16_777_215.0
}
