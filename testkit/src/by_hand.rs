//! Loops an expert would write by hand, to compare the kernel with.

/// Fills and final equity of the SMA cross 10/50: long one unit while the fast average of closes is
/// above the slow one, filled at the next open, 0.1 % fee a side, 1,000,000 to begin with.
///
/// Without orders, ledger or checks: what an expert writes for this one job. `open` and `close` are
/// of equal length and not empty.
pub fn sma_cross(open: &[f64], close: &[f64]) -> (u64, f64) {
    let (mut cash, mut held, mut wanted, mut fills) = (1_000_000.0, 0.0, 0.0, 0);
    let (mut fast, mut slow) = (0.0, 0.0);
    for i in 0..close.len() {
        if wanted != held {
            let change: f64 = wanted - held;
            cash -= change * open[i] + 0.001 * change.abs() * open[i];
            held = wanted;
            fills += 1;
        }
        fast += close[i];
        slow += close[i];
        if i >= 10 {
            fast -= close[i - 10];
        }
        if i >= 50 {
            slow -= close[i - 50];
        }
        if i >= 49 {
            wanted = if fast / 10.0 > slow / 50.0 { 1.0 } else { 0.0 };
        }
    }
    (fills, cash + held * close[close.len() - 1])
}

/// What a loop over one pair of averages ends with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossOutcome {
    /// Fills, in and out.
    pub fills: u64,
    /// Cash and holding at the last close.
    pub equity: f64,
    /// The deepest fall of equity at the closes below its highest so far, a positive fraction.
    pub max_drawdown: f64,
}

/// [`sma_cross`] for averages of `fast` and `slow` closes, with the deepest drawdown.
pub fn cross_pair(open: &[f64], close: &[f64], fast: usize, slow: usize) -> CrossOutcome {
    let (mut cash, mut held, mut wanted, mut fills) = (1_000_000.0, 0.0, 0.0, 0);
    let (mut fast_sum, mut slow_sum) = (0.0, 0.0);
    let (mut peak, mut worst) = (cash, 0.0_f64);
    for i in 0..close.len() {
        if wanted != held {
            let change: f64 = wanted - held;
            cash -= change * open[i] + 0.001 * change.abs() * open[i];
            held = wanted;
            fills += 1;
        }
        fast_sum += close[i];
        slow_sum += close[i];
        if i >= fast {
            fast_sum -= close[i - fast];
        }
        if i >= slow {
            slow_sum -= close[i - slow];
        }
        if i + 1 >= slow {
            let above = fast_sum / fast as f64 > slow_sum / slow as f64;
            wanted = if above { 1.0 } else { 0.0 };
        }
        let equity = cash + held * close[i];
        peak = if equity > peak { equity } else { peak };
        let fall = 1.0 - equity / peak;
        worst = if fall > worst { fall } else { worst };
    }
    CrossOutcome {
        fills,
        equity: cash + held * close[close.len() - 1],
        max_drawdown: worst,
    }
}

/// Trades and final equity of the breakout with inverse-volatility weights over rows of `symbols`
/// closes: in from a close at the highest of 50, out from one at the lowest, weights inverse to the
/// deviation of 30 returns. Decided at one close and traded at the next, when a weight is more than
/// 5 % of its target away; sells first, buys cut to the cash left; prices 5 bps worse, 10 bps fee.
pub fn breakout_weights(close: &[f64], symbols: usize) -> (u64, f64) {
    const LOOK: usize = 50;
    const WINDOW: usize = 30;
    let (slip, fee) = (0.000_5, 0.001);
    let days = close.len() / symbols;
    let (mut cash, mut trades) = (1_000_000.0, 0);
    let mut held = vec![0.0; symbols];
    let mut inside = vec![false; symbols];
    let mut weights = vec![0.0; symbols];
    for day in 0..days {
        let today = &close[day * symbols..][..symbols];
        if day > 0 {
            let value = cash + held.iter().zip(today).map(|(h, p)| h * p).sum::<f64>();
            for buys in [false, true] {
                for lane in 0..symbols {
                    let (weight, price) = (weights[lane], today[lane]);
                    let now = held[lane] * price / value;
                    if (weight == 0.0 && held[lane] == 0.0)
                        || f64::abs(weight - now) <= 0.05 * weight
                    {
                        continue;
                    }
                    let change: f64 = if weight == 0.0 {
                        -held[lane]
                    } else {
                        weight * value / price - held[lane]
                    };
                    if !buys && change < 0.0 {
                        cash += -change * price * (1.0 - slip) * (1.0 - fee);
                        held[lane] += change;
                        trades += 1;
                    } else if buys && change > 0.0 {
                        let cost = price * (1.0 + slip) * (1.0 + fee);
                        let bought = change.min(cash / cost);
                        if bought > 0.0 {
                            cash -= bought * cost;
                            held[lane] += bought;
                            trades += 1;
                        }
                    }
                }
            }
        }
        let mut total = 0.0;
        for lane in 0..symbols {
            weights[lane] = 0.0;
            if day + 1 < LOOK {
                continue;
            }
            let at = |back: usize| close[(day - back) * symbols + lane];
            let window = (0..LOOK).map(at);
            if today[lane] >= window.clone().fold(f64::MIN, f64::max) {
                inside[lane] = true;
            } else if today[lane] <= window.fold(f64::MAX, f64::min) {
                inside[lane] = false;
            }
            if inside[lane] {
                let returns = (0..WINDOW).map(|back| at(back) / at(back + 1) - 1.0);
                let mean = returns.clone().sum::<f64>() / WINDOW as f64;
                let squares = returns.map(|r| (r - mean) * (r - mean)).sum::<f64>();
                weights[lane] = 1.0 / (squares / (WINDOW - 1) as f64).sqrt();
                total += weights[lane];
            }
        }
        if total > 0.0 {
            weights.iter_mut().for_each(|w| *w /= total);
        }
    }
    let last = &close[(days - 1) * symbols..];
    let holding: f64 = held.iter().zip(last).map(|(h, p)| h * p).sum();
    (trades, cash + holding)
}
