//! Printing a few of a job's orders.

use super::Job;
use super::document::{QUOTED_CHARS, shortened};
use crate::error::{ErrorKind, Result};

/// How many similar ids an error names.
const SUGGESTIONS: usize = 3;

impl Job {
    /// The job with only the orders of these `ids`. They keep the job's order; an id that is named twice is printed once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnknownOrder`] for an id that the job does not have, with the most similar ones that it has, and
    /// [`ErrorKind::Document`] where no id is given.
    pub fn select<S: AsRef<str>>(&self, ids: &[S]) -> Result<Self> {
        if ids.is_empty() {
            let message = "no order is selected: name at least one".to_owned();
            return Err(ErrorKind::Document { file: None, at: "orders".to_owned(), message }.into());
        }
        let known: std::collections::HashSet<&str> = self.orders.iter().map(|order| &*order.id).collect();
        if let Some(unknown) = ids.iter().map(AsRef::as_ref).find(|id| !known.contains(id)) {
            return Err(ErrorKind::UnknownOrder { id: shortened(unknown, QUOTED_CHARS), similar: self.similar_ids(unknown) }.into());
        }
        let wanted: std::collections::HashSet<&str> = ids.iter().map(AsRef::as_ref).collect();
        let orders = self.orders.iter().filter(|order| wanted.contains(&*order.id)).cloned().collect();
        let Self { name, dpi, media, more_media, gutter, keep, cut, checks, orders: _, output } = self;
        let (name, more_media, output) = (name.clone(), more_media.clone(), output.clone());
        Ok(Self { name, dpi: *dpi, media: *media, more_media, gutter: *gutter, keep: *keep, cut: *cut, checks: *checks, orders, output })
    }

    /// The ids most similar to `id`, the closest first and otherwise in the job's order.
    fn similar_ids(&self, id: &str) -> Vec<String> {
        let wanted: Vec<char> = id.to_lowercase().chars().take(QUOTED_CHARS + 1).collect();
        if wanted.len() > QUOTED_CHARS {
            return Vec::new();
        }
        // A typo or two; in a long id one more for every eight characters.
        let limit = 2 + wanted.len() / 8;
        let mut similar: Vec<(usize, &str)> = Vec::new();
        for order in &self.orders {
            let Some(distance) = distance(&wanted, &order.id, limit) else { continue };
            if !similar.iter().any(|&(_, id)| id == &*order.id) {
                let at = similar.partition_point(|&(other, _)| other <= distance);
                similar.insert(at, (distance, &order.id));
                similar.truncate(SUGGESTIONS);
            }
        }
        similar.into_iter().map(|(_, id)| id.to_owned()).collect()
    }
}

/// Of a few `words`, the one most similar to `text`, if any is.
pub(super) fn nearest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = text.chars().take(QUOTED_CHARS + 1).collect();
    let limit = 2 + wanted.len() / 8;
    words.filter_map(|word| Some((distance(&wanted, word, limit)?, word))).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// How many characters must be inserted, removed or replaced to make `other` of `wanted`, ignoring case, if at most `limit` and not all
/// of them (Levenshtein, “Binary codes capable of correcting deletions, insertions, and reversals”, 1966).
fn distance(wanted: &[char], other: &str, limit: usize) -> Option<usize> {
    // A character has at most four bytes, so most ids are ruled out by their length alone.
    if other.len() > 4 * (wanted.len() + limit) {
        return None;
    }
    let mut above: Vec<usize> = (0..=wanted.len()).collect();
    let mut row = above.clone();
    let mut length = 0;
    for (y, c) in (1..).zip(other.chars().flat_map(char::to_lowercase)) {
        row[0] = y;
        for (x, &wanted) in wanted.iter().enumerate() {
            row[x + 1] = (above[x] + usize::from(c != wanted)).min(above[x + 1] + 1).min(row[x] + 1);
        }
        if row.iter().all(|&distance| distance > limit) {
            return None;
        }
        std::mem::swap(&mut above, &mut row);
        length = y;
    }
    above.last().copied().filter(|&distance| distance <= limit && distance < wanted.len().max(length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Dpi;
    use crate::job::{Item, Media, Order};

    fn job(ids: &[&str]) -> Job {
        let media = Media::new("22in".parse().unwrap(), "240in".parse().unwrap());
        let orders = ids.iter().map(|&id| Order::new(id, vec![Item::new("a.png")])).collect();
        Job::new("Test", Dpi::new(300).unwrap(), media, orders)
    }

    fn similar(ids: &[&str], wanted: &str) -> Vec<String> {
        match job(ids).select(&[wanted]).unwrap_err().into_kind() {
            ErrorKind::UnknownOrder { id, similar } if id == wanted => similar,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_jobs_order_is_kept() {
        let selected = job(&["1001", "1002", "1003"]).select(&["1003", "1001", "1003"]).unwrap();
        assert_eq!(selected, job(&["1001", "1003"]));
    }

    #[test]
    fn similar_ids_are_named_the_closest_first() {
        assert_eq!(similar(&["2001", "1011", "1001", "1000", "77"], "1002"), ["1001", "1000", "2001"]);
        assert_eq!(similar(&["Nook-1", "x"], "nook-2"), ["Nook-1"]);
        assert_eq!(similar(&["1001"], "abcd"), [""; 0]);
        assert_eq!(similar(&["b"], "a"), [""; 0], "nothing in common");
    }

    #[test]
    fn selecting_nothing_is_an_error() {
        let error = job(&["1001"]).select::<&str>(&[]).unwrap_err();
        assert_eq!(error.to_string(), "orders: no order is selected: name at least one");
    }

    #[test]
    fn long_ids_cost_little() {
        let long = "x".repeat(100_000);
        let job = job(&[&long, "1001"]);
        match job.select(&[long.clone() + "y"]).unwrap_err().into_kind() {
            ErrorKind::UnknownOrder { id, similar } => assert!(id.chars().count() <= QUOTED_CHARS + 1 && similar.is_empty()),
            other => panic!("{other:?}"),
        }
    }
}
