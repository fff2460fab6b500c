//! The kill at every instant of a small day: before each event, each step of a kernel, each effect
//! and each redemption.

use ballast_domain::kernel::Session;
use ballast_domain::risk::Mode;
use ballast_domain::time::Span;

use super::fault::{Fault, FaultKind};
use super::market::dawn;
use super::plan::Plan;
use super::planted::Planted;
use super::world::World;

/// The minute of the last kill: after it there is time to die, to start and to reconcile.
const LAST: i64 = 55;

/// Two instruments and nine slots; nobody trades one of them for a while, so that orders rest.
fn small_day() -> Plan {
    let mut plan = Plan::from_seed(11).without_faults();
    plan.instruments = 2;
    (plan.minutes, plan.heal, plan.calm) = (60, 1_000, 45);
    plan.slot = 5;
    // No person comes by who would release the kill.
    plan.tuning.visits = 1_000;
    (plan.tuning.adopted, plan.tuning.crowded) = (false, true);
    (plan.tuning.window, plan.tuning.phase, plan.tuning.audit) = (120, 40, 60);
    (plan.venue.fenced, plan.venue.lag) = (true, 100);
    plan.faults = [(0, 4), (1, 14), (0, 24), (1, 29)]
        .map(|(target, minute)| Fault {
            at: minute * 60_000 + 30_000,
            kind: FaultKind::Illiquid,
            target,
            param: 3 * 60_000,
        })
        .to_vec();
    plan
}

/// What killing a day at one instant after another showed.
#[derive(Debug, Default)]
struct Shown {
    instants: u64,
    /// Instants with orders at the venue, all of which were taken back.
    resting: u64,
    /// Cancels that left after a kill.
    cancels: u64,
    /// Instants that were followed by something that must never be.
    wrong: Vec<(u64, String)>,
}

/// Kills the day at every instant; the process dies `crash` after it, if at all.
fn kill_everywhere(plan: &Plan, crash: Option<Span>, bug: Option<Planted>) -> Shown {
    let mut shown = Shown::default();
    loop {
        let mut world = World::new(plan, bug);
        world.kill_at = Some((shown.instants, crash));
        world.play();
        let quiet = dawn() + Span::from_seconds(60 * LAST);
        let Some(then) = world.at_kill.take().filter(|then| then.at < quiet) else {
            return shown;
        };
        let n = shown.instants;
        shown.instants += 1;
        if let Some(wrong) = unlike_a_kill(&world, then.sent) {
            shown.wrong.push((n, wrong));
        }
        shown.cancels += world.counts.cancels - then.cancels;
        if !then.resting.is_empty() {
            shown.resting += 1;
            if let Some(id) = then
                .resting
                .iter()
                .find(|id| !world.venue.orders[id].last().status.is_final())
            {
                shown.wrong.push((n, format!("{id} still rests")));
            }
        }
    }
}

/// What is not as it must be at the end of a day with a kill.
fn unlike_a_kill(world: &World<'_>, sent: u64) -> Option<String> {
    if let Some(violation) = &world.judge.violation {
        return Some(format!("{violation:?}"));
    }
    if world.counts.sent != sent {
        return Some(format!("{} orders left after it", world.counts.sent - sent));
    }
    let Some(process) = world.writer() else {
        return Some("nothing runs".to_owned());
    };
    let mut modes = world.instruments.ids().map(|id| process.kernel.mode(id));
    if process.kernel.session() != Session::Ready || modes.any(|mode| mode != Mode::Halted) {
        return Some("the account is not halted and reconciled".to_owned());
    }
    None
}

/// When the process dies after the kill: never, before it can have heard of it, or later.
const DEATHS: [Option<Span>; 3] = [
    None,
    Some(Span::from_nanos(1_000_000)),
    Some(Span::from_seconds(30)),
];

/// RSK-13, I-80: killed at any instant of a small day, nothing leaves after it, what rests is taken
/// back, and the account is halted at its end, also when the process dies on the kill's heels.
#[test]
fn killed_at_any_instant_nothing_leaves_and_cancels_pass() {
    let plan = small_day();
    let mut whole = World::new(&plan, None);
    whole.play();
    assert_eq!(whole.judge.violation, None);
    assert!(whole.counts.sent >= 8, "{:?}", whole.counts);
    for crash in DEATHS {
        let shown = kill_everywhere(&plan, crash, None);
        println!(
            "killed at {} instants, {} of them with resting orders, {} cancels after it; death {crash:?}",
            shown.instants, shown.resting, shown.cancels
        );
        assert_eq!(shown.wrong, Vec::new());
        assert!(
            shown.instants > 500 && shown.resting > 20 && shown.cancels > 20,
            "{shown:?}"
        );
    }
}

/// The same days with what must not be planted: each is seen.
#[cfg(feature = "planted")]
#[test]
fn a_planted_way_around_the_kill_is_seen() {
    use ballast_domain::kernel::Bug;

    let plan = small_day();
    for (bug, crash) in [
        (Bug::PermitAfterKill, None),
        (Bug::CancelBlockedByKill, None),
        (Bug::KillLostAtRestart, Some(Span::from_seconds(30))),
    ] {
        let shown = kill_everywhere(&plan, crash, Some(Planted::Kernel(bug)));
        println!(
            "{bug:?}: wrong at {} of {} instants",
            shown.wrong.len(),
            shown.instants
        );
        assert!(!shown.wrong.is_empty(), "{bug:?}");
    }
}
