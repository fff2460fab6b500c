//! Bugs planted on purpose, to see that the proofs find them. Only the feature `planted` compiles
//! them in; without it [`Kernel::planted`] is false and costs nothing.

use super::Kernel;

/// A bug from the history of trading systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    not(feature = "planted"),
    expect(unreachable_pub, reason = "public where it can be planted")
)]
pub enum Bug {
    /// An unknown order is sent again.
    ResendAfterUnknown,
    /// An unknown order is taken for dead when its time is over.
    UnknownReleasedOnTimeout,
    /// An order is taken for dead before its own expiry.
    FenceIgnored,
    /// An execution that comes after the cancel is dropped.
    LateFillAfterCancelDropped,
    /// An order has one execution at most.
    FillDeduplicatedByOrder,
    /// An execution that comes twice is booked twice.
    DuplicateTradeBooked,
    /// A fact about an order that is not known is dropped.
    OrphanDropped,
    /// What the venue executed beyond the order is not booked.
    OverfillClipped,
    /// Only the first leg of a plan waits for its record to be durable.
    FirstLegAwaited,
    /// Orders are sent when they are written, not when the write is durable.
    SendBeforePersisted,
    /// A slot may be decided again after a restart.
    SlotReusedAfterRestart,
    /// A slot that held may be decided again after a restart.
    HoldRedecided,
    /// Permits follow the gate's kills instead of those the kernel was told of.
    PermitAfterKill,
    /// Permits do not expire.
    PermitAfterExpiry,
    /// Permits carry the epoch of whoever writes now.
    PermitByOldWriter,
    /// A restart forgets that it was killed.
    KillLostAtRestart,
    /// A kill stops cancels as well.
    CancelBlockedByKill,
    /// Limits look at what is held and not at what may still execute.
    ReservedIgnored,
    /// Reductions stay at the venue when the position no longer covers them.
    ReduceOnlyFlips,
    /// A leg of unknown outcome is planned again.
    ReplanDoublesLeg,
    /// A report from before an execution overrides it.
    OlderSnapshotWins,
    /// A difference is booked as a trade nobody reported.
    ReconcileInventsTrade,
    /// A fee in another asset than the base currency is not booked.
    FeeInOtherAssetLost,
    /// An event that comes twice is booked twice.
    FundingTwice,
    /// A restart does not ask again for what was unknown.
    TimerLostAtRestart,
    /// A plan is not made while a write is under way. It breaks no invariant, so no oracle can name
    /// it: only the comparison of drivers finds it.
    DecidesByPersisted,
}

#[cfg(feature = "planted")]
impl Bug {
    /// Every bug that breaks an invariant.
    pub const ALL: [Self; 25] = [
        Self::ResendAfterUnknown,
        Self::UnknownReleasedOnTimeout,
        Self::FenceIgnored,
        Self::LateFillAfterCancelDropped,
        Self::FillDeduplicatedByOrder,
        Self::DuplicateTradeBooked,
        Self::OrphanDropped,
        Self::OverfillClipped,
        Self::FirstLegAwaited,
        Self::SendBeforePersisted,
        Self::SlotReusedAfterRestart,
        Self::HoldRedecided,
        Self::PermitAfterKill,
        Self::PermitAfterExpiry,
        Self::PermitByOldWriter,
        Self::KillLostAtRestart,
        Self::CancelBlockedByKill,
        Self::ReservedIgnored,
        Self::ReduceOnlyFlips,
        Self::ReplanDoublesLeg,
        Self::OlderSnapshotWins,
        Self::ReconcileInventsTrade,
        Self::FeeInOtherAssetLost,
        Self::FundingTwice,
        Self::TimerLostAtRestart,
    ];
}

impl<S> Kernel<S> {
    /// Whether this kernel was given the bug.
    #[cfg(feature = "planted")]
    pub(super) fn planted(&self, bug: Bug) -> bool {
        self.settings.planted == Some(bug)
    }

    /// Whether this kernel was given the bug: never, in a build that is not a proof.
    #[cfg(not(feature = "planted"))]
    #[inline]
    #[expect(clippy::unused_self, reason = "the same call in both builds")]
    pub(super) const fn planted(&self, _: Bug) -> bool {
        false
    }
}
