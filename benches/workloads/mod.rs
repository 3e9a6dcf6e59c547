//! Layouts with artwork of their own, for benches of whole runs.

use std::path::{Path, PathBuf};

use gangsheet::{
    BandEncoder, Compression, Dpi, Layout, Output, Part, PartColor, PartHeader, PixelFormat, Placement, PngPart, PxRect, PxSize, Treatment,
    Turn,
};

/// Width of the film and length of a metre of it, more or less: 22 in and 40 in at 300 DPI.
pub(crate) const FILM_PX: u32 = 6600;

/// A layout file with its artwork.
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) layout: PathBuf,
}

/// Copies on about as many inches of film, five side by side, of so many different designs, each one's copies together.
pub(crate) fn designs(folder: &Path, copies: u32, different: u32) -> Workload {
    const SIDE_PX: u32 = 1300;
    let placements = (0..copies).map(|nth| {
        let design = nth / copies.div_ceil(different);
        let artwork = format!("design {design}.png");
        if !folder.join(&artwork).exists() {
            write_png(&folder.join(&artwork), size(3000, 3000), design);
        }
        let turn = if design.is_multiple_of(2) { Turn::None } else { Turn::Cw90 };
        placement(artwork, rect(nth % 5 * (SIDE_PX + 20), nth / 5 * 1490, size(SIDE_PX, SIDE_PX)), turn)
    });
    let placements = placements.collect();
    let name = format!("22 × {copies} in, {different} designs of 3000 × 3000 px, half of them turned");
    write_layout(folder, &name, size(FILM_PX, copies * 300), placements)
}

pub(crate) fn size(width: u32, height: u32) -> PxSize {
    PxSize::new(width, height).expect("a size of some pixels")
}

pub(crate) fn rect(x: u32, y: u32, size: PxSize) -> PxRect {
    PxRect::new(x, y, size).expect("a rectangle on the film")
}

pub(crate) fn placement(artwork: String, rect: PxRect, turn: Turn) -> Placement {
    Placement { order: "1".into(), item: 0, copy: 1, artwork: artwork.into(), rect, turn, inner: None, treatment: Treatment::default() }
}

pub(crate) fn write_layout(folder: &Path, name: &str, size: PxSize, placements: Vec<Placement>) -> Workload {
    let part = Part::new(size, placements).expect("placements on the film");
    let layout = Layout { name: "Bench".to_owned(), dpi: Dpi::new(300).expect("300"), parts: vec![part], output: Output::default() };
    let path = folder.join("layout.json");
    layout.write(&path).expect("a layout can be written");
    Workload { name: name.to_owned(), layout: path }
}

/// Row `y` of the design `seed`: tiles, a gradient and a soft edge.
pub(crate) fn draw(row: &mut [[u8; 4]], y: u32, seed: u32) {
    for (x, pixel) in (0_u32..).zip(row.iter_mut()) {
        let tile = (x / 100 + y / 100 + seed) % 7;
        let [red, green, ..] = (x / 8 + y / 16 * seed).to_le_bytes();
        *pixel = [red, green, u8::try_from(tile * 36).unwrap_or(255), if tile == 0 { red } else { 255 }];
    }
}

/// Writes a design as the program itself writes parts, a band after the other.
pub(crate) fn write_png(path: &Path, size: PxSize, seed: u32) {
    let header =
        PartHeader { size, dpi: Dpi::new(300).expect("300"), format: PixelFormat::Rgba8, color: PartColor::default(), digest: [0; 32] };
    let mut png = PngPart::create(path, &header).expect("a new file");
    let mut encoder = BandEncoder::new(size.width(), PixelFormat::Rgba8, Compression::Fast);
    let mut row = vec![[0; 4]; size.width() as usize];
    for y in 0..size.height() {
        // Tiles and gradients change every sixteenth row.
        if y % 4 == 0 {
            draw(&mut row, y, seed);
        }
        encoder.push_row(row.as_flattened());
        if (y + 1) % 500 == 0 || y + 1 == size.height() {
            png.append(&encoder.finish()).expect("the disk has room");
        }
    }
    png.finish().expect("the disk has room");
}
