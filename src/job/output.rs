//! How parts are written: file names, background, crop and compression.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::color::{Intent, OutputProfile};
use super::document::one_of;
use super::is_default;
use crate::error::{Error, ErrorKind, Result};

/// How the parts are written. The same in `job.json` and `layout.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "an object with name, background, crop, compression, profile or intent")]
pub struct Output {
    /// The parts' file names. Default: `{job} part {part}`.
    pub name: NameTemplate,
    /// What lies under the artwork. Default: transparent.
    pub background: Background,
    /// What is cut away from a part. Default: the unused length.
    pub crop: Crop,
    /// How hard the parts are compressed. Default: fast.
    pub compression: Compression,
    /// What the parts say about their colours. Default: that they are sRGB.
    #[serde(skip_serializing_if = "is_default")]
    pub profile: OutputProfile,
    /// How colours become those of the parts. Default: [`Intent::Relative`].
    #[serde(skip_serializing_if = "is_default")]
    pub intent: Intent,
}

impl Output {
    /// The file name of a part, without folder and extension. See [`NameTemplate`] for what is replaced.
    ///
    /// `part` counts from 1 to `parts`; `date` is inserted as it is.
    #[must_use]
    pub fn file_name(&self, job: &str, part: u32, parts: u32, date: &str) -> String {
        self.name.expand(job, part, parts, date)
    }
}

/// What lies under the artwork. In files: `"transparent"` or `"#rrggbb"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Background {
    /// Nothing: parts have an alpha channel. The default.
    #[default]
    Transparent,
    /// An opaque colour: red, green and blue, sRGB-encoded. Parts have no alpha channel.
    Opaque([u8; 3]),
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transparent => f.write_str("transparent"),
            Self::Opaque(color) => Hex(*color).fmt(f),
        }
    }
}

impl Serialize for Background {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Background {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Background;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"transparent\" or a colour such as \"#ffffff\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Background, E> {
                let found = if text == "transparent" { Some(Background::Transparent) } else { parse_color(text).map(Background::Opaque) };
                found.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// A colour: red, green and blue. In files: `"#rrggbb"`.
pub(super) struct Hex(pub(super) [u8; 3]);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let expected = "a colour such as \"#ffffff\"";
        parse_color(&text).map(Self).ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&text), &expected))
    }
}

/// Red, green and blue of `#rrggbb`.
pub(super) fn parse_color(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([red, green, blue])
}

/// What is cut away from a part before it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Crop {
    /// The unused length; width and margins stay. The default.
    #[default]
    Length,
    /// Everything right of and below the placements, but the margins, in both directions.
    Content,
    /// Nothing: every part has the full size of the media.
    None,
}

impl<'de> Deserialize<'de> for Crop {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        one_of(deserializer, &[("length", Self::Length), ("content", Self::Content), ("none", Self::None)])
    }
}

/// How hard parts are compressed. Pixels are the same at every level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// As fast as the disk. The default.
    #[default]
    Fast,
    /// Smaller files for a few times the work.
    Balanced,
    /// The smallest files.
    Small,
}

impl<'de> Deserialize<'de> for Compression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        one_of(deserializer, &[("fast", Self::Fast), ("balanced", Self::Balanced), ("small", Self::Small)])
    }
}

/// A pattern for file names, without extension: text with `{job}`, `{part}`, `{parts}` and `{date}`.
///
/// `{date}` is the local day on which a run starts; a run that was interrupted the day before has files of other names, and is refused when it
/// is to be resumed.
///
/// What [`Output::file_name`] makes of it holds on every file system: path separators, control characters, the characters `< > : " | ? *`,
/// leading dots and trailing dots and spaces are each replaced by `_`, a name that Windows reserves (`CON`, `COM1`, …) gets a leading
/// `_`, and the result has at most 200 bytes.
///
/// Two parts never share a name: where there are several parts and the template does not have `{part}`, or the name is too long and has
/// to be cut, ` part N` stands at its end.
///
/// # Guarantees
///
/// Every `{` begins one of the four placeholders; the template is not empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NameTemplate(String);

const PLACEHOLDERS: [&str; 4] = ["{job}", "{part}", "{parts}", "{date}"];

/// The longest file name, in bytes: file systems hold 255, of which `.png.partial` and the like need a few.
const MAX_NAME_BYTES: usize = 200;

