use ballast::config;
use ballast::drivers::backtest::{Backtest, IndexBenchmark};
use ballast::wiring;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

#[tokio::test]
async fn trial() {
    let text = config::BREAKOUT
        .replace("enter = 50", "entry = 50")
        .replace("leave = 70", "exit = 70")
        .replace("direction = \"long_only\"", "long_only = true")
        .replace("volatility = 60", "volatility_window = 60");
    let r = config::from_text(
        "breakout.toml",
        &text,
        config::Layer::empty(),
        Path::new(""),
    )
    .unwrap();
    let t0 = ballast_system::Stopwatch::start();
    let md = wiring::market_data(&r.config, Path::new("")).unwrap();
    println!("open {:?}", t0.elapsed());
    let files: BTreeMap<_, _> = md
        .inventory()
        .files
        .iter()
        .map(|f| (f.name.clone(), f.blake3.clone()))
        .collect();
    let mut c = r.config.clone();
    c.data.source = "sample:sp500".into();
    c.data.actions = None;
    c.data.symbols = vec![];
    let idx = wiring::market_data(&c, Path::new("")).unwrap();
    let b = Backtest {
        config: r.config,
        market_data: Arc::new(md),
        data_files: files,
        indices: vec![IndexBenchmark {
            name: "sp500".into(),
            description: "S&P 500, price only".into(),
            source: Arc::new(idx),
        }],
    };
    let f = b.run(&mut ()).await.unwrap();
    println!("run {:?}", t0.elapsed());
    println!("{}", serde_json::to_string_pretty(&f.summary).unwrap());
    std::fs::write(
        "/tmp/report.html",
        ballast::reports::backtest_page::render(&f),
    )
    .unwrap();
    std::fs::write("/tmp/decisions.jsonl", &f.artefacts.decisions_jsonl).unwrap();
    std::fs::write("/tmp/fills.csv", &f.artefacts.fills_csv).unwrap();
    std::fs::write("/tmp/orders.csv", &f.artefacts.orders_csv()).unwrap();
    std::fs::write("/tmp/equity.csv", &f.artefacts.equity_csv).unwrap();
    std::fs::write("/tmp/ledger.csv", &f.artefacts.ledger_csv).unwrap();
    std::fs::write("/tmp/weights.csv", &f.artefacts.weights_csv).unwrap();
}
