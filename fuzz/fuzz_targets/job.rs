//! Property: no text makes reading a job panic; a job that was read is read as the same job from its own JSON; what is wrong is told as a place
//! in the document; from a file, which is read buffer by buffer, come the same job and the same error; and the same holds of the text as CSV.

#![no_main]

use std::fs;

use gangsheet::{Dpi, ErrorKind, Job, Media};
use gangsheet_fuzz::scratch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    let read = Job::from_json(json);
    let folder = scratch();
    let file = folder.path().join("job.json");
    fs::write(&file, json).unwrap();
    match (&read, Job::read(&file)) {
        (Ok(job), Ok(other)) => assert_eq!(*job, other),
        (Err(error), Err(other)) => assert_eq!(place(error.kind()), place(other.kind())),
        (job, other) => panic!("{job:?} from the text, {other:?} from the file"),
    }
    check(read);
    let film = Media::new("22in".parse().unwrap(), "240in".parse().unwrap());
    check(Job::new("Fuzz", Dpi::new(300).unwrap(), film, Vec::new()).with_csv(json));
});

fn check(read: Result<Job, gangsheet::Error>) {
    match read {
        Ok(job) => {
            let written = serde_json::to_vec(&job).unwrap();
            assert_eq!(Job::from_json(&written).unwrap(), job);
            let ids: Vec<&str> = job.orders.iter().map(|order| &*order.id).collect();
            assert!(job.copies() > 0 && !ids.is_empty());
        }
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Document { .. }), "{error:?}");
            assert!(error.to_string().len() < 4_000, "{error}");
        }
    }
}

/// Where in the document something is wrong, and what. A text that is read buffer by buffer may be a column further on by then.
fn place(kind: &ErrorKind) -> Option<(&str, &str)> {
    match kind {
        ErrorKind::Document { at, message, .. } => Some((at, message.rsplit_once(" (line ").map_or(message, |(message, _)| message))),
        _ => None,
    }
}
