//! The right to send one order once: minted by the kernel alone, spent at the byte boundary.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::orders::Intent;
use crate::time::Timestamp;

/// The epochs a permit is bound to, shared with whoever may stop trading from outside.
///
/// Raising an epoch makes every permit worthless, without asking the kernel: permits carry the
/// epochs their kernel last acknowledged.
#[derive(Debug, Default)]
pub struct SendGate {
    kill_epoch: AtomicU64,
    writer_epoch: AtomicU64,
    /// Nothing passes, ever: everything is decided, judged and recorded, and no order leaves.
    dry_run: bool,
}

impl SendGate {
    /// A gate at epoch 0 for this writer.
    pub const fn new(writer_epoch: u64) -> Self {
        Self {
            kill_epoch: AtomicU64::new(0),
            writer_epoch: AtomicU64::new(writer_epoch),
            dry_run: false,
        }
    }

    /// A gate through which nothing passes: every permit comes back unspent.
    pub const fn dry_run(writer_epoch: u64) -> Self {
        Self {
            dry_run: true,
            ..Self::new(writer_epoch)
        }
    }

    /// Stops everything that has not been redeemed yet, and everything minted later by a kernel
    /// that has not been told with [`HealthFact::Killed`](super::HealthFact::Killed).
    pub fn kill(&self) {
        self.kill_epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// Another writer has taken over the account.
    pub fn supersede_writer(&self, epoch: u64) {
        self.writer_epoch.fetch_max(epoch, Ordering::SeqCst);
    }

    /// Whether nothing passes, ever.
    pub const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// How often the gate was killed.
    pub fn kill_epoch(&self) -> u64 {
        self.kill_epoch.load(Ordering::SeqCst)
    }

    /// Who may write.
    pub fn writer_epoch(&self) -> u64 {
        self.writer_epoch.load(Ordering::SeqCst)
    }

    pub(super) fn epochs(&self) -> Epochs {
        Epochs {
            kill: self.kill_epoch(),
            writer: self.writer_epoch(),
        }
    }
}

/// A state of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epochs {
    pub(super) kill: u64,
    pub(super) writer: u64,
}

/// The right to send one order. It owns the order and is spent by value.
///
/// There is no way to make one outside the kernel, to copy one, or to read one back from storage.
/// This compiles, so that what follows fails for its own reason:
///
/// ```
/// use ballast_domain::{kernel::SendPermit, orders::Intent};
/// fn held(permit: SendPermit, _: Intent) -> Intent { *permit.intent() }
/// let number: u32 = serde_json::from_str("1").unwrap();
/// ```
/// ```compile_fail
/// fn twice(p: ballast_domain::kernel::SendPermit) {
///     let a = p.clone();
/// }
/// ```
/// ```compile_fail
/// use ballast_domain::kernel::SendPermit;
/// let p: SendPermit = Default::default();
/// ```
/// ```compile_fail
/// fn read(text: &str) -> ballast_domain::kernel::SendPermit {
///     serde_json::from_str(text).unwrap()
/// }
/// ```
/// ```compile_fail
/// use ballast_domain::kernel::SendPermit;
/// fn forge(spare: SendPermit, intent: ballast_domain::orders::Intent) -> SendPermit {
///     SendPermit { intent, ..spare }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit that is dropped leaves its order in an unknown state"]
pub struct SendPermit {
    intent: Intent,
    epochs: Epochs,
    expires_at: Timestamp,
}

impl SendPermit {
    pub(super) const fn mint(intent: Intent, epochs: Epochs, expires_at: Timestamp) -> Self {
        Self {
            intent,
            epochs,
            expires_at,
        }
    }

    /// The order, for building and signing the request.
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// After this instant the permit cannot be redeemed.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whether redeeming would pass at `now`: for an early refusal, which proves nothing about later.
    pub fn is_redeemable(&self, gate: &SendGate, now: Timestamp) -> bool {
        !gate.dry_run && self.epochs == gate.epochs() && now <= self.expires_at
    }

    /// Spends the permit, as the last thing before the first byte leaves.
    ///
    /// # Errors
    /// The unspent permit itself when the gate was killed, another writer took over, or it is too
    /// late: proof that nothing was sent.
    pub fn redeem(self, gate: &SendGate, now: Timestamp) -> Result<Redeemed, Self> {
        if self.is_redeemable(gate, now) {
            Ok(Redeemed {
                intent: self.intent,
                expires_at: self.expires_at,
            })
        } else {
            Err(self)
        }
    }
}

/// A spent permit: whoever holds it is writing the order now.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a redeemed permit is an order that is being sent"]
pub struct Redeemed {
    intent: Intent,
    expires_at: Timestamp,
}

impl Redeemed {
    /// The order being sent.
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// The venue is told to drop the order when it comes after this instant.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Takes the order out.
    pub const fn into_intent(self) -> Intent {
        self.intent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instrument::InstrumentId;
    use crate::money::Quantity;
    use crate::orders::{ClientOrderId, OrderId, OrderType, Side, TimeInForce};

    fn permit(gate: &SendGate) -> SendPermit {
        let intent = Intent {
            id: OrderId(7),
            client_id: ClientOrderId::default(),
            instrument: InstrumentId(0),
            side: Side::Buy,
            quantity: Quantity::from_units(1),
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
            post_only: false,
            reduce_only: false,
        };
        SendPermit::mint(intent, gate.epochs(), Timestamp::from_nanos(10))
    }

    #[test]
    fn a_permit_is_bound_to_kill_writer_and_expiry() {
        let at = Timestamp::from_nanos;
        let gate = SendGate::new(3);
        assert!(permit(&gate).redeem(&gate, at(10)).is_ok());
        assert!(permit(&gate).redeem(&gate, at(11)).is_err());
        let before = permit(&gate);
        gate.kill();
        let back = before.redeem(&gate, at(1)).unwrap_err();
        assert_eq!(back.intent().id, OrderId(7));
        assert!(permit(&gate).redeem(&gate, at(1)).is_ok());
        let before = permit(&gate);
        gate.supersede_writer(4);
        assert!(before.redeem(&gate, at(1)).is_err());
    }
}
