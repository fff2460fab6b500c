//! Every alarm has a page of the runbook that says what it means and what to do, and every page an alarm.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ballast::alarm::Alarm;

/// DOC-01: the link of each alarm leads to a page of its own, the manual leads to all of them, and no page
/// is without an alarm.
#[test]
fn doc_01_each_alarm_has_one_page_and_each_page_an_alarm() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manual = fs::read_to_string(root.join("docs/operations.md")).unwrap();
    let mut linked = BTreeSet::new();
    for alarm in Alarm::ALL {
        let page = alarm.page();
        let text = fs::read_to_string(root.join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
        for part in ["# ", "**What it means.**", "**Look at**", "**Do.**"] {
            assert!(text.contains(part), "{page} lacks {part}");
        }
        let link = page.trim_start_matches("docs/");
        assert!(
            manual.contains(&format!("({link})")),
            "the manual lacks {link}"
        );
        assert!(linked.insert(page.to_owned()), "{page} has two alarms");
    }
    let pages = fs::read_dir(root.join("docs/runbook")).unwrap();
    let pages = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = pages.map(|page| format!("docs/runbook/{page}")).collect();
    assert_eq!(there, linked);
}
