#![allow(clippy::cast_possible_truncation, reason = "pictures of tests are small")]

use super::*;
use proptest::prelude::*;

/// Distances to the outline of a shape: negative inside. Lengths are in millimetres.
type Outline<'a> = &'a dyn Fn(f64, f64) -> f64;

/// A picture at a resolution.
#[derive(Clone, Copy)]
struct Canvas {
    per_mm: f64,
    width: u32,
    height: u32,
}

impl Canvas {
    fn new(dpi: u32, width_mm: f64, height_mm: f64) -> Self {
        let per_mm = f64::from(dpi) / 25.4;
        let px = |mm: f64| (mm * per_mm).ceil() as u32;
        Self { per_mm, width: px(width_mm), height: px(height_mm) }
    }

    /// The alpha of a shape with antialiased edges.
    fn alpha(self, outline: Outline<'_>) -> Vec<u8> {
        const FINE: u32 = 16;
        let mut alpha = Vec::new();
        for y in 0..self.height {
            for x in 0..self.width {
                let at = |px: u32, fine: u32| (f64::from(px) + (f64::from(fine) + 0.5) / f64::from(FINE)) / self.per_mm;
                let middle = outline(at(x, FINE / 2), at(y, FINE / 2));
                let inside = if middle.abs() * self.per_mm > 2.0 {
                    if middle < 0.0 { FINE * FINE } else { 0 }
                } else {
                    let places = (0..FINE * FINE).map(|nth| (at(x, nth % FINE), at(y, nth / FINE)));
                    places.filter(|&(x, y)| outline(x, y) < 0.0).count() as u32
                };
                alpha.push((inside * 255 / (FINE * FINE)) as u8);
            }
        }
        alpha
    }

    fn measures(self, line_mm: f64, gap_mm: f64, speck_mm2: f64) -> Measures {
        let px = |mm: f64| (mm * self.per_mm) as f32;
        Measures { line_px: px(line_mm), gap_px: px(gap_mm), speck_px: speck_mm2 * self.per_mm * self.per_mm, edge: 2 }
    }

    /// What is found at the usual limits.
    fn look(self, outline: Outline<'_>) -> Findings {
        self.look_at(&self.alpha(outline))
    }

    fn look_at(self, alpha: &[u8]) -> Findings {
        let pixels: Vec<Rgba8> = alpha.iter().map(|&a| Rgba8::new(200, 30, 60, a)).collect();
        self.look_at_pixels(&pixels)
    }

    fn look_at_pixels(self, pixels: &[Rgba8]) -> Findings {
        let budget = MemoryBudget::new(1 << 26);
        let (size, measures) = (PxSize::new(self.width, self.height).unwrap(), self.measures(0.4, 0.7, 1.0));
        let mut analyser = Analyser::new(size, true, &measures, &budget).unwrap();
        assert_eq!(budget.held_bytes(), Analyser::memory_bytes(size, true, &measures));
        pixels.chunks_exact(self.width as usize).for_each(|row| analyser.push(row));
        let findings = analyser.finish();
        assert_eq!(budget.held_bytes(), 0);
        findings
    }

    fn mm(self, px: f32) -> f64 {
        f64::from(px) / self.per_mm
    }
}

/// A bar around the origin, `long` and `thick`, at an angle.
fn bar(x: f64, y: f64, long: f64, thick: f64, degrees: f64) -> f64 {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (along, aside) = (x * cos + y * sin, y * cos - x * sin);
    (along.abs() - long / 2.0).max(aside.abs() - thick / 2.0)
}

/// A convex polygon from its corners, clockwise on the screen.
fn polygon(x: f64, y: f64, corners: &[(f64, f64)]) -> f64 {
    let next = corners.iter().cycle().skip(1);
    let sides = corners.iter().zip(next).map(|(&(ax, ay), &(bx, by))| {
        let (dx, dy) = (bx - ax, by - ay);
        ((x - ax) * dy - (y - ay) * dx) / dx.hypot(dy)
    });
    sides.fold(f64::MIN, f64::max)
}

