//! From a source that is down to a smaller order, and back from the order to the source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ballast::config;
use ballast::wiring::stacks::{CascadeSettings, GuardedSource, Surroundings, market_data_stack};
use ballast::wiring::{Strategies, TracedInputs, instruments};
use ballast_domain::calendar::Calendar;
use ballast_domain::kernel::Record;
use ballast_domain::strategy::{Decision, Target, TargetEntry};
use ballast_domain::time::Timestamp;
use ballast_memory::MemoryFailureStore;
use ballast_ports::{
    BoxStream, Chunk, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar, MarketData,
    MarketDataCapabilities, MarketDataExt as _, Result, SubscribeRequest, stream,
};
use ballast_resilience::{MetricsRegistry, ResiliencePolicy, Role};
use ballast_system::SystemClock;
use serde_json::Value;

use crate::paper_parity::{journaled, traded};

/// Files as a source, without one symbol.
#[derive(Debug)]
struct Without {
    name: &'static str,
    missing: &'static str,
    inner: Arc<dyn MarketData>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl MarketData for Without {
    fn name(&self) -> &str {
        self.name
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        self.inner.instruments().await
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        self.asked.lock().unwrap().extend(request.symbols.clone());
        if request.symbols.iter().any(|s| s == self.missing) {
            let down = Error::new(ErrorKind::Unavailable, "history", "planted");
            return stream::once(Err(down));
        }
        self.inner.history(request)
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        self.inner.subscribe(request)
    }
}

fn paper() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/paper-breakout.toml")
}

/// Of five symbols the first source lacks one; that one comes from the
/// second and alone is degraded, the others stay the first's, and each was asked for once.
#[tokio::test(start_paused = true)]
async fn one_symbol_of_a_fallback_is_degraded_alone() {
    let resolved = config::read(&paper(), config::Layer::empty()).unwrap();
    let files = || ballast::wiring::market_data(&resolved.config, &resolved.base).unwrap();
    let without = |name, missing| {
        let (inner, asked) = (files().source, Mutex::default());
        Arc::new(Without {
            name,
            missing,
            inner,
            asked,
        })
    };
    let (first, second) = (without("alpha", "IBM"), without("beta", "none"));
    let guarded = |adapter: &Arc<Without>| GuardedSource {
        adapter: Arc::clone(adapter) as _,
        policy: ResiliencePolicy::default(),
        validate: Some(Calendar::UsEquities),
    };
    let around = Surroundings::new(
        Arc::new(SystemClock::new()),
        Arc::new(MemoryFailureStore::new(std::num::NonZeroUsize::MIN)),
        &MetricsRegistry::default(),
        |_| {},
    );
    let sources = [guarded(&first), guarded(&second)];
    let settings = CascadeSettings::default();
    let stack = market_data_stack(&sources, None, &settings, &around).unwrap();
    let inputs = TracedInputs::new(stack.source, Vec::new());
    let symbols = resolved.config.data.symbols.clone();
    let request = HistoryRequest::all(symbols.clone(), resolved.config.data.bar);
    let series = inputs.load(&request).await.unwrap();
    assert_eq!(
        series.keys().collect::<Vec<_>>(),
        ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    );
    for symbol in &symbols {
        let origin = inputs.origin(symbol).unwrap();
        let wanted = match symbol.as_str() {
            "IBM" => (true, "beta", Role::Fallback),
            _ => (false, "alpha", Role::Primary),
        };
        let got = (origin.is_degraded(), origin.source.as_str(), origin.origin);
        assert_eq!(got, wanted, "{symbol}");
    }
    assert_eq!(*second.asked.lock().unwrap(), ["IBM"]);
    let instruments = instruments(&resolved.config, &symbols).unwrap();
    let make = || {
        let strategies = Strategies::built_in();
        strategies
            .make(&resolved.config.strategy, &instruments)
            .unwrap()
    };
    let degraded = inputs.degraded(&instruments);
    let guarded =
        ballast::wiring::shrunk(make(), &resolved.config, &instruments, &degraded).unwrap();
    assert_eq!(
        guarded.save(),
        make().save(),
        "its memory is the strategy's"
    );
}

