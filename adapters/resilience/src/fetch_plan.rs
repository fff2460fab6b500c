//! What has to be fetched so that everyone has what they need, each thing once.

use std::collections::BTreeMap;

use ballast_domain::market::{BarSize, PriceBasis};
use ballast_domain::time::Timestamp;
use ballast_ports::HistoryRequest;

/// The history of one symbol in one bar size and basis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlanKey {
    /// Symbol.
    pub symbol: String,
    /// Bar size.
    pub bar: BarSize,
    /// Whether prices are as traded or rewritten.
    pub basis: PriceBasis,
}

/// Who needs what: strategies on one side, histories on the other.
///
/// What several need is fetched once, over the range that covers them all; what only a user that is
/// gone needed is not fetched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchPlan {
    needs: BTreeMap<String, Vec<HistoryRequest>>,
}

impl FetchPlan {
    /// A plan for nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more need of `user`, such as a strategy.
    #[must_use]
    pub fn with(mut self, user: &str, request: HistoryRequest) -> Self {
        self.needs.entry(user.to_owned()).or_default().push(request);
        self
    }

    /// The same without a user and what only that one needed.
    #[must_use]
    pub fn without(mut self, user: &str) -> Self {
        self.needs.remove(user);
        self
    }

    /// Every history that is needed with the range that covers all needs of it, sorted.
    pub fn histories(&self) -> BTreeMap<PlanKey, (Timestamp, Timestamp)> {
        let mut all: BTreeMap<PlanKey, (Timestamp, Timestamp)> = BTreeMap::new();
        for request in self.needs.values().flatten() {
            for symbol in &request.symbols {
                let key = PlanKey {
                    symbol: symbol.clone(),
                    bar: request.bar,
                    basis: request.basis,
                };
                let range = all.entry(key).or_insert((request.start, request.end));
                range.0 = range.0.min(request.start);
                range.1 = range.1.max(request.end);
            }
        }
        all
    }

    /// The users of a symbol, sorted: who waits when it fails.
    pub fn users_of(&self, symbol: &str) -> Vec<&str> {
        let wants = |requests: &[HistoryRequest]| {
            let mut symbols = requests.iter().flat_map(|request| &request.symbols);
            symbols.any(|s| s == symbol)
        };
        let users = self.needs.iter().filter(|(_, requests)| wants(requests));
        users.map(|(user, _)| user.as_str()).collect()
    }
}

impl PlanKey {
    /// The request for this history alone.
    pub fn request(&self, start: Timestamp, end: Timestamp) -> HistoryRequest {
        HistoryRequest {
            symbols: vec![self.symbol.clone()],
            start,
            end,
            bar: self.bar,
            basis: self.basis,
        }
    }
}
