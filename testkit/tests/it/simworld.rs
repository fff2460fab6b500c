//! Simulated days: nothing that must never happen happens, planted bugs are found, tapes replay.

use ballast_testkit::simworld::{Coverage, Outcome, Plan, Planted, run, run_with, shrink};

/// Days played here; `cargo xtask sim` plays thousands.
const DAYS: u64 = 40;

fn fine(name: &str, outcome: &Outcome) {
    assert_eq!(outcome.violation, None, "{name}");
}

/// I-02 I-03 I-04 I-08 I-10 I-13 I-15 I-17 I-19 I-21 I-61 I-63 I-64 I-80: none is broken on these
/// days, whatever the seed does to them.
#[test]
fn days_with_faults_break_no_invariant() {
    let mut reached = Coverage::default();
    let (mut sent, mut crashes) = (0, 0);
    for seed in 0..DAYS {
        let outcome = run(&Plan::from_seed(seed));
        fine(&format!("cargo xtask sim --replay {seed}"), &outcome);
        reached.add(&outcome.coverage);
        sent += outcome.counts.sent;
        crashes += outcome.counts.crashes;
    }
    assert!(sent > 300 * DAYS, "{sent} orders");
    assert!(crashes > DAYS, "{crashes} crashes");
    assert_eq!(reached.unreached(), Vec::<&str>::new());
}

/// The same plan is the same day, to the last event; another is another.
#[test]
fn a_plan_is_a_day() {
    let plan = Plan::from_seed(3);
    assert_eq!(run(&plan).trace, run(&plan).trace);
    assert_ne!(run(&plan).trace, run(&Plan::from_seed(4)).trace);
}

/// Each tape is a day that went wrong once; the commit that added it says how.
#[test]
fn days_that_went_wrong_once_go_well() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tapes");
    let mut played = 0;
    for entry in std::fs::read_dir(folder).expect("the folder of tapes") {
        let path = entry.expect("a readable folder").path();
        let text = std::fs::read_to_string(&path).expect("a tape");
        let plan: Plan = serde_json::from_str(&text).expect("a plan");
        fine(&path.display().to_string(), &run(&plan));
        played += 1;
    }
    assert!(played >= 3, "{played} tapes");
}

/// A journal that takes a full disk for durable is found, and the day that shows it becomes small.
#[test]
fn a_full_disk_ignored_is_found_and_its_day_made_small() {
    let bug = Some(Planted::FullDiskIgnored);
    let seed = (0..DAYS).find(|seed| run_with(&Plan::from_seed(*seed), bug).violation.is_some());
    let plan = Plan::from_seed(seed.expect("found within forty days"));
    let small = shrink(&plan, bug).expect("it goes wrong");
    let before = run_with(&plan, bug).violation.expect("it goes wrong");
    let after = run_with(&small, bug)
        .violation
        .expect("it still goes wrong");
    assert_eq!(after.invariant, before.invariant);
    assert!(small.faults.len() <= 3, "{:?}", small.faults);
    assert!(small.minutes <= plan.minutes && small.instruments < plan.instruments);
    fine("the small day without the bug", &run(&small));
}

/// Every bug the kernel can be given is found, those that one invariant is about by that one; needs
/// `--features planted`.
#[cfg(feature = "planted")]
#[test]
fn every_planted_bug_is_found() {
    use ballast_domain::kernel::Bug;

    for bug in Planted::all() {
        let found = (0..500).find_map(|seed| run_with(&Plan::from_seed(seed), Some(bug)).violation);
        let invariant = found.map(|v| v.invariant);
        let expected = match bug {
            Planted::Kernel(Bug::PermitAfterKill | Bug::KillLostAtRestart) => "I-80",
            Planted::Kernel(Bug::PermitByOldWriter) => "I-07",
            Planted::Kernel(Bug::ReservedIgnored) => "I-10",
            Planted::Kernel(Bug::TimerLostAtRestart) => "I-16",
            _ => invariant.as_deref().unwrap_or("any"),
        };
        let name = bug.name();
        assert_eq!(invariant.as_deref(), Some(expected), "{name}");
    }
}
