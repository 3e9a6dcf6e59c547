//! Sample artwork and a job for it, drawn by the program itself.

mod designs;
mod draw;
mod picture;
mod text;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use self::picture::Picture;
use crate::error::{Error, ErrorKind, Result};

/// The job's file name in the folder.
const JOB_NAME: &str = "job.json";

/// Three orders on several parts of film: each rule of sizing, turns, trimming and mirroring occurs.
const JOB: &str = include_str!("job.json");

/// An artwork's file name, and what draws it.
type Design = (&'static str, fn() -> Picture);

const DESIGNS: [Design; 8] = [
    ("sunset.png", designs::sunset),
    ("sticker.png", designs::sticker),
    ("wordmark.png", designs::wordmark),
    ("hills.png", designs::hills),
    ("badge.png", designs::badge),
    ("rainbow.png", designs::rainbow),
    ("label.png", designs::label),
    ("fox.png", designs::fox),
];

/// Draws the sample artwork into `folder`, writes a job beside it that prints it on several parts, and returns the job's path.
///
/// The folder is made where it is missing; other files in it are left alone, and so are files that already are what would be written.
/// The pictures are the same on every machine.
///
/// # Memory
///
/// Less than 20 MiB.
///
/// # Errors
///
/// [`ErrorKind::Document`] when a file of one of the names exists with other content; nothing is written then.
/// [`ErrorKind::Io`] when reading or writing fails.
pub fn write_demo(folder: &Path) -> Result<PathBuf> {
    let mut files = drawings()?;
    files.push((JOB_NAME, JOB.as_bytes().to_owned()));
    write_files(folder, &files)?;
    Ok(folder.join(JOB_NAME))
}

/// The artwork's file names and PNG files.
fn drawings() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let encode = |&(name, draw): &Design| {
        let file = draw().encode().map_err(|error| Error::io("draw", name, error.into()))?;
        Ok((name, file))
    };
    DESIGNS.iter().map(encode).collect()
}

/// Writes those of the files that are not there yet, after a look at all of them.
fn write_files(folder: &Path, files: &[(&str, Vec<u8>)]) -> Result<()> {
    let mut missing = Vec::new();
    for (name, content) in files {
        let path = folder.join(name);
        if !is_there(&path, content)? {
            missing.push((path, content));
        }
    }
    fs::create_dir_all(folder).map_err(|source| Error::io("make the folder", folder, source))?;
    for (path, content) in missing {
        write_new(&path, content).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => not_ours(path),
            _ => Error::io("write", path, source),
        })?;
    }
    Ok(())
}

/// Whether the file exists with this content.
fn is_there(path: &Path, content: &[u8]) -> Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Error::io("open", path, error)),
    };
    let mut found = Vec::with_capacity(content.len());
    let beyond = content.len() as u64 + 1;
    file.take(beyond).read_to_end(&mut found).map_err(|source| Error::io("read", path, source))?;
    if found == content { Ok(true) } else { Err(not_ours(path.to_owned())) }
}

fn not_ours(path: PathBuf) -> Error {
    let message = "it is not of the demo and will not be replaced: choose another folder".to_owned();
    ErrorKind::Document { file: Some(path), at: String::new(), message }.into()
}

/// Writes a file that is not there yet; what could not be written whole is removed again.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(content).inspect_err(|_| {
        // The first error is the one to tell.
        fs::remove_file(path).ok();
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Job, Sizing, Trim, TurnPolicy};
    use std::collections::BTreeSet;
    use std::io::Cursor;

    fn decode(file: &[u8]) -> (png::OutputInfo, Vec<u8>) {
        let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        reader.finish().unwrap();
        (info, pixels)
    }

    #[test]
    fn every_kind_of_picture_is_drawn_the_same_each_time() {
        let mut kinds = Vec::new();
        let mut crc = crc32fast::Hasher::new();
        for (_, file) in drawings().unwrap() {
            let (info, pixels) = decode(&file);
            crc.update(&pixels);
            kinds.push((info.color_type, info.bit_depth));
        }
        use png::{BitDepth::*, ColorType::*};
        for wanted in [(Rgba, Eight), (Rgb, Eight), (Rgba, Sixteen), (Indexed, Four)] {
            assert!(kinds.contains(&wanted), "{wanted:?}");
        }
        // Look at the pictures when they are to change.
        assert_eq!(crc.finalize(), 3_264_015_001);
    }

    #[test]
    fn the_job_uses_every_picture_and_every_rule() {
        let job = Job::from_json(JOB.as_bytes()).unwrap();
        let items: Vec<_> = job.orders.iter().flat_map(|order| &order.items).collect();
        let used: BTreeSet<_> = items.iter().map(|item| &*item.artwork).collect();
        assert_eq!(used, DESIGNS.iter().map(|&(name, _)| name).collect());
        assert_eq!(job.orders.len(), 3);
        assert!(items.iter().any(|item| item.treatment.trim != Trim::None) && items.iter().any(|item| item.treatment.mirror));
        assert!(items.iter().any(|item| matches!(item.turn, TurnPolicy::Fixed(turn) if turn.swaps_sides())));
        assert!(items.iter().any(|item| matches!(item.size, Some(Sizing::Fit(..)))));
    }

    #[test]
    fn the_demo_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("new/folder");
        assert_eq!(write_demo(&inner).unwrap(), inner.join("job.json"));
        assert!(Job::read(&inner.join("job.json")).is_ok());
        assert!(DESIGNS.iter().all(|(name, _)| inner.join(name).is_file()));
        assert_eq!(fs::read_dir(&inner).unwrap().count(), DESIGNS.len() + 1);
    }

    fn small_files() -> [(&'static str, Vec<u8>); 2] {
        [("first", b"one".to_vec()), ("second", b"two".to_vec())]
    }

    #[test]
    fn what_is_there_stays_and_what_is_missing_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second, other] = ["first", "second", "other"].map(|name| folder.path().join(name));
        fs::write(&other, "mine").unwrap();
        fs::write(&first, "one").unwrap();
        let before = fs::metadata(&first).unwrap().modified().unwrap();
        write_files(folder.path(), &small_files()).unwrap();
        write_files(folder.path(), &small_files()).unwrap();
        assert_eq!(fs::metadata(&first).unwrap().modified().unwrap(), before);
        assert_eq!([&first, &second, &other].map(|path| fs::read_to_string(path).unwrap()), ["one", "two", "mine"]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn another_file_of_the_name_is_never_replaced() {
        for content in ["tw", "", "twx", "two and more"] {
            let folder = tempfile::tempdir().unwrap();
            let second = folder.path().join("second");
            fs::write(&second, content).unwrap();
            let error = write_files(folder.path(), &small_files()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Document { file: Some(path), .. } if *path == second), "{error}");
            assert_eq!(fs::read_to_string(&second).unwrap(), content);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = write_files(&file, &small_files()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    }
}
