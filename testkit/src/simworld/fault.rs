//! What can go wrong in the simulated world, one kind a line, with the catalogue rows it stands for.

use serde::{Deserialize, Serialize};

/// How a fault takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Hits the next message or moment it fits, once, within [`ARMED_FOR`].
    Armed,
    /// Lasts for `param` milliseconds from its instant.
    Window,
    /// Happens at its instant.
    Event,
}

/// How long an armed fault waits for something to hit, in milliseconds.
pub const ARMED_FOR: u64 = 20 * 60 * 1_000;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $shape:ident $name:literal [$($row:literal),*];)*) => {
        /// A kind of fault.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum FaultKind {
            $($(#[$doc])* $kind,)*
        }

        impl FaultKind {
            /// Every kind, in order.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Stable snake_case name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// How it takes effect.
            pub const fn shape(self) -> Shape {
                match self { $(Self::$kind => Shape::$shape,)* }
            }

            /// Rows of the catalogue of field failures it brings about.
            pub const fn rows(self) -> &'static [&'static str] {
                match self { $(Self::$kind => &[$($row),*],)* }
            }
        }
    };
}

kinds! {
    /// A submit never reaches the venue.
    RequestLost Armed "request_lost" ["F-ORD-01", "F-ORD-04"];
    /// A submit reaches the venue after the client gave up, perhaps after the order's fence.
    RequestLate Armed "request_late" ["F-ORD-01", "F-ORD-05"];
    /// The venue took the order and its answer is lost.
    AnswerLost Armed "answer_lost" ["F-ORD-01", "F-ORD-04", "F-OPS-02"];
    /// The answer comes after the client gave up.
    AnswerLate Armed "answer_late" ["F-ORD-03", "F-FIL-06"];
    /// A cancel never reaches the venue.
    CancelLost Armed "cancel_lost" ["F-ORD-17"];
    /// The order is executed just as its cancel arrives.
    CancelRace Armed "cancel_race" ["F-ORD-14"];
    /// A question or its answer is lost.
    QueryLost Armed "query_lost" ["F-ORD-05"];
    /// One frame of a healthy stream is never sent.
    FactOmitted Armed "fact_omitted" ["F-FIL-02"];
    /// One frame comes twice, the second time later.
    FactTwice Armed "fact_twice" ["F-FIL-03"];
    /// One frame comes late, after younger ones.
    FactLate Armed "fact_late" ["F-FIL-06"];
    /// The stream is down, and the client knows.
    StreamDown Window "stream_down" ["F-FIL-01", "F-STR-09"];
    /// The stream carries nothing, and looks alive.
    StreamSilent Window "stream_silent" ["F-ORD-11", "F-FIL-02"];
    /// The venue refuses every order in an instrument, for the same reason.
    Reject Window "reject" ["F-ORD-10", "F-ORD-15"];
    /// Nothing trades in an instrument: orders rest.
    Illiquid Window "illiquid" ["F-ORD-14", "F-ORD-17"];
    /// The lot becomes ten times as large.
    Filters Window "filters" ["F-VEN-01"];
    /// The venue answers nothing; half of what it refuses it has taken.
    Maintenance Window "maintenance" ["F-OPS-01", "F-OPS-02"];
    /// Every request is refused for too many requests.
    RateBan Window "rate_ban" ["F-VEN-06"];
    /// An account report shows an older state, and says so.
    ReportStale Armed "report_stale" ["F-OPS-03"];
    /// An account report leaves executions out.
    ReportOmitsFills Armed "report_omits_fills" ["F-FIL-11", "F-FIL-12"];
    /// An account report leaves open orders out.
    ReportOmitsOrders Armed "report_omits_orders" ["F-ORD-05", "F-FIL-11"];
    /// An account report leaves a position out.
    ReportOmitsPosition Armed "report_omits_position" ["F-FIL-11"];
    /// Somebody trades in the account by hand.
    ManualTrade Event "manual_trade" ["F-FIL-13", "F-ORD-16"];
    /// Somebody has an open order in the account.
    ForeignOrder Window "foreign_order" ["F-FIL-13"];
    /// The venue closes half a position against another account.
    Deleverage Event "deleverage" ["F-FIL-14", "F-ORD-16"];
    /// The venue takes an execution back.
    Void Event "void" ["F-FIL-14"];
    /// The venue executes one lot more than was ordered.
    Overfill Armed "overfill" ["F-FIL-07"];
    /// The venue executes a part of an order and cancels the rest.
    CutShort Armed "cut_short" ["F-FIL-08"];
    /// Funding is charged or paid.
    Funding Event "funding" ["F-FIL-15"];
    /// Money is moved in or out.
    Transfer Event "transfer" ["F-FIL-15"];
    /// The venue ends every resting order by time.
    Expire Armed "expire" ["F-OPS-04"];
    /// The venue reports an order with our prefix that nobody here sent.
    Orphan Event "orphan" ["F-FIL-11"];
    /// A bar is missing.
    Hole Window "hole" ["F-DAT-02"];
    /// Prices of three names in ten stand still and are marked so.
    Freeze Window "freeze" ["F-DAT-09"];
    /// A bar comes twice.
    SliceTwice Event "slice_twice" ["F-DAT-03", "F-ORD-09"];
    /// The wall clock steps.
    ClockStep Event "clock_step" ["F-TIM-02"];
    /// The process stands still.
    Pause Window "pause" ["F-TIM-05"];
    /// The process dies; what was not durable may be lost, kept or torn.
    Crash Event "crash" ["F-DUR-03", "F-DUR-04", "F-ORD-07", "F-FIL-11", "F-TIM-06"];
    /// The process dies again while it recovers.
    CrashInRecovery Armed "crash_in_recovery" ["F-DUR-03"];
    /// A second process starts on the account.
    DoubleStart Event "double_start" ["F-ORD-08"];
    /// The kill switch is thrown.
    Kill Event "kill" ["F-RSK-01", "F-RSK-02"];
    /// A person closes everything, or one instrument.
    Liquidate Event "liquidate" ["F-RSK-03"];
    /// Writes take seconds.
    SlowDisk Window "slow_disk" ["F-DUR-03"];
    /// A bit on the disk changes, found at the next start.
    BitFlip Event "bit_flip" ["F-DUR-05"];
    /// The disk is full.
    DiskFull Event "disk_full" ["F-DUR-01", "F-DUR-02"];
    /// A sync fails, once.
    SyncFailed Armed "sync_failed" ["F-DUR-06"];
}

