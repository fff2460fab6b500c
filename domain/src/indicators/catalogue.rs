//! Every indicator by name: what it computes, what it needs, when it starts.

use serde::Serialize;

/// What a name stands for. Parameters are written after it, joined by `_`, as in `macd_12_26_9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// The name without parameters.
    pub name: &'static str,
    /// Names of the parameters, in order; all are required.
    pub parameters: &'static [&'static str],
    /// A whole spec.
    pub example: &'static str,
    /// What is computed, with seeding and ddof.
    pub formula: &'static str,
    /// Bars before the first value, in the words of the parameters.
    pub warm_up: &'static str,
    /// Columns it reads.
    pub reads: Reads,
}

impl Definition {
    /// Whether its values depend on the number of bars a year.
    pub fn is_annualised(&self) -> bool {
        matches!(self.name, "vol_log" | "vol_simple" | "ewvol")
    }
}

/// Columns an indicator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reads {
    /// The closes alone.
    Close,
    /// Highs and lows; some also closes.
    HighLow,
    /// The closes and those of a benchmark.
    Benchmark,
}

const N: &[&str] = &["n"];
const NONE: &[&str] = &[];
const MACD: &[&str] = &["fast", "slow", "signal"];
const BANDS: &[&str] = &["n", "width"];

const fn close(
    name: &'static str,
    parameters: &'static [&'static str],
    example: &'static str,
    formula: &'static str,
    warm_up: &'static str,
) -> Definition {
    Definition {
        name,
        parameters,
        example,
        formula,
        warm_up,
        reads: Reads::Close,
    }
}

const fn bars(definition: Definition) -> Definition {
    Definition {
        reads: Reads::HighLow,
        ..definition
    }
}

const fn against(definition: Definition) -> Definition {
    Definition {
        reads: Reads::Benchmark,
        ..definition
    }
}

