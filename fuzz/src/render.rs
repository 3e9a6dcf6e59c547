//! Rendering a tiny layout, and what must hold of the result.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::OnceLock;

use gangsheet::{
    Background, ErrorKind, Knockout, Layout, MemoryBudget, Part, PartColor, PartHeader, PixelFormat, Placement, PreflightOptions, Report,
    Rgba8, Run, RunOptions, Treatment, Trim, Turn, VerifyOptions, verify,
};

use crate::{decode_checked, scratch};

/// The folder of the tiny artworks.
pub fn artwork_folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/artwork"))
}

/// An artwork's pixels, by a plain decoder that holds the image whole.
#[derive(Debug)]
struct Art {
    width: usize,
    pixels: Vec<Rgba8>,
}

/// The artworks that are PNG files, by name.
fn artworks() -> &'static [(&'static str, Art)] {
    static ARTWORKS: OnceLock<Vec<(&str, Art)>> = OnceLock::new();
    ARTWORKS.get_or_init(|| ["a.png", "b.png", "c.png"].map(|name| (name, Art::read(name))).into())
}

impl Art {
    fn read(name: &str) -> Self {
        let file = fs::read(artwork_folder().join(name)).unwrap();
        let mut decoder = png::Decoder::new(Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgba);
        let channels: Vec<u8> = match info.bit_depth {
            png::BitDepth::Sixteen => {
                let wide = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
                wide.map(|value| u8::try_from((value * 255 + 32_767) / 65_535).unwrap()).collect()
            }
            _ => bytes,
        };
        let pixels = channels.chunks_exact(4).map(|pixel| Rgba8::new(pixel[0], pixel[1], pixel[2], pixel[3])).collect();
        Self { width: info.width as usize, pixels }
    }

    fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    /// The picture whose pixel at (x, y) is this one's at `from(x, y)`.
    fn moved(&self, width: usize, height: usize, from: impl Fn(usize, usize) -> (usize, usize)) -> Self {
        let pixel = |(x, y): (usize, usize)| self.pixels[y * self.width + x];
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(from(x, y))).collect();
        Self { width, pixels }
    }

    fn trimmed(&self) -> Self {
        let visible = |&(_, pixel): &(usize, &Rgba8)| pixel.a > 0;
        let places: Vec<_> = self.pixels.iter().enumerate().filter(visible).map(|(at, _)| (at % self.width, at / self.width)).collect();
        let bounds = |side: fn(&(usize, usize)) -> usize| (places.iter().map(side).min().unwrap(), places.iter().map(side).max().unwrap());
        let ((left, right), (top, bottom)) = (bounds(|place| place.0), bounds(|place| place.1));
        self.moved(right - left + 1, bottom - top + 1, |x, y| (left + x, top + y))
    }

    /// The same picture with each pixel changed.
    fn changed(&self, change: impl Fn(Rgba8) -> Rgba8) -> Self {
        Self { width: self.width, pixels: self.pixels.iter().copied().map(change).collect() }
    }

    /// The pixels of a placement, where it prints the artwork pixel for pixel.
    fn placed(&self, placement: &Placement) -> Option<Self> {
        let Treatment { trim, mirror, alpha, .. } = placement.treatment;
        let is_knocked_out = |pixel: Rgba8| {
            alpha.knockout.is_some_and(|Knockout { color: [r, g, b], tolerance }| {
                [(pixel.r, r), (pixel.g, g), (pixel.b, b)].iter().all(|(found, color)| found.abs_diff(*color) <= tolerance)
            })
        };
        let knocked_out = self.changed(|pixel| if is_knocked_out(pixel) { Rgba8::TRANSPARENT } else { pixel });
        let trimmed = if trim == Trim::None { knocked_out } else { knocked_out.trimmed() };
        let (w, h) = (trimmed.width, trimmed.height());
        let mirrored = if mirror { trimmed.moved(w, h, |x, y| (w - 1 - x, y)) } else { trimmed };
        let turned = match placement.turn {
            Turn::None => mirrored,
            Turn::Cw90 => mirrored.moved(h, w, |x, y| (y, h - 1 - x)),
            Turn::Cw180 => mirrored.moved(w, h, |x, y| (w - 1 - x, h - 1 - y)),
            Turn::Cw270 => mirrored.moved(h, w, |x, y| (w - 1 - y, x)),
        };
        // Hardened at a half or not.
        let cleaned = turned.changed(|pixel| match (pixel.a >= alpha.min_alpha, alpha.harden) {
            (_, _) if pixel.a == 0 => pixel,
            (true, None) => pixel,
            (true, Some(_)) if pixel.a > 127 => Rgba8 { a: 255, ..pixel },
            _ => Rgba8::TRANSPARENT,
        });
        let size = placement.rect.size();
        ((cleaned.width, cleaned.height()) == (size.width() as usize, size.height() as usize)).then_some(cleaned)
    }
}

