//! The designs: one function each, from nothing to a picture.

use super::draw::{
    Line, Paint, Point, Polygon, STEP_12, around, at, circle, clouds, feather, fill, gradient, layers, nearest, noise, ring, rounded_box,
};
use super::picture::Picture;
use super::text::Text;

/// A sun behind palms: gradients and a glow that fades to nothing.
pub(super) fn sunset() -> Picture {
    let palms = [at(330.0, 1010.0), at(905.0, 1025.0)].map(|foot| (foot, if foot.x < 600.0 { 1.0 } else { -0.8 }));
    Picture::rgba(1200, 1200, &|p| {
        let q = p - at(600.0, 570.0);
        let disc = circle(q, 430.0);
        let down = (q.y - 30.0) / 400.0;
        let between = q.y - (q.y / 64.0).floor() * 64.0 - 32.0;
        let gap = if down > 0.0 { 3.0 + 17.0 * down - between.abs() } else { -1.0 };
        let sun = gradient([0xffe968, 0xffb83f, 0xff7657, 0xe23f8a, 0x7a2bb5], (q.y + 430.0) / 860.0);
        let ground = circle(at(q.x * 0.34, q.y - 640.0), 200.0).max(-circle(at(q.x * 0.34, q.y - 840.0), 330.0));
        let tree = palms.iter().map(|&(foot, lean)| palm(p - foot, lean)).fold(f32::MAX, f32::min).min(ground);
        layers([
            Paint::hex(0xff8a5c).faded(0.55 * feather(disc, -60.0, 165.0)),
            sun.faded(fill(disc.max(gap))),
            gradient([0x4a1a6b, 0x1d0f3d], (p.y - 500.0) / 550.0).faded(fill(tree)),
        ])
    })
}

/// Distance to a palm that stands at the origin, bent and scaled by `lean`.
fn palm(p: Point, lean: f32) -> f32 {
    let p = at(p.x / lean, p.y / lean.abs());
    let crown = at(70.0, -430.0);
    let height = (-p.y / 430.0).clamp(0.0, 1.0);
    let middle = 70.0 * height * height;
    let trunk = ((p.x - middle).abs() - 17.0 + 8.0 * height).max(p.y - 45.0).max(-460.0 - p.y);
    // A frond is a crescent: one circle without another. They hang to both sides, the upper ones further out.
    let fronds = [(0.0, 150.0), (-52.0, 120.0), (40.0, 95.0)].map(|(rise, reach)| {
        let q = at((p.x - crown.x).abs(), p.y - crown.y - rise * 0.6) - at(reach * 0.62, 78.0);
        circle(q, reach).max(-circle(q - at(-6.0, 30.0), reach * 1.02))
    });
    fronds.into_iter().fold(trunk, f32::min) * lean.abs()
}

/// A round sticker with a star, cut out of white; its file says 300 DPI.
pub(super) fn sticker() -> Picture {
    let dots = around(30, 346.0, STEP_12);
    let star = Polygon::star(232.0, 96.0);
    let picture = Picture::rgba(900, 900, &|p| {
        let q = p - at(450.0, 450.0);
        let edge = star.distance(q);
        // Every other facet of the star lies in the shade.
        let light = if star.side_towards(q).is_multiple_of(2) { 0.86 } else { 1.06 };
        let sky = gradient([0x2f7fd8, 0x14406f], (q.length() / 300.0).clamp(0.0, 1.0));
        layers([
            Paint::hex(0xffffff).faded(fill(circle(q, 442.0))),
            Paint::hex(0x12233f).faded(fill(circle(q, 414.0))),
            Paint::hex(0xf4c542).faded(fill(ring(q, 388.0, 5.0).min(ring(q, 303.0, 5.0)))),
            Paint::hex(0xfff3d0).faded(fill(nearest(q, &dots) - 11.0)),
            sky.faded(fill(circle(q, 299.0))),
            Paint::hex(0x081a33).faded(0.6 * feather(star.distance(q - at(8.0, 16.0)), -4.0, 34.0)),
            gradient([0xffe27a, 0xf2a51e], (q.y + 220.0) / 400.0).lit(light).faded(fill(edge)),
            Paint::hex(0xfff6d8).faded(fill(edge.abs() - 3.0)),
        ])
    });
    picture.at_300_dpi()
}

