//! What tests of decorators around a broker share.

use std::sync::Arc;

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::SendPermit;
use ballast_ports::{Error, ErrorKind};
use ballast_testkit::fakes::{BrokerFault, FakeBroker};
use ballast_testkit::permits::permits;
use rust_decimal::Decimal;

pub(crate) fn venue(faults: impl IntoIterator<Item = BrokerFault>) -> Arc<FakeBroker> {
    Arc::new(FakeBroker::new().script(faults))
}

/// A permit to buy ten of `B`.
pub(crate) fn permit(venue: &FakeBroker) -> SendPermit {
    let orders = [(InstrumentId(1), Decimal::TEN)];
    let now = ballast_ports::Clock::now(&*venue.clock());
    let minted = permits(venue.instruments(), &orders, &venue.gate(), now);
    minted.into_iter().next().unwrap()
}

pub(crate) fn error(kind: ErrorKind) -> Error {
    Error::new(kind, "submit", "as planted")
}
