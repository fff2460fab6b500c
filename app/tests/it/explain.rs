//! `explain`: from signal to fill, also when nothing was traded.

use ballast::exit::Exit;

use crate::fake::{FakeEngine, Plant, ballast, finished};

#[test]
fn a_decision_is_explained_from_signal_to_fill() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let run = finished(&engine, home.path(), &[]);
    let run = run.to_str().unwrap();
    let explain = |rest: &[&str]| {
        let all: Vec<&str> = ["explain", run].iter().chain(rest).copied().collect();
        ballast(&engine, home.path(), &all)
    };
    let traded = explain(&["AAPL", "2005-02-28"]);
    assert_eq!(traded.exit, Exit::Ok, "{traded:?}");
    insta::assert_snapshot!(traded.out);
    let last = explain(&["AAPL", "--json"]).json();
    assert_eq!(last["decision"], 2);
    assert_eq!(last["leg"]["disposition"], "below_threshold");
    assert_eq!(last["fills"], serde_json::json!([]));
    assert_eq!(
        (&last["source"], &last["age_seconds"]),
        (&"files".into(), &0.0.into())
    );
    let aged = explain(&["FB", "--json"]).json();
    assert_eq!(aged["age_seconds"], 86_400.0);
    let absent = explain(&["FB"]);
    assert!(
        absent.out.contains("files, 86400 s old at the slot"),
        "{}",
        absent.out
    );
    assert!(
        absent.out.contains("no target                not listed"),
        "{}",
        absent.out
    );
    for (rest, message) in [
        (vec!["APPL"], "did you mean 'AAPL'?"),
        (vec!["AAPL", "2005-02-27"], "name a later date"),
        (vec!["XYZW"], "the run knows AAPL, FB"),
    ] {
        let used = explain(&rest);
        assert_eq!(used.exit, Exit::DataRefused);
        assert!(used.err.contains(message), "{}", used.err);
    }
    assert_eq!(explain(&["AAPL", "yesterday"]).exit, Exit::Usage);
}