/// Two words with an outline and a soft shadow.
pub(super) fn wordmark() -> Picture {
    let (first, second) = (Text::new("GANG", 62.0), Text::new("SHEET", 49.0));
    Picture::rgba(1700, 1000, &|p| {
        let strokes = |p: Point| {
            let upper = first.distance(p - at(850.0, 280.0), 105.0) - 40.0;
            upper.min(second.distance(p - at(850.0, 720.0), 99.0) - 34.0)
        };
        let letters = strokes(p);
        let shine = strokes(p + at(9.0, 12.0));
        layers([
            Paint::hex(0x0b0720).faded(0.5 * feather(strokes(p - at(16.0, 26.0)), 4.0, 62.0)),
            Paint::hex(0x1b1145).faded(fill(letters - 30.0)),
            Paint::hex(0xffffff).faded(fill(letters - 10.0)),
            gradient([0x21d4c3, 0x3d7bff, 0x8f3dff, 0xff3d9a], (p.x + p.y * 0.5) / 2000.0).faded(fill(letters)),
            Paint::hex(0xffffff).faded(0.35 * fill(letters + 9.0) * feather(shine, 2.0, -6.0)),
        ])
    })
}

/// Hills in the evening, as a photograph: opaque, with noise everywhere.
pub(super) fn hills() -> Picture {
    let ridges = [(860.0, 170.0), (745.0, 190.0), (670.0, 150.0), (585.0, 170.0), (505.0, 150.0)];
    Picture::rgb(1500, 1000, &|p| {
        let mut scene = Paint::CLEAR;
        // From the nearest to the furthest: what lies behind an opaque hill is not worth painting.
        for (index, (middle, rise)) in ridges.into_iter().enumerate() {
            if scene.alpha < 1.0 && p.y > middle - 0.5 * rise - 1.0 {
                scene = scene.over(hill(p, middle, rise, 1.0 - index as f32 / 4.0));
            }
        }
        if scene.alpha < 1.0 {
            scene = scene.over(evening_sky(p));
        }
        scene.lit(0.985 + 0.03 * noise(p * 0.7, 90))
    })
}

/// A hill whose crest lies up to half of `rise` round `middle`; `near` is 0 at the horizon.
fn hill(p: Point, middle: f32, rise: f32, near: f32) -> Paint {
    let crest = middle + rise * (0.5 - clouds(at(p.x / (420.0 - 160.0 * near), 3.0 * near), 5, 40));
    let below = p.y - crest;
    if below < -1.0 {
        return Paint::CLEAR;
    }
    let growth = clouds(at(p.x, p.y * 1.7) * (0.02 + 0.03 * near), 4, 60);
    let green = gradient([0x9fb0bd, 0x7d9a8c, 0x5c8259, 0x3c6433, 0x24421f], near);
    let mist = Paint::hex(0xf3cfae).faded(0.5 * (1.0 - near) * (1.0 - feather(below, 0.0, 190.0)));
    layers([green.lit(0.72 + 0.56 * growth), mist]).faded(fill(-0.5 * below))
}

fn evening_sky(p: Point) -> Paint {
    let from_sun = (p - at(1040.0, 395.0)).length();
    let cover = clouds(at(p.x / 330.0, p.y / 95.0), 5, 7);
    let sun = Paint::hex(0xfff6d6);
    layers([
        gradient([0x3d6fb4, 0x86aedb, 0xf6d3a8, 0xf9b27c], p.y / 620.0),
        gradient([0xffd9b8, 0xffffff], cover * 1.4 - 0.3).faded(0.8 * feather(cover, 0.68, 0.5)),
        sun.faded(0.75 * feather(from_sun, 10.0, 420.0)),
        sun.faded(feather(from_sun, 44.0, 58.0)),
    ])
}

/// A badge in the middle of nowhere: its border is to be trimmed away.
pub(super) fn badge() -> Picture {
    let scallops = around(30, 372.0, STEP_12);
    let text = Text::new("No 1", 21.0);
    let tail = Polygon::new(&[at(250.0, 150.0), at(445.0, 150.0), at(395.0, 215.0), at(445.0, 280.0), at(250.0, 280.0)]);
    let star = Polygon::star(40.0, 17.0);
    Picture::rgba(1200, 1200, &|p| {
        let q = p - at(640.0, 540.0);
        let edge = (nearest(q, &scallops) - 44.0).min(circle(q, 372.0));
        let mirrored = at(q.x.abs(), q.y);
        let tails = tail.distance(mirrored);
        let band = rounded_box(q - at(0.0, 195.0), at(345.0, 72.0), 10.0);
        let stars = [at(0.0, -205.0), at(95.0, -175.0)].map(|middle| star.distance(mirrored - middle));
        layers([
            gradient([0x16a79a, 0x0c6b73], (q.y + 420.0) / 840.0).faded(fill(edge)),
            Paint::hex(0xfff4dc).faded(fill(circle(q, 318.0))),
            Paint::hex(0x0c6b73).faded(fill(ring(q, 292.0, 4.0))),
            Paint::hex(0xf0a51f).faded(fill(stars[0].min(stars[1]))),
            Paint::hex(0x15353c).faded(fill(text.distance(q - at(0.0, -20.0), 30.0) - 15.0)),
            Paint::hex(0xa32a3c).faded(fill(tails)),
            Paint::hex(0x3a0d18).faded(0.5 * feather(band, 0.0, 22.0) * fill(edge.min(tails))),
            gradient([0xe8485a, 0xc9303f], (q.y - 123.0) / 144.0).faded(fill(band)),
            Paint::hex(0xffe9d6).faded(fill((band + 14.0).abs() - 2.0)),
            Paint::hex(0xffe9d6)
                .faded(fill(nearest(at(q.x.abs() % 80.0, q.y), &[at(0.0, 195.0), at(80.0, 195.0)]) - 12.0) * fill(mirrored.x - 300.0)),
        ])
    })
}

