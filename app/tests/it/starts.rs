//! How often a trader began, and how often its account became active.

use std::fs;
use std::path::Path;
use std::process::Command;

use ballast::account_folder::Starts;
use ballast::commands::settings::SettingsRequest;
use ballast::commands::status::status;

use crate::paper_parity::traded;

/// SLO-04: every start is counted, also one that is refused, and those that became active; `status` has the
/// share.
#[test]
fn slo_04_starts_are_counted_and_so_are_those_that_became_active() {
    let home = tempfile::tempdir().unwrap();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml");
    let settings = SettingsRequest {
        file: Some(config.clone()),
        ..SettingsRequest::default()
    };
    for _ in 0..3 {
        traded(home.path(), &settings, 3);
    }
    let starts = || status(home.path(), None).unwrap().starts;
    let all = Starts {
        begun: 3,
        active: 3,
    };
    assert_eq!(starts(), all);
    // The memory of the venue is gone: the start is refused.
    let log = home.path().join("accounts/paper/venue.log");
    let kept = fs::read(&log).unwrap();
    fs::write(&log, b"not a log\n").unwrap();
    let refused = Command::new(env!("CARGO_BIN_EXE_ballast"))
        .arg("--home")
        .arg(home.path())
        .arg("trade")
        .arg(config)
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(6), "{refused:?}");
    assert_eq!(starts(), Starts { begun: 4, ..all });
    fs::write(&log, kept).unwrap();
    traded(home.path(), &settings, 3);
    let last = Starts {
        begun: 5,
        active: 4,
    };
    assert_eq!(starts(), last);
}