impl NameTemplate {
    fn expand(&self, job: &str, part: u32, parts: u32, date: &str) -> String {
        let fill = |part: u32| {
            let mut name = String::new();
            let mut rest = self.0.as_str();
            while let Some(at) = rest.find('{') {
                let (text, tail) = rest.split_at(at);
                name.push_str(text);
                let end = tail.find('}').map_or(tail.len(), |end| end + 1);
                let (placeholder, tail) = tail.split_at(end);
                match placeholder {
                    "{job}" => name.push_str(job),
                    "{part}" => name.push_str(&part.to_string()),
                    "{parts}" => name.push_str(&parts.to_string()),
                    "{date}" => name.push_str(date),
                    _ => debug_assert!(false, "{placeholder} in a checked template"),
                }
                rest = tail;
            }
            name.push_str(rest);
            name.chars().map(|c| if is_unsafe(c) { '_' } else { c }).collect::<String>()
        };
        // Whether names are cut is decided by the longest part number, so that the names of one run are all made in the same way.
        let too_long = fill(parts).len() >= MAX_NAME_BYTES;
        let suffix = if parts > 1 && (too_long || !self.0.contains("{part}")) { format!(" part {part}") } else { String::new() };
        let name = fill(part);
        let mut end = name.len().min(MAX_NAME_BYTES - 1 - suffix.len());
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        let start = if suffix.is_empty() { &name[..end] } else { name[..end].trim_end_matches(' ') };
        safe_ends(&format!("{start}{suffix}"))
    }
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '/' | '\\' | '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

/// `name` without what is safe inside a name but not at its ends, and never a name that Windows reserves. At most one byte longer.
fn safe_ends(name: &str) -> String {
    let body = name.trim_start_matches('.');
    let leading = name.len() - body.len();
    let core = body.trim_end_matches(['.', ' ']);
    let trailing = body.len() - core.len();
    let reserved = name.is_empty() || is_reserved(core);
    format!("{}{core}{}", "_".repeat(leading + usize::from(reserved)), "_".repeat(trailing))
}

/// Whether Windows reserves `name` for a device, with any extension (“Naming Files, Paths, and Namespaces”, Microsoft).
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_uppercase();
    let numbered = |device| {
        stem.strip_prefix(device)
            .is_some_and(|n: &str| matches!(n, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") || numbered("COM") || numbered("LPT")
}

impl Default for NameTemplate {
    fn default() -> Self {
        Self("{job} part {part}".to_owned())
    }
}

impl FromStr for NameTemplate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |message| Err(ErrorKind::Document { file: None, at: String::new(), message }.into());
        if text.is_empty() {
            return wrong(format!("a name for the parts is empty: {EXPECTED}"));
        }
        for (at, _) in text.match_indices('{') {
            let tail = &text[at..];
            if !PLACEHOLDERS.iter().any(|placeholder| tail.starts_with(placeholder)) {
                let end = tail.find('}').map_or(tail.len(), |end| end + 1);
                let found: String = tail[..end].chars().take(60).collect();
                return wrong(format!("{found} is no placeholder: {EXPECTED}"));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

const EXPECTED: &str = "expected text with {job}, {part}, {parts} or {date}, such as \"{job} part {part}\"";

impl fmt::Display for NameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for NameTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for NameTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(template: &str, job: &str, part: u32, parts: u32) -> String {
        template.parse::<NameTemplate>().unwrap().expand(job, part, parts, "2026-02-03")
    }

    #[test]
    fn placeholders_are_filled_once() {
        assert_eq!(name("{job} part {part}", "Nook", 2, 12), "Nook part 2");
        assert_eq!(name("{date} {job} {part} of {parts}", "{part}", 2, 12), "2026-02-03 {part} 2 of 12");
    }

    #[test]
    fn unknown_placeholders_are_refused() {
        for (template, found) in [("{jobs}", "{jobs}"), ("{job} {", "{ is"), ("{{job}", "{{job}"), ("", "empty")] {
            let message = template.parse::<NameTemplate>().unwrap_err().to_string();
            assert!(message.contains(found) && message.contains("{parts}"), "{template}: {message}");
        }
    }

    #[test]
    fn a_name_is_safe_on_every_file_system() {
        for (job, safe) in [
            ("../../etc/passwd", "___.._etc_passwd"),
            ("C:\\a\n*?", "C__a___"),
            ("..", "__"),
            ("end. .", "end___"),
            ("", "_"),
            ("con", "_con"),
            ("Lpt1.x", "_Lpt1.x"),
            ("COM10", "COM10"),
            ("Ünïcode 狐", "Ünïcode 狐"),
        ] {
            assert_eq!(name("{job}", job, 1, 1), safe, "{job:?}");
        }
    }

    #[test]
    fn the_longest_part_number_decides_whether_names_are_cut() {
        // Part 1 alone has room for the whole name. Cut names would take it for part 10: "…1" and " part 10".
        let names = [1, 10].map(|part| name("{job}{part} part 10", &"x".repeat(190), part, 10));
        assert_eq!(names.map(|mut name| name.split_off(190)), ["1 part 1", "1 part 10"]);
    }

    #[test]
    fn backgrounds_are_transparent_or_six_hex_digits() {
        let read = |text: &str| serde_json::from_value::<Background>(text.into());
        assert_eq!(read("transparent").unwrap(), Background::Transparent);
        assert_eq!(read("#00fFa0").unwrap(), Background::Opaque([0, 255, 160]));
        for wrong in ["", "white", "#fff", "#+12345", "#0000000", "#狐狐"] {
            let message = read(wrong).unwrap_err().to_string();
            assert!(message.contains("expected \"transparent\" or a colour"), "{message}");
        }
    }

    proptest! {
        #[test]
        fn parts_never_share_a_name(
            pieces in prop::collection::vec(prop_oneof![Just("{job}"), Just("{part}"), Just("{parts}"), Just("x"), Just(" part 1"), Just(".")], 1..6),
            job in "[a. /]{0,250}",
            parts in 2u32..120,
        ) {
            let names: std::collections::HashSet<_> = (1..=parts).map(|part| name(&pieces.concat(), &job, part, parts)).collect();
            prop_assert_eq!(names.len(), parts as usize);
        }

        #[test]
        fn names_stay_inside_their_folder(job in any::<String>(), parts in 1u32..20) {
            let name = name("{job}{part}", &job, parts, parts);
            prop_assert!(!name.is_empty() && name.len() <= MAX_NAME_BYTES);
            prop_assert!(!name.starts_with('.') && !name.contains(['/', '\\', '\0']));
        }
    }
}
