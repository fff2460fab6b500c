//! Figures of paper trading on this machine and its disk: `cargo xtask figures`.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ballast::commands::settings::SettingsRequest;
use ballast::config::{self, Layer};
use ballast::drivers::Progress;
use ballast::drivers::live::{Observer, Standing};
use ballast::health::Pulse;
use ballast::wiring::{HinderedJournal, Hindrance};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::JournalBatch;
use ballast_sqlite::{Options, SqliteJournal};

use crate::bench::Bench;
use crate::paper_parity::{traded, traded_before};

/// A seeded market in which every price moves at every bar, and weights that follow it.
struct Market {
    instruments: usize,
    bars: usize,
    every: Span,
    bar: &'static str,
}

impl Market {
    /// Writes it and its config below `folder`.
    fn write(&self, folder: &Path) -> SettingsRequest {
        let mut text = "timestamp,symbol,open,high,low,close,volume\n".to_owned();
        let mut prices = vec![100.0_f64; self.instruments];
        let mut seed = 1_u64;
        let first = Timestamp::EPOCH + Span::from_days(18_262);
        let mut at = first;
        for _ in 0..self.bars {
            for (n, price) in prices.iter_mut().enumerate() {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let draw = (seed >> 33) as f64 / f64::from(1_u32 << 31);
                let open = *price;
                *price = (open * (0.98 + 0.04 * draw)).clamp(20.0, 500.0);
                let (high, low) = (open.max(*price), open.min(*price));
                let when = match self.bar {
                    "1d" => at.date().to_string(),
                    _ => at.to_string(),
                };
                let _ = writeln!(
                    text,
                    "{when},S{n:04},{open:.4},{high:.4},{low:.4},{price:.4},1000000"
                );
                *price = (*price * 10_000.0).round() / 10_000.0;
            }
            at = at + self.every;
        }
        fs::write(folder.join("market.csv"), text).unwrap();
        let config = format!(
            r#"
[run]
name = "figures"
[account]
cash = 1000000000
[data]
source = "market.csv"
calendar = "utc_24x7"
bar = "{}"
[strategy]
name = "periodic_weights"
schedule = "every_bar"
[strategy.parameters]
method = "inverse_vol"
lookback = 3
every = 1
[rebalance]
threshold = 0.0000001
[risk]
max_order_notional = "unlimited"
max_position_notional = "unlimited"
"#,
            self.bar
        );
        let file = folder.join("figures.toml");
        fs::write(&file, config).unwrap();
        SettingsRequest {
            file: Some(file),
            ..SettingsRequest::default()
        }
    }
}

/// Records of the account that is started.
const RECORDS: u64 = 100_000;

/// A start on a hundred thousand records: everything is proven, and what came after the newest snapshot
/// folded. Then the same with the snapshot left aside, which was kept under other settings. Every order waits
/// for its own records and the venue's, so that a million would take half an hour to make: the journal's
/// own figures have one.
#[test]
#[ignore = "measures: cargo xtask figures"]
fn records_to_active_figures() {
    let room = tempfile::tempdir().unwrap();
    let market = Market {
        instruments: 200,
        bars: 500,
        every: Span::from_days(1),
        bar: "1d",
    };
    let settings = market.write(room.path());
    let home = room.path().join("home");
    let (begun, mut sessions) = (Instant::now(), 0);
    while traded(&home, &settings, 40).ended.recovered < RECORDS {
        sessions += 1;
        assert!(sessions < 12, "the market is too short");
    }
    println!(
        "an account of {RECORDS} records traded in {:.1?}",
        begun.elapsed()
    );
    let mut set = settings.clone();
    for (what, settings) in [
        ("newest snapshot", &settings),
        ("every record", {
            set.set = vec!["risk.max_order_notional=900000000".to_owned()];
            &set
        }),
    ] {
        let begun = Instant::now();
        let mut active = Active::default();
        let done = traded_before(&home, settings, &mut active);
        println!(
            "{what}: {} records proven, {} folded, active after {:.2?} with 100,000 bars to load",
            done.ended.recovered,
            done.ended.folded,
            active.at.unwrap().duration_since(begun)
        );
    }
}

/// Stops at the first bar, and notes when it came: the account was active before.
#[derive(Debug, Default)]
struct Active {
    at: Option<Instant>,
}

impl Progress for Active {
    fn begin(&mut self, _: usize) {}

    fn advance(&mut self) {
        self.at.get_or_insert_with(Instant::now);
    }

    fn end(&mut self) {}

    fn is_interrupted(&self) -> bool {
        self.at.is_some()
    }
}

/// The last two instants at which the loop turned.
#[derive(Clone, Debug, Default)]
struct Turns(Arc<Mutex<VecDeque<Instant>>>);

impl Observer for Turns {
    fn begin(&mut self, _: usize) {}

    fn bar(&mut self, _: &Standing) {}

    fn turn(&mut self) {
        let mut turns = self.0.lock().unwrap();
        turns.push_back(Instant::now());
        if turns.len() > 2 {
            turns.pop_front();
        }
    }

