//! What the integration tests share: small artwork, jobs and layouts to print it, and the way back from a part to its pixels.
#![allow(dead_code, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

pub(crate) mod oracle;
pub(crate) mod png_file;
pub(crate) mod profile;

use std::collections::BTreeMap;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use gangsheet::{
    ColorSpace, Dpi, Layout, MemoryBudget, Output, PROCESS_BYTES, Part, Placement, PreflightOptions, PxRect, PxSize, RenderPlan,
    Reservation, Rgba8, Run, Treatment, Trim, Turn,
};

pub(crate) use self::png_file::{PngKind, png_bytes};

/// An image as straight RGBA, row by row.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) pixels: Vec<Rgba8>,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a picture of {} × {} px", self.width, self.height)
    }
}

impl Picture {
    pub(crate) fn new(width: u32, height: u32, mut pixel: impl FnMut(u32, u32) -> Rgba8) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect();
        Self { width, height, pixels }
    }

    pub(crate) fn at(&self, x: u32, y: u32) -> Rgba8 {
        self.pixels[y as usize * self.width as usize + x as usize]
    }

    pub(crate) fn set(&mut self, x: u32, y: u32, pixel: Rgba8) {
        self.pixels[y as usize * self.width as usize + x as usize] = pixel;
    }

    /// The smallest rectangle (x, y, width, height) around all pixels of alpha above 0.
    pub(crate) fn visible(&self) -> Option<(u32, u32, u32, u32)> {
        let seen = || (0..self.height).flat_map(|y| (0..self.width).map(move |x| (x, y))).filter(|&(x, y)| self.at(x, y).a > 0);
        let (left, right) = (seen().map(|(x, _)| x).min()?, seen().map(|(x, _)| x).max()?);
        let (top, bottom) = (seen().map(|(_, y)| y).min()?, seen().map(|(_, y)| y).max()?);
        Some((left, top, right - left + 1, bottom - top + 1))
    }

    pub(crate) fn crop(&self, (left, top, width, height): (u32, u32, u32, u32)) -> Self {
        Self::new(width, height, |x, y| self.at(left + x, top + y))
    }

    pub(crate) fn mirrored(&self) -> Self {
        Self::new(self.width, self.height, |x, y| self.at(self.width - 1 - x, y))
    }

    /// Turned clockwise: after 90° the first column, read upwards, is the first row.
    pub(crate) fn turned(&self, turn: Turn) -> Self {
        let (w, h) = (self.width, self.height);
        match turn {
            Turn::None => self.clone(),
            Turn::Cw90 => Self::new(h, w, |x, y| self.at(y, h - 1 - x)),
            Turn::Cw180 => Self::new(w, h, |x, y| self.at(w - 1 - x, h - 1 - y)),
            Turn::Cw270 => Self::new(h, w, |x, y| self.at(w - 1 - y, x)),
        }
    }
}

/// A source of noise that is the same everywhere (SplitMix64).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn pixel(&mut self) -> Rgba8 {
        let [r, g, b, a, ..] = self.next().to_le_bytes();
        Rgba8::new(r, g, b, a)
    }
}

/// What artwork looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Every value anywhere: a third transparent, a third opaque, a third between.
    Noise,
    /// A disc with a soft edge on nothing.
    Disc,
    /// An opaque gradient.
    Gradient,
    /// Alpha of 0 to 7 only: where un-premultiplied colours are coarse.
    Faint,
    /// One small block on nothing, off the centre.
    Dot,
}

impl Style {
    pub(crate) const ALL: [Self; 5] = [Self::Noise, Self::Disc, Self::Gradient, Self::Faint, Self::Dot];
}

/// Draws artwork; there is at least one opaque pixel.
pub(crate) fn draw(style: Style, seed: u64, width: u32, height: u32) -> Picture {
    let mut noise = Noise(seed);
    let byte = |value: u32| value.to_le_bytes()[0];
    let mut picture = Picture::new(width, height, |x, y| {
        let pixel = noise.pixel();
        let colour = Rgba8::new(byte(x * 255 / width), byte(y * 255 / height), pixel.b, 255);
        match style {
            Style::Noise => Rgba8 { a: [0, 255, pixel.a][usize::from(pixel.r % 3)], ..pixel },
            Style::Gradient => colour,
            Style::Faint => Rgba8 { a: pixel.a % 8, ..pixel },
            Style::Disc => {
                let across = |at: u32, of: u32| (f64::from(at) + 0.5) / f64::from(of) * 2.0 - 1.0;
                let distance = across(x, width).hypot(across(y, height));
                let alpha = ((0.9 - distance) * 4.0).clamp(0.0, 1.0) * 255.0;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=255")]
                let a = alpha.round() as u8;
                Rgba8 { a, ..colour }
            }
            Style::Dot => {
                let inside = (x * 5 / width, y * 5 / height) == (1, 3);
                if inside { Rgba8 { a: pixel.a, ..colour } } else { Rgba8::TRANSPARENT }
            }
        }
    });
    picture.set(width / 4, height * 2 / 3, Rgba8::new(byte(seed.to_le_bytes()[0].into()), 200, 40, 255));
    picture
}

