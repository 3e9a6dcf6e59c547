//! Property: any placements of a few artworks, overlapping or not, scaled by any kernel or not, trimmed, mirrored, turned and with any rules for
//! their alpha, render with ample memory and with the least that will do to the same proven parts, whose pixels are those of the artwork wherever
//! it is printed pixel for pixel.

#![no_main]

use arbitrary::Arbitrary;
use gangsheet::{
    AlphaRules, Background, Compression, Dpi, Harden, Kernel, Knockout, Layout, Output, Part, Placement, PxRect, PxSize, Resample,
    Treatment, Turn,
};
use gangsheet_fuzz::render_and_prove;
use libfuzzer_sys::{Corpus, fuzz_target};

#[derive(Arbitrary, Debug)]
struct Input {
    parts: Vec<(u8, u16, Vec<Copy>)>,
    background: Option<[u8; 3]>,
    compression: u8,
}

#[derive(Arbitrary, Debug)]
struct Copy {
    artwork: u8,
    x: u8,
    y: u16,
    /// Otherwise pixel for pixel.
    scaled: Option<(u8, u8)>,
    turn: u8,
    trim: bool,
    mirror: bool,
    kernel: u8,
    linear: bool,
    /// Black, white or red, within a tolerance.
    knockout: Option<(u8, u8)>,
    min_alpha: u8,
    harden: bool,
}

/// The artworks with their sizes, whole and trimmed.
const ARTWORKS: [(&str, [(u32, u32); 2]); 4] =
    [("a.png", [(9, 7), (8, 5)]), ("b.png", [(11, 5), (11, 5)]), ("c.png", [(6, 13), (6, 13)]), ("d.jpg", [(17, 12), (17, 12)])];

const KERNELS: [Kernel; 6] = [Kernel::Lanczos3, Kernel::CatmullRom, Kernel::Mitchell, Kernel::Bilinear, Kernel::Box, Kernel::Nearest];

const COLORS: [[u8; 3]; 3] = [[0; 3], [255; 3], [255, 0, 0]];

impl Copy {
    /// `None` where it does not lie inside a part of `size`.
    fn placement(&self, size: PxSize, copy: u32) -> Option<Placement> {
        let (artwork, sizes) = ARTWORKS[usize::from(self.artwork) % ARTWORKS.len()];
        let (width, height) = self.scaled.map_or(sizes[usize::from(self.trim)], |(width, height)| (width.into(), height.into()));
        let turn = Turn::ALL[usize::from(self.turn) % 4];
        let upright = PxSize::new(width, height).ok()?;
        let rect = PxRect::new(self.x.into(), self.y.into(), upright.turned(turn)).ok()?;
        let inside = rect.right() <= size.width() && rect.bottom() <= size.height();
        let (order, artwork) = ("1001".into(), artwork.into());
        let kernel = KERNELS[usize::from(self.kernel) % KERNELS.len()];
        let knockout = self.knockout.map(|(color, tolerance)| Knockout { color: COLORS[usize::from(color) % COLORS.len()], tolerance });
        let harden = if self.harden { Harden::new(0.5) } else { None };
        let treatment = Treatment {
            trim: self.trim.into(),
            mirror: self.mirror,
            resample: Resample { kernel, linear: self.linear },
            alpha: AlphaRules { knockout, min_alpha: self.min_alpha, harden },
        };
        inside.then_some(Placement { order, item: 0, copy, artwork, rect, turn, inner: None, treatment })
    }
}

fuzz_target!(|input: Input| -> Corpus {
    let mut parts = Vec::new();
    for (width, length, copies) in input.parts.iter().take(4) {
        let size = PxSize::new(u32::from(*width) + 1, u32::from(*length % 400) + 1).unwrap();
        let placements = copies.iter().take(50).zip(1..).filter_map(|(copy, number)| copy.placement(size, number)).collect();
        parts.push(Part::new(size, placements).unwrap());
    }
    if parts.iter().all(|part| part.placements().is_empty()) {
        return Corpus::Reject;
    }
    let background = input.background.map_or(Background::Transparent, Background::Opaque);
    let compression = [Compression::Fast, Compression::Balanced, Compression::Small][usize::from(input.compression) % 3];
    let output = Output { background, compression, ..Output::default() };
    render_and_prove(&Layout { name: "fuzz".to_owned(), dpi: Dpi::new(300).unwrap(), parts, output });
    Corpus::Keep
});
