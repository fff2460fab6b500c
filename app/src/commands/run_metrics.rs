//! `metrics.json`: what a run counted and measured, in six groups and one by one.

use ballast_domain::indicators::CacheUse;
use ballast_domain::time::Timestamp;
use ballast_resilience::{MetricsSnapshot, Sample};
use serde::Serialize;

use crate::drivers::backtest::Summary;
use crate::drivers::{INDICATORS_ASKED, INDICATORS_COMPUTED, STALE_DECISIONS};
use crate::run_directory::{Execution, text};

/// Everything in `metrics.json`. Its times and latencies differ between equal runs, so it is no
/// part of a run's identity and `verify` does not compare it; the manifest holds its hash.
#[derive(Clone, Debug, Serialize)]
pub struct RunMetrics {
    /// Version of this shape.
    pub v: u32,
    /// Which run.
    pub run: RunName,
    /// The system as a whole.
    pub system: SystemMetrics,
    /// Every counter and gauge by itself.
    pub samples: Vec<Sample>,
}

/// Which run was measured.
#[derive(Clone, Debug, Serialize)]
pub struct RunName {
    /// Name of the execution.
    pub run_id: String,
    /// Name of its result.
    pub result_id: String,
    /// Name in the config.
    pub name: String,
    /// Currency of amounts.
    pub currency: String,
}

/// The system in six groups.
#[derive(Clone, Debug, Serialize)]
pub struct SystemMetrics {
    /// Market data.
    pub data: DataMetrics,
    /// Decisions.
    pub signals: SignalMetrics,
    /// The order path.
    pub execution: ExecutionMetrics,
    /// The program.
    pub performance: PerformanceMetrics,
    /// What was risked, and what risk refused.
    pub risk: RiskMetrics,
    /// When, and how long.
    pub timing: TimingMetrics,
}

/// Market data.
#[derive(Clone, Debug, Serialize)]
pub struct DataMetrics {
    /// Histories that were asked for.
    pub fetches: u64,
    /// Of them, those that failed.
    pub errors: u64,
    /// Bars that were delivered.
    pub bars: u64,
    /// Instruments of the run.
    pub instruments: usize,
    /// Decisions made while a part of the exposure had no fresh price.
    pub staleness_warnings: u64,
    /// When a source last answered; `None` when none was asked.
    pub last_update: Option<String>,
}

/// Decisions.
#[derive(Clone, Debug, Serialize)]
pub struct SignalMetrics {
    /// Decisions that took effect.
    pub decisions: u64,
    /// Orders they wanted.
    pub intents: u64,
    /// Targets that were not reached.
    pub residuals: u64,
}

/// The order path.
#[derive(Clone, Debug, Serialize)]
pub struct ExecutionMetrics {
    /// Orders sent.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Orders that still waited at the end.
    pub open_orders: usize,
    /// Sum of what was traded, buys and sells both counted.
    pub total_notional: f64,
    /// Fees paid.
    pub fees: f64,
}

/// The program.
#[derive(Clone, Debug, Serialize)]
pub struct PerformanceMetrics {
    /// Rows of the panel the strategy walked, benchmarks and repetitions apart.
    pub bars: usize,
    /// Those in a second of the whole run.
    pub bars_per_second: Option<f64>,
    /// Share of the indicator values asked for by several sleeves that were computed already;
    /// `None` when none was asked for.
    pub indicator_hit_rate: Option<f64>,
    /// Largest resident memory of the process, in units of 2^20 bytes.
    pub max_memory_mb: Option<f64>,
}

/// What was risked, and what risk refused.
#[derive(Clone, Debug, Serialize)]
pub struct RiskMetrics {
    /// Orders that risk refused.
    pub denied: u64,
    /// Mean share of equity that was invested.
    pub average_gross: f64,
    /// Deepest fall from a peak, negative.
    pub max_drawdown: Option<f64>,
    /// Final equity over capital, less one.
    pub total_return: f64,
}

/// When, and how long.
#[derive(Clone, Debug, Serialize)]
pub struct TimingMetrics {
    /// When the run began.
    pub started: String,
    /// When this was written.
    pub written: String,
    /// Seconds of machine time from the one to the other.
    pub uptime: f64,
    /// Seconds spent reading histories; opening and parsing files comes before.
    pub fetch_seconds: f64,
}

impl RunMetrics {
    /// The version of the shape that this program writes.
    pub const VERSION: u32 = 1;

    /// Puts together what a finished run knows about itself.
    pub fn new(summary: &Summary, execution: &Execution, counted: MetricsSnapshot) -> Self {
        let history = |name| counted.total(name, &[("operation", "history")]);
        let orders = &summary.orders;
        let uptime = execution.wall_seconds;
        Self {
            v: Self::VERSION,
            run: RunName {
                run_id: execution.run_id.to_string(),
                result_id: summary.identity.result_id.clone(),
                name: summary.name.clone(),
                currency: summary.currency.clone(),
            },
            system: SystemMetrics {
                data: DataMetrics {
                    fetches: count(history("market_data_fetches_total")),
                    errors: count(history("market_data_errors_total")),
                    bars: count(history("market_data_bars_total")),
                    instruments: summary.symbols.len(),
                    staleness_warnings: count(counted.total(STALE_DECISIONS, &[])),
                    last_update: last_update(&counted),
                },
                signals: SignalMetrics {
                    decisions: orders.decisions,
                    intents: orders.intents,
                    residuals: orders.residuals,
                },
                execution: ExecutionMetrics {
                    orders: orders.sent,
                    fills: orders.fills,
                    open_orders: orders.open_at_end,
                    total_notional: summary.turnover.traded_notional,
                    fees: summary.fees,
                },
                performance: PerformanceMetrics {
                    bars: summary.bars,
                    bars_per_second: (uptime > 0.0).then(|| summary.bars as f64 / uptime),
                    indicator_hit_rate: hit_rate(&counted),
                    max_memory_mb: execution
                        .peak_memory_bytes
                        .map(|bytes| bytes as f64 / f64::from(1 << 20)),
                },
                risk: RiskMetrics {
                    denied: orders.denied,
                    average_gross: summary.average_gross,
                    max_drawdown: summary.max_drawdown,
                    total_return: summary.total_return,
                },
                timing: TimingMetrics {
                    started: text::time(execution.started),
                    written: text::time(execution.finished),
                    uptime,
                    fetch_seconds: history("market_data_fetch_nanos_total") / 1e9,
                },
            },
            samples: counted.samples,
        }
    }
}

/// A counter's value, which is whole and not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counters are whole and count up from zero"
)]
const fn count(value: f64) -> u64 {
    value as u64
}

/// How much of what the sleeves asked for was there.
fn hit_rate(counted: &MetricsSnapshot) -> Option<f64> {
    let used = CacheUse {
        asked: count(counted.total(INDICATORS_ASKED, &[])),
        computed: count(counted.total(INDICATORS_COMPUTED, &[])),
        evicted: 0,
    };
    used.hit_rate()
}

/// The latest time at which a source was heard, to the microsecond a float can hold.
fn last_update(counted: &MetricsSnapshot) -> Option<String> {
    let of = |sample: &&Sample| sample.name == "market_data_last_update_seconds";
    let seconds = counted.samples.iter().filter(of).map(|s| s.value);
    let latest = seconds.fold(0.0, f64::max);
    let micros = latest * 1e6;
    if micros <= 0.0 || micros >= i64::MAX as f64 / 1e3 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was checked, parts of a microsecond are cut"
    )]
    let nanos = micros as i64 * 1_000;
    Some(text::time(Timestamp::from_nanos(nanos)))
}