impl FaultKind {
    /// Its place in [`FaultKind::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One fault of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fault {
    /// When, in milliseconds since the day began.
    pub at: u64,
    /// What.
    pub kind: FaultKind,
    /// Which instrument or message, taken modulo what there is.
    pub target: u32,
    /// How long in milliseconds, or which variant.
    pub param: u32,
}

/// Rows that the shape of the world brings about whatever the schedule says: many orders before
/// the first answer, sells before buys on a cash account, fees in another asset, clock skew,
/// ids that are unique among open orders only.
pub const STANDING_ROWS: &[&str] = &["F-RSK-04", "F-VEN-02", "F-FIL-09", "F-TIM-01", "F-ORD-06"];

/// Every row of the catalogue this world can reach, sorted.
pub fn reachable_rows() -> Vec<&'static str> {
    let mut rows: Vec<_> = FaultKind::ALL
        .iter()
        .flat_map(|k| k.rows())
        .chain(STANDING_ROWS)
        .copied()
        .collect();
    rows.sort_unstable();
    rows.dedup();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_numbered_in_order_and_named_once() {
        let mut names: Vec<_> = FaultKind::ALL.iter().map(|k| k.name()).collect();
        for (n, kind) in FaultKind::ALL.iter().enumerate() {
            assert_eq!(kind.index(), n);
            let text = serde_json::to_string(kind).expect("a name");
            assert_eq!(text, format!("\"{}\"", kind.name()));
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FaultKind::ALL.len());
        assert!(reachable_rows().len() > 30);
    }
}