/// A folder with artwork and outputs, removed in the end.
pub(crate) struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    pub(crate) fn new() -> Self {
        // Not where a system keeps temporary files: that may be a RAM disk, to which nothing is spilled.
        Self { folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap() }
    }

    /// What relative artwork paths hold from.
    pub(crate) fn base(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes `picture` as an RGBA PNG of 8 bits.
    pub(crate) fn artwork(&self, name: &str, picture: &Picture) -> PathBuf {
        self.write(name, &png_bytes(picture, PngKind::Rgba8, false))
    }
}

/// Decodes a PNG into RGBA of 8 bits with the png crate's own expansion; 16 bits are rounded.
pub(crate) fn decode_png(path: &Path) -> Picture {
    let mut decoder = png::Decoder::new(BufReader::new(fs::File::open(path).unwrap()));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    bytes.truncate(frame.buffer_size());
    if frame.bit_depth == png::BitDepth::Sixteen {
        let (wide, _) = bytes.as_chunks::<2>();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=255")]
        let narrow = |&value: &[u8; 2]| (f64::from(u16::from_be_bytes(value)) * 255.0 / 65535.0).round() as u8;
        bytes = wide.iter().map(narrow).collect();
    }
    let pixels: Vec<Rgba8> = match frame.color_type {
        png::ColorType::Rgba => bytes.as_chunks::<4>().0.iter().map(|&[r, g, b, a]| Rgba8::new(r, g, b, a)).collect(),
        png::ColorType::GrayscaleAlpha => bytes.as_chunks::<2>().0.iter().map(|&[v, a]| Rgba8::new(v, v, v, a)).collect(),
        other => panic!("{other:?} after expansion with alpha"),
    };
    assert_eq!(pixels.len(), frame.width as usize * frame.height as usize);
    Picture { width: frame.width, height: frame.height, pixels }
}

/// A finished part, read back.
pub(crate) struct PartImage {
    pub(crate) picture: Picture,
    pub(crate) color_type: png::ColorType,
    /// Pixels per metre across and down.
    pub(crate) per_metre: (u32, u32),
}

/// Reads a part with every checksum on, down to its last chunk.
pub(crate) fn read_part(path: &Path) -> PartImage {
    let mut options = png::DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_ignore_adler32(false);
    options.set_skip_ancillary_crc_failures(false);
    let file = fs::File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut reader = png::Decoder::new_with_options(BufReader::new(file), options).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut bytes).unwrap();
    reader.finish().unwrap();
    assert_eq!(frame.bit_depth, png::BitDepth::Eight);
    let pixels = match frame.color_type {
        png::ColorType::Rgba => bytes.as_chunks::<4>().0.iter().map(|&[r, g, b, a]| Rgba8::new(r, g, b, a)).collect(),
        png::ColorType::Rgb => bytes.as_chunks::<3>().0.iter().map(|&[r, g, b]| Rgba8::new(r, g, b, 255)).collect(),
        other => panic!("a part with {other:?}"),
    };
    let dims = reader.info().pixel_dims.expect("pHYs");
    assert_eq!(dims.unit, png::Unit::Meter);
    PartImage {
        picture: Picture { width: frame.width, height: frame.height, pixels },
        color_type: frame.color_type,
        per_metre: (dims.xppu, dims.yppu),
    }
}

/// All files in a folder by name, with their content; empty where there is no folder.
pub(crate) fn files_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let content = if path.is_dir() { b"a folder".to_vec() } else { fs::read(&path).unwrap() };
        (path.file_name().unwrap().to_str().unwrap().to_owned(), content)
    };
    entries.map(read).collect()
}

/// The PNG files in a folder by name.
pub(crate) fn parts_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    files_in(folder).into_iter().filter(|(name, _)| name.ends_with(".png")).collect()
}

/// A rectangle from (x, y, width, height).
pub(crate) fn rect(x: u32, y: u32, width: u32, height: u32) -> PxRect {
    PxRect::new(x, y, PxSize::new(width, height).unwrap()).unwrap()
}

/// A treatment that cuts the fully transparent border away.
pub(crate) fn trimmed() -> Treatment {
    Treatment { trim: Trim::TRANSPARENT, ..Treatment::default() }
}

/// A treatment that mirrors left to right.
pub(crate) fn mirrored() -> Treatment {
    Treatment { mirror: true, ..Treatment::default() }
}

/// Copy `copy` of item 0 of order 1, upright and whole.
pub(crate) fn placement(artwork: &str, copy: u32, rect: PxRect) -> Placement {
    Placement {
        order: "1".into(),
        item: 0,
        copy,
        artwork: artwork.into(),
        rect,
        turn: Turn::None,
        inner: None,
        treatment: Treatment::default(),
    }
}

