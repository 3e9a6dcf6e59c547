//! The colours of the parts: their profile, and how those of artwork become theirs.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::document::one_of;

/// What the parts say about their colours. In files: `"srgb-tagged"`, `"untagged"` or the path of an ICC profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum OutputProfile {
    /// They are sRGB, and say so in an sRGB chunk. The default.
    #[default]
    SrgbTagged,
    /// They are sRGB and say nothing.
    Untagged,
    /// They are in the space of this ICC profile of red, green and blue, which is embedded: a path, absolute or relative to the job's
    /// folder (in a layout: to the layout's).
    Icc(Arc<str>),
}

const SRGB_TAGGED: &str = "srgb-tagged";
const UNTAGGED: &str = "untagged";

impl Serialize for OutputProfile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::SrgbTagged => SRGB_TAGGED,
            Self::Untagged => UNTAGGED,
            Self::Icc(path) => path,
        })
    }
}

impl<'de> Deserialize<'de> for OutputProfile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = OutputProfile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{SRGB_TAGGED:?}, {UNTAGGED:?} or the path of an ICC profile, such as \"press.icc\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<OutputProfile, E> {
                let is_profile = [".icc", ".icm"].iter().any(|end| text.to_ascii_lowercase().ends_with(end));
                match text {
                    SRGB_TAGGED => Ok(OutputProfile::SrgbTagged),
                    UNTAGGED => Ok(OutputProfile::Untagged),
                    path if is_profile && super::check_text(path).is_ok() => Ok(OutputProfile::Icc(path.into())),
                    other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// How colours that the parts cannot show become ones that they can (ICC.1:2022, section 6.2). Black points are matched where the
/// artwork's inks are not as dark as black.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// All colours move a little, so that they keep their distances.
    Perceptual,
    /// Colours stay as they are, beside the paper's white; those beyond the edge become the nearest on it. The default.
    #[default]
    Relative,
    /// Vividness counts more than hue.
    Saturation,
}

impl<'de> Deserialize<'de> for Intent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = &[("perceptual", Self::Perceptual), ("relative", Self::Relative), ("saturation", Self::Saturation)];
        one_of(deserializer, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_words_or_paths() {
        for (text, profile) in [
            ("srgb-tagged", OutputProfile::SrgbTagged),
            ("untagged", OutputProfile::Untagged),
            ("../press/Film.ICC", OutputProfile::Icc("../press/Film.ICC".into())),
        ] {
            let read: OutputProfile = serde_json::from_value(text.into()).unwrap();
            assert_eq!((&read, serde_json::to_value(&read).unwrap()), (&profile, text.into()));
        }
        for text in ["srgb", "", "a\n.icc"] {
            let message = serde_json::from_value::<OutputProfile>(text.into()).unwrap_err().to_string();
            assert!(message.contains("expected \"srgb-tagged\", \"untagged\" or the path of an ICC profile"), "{message}");
        }
    }
}
