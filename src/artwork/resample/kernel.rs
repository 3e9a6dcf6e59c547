//! Which source pixels make a target pixel, along one axis, and with which weights: the same as in fast_image_resize.

use std::f64::consts::PI;
use std::ops::Range;

use fast_image_resize::FilterType;

use crate::job::Kernel;

/// A kernel that weighs pixels by their distance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    /// The weight at a distance, in source pixels or, where they are the larger ones, in target pixels.
    weight: fn(f64) -> f64,
    /// The distance from which on there is none.
    radius: f64,
    pub(super) filter_type: FilterType,
}

impl Filter {
    /// `None` for the kernel that weighs nothing.
    pub(super) fn of(kernel: Kernel) -> Option<Self> {
        let shape = |weight, radius, filter_type| Some(Self { weight, radius, filter_type });
        match kernel {
            Kernel::Lanczos3 => shape(lanczos, 3.0, FilterType::Lanczos3),
            Kernel::CatmullRom => shape(catmull_rom, 2.0, FilterType::CatmullRom),
            Kernel::Mitchell => shape(mitchell, 2.0, FilterType::Mitchell),
            Kernel::Bilinear => shape(triangle, 1.0, FilterType::Bilinear),
            Kernel::Box => shape(rectangle, 0.5, FilterType::Box),
            Kernel::Nearest => None,
        }
    }
}

/// `sinc(x)·sinc(x/3)` between -3 and 3, else 0.
fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| if x == 0.0 { 1.0 } else { (x * PI).sin() / (x * PI) };
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

fn catmull_rom(x: f64) -> f64 {
    const A: f64 = -0.5;
    match x.abs() {
        x if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
        x if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
        _ => 0.0,
    }
}

fn mitchell(x: f64) -> f64 {
    match x.abs() {
        x if x < 1.0 => (7.0 * x / 6.0 - 2.0) * x * x + 16.0 / 18.0,
        x if x < 2.0 => ((2.0 - 7.0 * x / 18.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0,
        _ => 0.0,
    }
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

fn rectangle(x: f64) -> f64 {
    if x > -0.5 && x <= 0.5 { 1.0 } else { 0.0 }
}

/// A kernel over the source pixels of one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps {
    source: u32,
    /// Source pixels a target pixel.
    scale: f64,
    /// Source pixels on each side that have a weight.
    radius: f64,
    weight: fn(f64) -> f64,
}

impl Taps {
    pub(super) fn new(filter: Filter, source: u32, target: u32) -> Self {
        let scale = f64::from(source) / f64::from(target);
        Self { source, scale, radius: filter.radius * scale.max(1.0), weight: filter.weight }
    }

    /// The number of source pixels.
    pub(super) fn source(self) -> u32 {
        self.source
    }

    /// The most source pixels that one target pixel of an endless source would be made of.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most some sides of an image")]
    pub(super) fn widest(self) -> u64 {
        2 * self.radius.ceil() as u64 + 1
    }

    /// The most source pixels that one target pixel is made of.
    #[expect(clippy::cast_possible_truncation, reason = "limited to the source's pixels")]
    pub(super) fn most(self) -> u32 {
        self.widest().min(self.source.into()) as u32
    }

    fn center(self, target: u32) -> f64 {
        (f64::from(target) + 0.5) * self.scale
    }

    /// The source pixels that make the `target` pixel.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "limited to the source's pixels")]
    pub(super) fn range(self, target: u32) -> Range<u32> {
        let center = self.center(target);
        let last = f64::from(self.source);
        (center - self.radius).floor().clamp(0.0, last) as u32..(center + self.radius).ceil().clamp(0.0, last) as u32
    }

    /// The weights of these pixels, whose sum is 1.
    pub(super) fn weights(self, target: u32, weights: &mut Vec<f64>) {
        let center = self.center(target) - 0.5;
        let shrink = 1.0 / self.scale.max(1.0);
        weights.clear();
        weights.extend(self.range(target).map(|pixel| (self.weight)((f64::from(pixel) - center) * shrink)));
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
}