    fn end(&mut self) {}

    fn is_interrupted(&self) -> bool {
        false
    }
}

/// A thousand orders: from the turn of the loop in which the kernel sees the bar to the return of the write
/// that holds every leg, intent and verdict.
#[tokio::test]
#[ignore = "measures: cargo xtask figures"]
async fn a_rebalance_of_a_thousand_orders_figures() {
    let room = tempfile::tempdir().unwrap();
    let market = Market {
        instruments: 1_000,
        bars: 7,
        every: Span::from_days(1),
        bar: "1d",
    };
    let request = market.write(room.path());
    let resolved = config::read(&request.file.unwrap(), Layer::empty()).unwrap();
    let bench = Bench::new(&room.path().join("home"), resolved).await;
    let options = Options::new(room.path().join("home"), "figures", "figures").with_reserve(0);
    let disk = Arc::new(SqliteJournal::open(options).await.unwrap());
    let turns = Turns::default();
    let (begun, seen) = (Arc::new(Mutex::new(None)), turns.clone());
    let took = Arc::new(Mutex::new(Vec::new()));
    let (from, times) = (Arc::clone(&begun), Arc::clone(&took));
    let hook = move |batch: &JournalBatch| -> Hindrance {
        // The batch before is durable when the next one is given.
        if let Some((orders, at)) = from.lock().unwrap().take() {
            let at: Instant = at;
            times.lock().unwrap().push((orders, at.elapsed()));
        }
        let orders = batch.records.iter().filter(|r| r.kind == "intent").count();
        if orders > 300 {
            *from.lock().unwrap() = Some((orders, seen.0.lock().unwrap()[0]));
        }
        Box::pin(std::future::ready(Ok(())))
    };
    let journal = HinderedJournal::new(disk, hook);
    let pulse = Pulse::new().unwrap();
    bench
        .session(
            Arc::new(journal),
            |inner, _| inner,
            pulse,
            &mut turns.clone(),
        )
        .await;
    let mut took = took.lock().unwrap().clone();
    took.sort_by_key(|(_, took)| *took);
    let first = took.iter().find(|(orders, _)| *orders == 1_000);
    println!(
        "a rebalance decided, checked, durable and begun to be sent: 1,000 orders {:.1?}; {} of {} to {} orders, p50 {:.1?}, worst {:.1?}",
        first.map(|(_, took)| *took),
        took.len(),
        took.iter().map(|t| t.0).min().unwrap(),
        took.iter().map(|t| t.0).max().unwrap(),
        took[took.len() / 2].1,
        took[took.len() - 1].1
    );
}

/// What the process holds in memory, in KiB, where Linux tells it.
fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.and_then(|n| n.parse().ok()).unwrap_or(0.0)
}

/// Looks at the memory once a simulated day.
#[derive(Debug)]
struct Memory {
    a_day: usize,
    bars: usize,
    seen: Vec<f64>,
}

impl Progress for Memory {
    fn begin(&mut self, _: usize) {}

    fn advance(&mut self) {
        self.bars += 1;
        if self.bars.is_multiple_of(self.a_day) {
            self.seen.push(resident());
        }
    }

    fn end(&mut self) {}

    fn is_interrupted(&self) -> bool {
        false
    }
}

/// The slope of `values` a step, by least squares.
fn slope(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / n;
    let rises = values.iter().enumerate();
    let (over, under) = rises.fold((0.0, 0.0), |(over, under), (i, y)| {
        let x = i as f64 - middle;
        (over + x * (y - mean), under + x * x)
    });
    over / under
}

/// Thirty days of bars of fifteen minutes, eight instruments, a rebalance at every bar. The kernel remembers
/// 16,384 orders, which are there after about three weeks: until then it grows, and its snapshots with it.
#[test]
#[ignore = "measures: cargo xtask figures"]
fn memory_over_thirty_days_figures() {
    const A_DAY: usize = 96;
    let room = tempfile::tempdir().unwrap();
    let market = Market {
        instruments: 8,
        bars: 30 * A_DAY,
        every: Span::from_seconds(900),
        bar: "15m",
    };
    let settings = market.write(room.path());
    let mut memory = Memory {
        a_day: A_DAY,
        bars: 0,
        seen: Vec::new(),
    };
    let begun = Instant::now();
    let done = traded_before(&room.path().join("home"), &settings, &mut memory);
    let settled = &memory.seen[5..];
    let full = &memory.seen[22..];
    println!(
        "30 days in {:.1?}, {} orders: {:.0} KiB after day 5, {:.0} after day {}, slope {:+.1} KiB a day, {:+.2} KiB an order; from day 23 on {:+.1} KiB a day",
        begun.elapsed(),
        done.ended.sent,
        memory.seen[4],
        memory.seen[memory.seen.len() - 1],
        memory.seen.len(),
        slope(settled),
        slope(settled) * 30.0 / done.ended.sent as f64,
        slope(full)
    );
}