/// A config whose source has three old bars of one symbol, and the shipped stocks behind it; `broken` or
/// with the shipped stocks as the source itself. Both have the same corporate action.
fn config_in(folder: &Path, set: &str, broken: bool) -> PathBuf {
    let bars = "date,symbol,open,high,low,close,volume\n\
                2000-03-01,AAPL,130,130,130,130,1\n2000-03-02,AAPL,130,130,130,130,1\n";
    let actions = folder.join("actions.csv");
    let old = folder.join("old.csv");
    fs::write(&old, bars).unwrap();
    fs::write(
        &actions,
        "date,symbol,kind,value\n2000-03-02,AAPL,dividend,0.01\n",
    )
    .unwrap();
    let shipped = "source = \"sample:us-stocks\"";
    let source = if broken {
        format!(
            "source = \"{}\"\nfallback = \"sample:us-stocks\"",
            old.display()
        )
    } else {
        shipped.to_owned()
    };
    let source = format!("{source}\nactions = \"{}\"", actions.display());
    let text = fs::read_to_string(paper()).unwrap();
    assert!(text.contains(shipped) && text.contains("[report]"));
    let text = text.replace(shipped, &source);
    let file = folder.join("paper.toml");
    fs::write(
        &file,
        text.replace("[report]", &format!("{set}\n\n[report]")),
    )
    .unwrap();
    file
}

fn first_targets(records: &[Record]) -> Vec<(TargetEntry, String, Timestamp)> {
    let decisions = records.iter().filter_map(|record| match record {
        Record::Decision(r) => match &r.decision {
            Decision::Targets(targets, reason) if !targets.entries().is_empty() => {
                Some((targets.entries()[0].clone(), reason.to_string(), r.slot))
            }
            _ => None,
        },
        _ => None,
    });
    decisions.take(1).collect()
}

fn bought(records: &[Record]) -> i64 {
    let first = records.iter().find_map(|record| match record {
        Record::Intent(r) if r.verdict.passed() => Some(r.intent.quantity.units()),
        _ => None,
    });
    first.unwrap()
}

/// CAC-27 and a degraded input, end to end: the source answers nothing, the fallback does, so the
/// trader's orders are smaller by the factor of the config; the decision in the journal says from which
/// source, and `explain` tells it of the order. With a factor of 1 sizes are those of the healthy source.
#[test]
fn cac_27_a_fallback_makes_orders_smaller_and_explain_says_why() {
    let run = |set: &str, broken: bool| {
        let home = tempfile::tempdir().unwrap();
        let file = config_in(home.path(), set, broken);
        let settings = ballast::commands::settings::SettingsRequest {
            file: Some(file),
            set: vec!["run.end=2012-05-31".into()],
            ..Default::default()
        };
        traded(home.path(), &settings, usize::MAX);
        (journaled(home.path()), home)
    };
    let (well, _) = run("", false);
    let (half, home) = run("", true);
    let (whole, _) = run("degraded_factor = 1", true);
    let weight = |records: &[Record]| match first_targets(records)[0].0.target {
        Target::Weight(weight) => weight,
        other => panic!("{other:?}"),
    };
    let full = weight(&well);
    assert!(full > 0.0);
    assert_eq!(weight(&half), full * 0.5);
    assert_eq!(weight(&whole), full);
    // Lots round towards zero.
    let (full, got) = (bought(&well), bought(&half));
    assert!((full / 2 - got).abs() <= 1, "{full} {got}");
    assert_eq!(bought(&whole), full);
    let (entry, reason, slot) = first_targets(&half).remove(0);
    assert!(
        entry.note.signal.contains("size x0.5 for fallback"),
        "{entry:?}"
    );
    assert!(reason.contains("AAPL from fallback"), "{reason}");
    assert!(!first_targets(&well)[0].1.contains("degraded"));

    let ballast = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
        let output = command
            .arg("--home")
            .arg(home.path())
            .args(arguments)
            .output();
        output.unwrap()
    };
    let symbol = ["AAPL", "FB", "GOOG", "IBM", "MSFT"][entry.instrument.index()];
    let day = slot.date().to_string();
    let said = ballast(&["explain", "paper", symbol, &day, "--json"]);
    let said: Value =
        serde_json::from_slice(&said.stdout).unwrap_or_else(|e| panic!("{e} {said:?}"));
    assert!(
        said["reason"]
            .as_str()
            .unwrap()
            .contains("sizes x0.5 on degraded inputs"),
        "{said}"
    );
    assert!(
        said["leg"]["signal"]
            .as_str()
            .unwrap()
            .contains("for fallback"),
        "{said}"
    );
    assert_eq!(said["source"], Value::Null);
    assert_eq!(said["age_seconds"], Value::Null);
    let text = ballast(&["explain", "paper", symbol, &day]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("size x0.5 for fallback"), "{text}");
    let unknown = ballast(&["explain", "paper", "IBN"]);
    assert_eq!(unknown.status.code(), Some(3), "{unknown:?}");
}
