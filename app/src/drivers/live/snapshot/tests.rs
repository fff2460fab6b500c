//! What a start makes of snapshots: the state of the records it covers, or none.

use std::path::Path;

use ballast_domain::simulation::{BarClose, Exchange, Sink, run};
use ballast_journal::encode;
use ballast_memory::MemoryJournal;
use ballast_ports::JournalBatch;

use super::super::recovery::whole;
use super::*;
use crate::config;
use crate::drivers::backtest::Backtest;
use crate::wiring::{Strategies, market_data};

/// Records of a backtest, one batch each, and what folds them.
struct Told {
    records: Vec<Record>,
    kernel: Kernel<Box<dyn Strategy>>,
}

#[derive(Default)]
struct Kept(Vec<Record>);

impl Sink for Kept {
    fn records(&mut self, records: &[Record]) -> DomainResult<()> {
        self.0.extend_from_slice(records);
        Ok(())
    }

    fn bar(&mut self, _: &BarClose<'_>) -> DomainResult<()> {
        Ok(())
    }
}

async fn told(set: &str) -> Told {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/two-sleeves.toml");
    let days = ["run.start=2011-09-01", "run.end=2012-12-31", set];
    let arguments = config::Layer::arguments(days).unwrap();
    let resolved = config::read(&file, arguments).unwrap();
    let backtest = Backtest {
        market_data: market_data(&resolved.config, &resolved.base)
            .unwrap()
            .source,
        config: resolved.config.clone(),
        data_files: Default::default(),
        indices: Vec::new(),
        data_findings: Vec::new(),
        strategies: Strategies::built_in(),
    };
    let (instruments, variant, panel) = backtest.load().await.unwrap();
    let gate = Arc::new(SendGate::new(1));
    let made = || {
        let strategies = Strategies::built_in();
        let strategy = strategies
            .make(&resolved.config.strategy, &instruments)
            .unwrap();
        let settings = variant.settings.clone();
        Kernel::new(instruments.clone(), settings, strategy, Arc::clone(&gate)).unwrap()
    };
    let mut kernel = made();
    let mut exchange = Exchange::with_rules(
        instruments.clone(),
        variant.exchange.clone(),
        variant.rules.clone(),
    );
    let mut kept = Kept::default();
    run(&mut kernel, &mut exchange, &panel, &mut kept).unwrap();
    // In the middle of a plan, where a start finds the most to go on with.
    kept.0.truncate(400);
    let intent = kept.0.iter().rposition(|r| matches!(r, Record::Intent(_)));
    kept.0.truncate(intent.unwrap() + 1);
    Told {
        records: kept.0,
        kernel: made(),
    }
}

impl Told {
    async fn journal(&self) -> Arc<MemoryJournal> {
        let journal = Arc::new(MemoryJournal::new());
        for (seq, record) in (1..).zip(&self.records) {
            let records = vec![encode(seq, record).unwrap()];
            let digest = seq;
            journal
                .append(&JournalBatch {
                    seq,
                    digest,
                    records,
                })
                .await
                .unwrap();
        }
        journal
    }

    fn folder(&self) -> Kernel<Nobody> {
        folder(&self.kernel).unwrap()
    }

    async fn keep(&self, journal: &Arc<MemoryJournal>, upto: u64) {
        let upto = Upto {
            batch: upto,
            record: upto,
        };
        keep(Arc::clone(journal) as _, self.folder(), upto)
            .await
            .unwrap();
    }

    /// What a start reads.
    async fn read(&self, journal: &MemoryJournal) -> Recorded {
        let all = whole(journal).await.unwrap();
        Recorded::read(journal, &of(&self.kernel), all)
            .await
            .unwrap()
    }

    /// The hash of the state that a start folds, by its bytes.
    fn state(&self, recorded: Recorded) -> String {
        let (noted, state) = recorded.fold(&mut self.folder()).unwrap();
        hash(serde_json::to_string(&(noted, state)).unwrap().as_bytes())
    }
}

/// Wherever the program ended, the newest snapshot and the records after it are the state of all records.
#[tokio::test]
async fn a_snapshot_and_its_tail_are_the_whole_journal_at_every_boundary() {
    let told = told("run.name=a").await;
    let journal = told.journal().await;
    let all = told.read(&journal).await;
    assert_eq!(
        (all.records.len(), all.kept.is_none()),
        (told.records.len(), true)
    );
    assert!(all.noted.opened && told.records.iter().any(|r| matches!(r, Record::Fill(_))));
    let expected = told.state(all);
    for upto in 1..=told.records.len() {
        told.keep(&journal, upto as u64).await;
        let recorded = told.read(&journal).await;
        assert_eq!(recorded.ignored, None);
        assert_eq!(recorded.records.len(), told.records.len() - upto);
        assert_eq!(told.state(recorded), expected, "kept after record {upto}");
    }
}

/// A flipped byte anywhere, a snapshot of another program, of other settings or of another journal: it is
/// left aside with a reason, and all records are folded.
#[tokio::test]
async fn a_snapshot_that_is_not_what_was_kept_is_named_and_not_believed() {
    let here = told("run.name=a").await;
    let whole = here.journal().await;
    let expected = here.state(here.read(&whole).await);
    let upto = here.records.len() as u64 / 2;
    here.keep(&whole, upto).await;
    let kept = whole.snapshot().await.unwrap().unwrap();
    let text = String::from_utf8(kept.state.clone()).unwrap();
    let json = text.split_once('\n').unwrap().1.to_owned();

    let signed = |json: &str| format!("{}\n{json}", hash(json.as_bytes())).into_bytes();
    let altered = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        signed(&json.replacen(from, to, 1))
    };
    let version = env!("CARGO_PKG_VERSION");
    let mut strange = vec![
        (
            altered(
                &format!("\"program\":\"{version}\""),
                "\"program\":\"0.0.0\"",
            ),
            "version 0.0.0",
        ),
        (altered("\"version\":2", "\"version\":3"), "kept by version"),
        (
            altered(&of(&here.kernel), "other"),
            "other instruments or settings",
        ),
        (
            altered(&format!("\"record\":{upto}"), "\"record\":3"),
            "not in this journal",
        ),
        (signed("{}"), "missing field"),
        (Vec::new(), "its hash"),
    ];
    let step = kept.state.len() / 97;
    strange.extend((0..kept.state.len()).step_by(step).map(|at| {
        let mut flipped = kept.state.clone();
        flipped[at] ^= 1;
        (flipped, "its hash")
    }));
    for (state, why) in strange {
        let journal = here.journal().await;
        journal
            .keep_snapshot(&Snapshot { batch: upto, state })
            .await
            .unwrap();
        let recorded = here.read(&journal).await;
        let said = recorded.ignored.clone().unwrap_or_default();
        assert!(said.contains(why), "{why}: {said}");
        assert_eq!(recorded.records.len(), here.records.len());
        assert_eq!(here.state(recorded), expected);
    }
    let other = told("risk.max_gross=0.9").await;
    let recorded = other.read(&whole).await;
    assert!(
        recorded
            .ignored
            .unwrap()
            .contains("other instruments or settings")
    );
}