/// Every name, related ones together. Returns are of closes; fractions are not percentages.
#[rustfmt::skip]
pub const CATALOGUE: &[Definition] = &[
    close("sma", N, "sma_20", "mean of the last n closes", "n - 1"),
    close("ema", N, "ema_12", "e += 2/(n+1) (close - e), seeded with the mean of the first n closes (TA-Lib)", "n - 1"),
    close("ema_rec", N, "ema_rec_12", "e += 2/(n+1) (close - e), seeded with the first close (pandas, adjust=False)", "0"),
    close("macd", MACD, "macd_12_26_9", "fast EMA - slow EMA, both seeded with means that end at row slow - 1 (TA-Lib)", "slow + signal - 2"),
    close("macd_signal", MACD, "macd_signal_12_26_9", "EMA of macd, seeded with the mean of its first values", "slow + signal - 2"),
    close("macd_hist", MACD, "macd_hist_12_26_9", "macd - macd_signal", "slow + signal - 2"),
    close("macd_rec", MACD, "macd_rec_12_26_9", "difference of two EMAs seeded with the first close", "0"),
    close("macd_rec_signal", MACD, "macd_rec_signal_12_26_9", "EMA of macd_rec seeded with its first value", "0"),
    close("macd_rec_hist", MACD, "macd_rec_hist_12_26_9", "macd_rec - macd_rec_signal", "0"),
    close("rsi", N, "rsi_14", "100 g/(g+l), average gain and loss seeded with the means of the first n changes, then (prev (n-1) + x)/n (Wilder, TA-Lib); 0 without changes", "n"),
    close("rsi_zero", N, "rsi_zero_14", "the same with averages that start at zero; 50 without changes", "0"),
    bars(close("tr", NONE, "tr", "max(high - low, |high - previous close|, |low - previous close|)", "1")),
    bars(close("atr", N, "atr_14", "mean of the first n true ranges, then (prev (n-1) + tr)/n (Wilder, TA-Lib)", "n")),
    bars(close("plus_di", N, "plus_di_14", "100 smoothed upward movement / smoothed true range (Wilder, TA-Lib)", "n")),
    bars(close("minus_di", N, "minus_di_14", "100 smoothed downward movement / smoothed true range (Wilder, TA-Lib)", "n")),
    bars(close("adx", N, "adx_14", "mean of the first n values of 100 |+DI - -DI|/(+DI + -DI), then (prev (n-1) + x)/n (Wilder, TA-Lib)", "2n - 1")),
    close("bb_up", BANDS, "bb_up_20_2", "mean + width x std of the last n closes, ddof 0", "n - 1"),
    close("bb_mid", BANDS, "bb_mid_20_2", "mean of the last n closes", "n - 1"),
    close("bb_low", BANDS, "bb_low_20_2", "mean - width x std of the last n closes, ddof 0", "n - 1"),
    bars(close("don_hi", N, "don_hi_20", "highest high of the last n bars, the current included", "n - 1")),
    bars(close("don_lo", N, "don_lo_20", "lowest low of the last n bars, the current included", "n - 1")),
    bars(close("breakout", N, "breakout_20", "1 when the close is above the highest high of the previous n bars, -1 when below their lowest low, else 0", "n")),
    close("max", N, "max_20", "highest of the last n closes", "n - 1"),
    close("min", N, "min_20", "lowest of the last n closes", "n - 1"),
    close("std", N, "std_20", "standard deviation of the last n closes, ddof 1", "n - 1"),
    close("std0", N, "std0_20", "standard deviation of the last n closes, ddof 0", "n - 1"),
    close("var", N, "var_20", "variance of the last n closes, ddof 1", "n - 1"),
    close("var0", N, "var0_20", "variance of the last n closes, ddof 0", "n - 1"),
    close("z", N, "z_20", "(close - mean)/std of the last n closes, the current included, ddof 1; undefined while all are equal", "n - 1"),
    close("z0", N, "z0_20", "the same with ddof 0", "n - 1"),
    close("mom", N, "mom_30", "close/close n bars ago - 1", "n"),
    close("logret", NONE, "logret", "ln(close/previous close)", "1"),
    close("simpleret", NONE, "simpleret", "close/previous close - 1", "1"),
    close("vol_log", N, "vol_log_20", "std of the last n log returns, ddof 1, x sqrt(annualisation)", "n"),
    close("vol_simple", N, "vol_simple_20", "std of the last n simple returns, ddof 1, x sqrt(annualisation)", "n"),
    close("ewvol", &["decay"], "ewvol_0.94", "v = r^2 at first, then decay v + (1-decay) r^2 of simple returns; sqrt(v annualisation) (RiskMetrics)", "1"),
    close("skew", N, "skew_60", "m3/m2^1.5 of the last n simple returns, population moments", "n"),
    close("skew1", N, "skew1_60", "the same, adjusted for a sample (pandas)", "n"),
    close("kurt", N, "kurt_60", "m4/m2^2 - 3 of the last n simple returns, population moments", "n"),
    close("kurt1", N, "kurt1_60", "the same, adjusted for a sample (pandas)", "n"),
    close("linreg", N, "linreg_20", "least-squares line of the last n closes on bar numbers, at the current bar", "n - 1"),
    close("linreg_slope", N, "linreg_slope_20", "slope of that line a bar", "n - 1"),
    close("linreg_r2", N, "linreg_r2_20", "share of the variance that the line explains", "n - 1"),
    close("adf", N, "adf_60", "augmented Dickey-Fuller t-statistic of the last n closes, constant and trend, lags by AIC up to ceil(12 (n/100)^0.25)", "n - 1"),
    close("adf_lags", N, "adf_lags_60", "the lags that adf chose", "n - 1"),
    close("adf_clip", N, "adf_clip_60", "adf within -20 to 0", "n - 1"),
    against(close("beta", N, "beta_60", "cov/var of the last n log returns against the benchmark's", "n")),
    against(close("corr", N, "corr_60", "correlation of the last n log returns with the benchmark's", "n")),
    close("drawdown", NONE, "drawdown", "close/highest close so far - 1", "0"),
];

/// The definition of a name.
pub fn definition(name: &str) -> Option<&'static Definition> {
    CATALOGUE.iter().find(|d| d.name == name)
}