/// A layout at 300 DPI named "Test" of these parts: size and placements.
pub(crate) fn layout(parts: impl IntoIterator<Item = ((u32, u32), Vec<Placement>)>) -> Layout {
    let part = |((width, length), placements)| Part::new(PxSize::new(width, length).unwrap(), placements).unwrap();
    Layout { name: "Test".into(), dpi: Dpi::new(300).unwrap(), parts: parts.into_iter().map(part).collect(), output: Output::default() }
}

/// A plan with the budget that it was made with, of which the program itself holds a part as in a [`Run`].
pub(crate) struct Planned {
    pub(crate) plan: RenderPlan,
    pub(crate) budget: MemoryBudget,
    pub(crate) process: Reservation,
}

/// Plans a layout stage by stage.
pub(crate) fn plan(layout: &Layout, base: &Path, limit_bytes: u64, threads: usize) -> gangsheet::Result<Planned> {
    let budget = MemoryBudget::new(limit_bytes);
    let process = budget.reserve(PROCESS_BYTES, "the program itself")?;
    let artworks = layout.preflight(base, &PreflightOptions::default(), &budget)?.into_artworks();
    let plan = RenderPlan::new(layout.clone(), artworks, &ColorSpace::default(), threads, &budget)?;
    Ok(Planned { plan, budget, process })
}

/// The smallest memory limit of a run, in bytes.
pub(crate) fn smallest_limit_bytes(run: &Run) -> u64 {
    run.prepare().unwrap().plan(1).unwrap().memory().smallest_limit_bytes
}

/// A limit that holds any of the small jobs here, in bytes.
pub(crate) const PLENTY: u64 = 1 << 30;

/// A layout of two parts of several bands each: artwork that both parts use, resampled, turned, mirrored, trimmed, overlapping, and
/// artwork that reaches over many bands. The files are written into the shop.
pub(crate) fn scene(shop: &Shop) -> Layout {
    shop.artwork("art/disc.png", &draw(Style::Disc, 1, 200, 150));
    shop.artwork("art/noise.png", &draw(Style::Noise, 2, 120, 90));
    shop.write("art/grey.png", &png_bytes(&draw(Style::Gradient, 3, 64, 80), PngKind::GreyAlpha16, true));
    shop.artwork("art/banner.png", &draw(Style::Gradient, 5, 140, 144));
    shop.write("art/dot.png", &png_bytes(&draw(Style::Dot, 4, 150, 100), PngKind::Rgba8, false));
    let one = |order: &str, artwork: &str, copy, (x, y, width, height), turn| Placement {
        order: order.into(),
        turn,
        ..placement(&format!("art/{artwork}.png"), copy, rect(x, y, width, height))
    };
    let shared = |copy, x, y| one("1", "disc", copy, (x, y, 300, 400), Turn::Cw90);
    let first = vec![
        shared(1, 10, 10),
        shared(2, 320, 10),
        one("2", "noise", 1, (640, 20, 120, 90), Turn::None),
        Placement { treatment: mirrored(), ..one("3", "grey", 1, (640, 150, 200, 250), Turn::Cw180) },
        one("4", "disc", 1, (20, 420, 640, 480), Turn::None),
        one("2", "noise", 2, (700, 600, 90, 120), Turn::Cw270),
        Placement { treatment: trimmed(), ..one("5", "dot", 1, (700, 800, 99, 77), Turn::None) },
        one("2", "noise", 3, (5, 1300, 120, 90), Turn::None),
    ];
    let second = vec![
        shared(3, 50, 40),
        one("2", "noise", 4, (100, 100, 120, 90), Turn::None),
        Placement { treatment: mirrored(), ..one("6", "noise", 1, (300, 20, 480, 640), Turn::Cw90) },
        one("3", "grey", 2, (400, 400, 64, 80), Turn::None),
        // Drawn once, and higher than any band.
        Placement { treatment: mirrored(), ..one("7", "banner", 1, (100, 700, 700, 720), Turn::None) },
    ];
    layout([((900, 1400), first), ((860, 1500), second)])
}

/// A layout of two parts with copies side by side and many rows of them down the part, so that bands are like earlier ones; the second part
/// begins as the first does.
pub(crate) fn grid(shop: &Shop) -> Layout {
    shop.artwork("art/disc.png", &draw(Style::Disc, 1, 200, 150));
    shop.artwork("art/noise.png", &draw(Style::Noise, 2, 160, 150));
    let placements = |rows: u32| {
        let place = |row: u32, column: u32| {
            let artwork = if (row / 6 + column / 2).is_multiple_of(2) { "art/disc.png" } else { "art/noise.png" };
            placement(artwork, row * 4 + column + 1, rect(10 + column * 220, row * 170, 200, 150))
        };
        (0..rows).flat_map(|row| (0..4).map(move |column| place(row, column))).collect::<Vec<_>>()
    };
    layout([((900, 15 * 170 - 20), placements(15)), ((900, 9 * 170 + 600), placements(9))])
}
