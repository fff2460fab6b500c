//! The steps of a decision by hand, from a file to checked weights.

use std::path::{Path, PathBuf};

use ballast_domain::calendar::Calendar;
use ballast_domain::indicators::{Ddof, ReturnKind, Volatility};
use ballast_domain::market::Field;
use ballast_domain::signals::{Breakout, BreakoutState, Sides, SignalValidator};
use ballast_domain::weighting::{DEFAULT_MIN_VOL, inverse_volatility};
use ballast_files::{ContractStage, CsvMarketData, CsvOptions, CsvSource, Strictness};

const SYMBOLS: [&str; 3] = ["CALM", "RISING", "WILD"];

/// Ninety days of three names: two that rise at their own pace, and one that swings.
fn prices(folder: &Path, close_of_wild: impl Fn(u32) -> f64) -> PathBuf {
    let mut text = "symbol,timestamp,open,high,low,close,volume\n".to_owned();
    for symbol in SYMBOLS {
        for day in 0..90 {
            let (wave, step) = (f64::from(day % 5), f64::from(day));
            let close = match symbol {
                "CALM" => 100.0 + 0.1 * wave + 0.2 * step,
                "RISING" => 50.0 + wave + step,
                _ => close_of_wild(day),
            };
            let (month, date) = (1 + day / 28, 1 + day % 28);
            text += &format!(
                "{symbol},2023-{month:02}-{date:02}T00:00:00Z,{close},{close},{close},{close},1000\n"
            );
        }
    }
    let file = folder.join("prices.csv");
    std::fs::write(&file, text).unwrap();
    file
}

fn load(file: &Path) -> Result<CsvMarketData, ballast_ports::Error> {
    let source = CsvSource::Path(file.to_owned());
    CsvMarketData::open(&CsvOptions {
        contract: Some(ContractStage {
            strictness: Strictness::Strict,
            calendar: None,
        }),
        ..CsvOptions::new(source, Calendar::Utc24x7)
    })
}

/// TST-03: data, validation, signals, volatility, weights and their validation hold together; the
/// calm name gets more than the lively one, and all of them everything.
#[test]
fn tst_03_a_file_becomes_weights_that_are_a_full_allocation() {
    let folder = tempfile::tempdir().unwrap();
    let file = prices(folder.path(), |day| 80.0 + f64::from((day * 7) % 11));
    let data = load(&file).unwrap();
    let (mut longs, mut risks) = (Vec::new(), Vec::new());
    for (lane, symbol) in SYMBOLS.into_iter().enumerate() {
        let bars = &data.series(symbol).unwrap().bars;
        let column = |field| bars.column(field);
        let closes = column(Field::Close);
        let mut signal = Breakout::new(50, 70).unwrap();
        let mut volatility = Volatility::new(30, ReturnKind::Log, Ddof::Sample).unwrap();
        for ((high, low), close) in column(Field::High)
            .iter()
            .zip(column(Field::Low))
            .zip(closes)
        {
            signal.update(*high, *low, *close);
            volatility.update(*close);
        }
        if signal.state() == BreakoutState::Long {
            longs.push(symbol);
            risks.push((lane, volatility.value()));
        }
    }
    assert_eq!(
        longs,
        ["CALM", "RISING"],
        "what only swings breaks out of nothing"
    );
    let sides = Sides {
        longs: Some(&longs),
        shorts: Some(&[]),
    };
    SignalValidator.validate(sides).unwrap();
    let weights = inverse_volatility(&risks, DEFAULT_MIN_VOL).unwrap();
    weights.require_full_allocation().unwrap();
    assert!((weights.net() - 1.0).abs() <= 1e-6);
    let (calm, rising) = (weights.get(0).unwrap(), weights.get(1).unwrap());
    assert!(calm > rising && rising > 0.0, "{calm} {rising}");
}

/// TST-03: what the contract refuses never reaches a signal.
#[test]
fn tst_03_a_poisoned_file_stops_at_the_first_step() {
    let folder = tempfile::tempdir().unwrap();
    let file = prices(folder.path(), |day| if day == 40 { -1.0 } else { 80.0 });
    let error = load(&file).unwrap_err();
    let report = std::error::Error::source(&error).unwrap().to_string();
    assert!(report.contains("WILD"), "{report}");
}
