//! What was thrown at the readers once is thrown at them again: every file of the fuzz corpora.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

#[expect(unreachable_pub, reason = "public for the crate it belongs to")]
#[path = "../../../testkit/fuzz/src/lib.rs"]
mod targets;

/// Far above what any file needs, also in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

#[test]
fn every_corpus_file_is_answered() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fuzz/corpus");
    for (name, read) in targets::TARGETS {
        let mut files = 0;
        for entry in fs::read_dir(root.join(name)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            // Which file it was stands above the panic, should there be one.
            println!("{}", path.display());
            let begun = Instant::now();
            read(&bytes);
            assert!(begun.elapsed() < LONGEST, "{}", path.display());
            files += 1;
        }
        assert!(files > 0, "no corpus for {name}");
    }
}