/// A star: a triangle for each of its points, and what lies between them.
fn star(x: f64, y: f64, points: u32, outer: f64, inner: f64) -> f64 {
    let corner = |nth: f64, radius: f64| {
        let (sin, cos) = (nth * std::f64::consts::TAU / f64::from(points)).sin_cos();
        (radius * sin, -radius * cos)
    };
    let tips = (0..points).map(|nth| {
        let nth = f64::from(nth);
        polygon(x, y, &[corner(nth - 0.5, inner), corner(nth, outer), corner(nth + 0.5, inner), (0.0, 0.0)])
    });
    tips.fold(f64::MAX, f64::min)
}

const ANGLES: [f64; 9] = [0.0, 90.0, 45.0, 135.0, 30.0, 60.0, 22.5, 112.5, 7.0];

#[test]
fn lines_are_measured_within_a_tenth_at_any_angle_and_resolution() {
    for dpi in [150, 300, 600] {
        let canvas = Canvas::new(dpi, 12.0, 12.0);
        for thick in [0.15, 0.2, 0.3, 0.35] {
            for (nth, degrees) in ANGLES.into_iter().enumerate() {
                let shift = nth as f64 * 0.013;
                let found = canvas.look(&|x, y| bar(x - 6.0 - shift, y - 6.0 + shift, 8.0, thick, degrees)).lines;
                let place = found.thinnest.unwrap_or_else(|| panic!("{thick} mm at {degrees}° and {dpi} DPI is not found"));
                let measured = canvas.mm(place.thickness_px);
                assert!((measured / thick - 1.0).abs() <= 0.1, "{thick} mm at {degrees}° and {dpi} DPI: {measured}");
                let area = found.area_px / canvas.per_mm.powi(2);
                assert!((area / (8.0 * thick) - 1.0).abs() <= 0.2, "{thick} mm at {degrees}° and {dpi} DPI: {area} mm²");
                let at = |px: u32| (f64::from(px) + 0.5) / canvas.per_mm;
                let (x, y) = (at(place.x), at(place.y));
                assert!(bar(x - 6.0 - shift, y - 6.0 + shift, 8.0, thick, degrees) < 0.1, "at {x}, {y}");
            }
        }
    }
}

#[test]
fn gaps_are_measured_within_a_tenth_at_any_angle_and_resolution() {
    for dpi in [150, 300, 600] {
        let canvas = Canvas::new(dpi, 12.0, 12.0);
        for wide in [0.15, 0.3, 0.45, 0.6] {
            for degrees in ANGLES {
                // Two blocks side by side.
                let outline = |x: f64, y: f64| {
                    let block = (x - 6.0).hypot(y - 6.0) - 5.0;
                    block.max(-bar(x - 6.0, y - 6.0, 30.0, wide, degrees))
                };
                let found = canvas.look(&outline);
                let place = found.gaps.thinnest.unwrap_or_else(|| panic!("{wide} mm at {degrees}° and {dpi} DPI is not found"));
                let measured = canvas.mm(place.thickness_px);
                assert!((measured / wide - 1.0).abs() <= 0.1, "{wide} mm at {degrees}° and {dpi} DPI: {measured}");
                assert_eq!(found.lines, ThinPlaces::default());
            }
        }
    }
}

#[test]
fn what_is_as_thick_as_the_limit_is_fine() {
    for dpi in [150, 300, 600] {
        let canvas = Canvas::new(dpi, 12.0, 12.0);
        for (nth, degrees) in ANGLES.into_iter().enumerate() {
            for thick in [0.41, 0.5] {
                let shift = nth as f64 * 0.017;
                let found = canvas.look(&|x, y| bar(x - 6.0 - shift, y - 6.0, 8.0, thick, degrees));
                assert_eq!(found.lines, ThinPlaces::default(), "{thick} mm at {degrees}° and {dpi} DPI");
                let two = |x: f64, y: f64| (x - 6.0).hypot(y - 6.0).max(-5.0) - 5.0;
                let found = canvas.look(&|x, y| two(x, y).max(-bar(x - 6.0 - shift, y - 6.0, 30.0, thick + 0.31, degrees)));
                assert_eq!(found.gaps, ThinPlaces::default(), "{thick} mm at {degrees}° and {dpi} DPI");
            }
        }
    }
}

