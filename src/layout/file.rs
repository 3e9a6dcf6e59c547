//! `layout.json`: the flat form of a layout, checked while it is read.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Layout, Part, Placement};
use crate::error::{Error, ErrorKind, Result};
use crate::geom::{Dpi, PxRect, PxSize, Turn};
use crate::job::{
    AlphaRules, Document, Output, OutputProfile, Resample, Treatment, Trim, Version, check_text, is_default, object, objects, read_document,
};
use crate::system::real_folder;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a layout: an object")]
pub(super) struct LayoutFile {
    version: Version,
    name: String,
    dpi: Dpi,
    #[serde(deserialize_with = "objects")]
    parts: Vec<PartEntry>,
    #[serde(default, deserialize_with = "object")]
    output: Output,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a part: an object")]
struct PartEntry {
    part: u32,
    width: u32,
    length: u32,
    #[serde(deserialize_with = "objects")]
    placements: Vec<PlacementEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a placement: an object")]
struct PlacementEntry {
    order: Arc<str>,
    item: u32,
    copy: u32,
    artwork: Arc<str>,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    #[serde(default)]
    turn: Turn,
    /// The artwork's size before the turn, in the middle of a canvas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inner: Option<[u32; 2]>,
    #[serde(default)]
    trim: Trim,
    #[serde(default)]
    mirror: bool,
    #[serde(default, deserialize_with = "object", skip_serializing_if = "is_default")]
    resample: Resample,
    #[serde(default, deserialize_with = "object", skip_serializing_if = "is_default")]
    alpha: AlphaRules,
}

impl TryFrom<LayoutFile> for Layout {
    type Error = String;

    fn try_from(file: LayoutFile) -> Result<Self, String> {
        if file.parts.is_empty() {
            return Err("parts: a layout needs at least one part".to_owned());
        }
        check_text(&file.name).map_err(|message| format!("name: {message}"))?;
        let parts = file.parts.into_iter().enumerate().map(|(index, part)| read_part(index, part)).collect::<Result<_, _>>()?;
        Ok(Self { name: file.name, dpi: file.dpi, parts, output: file.output })
    }
}

fn read_part(index: usize, file: PartEntry) -> Result<Part, String> {
    if file.part as usize != index + 1 {
        return Err(format!("parts[{index}].part: found {}, expected {}: parts are numbered from 1 in their order", file.part, index + 1));
    }
    let size = PxSize::new(file.width, file.length).map_err(|error| format!("parts[{index}]: {error}"))?;
    let placements = file.placements.into_iter().enumerate().map(|(nth, placement)| {
        let at = |field: &str, message: String| format!("parts[{index}].placements[{nth}]{field}: {message}");
        check_text(&placement.order).map_err(|message| at(".order", message))?;
        check_text(&placement.artwork).map_err(|message| at(".artwork", message))?;
        let rect = PxSize::new(placement.width, placement.height).and_then(|size| PxRect::new(placement.x, placement.y, size));
        let rect = rect.map_err(|error| at("", error.to_string()))?;
        let PlacementEntry { order, item, copy, artwork, turn, inner, trim, mirror, resample, alpha, .. } = placement;
        let inner = inner.map(|[width, height]| read_inner(width, height, rect.size().turned(turn)));
        let inner = inner.transpose().map_err(|message| at(".inner", message))?;
        Ok(Placement { order, item, copy, artwork, rect, turn, inner, treatment: Treatment { trim, mirror, resample, alpha } })
    });
    let placements = placements.collect::<Result<_, String>>()?;
    Part::new(size, placements).map_err(|error| format!("parts[{index}]: {error}"))
}

fn read_inner(width: u32, height: u32, canvas: PxSize) -> Result<PxSize, String> {
    let inner = PxSize::new(width, height).map_err(|error| error.to_string())?;
    if canvas.holds(inner.into()) { Ok(inner) } else { Err(format!("found {inner}, expected no more than the placement's {canvas}")) }
}

impl From<Layout> for LayoutFile {
    fn from(layout: Layout) -> Self {
        let parts = layout.parts.into_iter().zip(1..).map(|(part, number)| PartEntry {
            part: number,
            width: part.size.width(),
            length: part.size.height(),
            placements: part.placements.into_iter().map(PlacementEntry::from).collect(),
        });
        Self { version: Version, name: layout.name, dpi: layout.dpi, parts: parts.collect(), output: layout.output }
    }
}

impl From<Placement> for PlacementEntry {
    fn from(placement: Placement) -> Self {
        let Placement { order, item, copy, artwork, rect, turn, inner, treatment } = placement;
        let Treatment { trim, mirror, resample, alpha } = treatment;
        let inner = inner.map(|inner| [inner.width(), inner.height()]);
        let (x, y, width, height) = (rect.x(), rect.y(), rect.size().width(), rect.size().height());
        Self { order, item, copy, artwork, x, y, width, height, turn, inner, trim, mirror, resample, alpha }
    }
}

impl Document for Layout {
    const MEMORY_PER_BYTE: u64 = 4;
}

impl Layout {
    /// Reads a `layout.json`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the file cannot be read, [`ErrorKind::Document`] when it is no valid layout: it names the place in the file,
    /// the value and what is expected.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_within(path, u64::MAX)
    }

    /// [Reads](Self::read) a layout by a process that may take `memory_limit_bytes` in all.
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read), and [`ErrorKind::MemoryLimit`] where the file is so large that reading it may take more.
    pub fn read_within(path: &Path, memory_limit_bytes: u64) -> Result<Self> {
        read_document(path, memory_limit_bytes)
    }

