//! The live driver on a bench: a paper account in a folder whose boundaries a test swaps.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ballast::account_folder::AccountFolder;
use ballast::config::{CatchUp, Resolved};
use ballast::drivers::backtest::{Backtest, Variant};
use ballast::drivers::live::{Boundaries, Ended, Goal, Live, Observer, Order, Speed};
use ballast::health::Pulse;
use ballast::machine::ThisMachine;
use ballast::wiring::{Strategies, market_data, paper};
use ballast_domain::kernel::{Record, SendGate, VenueReport};
use ballast_domain::time::Timestamp;
use ballast_journal::decode;
use ballast_ports::{Broker, Journal, stream};
use ballast_system::KillSwitch;

/// An account, and what it trades.
pub(crate) struct Bench {
    resolved: Resolved,
    folder: AccountFolder,
    live: Live,
    variant: Variant,
}

impl Bench {
    /// The account of a config below `home`.
    pub(crate) async fn new(home: &Path, resolved: Resolved) -> Self {
        let folder = AccountFolder::new(home, resolved.config.account_name()).unwrap();
        std::fs::create_dir_all(folder.path()).unwrap();
        let backtest = Backtest {
            config: resolved.config.clone(),
            market_data: market_data(&resolved.config, &resolved.base)
                .unwrap()
                .source,
            data_files: BTreeMap::new(),
            indices: Vec::new(),
            data_findings: Vec::new(),
            strategies: Strategies::built_in(),
        };
        let (instruments, variant, panel) = backtest.load().await.unwrap();
        let live = Live {
            settings: paper::live_settings(&resolved.config, &variant.settings).unwrap(),
            instruments,
            panel: Arc::new(panel),
            fill_point: variant.exchange.fill_point,
            opening_cash: variant.exchange.opening_cash,
            catch_up: CatchUp::Each,
            speed: Speed::Max,
            goal: Goal::Trade,
            order: Order::Nothing,
        };
        Self {
            resolved,
            folder,
            live,
            variant,
        }
    }

    pub(crate) fn kill_switch(&self) -> KillSwitch {
        self.folder.kill_switch()
    }

    /// One session with `journal`, at the venue that `wire` makes of the account's own; what the venue
    /// shows at its end.
    pub(crate) async fn session(
        &self,
        journal: Arc<dyn Journal>,
        wire: impl FnOnce(Arc<dyn Broker>, &Arc<SendGate>) -> Arc<dyn Broker>,
        pulse: Pulse,
        observer: &mut dyn Observer,
    ) -> (Ended, VenueReport) {
        let gate = Arc::new(SendGate::new(1));
        let strategy = Strategies::built_in()
            .make(&self.resolved.config.strategy, &self.live.instruments)
            .unwrap();
        let kernel = self.live.kernel(strategy, &gate).unwrap();
        let watch = self.kill_switch().watch(Arc::clone(&gate)).unwrap();
        let venue = paper::venue(
            &self.resolved.config,
            &self.variant,
            &self.live.instruments,
            &self.live.panel,
            &self.folder,
            &gate,
        )
        .await
        .unwrap();
        let boundaries = Boundaries {
            journal,
            broker: wire(venue.broker, &gate),
            reports: Arc::clone(&venue.reports),
            market: venue.market,
            clock: venue.clock,
            gate,
            kill: &watch,
            kill_reason: &|| None,
            machine: &ThisMachine::new(),
            pulse,
            tape: None,
        };
        let ended = self.live.run(&boundaries, kernel, observer).await.unwrap();
        let report = venue.reports.report(Timestamp::MIN).await.unwrap();
        (ended, report)
    }
}

/// Everything that is recorded.
pub(crate) async fn records(journal: &dyn Journal) -> Vec<Record> {
    let mut stored = journal.read_from(1);
    let mut records = Vec::new();
    while let Some(record) = stream::next(&mut stored).await {
        records.push(decode(&record.unwrap()).unwrap());
    }
    records
}