/// What a part must look like; `None` where a pixel comes from resampling or from a JPEG.
fn expected(part: &Part, background: Background) -> Vec<Option<Rgba8>> {
    let width = part.size().width() as usize;
    let empty = match background {
        Background::Transparent => Rgba8::TRANSPARENT,
        Background::Opaque([r, g, b]) => Rgba8::new(r, g, b, 255),
    };
    let mut sheet = vec![Some(empty); width * part.size().height() as usize];
    for placement in part.placements() {
        let art = artworks().iter().find(|(name, _)| *name == &*placement.artwork).and_then(|(_, art)| art.placed(placement));
        let (left, top) = (placement.rect.x() as usize, placement.rect.y() as usize);
        for y in 0..placement.rect.size().height() as usize {
            for x in 0..placement.rect.size().width() as usize {
                let below = &mut sheet[(top + y) * width + left + x];
                let pixel = art.as_ref().map(|art| art.pixels[y * art.width + x]);
                *below = match (pixel, *below) {
                    (Some(pixel), Some(below)) => Some(pixel.over(below)),
                    (Some(pixel), None) if pixel.a == 255 => Some(pixel),
                    _ => None,
                };
            }
        }
    }
    sheet
}

fn check_part(part: &Part, layout: &Layout, file: &Path) {
    let format = match layout.output.background {
        Background::Transparent => PixelFormat::Rgba8,
        Background::Opaque(_) => PixelFormat::Rgb8,
    };
    let header = PartHeader { size: part.size(), dpi: layout.dpi, format, color: PartColor::default(), digest: [0; 32] };
    let found = decode_checked(&fs::read(file).unwrap(), &header);
    let expected = expected(part, layout.output.background);
    for (at, (found, expected)) in found.chunks_exact(format.bytes_per_pixel()).zip(expected).enumerate() {
        if let Some(pixel) = expected {
            let pixel = [pixel.r, pixel.g, pixel.b, pixel.a];
            let (x, y) = (at % part.size().width() as usize, at / part.size().width() as usize);
            assert_eq!(found, &pixel[..found.len()], "the pixel at {x}, {y}");
        }
    }
}

fn options(max_memory_bytes: u64, threads: usize, root: &Path) -> RunOptions {
    let preflight = PreflightOptions { artwork_root: Some(root.to_owned()), ..PreflightOptions::default() };
    // The outputs lie in a RAM disk, to which nothing is spilled.
    let temp_dir = Some(env!("CARGO_MANIFEST_DIR").into());
    RunOptions { max_memory_bytes: Some(max_memory_bytes), threads: Some(threads), preflight, temp_dir, ..RunOptions::default() }
}

/// More memory than a tiny layout needs.
const AMPLE_BYTES: u64 = 256 << 20;

/// Renders `layout` with ample memory and with as little as will do, and proves both results. Errors must be about the layout or its artwork.
pub fn render_and_prove(layout: &Layout) {
    let base = artwork_folder();
    let folder = scratch();
    let ample = Run::of_layout(layout, base).options(options(AMPLE_BYTES, 1, base)).render(&folder.path().join("ample"), |_| {});
    let report = match ample {
        Ok(report) => report,
        Err(error) => {
            let known = matches!(error.kind(), ErrorKind::Preflight { .. } | ErrorKind::Artwork { .. } | ErrorKind::Layout { .. });
            assert!(known, "{error:?}");
            assert!(fs::read_dir(folder.path()).unwrap().next().is_none(), "something was written: {error}");
            return;
        }
    };
    assert_eq!((report.placed_copies, report.ordered_copies), (layout.copies(), layout.copies()));
    assert!(report.peak_reserved_bytes <= AMPLE_BYTES);
    for (part, written) in layout.parts.iter().zip(&report.parts) {
        check_part(part, layout, &folder.path().join("ample").join(&written.file));
    }
    prove(&folder.path().join("ample"), layout);

    let tight = render_tightly(layout, base, &folder.path().join("tight"));
    for (ample, tight) in report.parts.iter().zip(&tight.parts) {
        assert_eq!(ample.sha256, tight.sha256, "other bytes with less memory");
    }
}

/// Renders with the smallest limit that errors announce: each must name a larger one than the last, and the last one must do.
fn render_tightly(layout: &Layout, base: &Path, folder: &Path) -> Report {
    let mut limit_bytes = 0;
    loop {
        match Run::of_layout(layout, base).options(options(limit_bytes, 2, base)).render(folder, |_| {}) {
            Ok(report) => {
                assert!(report.peak_reserved_bytes <= limit_bytes);
                return report;
            }
            Err(error) => match error.kind() {
                ErrorKind::MemoryLimit { needed_bytes, limit_bytes: limit, .. } => {
                    assert!(*limit == limit_bytes && *needed_bytes > limit_bytes, "{error:?}");
                    assert!(!folder.exists(), "something was written: {error}");
                    limit_bytes = *needed_bytes;
                }
                // The outputs lie in a RAM disk and count as memory.
                ErrorKind::FilesInMemory { needed_bytes, .. } => {
                    assert!(*needed_bytes > 0 && !folder.exists(), "{error:?}");
                    limit_bytes += *needed_bytes;
                }
                other => panic!("{other:?} with less memory only"),
            },
        }
    }
}

fn prove(folder: &Path, layout: &Layout) {
    let proven = verify(folder, &VerifyOptions { threads: Some(1), ..VerifyOptions::default() }, &MemoryBudget::new(AMPLE_BYTES))
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((proven.parts, proven.copies), (layout.parts.len(), layout.copies()));
}
