//! J5: Sharpe, Sortino, deepest drawdown, historical value at risk and shortfall, growth a year.

use std::hint::black_box;

use ballast_domain::performance::RiskFigures;

use crate::data::Daily;
use crate::job::{Case, Plan, measure};
use crate::report::Part;

const YEAR: f64 = 252.0;

pub(crate) fn run(plan: &Plan) -> Part {
    let (symbols, days) = (plan.size(500, 50), plan.size(5_040, 1_000));
    let data = Daily::new(symbols, days);
    if plan.peers.is_some() {
        data.write(&plan.data.join("days"))
            .expect("data is written");
    }
    let series = data.returns();
    let mut apart = 0.0_f64;
    for returns in &series {
        let ours = RiskFigures::of(returns, YEAR, 0.95).expect("valid returns");
        let ours = [
            ours.sharpe,
            ours.sortino,
            ours.max_drawdown,
            ours.value_at_risk,
            ours.expected_shortfall,
            ours.cagr,
        ];
        for (ours, plain) in ours.into_iter().zip(plain(returns)) {
            let ours = ours.expect("defined");
            apart = apart.max((ours - plain).abs() / plain.abs().max(1e-3));
        }
    }
    assert!(apart < 1e-10, "figures differ by {apart:e}");
    let n = (symbols * (days - 1)) as f64;
    let cases = vec![
        Case {
            name: "six figures",
            unit: "return",
            n,
            repeats: 5,
            goal: Some(16.0),
            work: Box::new(|| {
                for returns in &series {
                    black_box(RiskFigures::of(black_box(returns), YEAR, 0.95).expect("valid"));
                }
            }),
        },
        Case {
            name: "plain loops and a sort",
            unit: "return",
            n,
            repeats: 1,
            goal: None,
            work: Box::new(|| {
                for returns in &series {
                    black_box(plain(black_box(returns)));
                }
            }),
        },
    ];
    let mut part = measure("J5", plan, cases);
    part.checks = format!("six figures of {symbols} series within {apart:.1e} of plain loops");
    part
}

/// The same by the textbook, uncompensated.
fn plain(returns: &[f64]) -> [f64; 6] {
    let n = returns.len() as f64;
    let mean = returns.iter().sum::<f64>() / n;
    let variance = returns.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / (n - 1.0);
    let downside = returns.iter().map(|r| r.min(0.0) * r.min(0.0)).sum::<f64>() / n;
    let (mut value, mut peak, mut worst) = (1.0_f64, 1.0_f64, 0.0_f64);
    for r in returns {
        value *= 1.0 + r;
        peak = peak.max(value);
        worst = worst.min(value / peak - 1.0);
    }
    let mut sorted = returns.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = 0.05 * (n - 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in the series"
    )]
    let place = at as usize;
    let below = sorted[place];
    let risk = below + (sorted[place + 1] - below) * at.fract();
    let tail: Vec<f64> = sorted.into_iter().filter(|r| *r <= risk).collect();
    [
        mean / variance.sqrt() * YEAR.sqrt(),
        mean / downside.sqrt() * YEAR.sqrt(),
        worst,
        risk,
        tail.iter().sum::<f64>() / tail.len() as f64,
        value.powf(YEAR / n) - 1.0,
    ]
}
