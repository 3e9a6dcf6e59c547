//! A job's items from the names of the files in a folder.

use std::num::NonZeroU32;
use std::path::Path;

use super::read::too_many_items;
use super::size::pair;
use super::{Item, Job, Order, Sizing};
use crate::error::{Error, ErrorKind, Result};
use crate::geom::Length;

/// Files that systems, and runs of this program, leave in folders.
const LEFTOVERS: [&str; 4] = ["desktop.ini", "layout.json", "report.json", "thumbs.db"];

impl Job {
    /// The job with one order, named like the folder, of all files in it but hidden ones; folders inside it are passed over.
    ///
    /// What ends a file's name before its extension, after a space or an underscore, says the size and the number of copies, in any order:
    ///
    /// | ending | meaning |
    /// |---|---|
    /// | `10in`, `w10in` | so wide (`in`, `mm`, `cm` or `px`) |
    /// | `h5in` | so high |
    /// | `4x3in`, `4inx3in` | as large as fits into this |
    /// | `x3` | so many copies |
    ///
    /// `fox 10in x3.png` is three copies of a fox, 10 in wide. What is left out has the defaults of [`Item`]; the rest of the name is the
    /// item's name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] where the folder cannot be read, and [`ErrorKind::Document`] where no file is in it, or one whose name is not UTF-8.
    pub fn with_folder(self, folder: &Path) -> Result<Self> {
        let read_error = |source| Error::io("read", folder, source);
        let wrong = |at: String, message: String| Error::from(ErrorKind::Document { file: Some(folder.to_owned()), at, message });
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(read_error)? {
            let entry = entry.map_err(read_error)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(wrong(
                    name.display().to_string(),
                    "found a name that is not UTF-8, expected a text: rename the file".to_owned(),
                ));
            };
            if name.starts_with('.') || LEFTOVERS.contains(&name.to_lowercase().as_str()) {
                continue;
            }
            if entry.path().is_dir() {
                tracing::warn!(folder = %entry.path().display(), "a folder inside the folder is passed over");
                continue;
            }
            names.push(name.to_owned());
            if names.len() > Self::MAX_ITEMS {
                return Err(wrong(String::new(), too_many_items(names.len())));
            }
        }
        if names.is_empty() {
            return Err(wrong(String::new(), "found no file, expected at least one artwork".to_owned()));
        }
        names.sort_unstable();
        let id = folder.canonicalize().map_err(read_error)?.file_name().map_or_else(|| "1".to_owned(), |name| name.display().to_string());
        let job = Self { orders: vec![Order::new(id, names.iter().map(|name| read_name(name)).collect())], ..self };
        job.check().map_err(|error| match error.into_kind() {
            ErrorKind::Document { at, message, .. } => {
                let index = at.strip_prefix("orders[0].items[").and_then(|at| at.split(']').next()?.parse::<usize>().ok());
                wrong(index.and_then(|index| names.get(index)).cloned().unwrap_or(at), message)
            }
            kind => kind.into(),
        })?;
        Ok(job)
    }
}

/// What the name of a file says.
fn read_name(file: &str) -> Item {
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or(file);
    let (mut rest, mut size, mut copies) = (stem, None, None);
    while let Some((before, word)) = rest.rsplit_once([' ', '_']) {
        match (read_copies(word), read_size(word)) {
            (Some(found), _) if copies.is_none() => copies = Some(found),
            (_, Some(found)) if size.is_none() => size = Some(found),
            _ if word.is_empty() => {}
            _ => break,
        }
        rest = before;
    }
    let default = Item::new(file);
    Item { size, copies: copies.unwrap_or(default.copies), name: (rest != stem && !rest.is_empty()).then(|| rest.to_owned()), ..default }
}

fn read_copies(word: &str) -> Option<NonZeroU32> {
    let number = word.strip_prefix(['x', 'X', '×'])?;
    number.parse::<NonZeroU32>().ok().filter(|_| number.starts_with(|digit: char| digit.is_ascii_digit()))
}

fn read_size(word: &str) -> Option<Sizing> {
    let length = |text: &str| text.parse::<Length>().ok();
    match word.chars().next()? {
        'w' | 'W' => length(&word[1..]).map(Sizing::Width),
        'h' | 'H' => length(&word[1..]).map(Sizing::Height),
        _ => length(word).map(Sizing::Width).or_else(|| pair(word).map(|[width, height]| Sizing::Fit(width, height))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Dpi;
    use crate::job::Media;

    fn form() -> Job {
        Job::new("Test", Dpi::new(300).unwrap(), Media::new("22in".parse().unwrap(), "240in".parse().unwrap()), Vec::new())
    }

    #[test]
    fn the_end_of_a_name_says_size_and_copies() {
        let length = |text: &str| text.parse::<Length>().unwrap();
        for (file, name, size, copies) in [
            ("fox 10in x3.png", Some("fox"), Some(Sizing::Width(length("10in"))), 3),
            ("fox_x3_10in.png", Some("fox"), Some(Sizing::Width(length("10in"))), 3),
            ("red fox  ×12.jpeg", Some("red fox"), None, 12),
            ("fox w25.4mm.png", Some("fox"), Some(Sizing::Width(length("25.4mm"))), 1),
            ("fox h5in.png", Some("fox"), Some(Sizing::Height(length("5in"))), 1),
            ("fox 4x3in.png", Some("fox"), Some(Sizing::Fit(length("4in"), length("3in"))), 1),
            ("fox 400pxx300px X2", Some("fox"), Some(Sizing::Fit(length("400px"), length("300px"))), 2),
            ("fox.png", None, None, 1),
            ("10in.png", None, None, 1),
            ("fox x0.png", None, None, 1),
            ("fox 2x.png", None, None, 1),
            ("fox x+3.png", None, None, 1),
            ("fox 10.png", None, None, 1),
            ("fox 10in 5in.png", Some("fox 10in"), Some(Sizing::Width(length("5in"))), 1),
            ("狐 10cm.png", Some("狐"), Some(Sizing::Width(length("10cm"))), 1),
        ] {
            let item = read_name(file);
            assert_eq!((&*item.artwork, item.name.as_deref(), item.size, item.copies.get()), (file, name, size, copies), "{file}");
        }
    }

    #[test]
    fn a_folder_is_an_order_of_its_files_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let art = folder.path().join("Friday");
        std::fs::create_dir_all(art.join("old")).unwrap();
        assert!(form().with_folder(&art).unwrap_err().to_string().contains("found no file"));
        for name in ["b x2.png", "a.png", ".hidden", "Thumbs.db"] {
            std::fs::write(art.join(name), "").unwrap();
        }
        let job = form().with_folder(&art).unwrap();
        let items: Vec<_> = job.orders[0].items.iter().map(|item| (&*item.artwork, item.copies.get())).collect();
        assert_eq!((job.orders.len(), &*job.orders[0].id, items), (1, "Friday", vec![("a.png", 1), ("b x2.png", 2)]));

        std::fs::write(art.join("c 0in.png"), "").unwrap();
        let message = form().with_folder(&art).unwrap_err().to_string();
        assert!(message.contains("c 0in.png: found \"0in\", no pixel at 300 DPI"), "{message}");
        assert!(matches!(form().with_folder(&art.join("none")).unwrap_err().kind(), ErrorKind::Io { .. }));
    }
}
