//! Reading and writing the JSON files of the program: one set of limits, one form of error.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, forward_to_deserialize_any};

use crate::budget::PROCESS_BYTES;
use crate::error::{Error, ErrorKind, Result};
use crate::system::sync_folder;

/// The largest file that is read, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 256 << 20;

/// How much of a value that was found is quoted, in characters.
pub(super) const QUOTED_CHARS: usize = 60;

/// What a JSON file of the program holds.
pub(crate) trait Document: DeserializeOwned {
    /// The most bytes of memory that are taken while it is read, for each byte of the file: those of the shortest list elements, in a list
    /// that has just grown.
    const MEMORY_PER_BYTE: u64;
}

/// Reads the JSON file at `path` piece by piece, so that its text is never held, by a process that may take `memory_limit_bytes` in all.
///
/// # Errors
///
/// [`ErrorKind::Io`] when the file cannot be read; [`ErrorKind::MemoryLimit`] when it is so large that the process may need more than
/// that to read it; [`ErrorKind::Document`] when it is larger than 256 MiB or not a valid `T`: it names the file, the place in it, the
/// value and what is expected.
pub(crate) fn read_document<T: Document>(path: &Path, memory_limit_bytes: u64) -> Result<T> {
    let read_error = |source| Error::io("read", path, source);
    let file = File::open(path).map_err(read_error)?;
    let length_bytes = file.metadata().map_err(read_error)?.len();
    let affordable_bytes = memory_limit_bytes.saturating_sub(PROCESS_BYTES) / T::MEMORY_PER_BYTE;
    let most_bytes = MAX_FILE_BYTES.min(affordable_bytes);
    let outcome = if length_bytes > most_bytes { Err(Fault::TooLarge) } else { parse_stream(file, most_bytes) };
    outcome.map_err(|fault| match fault {
        // No limit helps beyond the most that is read.
        Fault::TooLarge if affordable_bytes < length_bytes && length_bytes <= MAX_FILE_BYTES => {
            let needed_bytes = PROCESS_BYTES.saturating_add(length_bytes.saturating_mul(T::MEMORY_PER_BYTE));
            ErrorKind::MemoryLimit { what: format!("what {} says", path.display()), needed_bytes, limit_bytes: memory_limit_bytes }.into()
        }
        fault => fault.into_error(Some(path)),
    })
}

/// Reads a `T` from at most `limit_bytes` of JSON. Pipes and devices do not tell their length before.
fn parse_stream<T: DeserializeOwned>(source: impl Read, limit_bytes: u64) -> Result<T, Fault> {
    let mut source = BufReader::with_capacity(1 << 16, source.take(limit_bytes + 1));
    while let Err(error) = source.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(Fault::Io(error));
        }
    }
    if source.buffer().starts_with(BYTE_ORDER_MARK) {
        source.consume(BYTE_ORDER_MARK.len());
    }
    let outcome = deserialize(&mut serde_json::Deserializer::from_reader(&mut source));
    if source.get_ref().limit() == 0 { Err(Fault::TooLarge) } else { outcome }
}

/// Reads a `T` from the text of a JSON file.
///
/// # Errors
///
/// [`ErrorKind::Document`] as for [`read_document`], without a file.
pub(super) fn parse_document<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    let json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    deserialize(&mut serde_json::Deserializer::from_slice(json)).map_err(|fault| fault.into_error(None))
}

/// Some editors put it before the text.
pub(super) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes `json` and the end of its line to `path`, in whole or not at all: into `path` with `.partial` appended, which is renamed when it is on the disk.
///
/// # Errors
///
/// [`ErrorKind::Io`]; a file that was at `path` before is then unchanged.
pub(crate) fn write_document(path: &Path, json: &[u8]) -> Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    // What a killed run left there is nobody's; what else is there, such as a pipe, is not written to.
    let _ = std::fs::remove_file(&partial);
    let written = File::create_new(&partial).and_then(|mut file| {
        file.write_all(json)?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| std::fs::rename(&partial, path));
    renamed.and_then(|()| sync_folder(path)).map_err(|source| {
        // What matters is the first failure; the rest is tidying.
        let _ = std::fs::remove_file(&partial);
        Error::io("write", path, source)
    })
}

/// Reads a `T` from a value that another form of file stands for; an error is the place in it, and what was found and is expected.
pub(super) fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let at = error.path().to_string();
        match fault(at, error.into_inner()) {
            Fault::Content { at, message } => (at, message),
            Fault::Io(_) | Fault::TooLarge => (String::new(), String::new()),
        }
    })
}

enum Fault {
    Io(io::Error),
    TooLarge,
    Content { at: String, message: String },
}

impl Fault {
    fn into_error(self, path: Option<&Path>) -> Error {
        let (at, message) = match self {
            Self::Io(source) => return Error::io("read", path.unwrap_or(Path::new("")), source),
            Self::TooLarge => {
                (String::new(), format!("the file is larger than {} MiB, the most that is read: split it", MAX_FILE_BYTES >> 20))
            }
            Self::Content { at, message } => (at, message),
        };
        ErrorKind::Document { file: path.map(Path::to_owned), at, message }.into()
    }
}

fn deserialize<'de, R: serde_json::de::Read<'de>, T: Deserialize<'de>>(deserializer: &mut serde_json::Deserializer<R>) -> Result<T, Fault> {
    let value = serde_path_to_error::deserialize(&mut *deserializer).map(|Object(value)| value).map_err(|error| {
        let at = error.path().to_string();
        let at = if at == "." { String::new() } else { shortened(&at, 4 * QUOTED_CHARS) };
        fault(at, error.into_inner())
    })?;
    deserializer.end().map_err(|error| fault(String::new(), error))?;
    Ok(value)
}