    /// Writes the layout as a `layout.json` at `path`, in whole or not at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_vec(self).map_err(|error| Error::io("write", path, error.into()))?;
        crate::job::write_document(path, &json)
    }

    /// The same layout with every relative path, of artwork and of the parts' profile, which holds from the folder `from`, rewritten to hold
    /// from the folder `to`, and from nothing else: no other folder that the old path led through needs to stay.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoFolder`] when `to` or an artwork's folder is not there, and
    /// [`ErrorKind::Layout`](crate::ErrorKind::Layout) when a path between them is not Unicode, which JSON cannot hold.
    pub fn rebased(&self, from: &Path, to: &Path) -> Result<Self> {
        let to = real_folder(to, FOLDER)?;
        let mut layout = self.clone();
        layout.output = rebased_output(&self.output, from, &to)?;
        let mut last: Option<(Arc<str>, Arc<str>)> = None;
        for placement in layout.parts.iter_mut().flat_map(|part| &mut part.placements) {
            if last.as_ref().is_none_or(|(written, _)| *written != placement.artwork) {
                let rebased = rebase(Path::new(&*placement.artwork), from, &to)?;
                last = Some((placement.artwork.clone(), rebased));
            }
            if let Some((_, rebased)) = &last {
                placement.artwork = rebased.clone();
            }
        }
        Ok(layout)
    }
}

/// What says how parts are written, its profile's path rewritten in the same way.
pub(crate) fn rebased_output(output: &Output, from: &Path, to: &Path) -> Result<Output> {
    let mut output = output.clone();
    if let OutputProfile::Icc(path) = &output.profile {
        output.profile = OutputProfile::Icc(rebase(Path::new(&**path), from, &real_folder(to, FOLDER)?)?);
    }
    Ok(output)
}

/// What a folder is for that is not there.
const FOLDER: &str = "a layout or its artwork";

/// `written` holds from the folder `from`; the result names the same file from the real folder `to`.
fn rebase(written: &Path, from: &Path, to: &Path) -> Result<Arc<str>> {
    if written.is_absolute() {
        return Ok(written.to_string_lossy().into());
    }
    let path = from.join(written);
    // The file keeps its name, also where it is a link.
    let (folder, name) = (path.parent().unwrap_or(from), path.file_name().unwrap_or_default());
    let absolute = real_folder(folder, FOLDER)?.join(name);
    let rebased = pathdiff::diff_paths(&absolute, to).unwrap_or(absolute);
    let message = || format!("the path {} is not Unicode: move the folder", rebased.display());
    rebased.to_str().map(Arc::from).ok_or_else(|| ErrorKind::Layout { part: None, message: message() }.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: &str = r#"{"version": 1, "name": "N", "dpi": 300, "parts": [{"part": 1, "width": 100, "length": 50, "placements": [
        {"order": "1001", "item": 0, "copy": 1, "artwork": "art/fox.png", "x": 60, "y": 10, "width": 40, "height": 40, "turn": 90}]}]}"#;

    fn refusal(from: &str, to: &str) -> String {
        serde_json::from_str::<Layout>(&LAYOUT.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn a_layout_comes_back_as_it_was_written() {
        let layout: Layout = serde_json::from_str(LAYOUT).unwrap();
        assert_eq!(layout.parts[0].placements()[0].turn, Turn::Cw90);
        let again: Layout = serde_json::from_slice(&serde_json::to_vec(&layout).unwrap()).unwrap();
        assert_eq!(again, layout);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(refusal("\"x\": 60", "\"x\": 61").contains("order 1001, item 0, copy 1"));
        assert!(refusal("\"width\": 40", "\"width\": 0").contains("parts[0].placements[0]"));
        assert!(refusal("\"x\": 60", "\"x\": 4294967295").contains("too large"));
        assert!(refusal("\"part\": 1", "\"part\": 2").contains("numbered from 1"));
        assert!(refusal("\"1001\"", r#""10\n01""#).contains(r#"parts[0].placements[0].order: found "10\n01""#));
        assert!(refusal("\"turn\": 90", "\"turn\": 45").contains("0, 90, 180 or 270"));
        assert!(refusal("[{\"part\"", "[[], {\"part\"").contains("sequence, expected a part: an object"));
        let placement = &LAYOUT[LAYOUT.find("{\"order\"").unwrap()..LAYOUT.len() - 4];
        let list = r#"["1001", 0, 1, "fox.png", 1, 1, 1, 1, 0, false, false]"#;
        assert!(refusal(placement, list).contains("sequence, expected a placement: an object"));
    }

    #[test]
    fn rebased_paths_name_the_same_file() {
        let base = tempfile::tempdir().unwrap();
        let at = |folder: &str| base.path().join(folder);
        for folder in ["jobs/today/art", "jobs/old", "out/sheets"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        let out = real_folder(&at("out/sheets"), FOLDER).unwrap();
        let rebase = |written| rebase(Path::new(written), &at("jobs/today"), &out).unwrap().to_string();
        assert_eq!(rebase("art/fox.png"), "../../jobs/today/art/fox.png");
        assert_eq!(rebase("../old/../today/./art/fox.png"), "../../jobs/today/art/fox.png");
        assert_eq!(rebase("fox.png"), "../../jobs/today/fox.png");
        assert_eq!(rebase("/art/fox.png"), "/art/fox.png");
    }
}
