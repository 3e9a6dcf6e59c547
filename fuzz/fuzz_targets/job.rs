//! Property: no text makes reading a job panic; a job that was read is read as the same job from its own JSON; and what is wrong is told as
//! a place in the document.

#![no_main]

use gangsheet::{ErrorKind, Job};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    match Job::from_json(json) {
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
});