fn fault(at: String, error: serde_json::Error) -> Fault {
    if error.is_io() {
        return Fault::Io(error.into());
    }
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    let found = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let message = found.map_or_else(|| message.to_owned(), |found| format!("found {found}"));
    // What was found may be of any length and comes first; what is expected comes from this program.
    let (found, expected) = message.rfind(", expected ").map_or((message.as_str(), ""), |at| message.split_at(at));
    let limit = if expected.is_empty() { 8 * QUOTED_CHARS } else { QUOTED_CHARS + "unknown field ``".len() };
    // What is wrong with a whole that was read has no place.
    let place = if error.line() == 0 { String::new() } else { format!(" (line {}, column {})", error.line(), error.column()) };
    Fault::Content { at, message: format!("{}{expected}{place}", shortened(found, limit)) }
}

/// Reads a `T` from an object alone. Derived code takes a list of its fields' values as well, in which a slip is not seen.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(ObjectOnly(deserializer))
}

/// Reads a list whose elements are [objects](object).
pub(crate) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(list.into_iter().map(|Object(element)| element).collect())
}

/// What is read from an [object].
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

/// The same, but where a struct is wanted, only an object is taken.
struct ObjectOnly<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ObjectOnly<D> {
    type Error = D::Error;

    fn deserialize_struct<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    fn deserialize_any<V: de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

/// Reads one of a few words.
pub(crate) fn one_of<'de, D: Deserializer<'de>, T: Copy + 'static>(
    deserializer: D,
    words: &'static [(&'static str, T)],
) -> Result<T, D::Error> {
    struct Visitor<T: 'static>(&'static [(&'static str, T)]);
    impl<T: Copy> de::Visitor<'_> for Visitor<T> {
        type Value = T;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            let words: Vec<String> = self.0.iter().map(|(word, _)| format!("{word:?}")).collect();
            f.write_str(&words.join(" or "))
        }
        fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<T, E> {
            let known = self.0.iter().find(|(word, _)| *word == text);
            known.map(|&(_, value)| value).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_any(Visitor(words))
}

/// `text`, cut after `limit` characters.
pub(super) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// The version that every file of the program carries: 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version;

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_u32(1)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Version;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("1, the version that this program reads")
            }
            fn visit_u64<E: de::Error>(self, version: u64) -> std::result::Result<Version, E> {
                if version == 1 { Ok(Version) } else { Err(E::invalid_value(de::Unexpected::Unsigned(version), &self)) }
            }
        }
        deserializer.deserialize_u64(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &[u8]) -> (String, String) {
        match parse_document::<Vec<Version>>(json).unwrap_err().into_kind() {
            ErrorKind::Document { file: None, at, message } => (at, message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_place_the_value_and_what_is_expected_are_named() {
        let expected = "found integer `2`, expected 1, the version that this program reads (line 1, column 5)";
        assert_eq!(refusal(b"[1, 2]"), ("[1]".to_owned(), expected.to_owned()));
    }

    #[test]
    fn long_values_are_quoted_in_part() {
        let (_, message) = refusal(format!("[\"{}\"]", "狐".repeat(100_000)).as_bytes());
        assert!(message.chars().count() < 200 && message.contains("…, expected 1"), "{message}");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = b"[".repeat(1 << 20);
        let cases: [&[u8]; 7] = [b"", b"[1] 2", b"[1e999]", b"[NaN]", b"[\"\xff\"]", b"[1,]", &deep];
        for json in cases {
            assert!(refusal(json).1.contains("line "), "{:?}", &json[..json.len().min(9)]);
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(parse_document::<Vec<Version>>(b"\xef\xbb\xbf[1]").unwrap().len(), 1);
    }

    impl Document for Version {
        const MEMORY_PER_BYTE: u64 = 3;
    }

    #[test]
    fn a_file_above_the_limit_is_refused_unread() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(MAX_FILE_BYTES + 1).unwrap();
        for memory_limit_bytes in [u64::MAX, PROCESS_BYTES] {
            let message = read_document::<Version>(file.path(), memory_limit_bytes).unwrap_err().to_string();
            assert!(message.contains("larger than 256 MiB") && message.contains(file.path().to_str().unwrap()), "{message}");
        }
    }

    #[test]
    fn a_file_whose_content_the_memory_limit_cannot_hold_is_refused_unread() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"1\n").unwrap();
        assert!(read_document::<Version>(file.path(), PROCESS_BYTES + 6).is_ok());
        let error = read_document::<Version>(file.path(), PROCESS_BYTES + 5).unwrap_err();
        let needed = PROCESS_BYTES + 6;
        assert!(matches!(error.kind(), ErrorKind::MemoryLimit { needed_bytes, .. } if *needed_bytes == needed), "{error}");
    }

    #[test]
    fn a_source_without_a_length_is_read_up_to_the_limit() {
        assert!(parse_stream::<Version>(&b"\xef\xbb\xbf1  "[..], 6).is_ok());
        assert!(matches!(parse_stream::<Version>(&b"1      "[..], 6), Err(Fault::TooLarge)));
    }

    #[test]
    fn a_document_is_replaced_in_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        write_document(&path, b"1").unwrap();
        write_document(&path, b"1 ").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"1 \n");
        read_document::<Version>(&path, u64::MAX).unwrap();
        // The temporary name is taken by a folder: nothing can be written.
        std::fs::create_dir(folder.path().join("report.json.partial")).unwrap();
        assert!(matches!(write_document(&path, b"2").unwrap_err().kind(), ErrorKind::Io { action: "write", .. }));
        assert_eq!(std::fs::read(&path).unwrap(), b"1 \n");
    }
}
