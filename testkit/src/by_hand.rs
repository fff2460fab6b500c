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