/// A rainbow between clouds, as soft as 16 bits allow.
pub(super) fn rainbow() -> Picture {
    let puffs = [(140.0, 470.0, 105.0), (245.0, 430.0, 90.0), (60.0, 500.0, 60.0), (320.0, 500.0, 70.0), (190.0, 515.0, 85.0)];
    Picture::rgba16(1100, 640, &|p| {
        let radius = (p - at(550.0, 545.0)).length();
        let across = (505.0 - radius) / 250.0;
        let bow = gradient([0xff4d5e, 0xff9a3d, 0xffe14d, 0x4fd66b, 0x3fa9f5, 0x8a5cf0], across);
        let soft = feather((radius - 380.0).abs(), 95.0, 128.0) * feather(p.y, 400.0, 540.0);
        let mirrored = at(p.x.min(1100.0 - p.x), p.y);
        let cloud = puffs.iter().map(|&(x, y, r)| circle(mirrored - at(x, y), r)).fold(f32::MAX, f32::min);
        layers([bow.faded(soft * 0.95), gradient([0xffffff, 0xf2f6ff, 0xc5d4ee], (p.y - 340.0) / 260.0).faded(feather(cloud, -9.0, 9.0))])
    })
}

/// A label without any transparency.
pub(super) fn label() -> Picture {
    let text = Text::new("NORTH", 22.5);
    let front = Polygon::new(&[at(-150.0, 130.0), at(-20.0, -130.0), at(110.0, 130.0)]);
    let back = Polygon::new(&[at(-20.0, 130.0), at(85.0, -40.0), at(190.0, 130.0)]);
    let underline = Line::new(at(450.0, 350.0), at(1095.0, 350.0));
    Picture::rgb(1200, 480, &|p| {
        let q = p - at(600.0, 240.0);
        let m = p - at(235.0, 240.0);
        let snow = m.y + 52.0 - 16.0 * ((m.x / 24.0 - (m.x / 24.0).floor() - 0.5).abs() * 4.0 - 1.0);
        let peak = front.distance(m);
        let frame = rounded_box(q, at(565.0, 205.0), 28.0);
        let cream = Paint::hex(0xf4ead2);
        layers([
            gradient([0x1d4a3c, 0x12332b], (q.length() / 640.0).clamp(0.0, 1.0)),
            cream.faded(fill(frame.abs() - 4.0)),
            Paint::hex(0xe0954a).faded(fill(circle(m - at(92.0, -78.0), 46.0))),
            Paint::hex(0x8fb3a2).faded(fill(back.distance(m))),
            cream.faded(fill(peak)),
            Paint::hex(0x4f8a77).faded(fill(peak.max(-snow))),
            cream.faded(fill(text.distance(p - at(772.0, 228.0), 30.0) - 15.0)),
            Paint::hex(0xe0954a).faded(fill(underline.square(p).sqrt() - 5.0)),
        ])
    })
}

/// A fox of 16 × 16 squares: a palette of few colours.
pub(super) fn fox() -> Picture {
    let palette = [('D', 0x2b1a1f), ('O', 0xf08a35), ('L', 0xffb35c), ('W', 0xfff5e6), ('P', 0xf3a6a0), ('B', 0x1a1015)];
    let rows = [
        "..D..........D..",
        ".DOD........DOD.",
        ".DOPD......DPOD.",
        ".DOPPDDDDDDPPOD.",
        ".DOOOLLLLLLOOOD.",
        ".DOOLLLLLLLLOOD.",
        "DOOOLLLLLLLLOOOD",
        "DOOBBOLLLLOBBOOD",
        "DOOBWOLLLLOBWOOD",
        "DWOOOOOLLOOOOOWD",
        "DWWWOOOOOOOOWWWD",
        ".DWWWWOOOOWWWWD.",
        "..DWWWWBBWWWWD..",
        "...DWWWBBWWWD...",
        "....DDWWWWDD....",
        "......DDDD......",
    ];
    Picture::sprite(&rows, 40, &palette)
}