#[test]
fn solid_shapes_raise_no_alarm() {
    for (dpi, sizes) in [(100, [9.0, 15.0]), (150, [4.0, 9.0]), (300, [4.0, 15.0])] {
        for size in sizes {
            let canvas = Canvas::new(dpi, size + 2.0, size + 2.0);
            let (middle, radius) = (1.0 + size / 2.0, size / 2.0);
            let triangle = |x: f64, y: f64| polygon(x, y, &[(0.0, -radius), (radius * 0.5, radius), (-radius * 0.5, radius)]);
            let shapes: [(&str, Outline<'_>); 9] = [
                ("disc", &|x, y| x.hypot(y) - radius),
                ("square", &|x, y| bar(x, y, size, size, 0.0)),
                ("turned square", &|x, y| bar(x, y, size * 0.7, size * 0.7, 45.0)),
                ("slightly turned square", &|x, y| bar(x, y, size * 0.8, size * 0.8, 11.0)),
                ("rounded bar", &|x, y| bar(x, y, size * 0.8, 0.2, 30.0) - 0.5),
                ("triangle of 28°", &triangle),
                ("triangle of 28° on its side", &|x, y| triangle(y, x)),
                ("five-pointed star", &|x, y| star(x, y, 5, radius, radius * 0.5)),
                ("ring", &|x, y| (x.hypot(y) - radius * 0.7).abs() - 0.5),
            ];
            for (name, shape) in shapes {
                let outline = |x: f64, y: f64| shape(x - middle, y - middle);
                let Findings { coverage, lines, gaps, specks } = canvas.look(&outline);
                let what = format!("{name} of {size} mm at {dpi} DPI");
                assert_eq!((lines, gaps), Default::default(), "{what}");
                assert_eq!(specks, Specks::default(), "{what}");
                let soft = coverage.semi_transparent_px as f64 / coverage.visible_px as f64;
                assert!(soft < 0.01, "{what}: {soft}");
                assert_eq!((coverage.border_px, coverage.background), ([0; 4], None), "{what}");
            }
        }
    }
}

#[test]
fn specks_are_counted_and_measured() {
    for dpi in [150, 300] {
        let canvas = Canvas::new(dpi, 20.0, 14.0);
        // Discs of 0.5, 0.8 and 1 mm, one of 1.3 mm (1.33 mm²), and a large one.
        let discs = [(4.03, 5.0, 0.25), (8.0, 3.02, 0.4), (12.0, 3.5, 0.5), (16.0, 3.0, 0.65), (8.0, 10.0, 3.0)];
        let outline = |x: f64, y: f64| discs.iter().map(|&(cx, cy, radius)| (x - cx).hypot(y - cy) - radius).fold(f64::MAX, f64::min);
        let specks = canvas.look(&outline).specks;
        assert_eq!(specks.count, 3);
        let smallest = specks.smallest_px / canvas.per_mm.powi(2);
        let expected = std::f64::consts::PI * 0.25 * 0.25;
        assert!((smallest / expected - 1.0).abs() < 0.1, "{smallest} mm² at {dpi} DPI");
        let (x, y) = specks.first.unwrap();
        let at = |px: u32| f64::from(px) / canvas.per_mm;
        assert!((at(x) - 8.0).hypot(at(y) - 2.62) < 0.4, "{}, {}", at(x), at(y));
    }
}

#[test]
fn a_soft_shadow_is_semi_transparent_and_an_edge_is_not() {
    let canvas = Canvas::new(300, 20.0, 20.0);
    let distance = |x: u32, y: u32| (f64::from(x) / canvas.per_mm - 10.0).hypot(f64::from(y) / canvas.per_mm - 10.0);
    let fading = |at: f64, over: f64| {
        let alpha = (0..canvas.height).flat_map(|y| (0..canvas.width).map(move |x| (x, y)));
        alpha.map(|(x, y)| (255.0 * ((at - distance(x, y)) / over + 0.5).clamp(0.0, 1.0)) as u8).collect::<Vec<_>>()
    };
    let [edge, shadow] = [0.1, 2.0].map(|over| canvas.look_at(&fading(6.0, over)).coverage);
    assert_eq!((edge.semi_transparent_px, edge.semi_transparent_at), (0, None));
    let area = shadow.semi_transparent_px as f64 / canvas.per_mm.powi(2);
    // A ring of 2 mm, without what is nearly opaque or nearly clear.
    let expected = std::f64::consts::PI * (6.88_f64.powi(2) - 5.12_f64.powi(2));
    assert!((area / expected - 1.0).abs() < 0.1, "{area} mm², not {expected}");
}

#[test]
fn a_background_is_one_colour_around_another() {
    let canvas = Canvas::new(100, 10.0, 8.0);
    let picture = |alpha: u8, colour: &dyn Fn(u32, u32) -> u8| {
        let pixels = (0..canvas.height).flat_map(|y| (0..canvas.width).map(move |x| (x, y)));
        let pixels: Vec<Rgba8> = pixels.map(|(x, y)| Rgba8::new(colour(x, y), 250, 250, alpha)).collect();
        canvas.look_at_pixels(&pixels).coverage
    };
    let logo = |x: u32, y: u32| if x > 5 && y > 5 && x < 20 && y < 20 { 10 } else { 245 + ((x * 7 + y) % 5) as u8 };
    assert_eq!(picture(255, &logo).background.map(|colour| colour.a), Some(255));
    assert_eq!(picture(255, &|_, _| 240).background, None, "a patch of one colour");
    assert_eq!(picture(255, &|x, _| if x < 20 { 250 } else { 20 }).background, None, "a picture to its border");
    let around = u64::from(canvas.width);
    assert_eq!(picture(255, &logo).border_px, [around, u64::from(canvas.height), around, u64::from(canvas.height)]);
}

#[test]
fn the_border_is_touched_where_ink_lies_there() {
    let canvas = Canvas::new(100, 10.0, 8.0);
    let found = canvas.look(&|x, y| bar(x - 1.0, y - 4.0, 4.0, 3.0, 0.0)).coverage.border_px;
    assert_eq!((found[0], found[1], found[2]), (0, 0, 0));
    assert!((found[3] as f64 / canvas.per_mm - 3.0).abs() < 0.3, "{found:?}");
}

/// Whatever a picture shows, its mirror images show the same.
fn thin_areas(canvas: Canvas, alpha: &[u8]) -> [u64; 3] {
    let Findings { lines, gaps, specks, .. } = canvas.look_at(alpha);
    [lines.area_px, gaps.area_px].map(|area| area.round() as u64).into_iter().chain([specks.count]).collect::<Vec<_>>().try_into().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn mirrored_and_turned_pictures_tell_the_same(
        width in 1u32..90,
        height in 1u32..90,
        bars in prop::collection::vec((0.0..20.0_f64, 0.0..20.0_f64, 1.0..20.0_f64, 0.2..1.5_f64, 0.0..180.0_f64), 1..6),
    ) {
        let canvas = Canvas { per_mm: 5.0, width, height };
        let alpha = canvas.alpha(&|x, y| bars.iter().map(|&(cx, cy, long, thick, degrees)| bar(x - cx, y - cy, long, thick, degrees)).fold(f64::MAX, f64::min));
        let expected = thin_areas(canvas, &alpha);
        let mirrored: Vec<u8> = alpha.chunks_exact(width as usize).flat_map(|row| row.iter().rev().copied()).collect();
        prop_assert_eq!(thin_areas(canvas, &mirrored), expected);
        let upside_down: Vec<u8> = alpha.iter().rev().copied().collect();
        prop_assert_eq!(thin_areas(canvas, &upside_down), expected);
        let (w, h) = (width as usize, height as usize);
        let turned: Vec<u8> = (0..w).flat_map(|x| (0..h).map(move |y| (x, y))).map(|(x, y)| alpha[y * w + x]).collect();
        prop_assert_eq!(thin_areas(Canvas { width: height, height: width, ..canvas }, &turned), expected);
    }

    #[test]
    fn any_pixels_are_taken(width in 1u32..70, alpha in prop::collection::vec(any::<u8>(), 1..2000)) {
        let height = alpha.len() as u32 / width;
        prop_assume!(height > 0);
        let canvas = Canvas { per_mm: 3.0, width, height };
        canvas.look_at(&alpha[..(width * height) as usize]);
    }
}
