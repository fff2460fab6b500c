//! J7: a fresh process, from start to the end of a backtest of 1,000 bars.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::data::{Columns, Walk};
use crate::job::{PeerPrograms, Plan};
use crate::measure::{Sample, median, timed};
use crate::peers::script_command;
use crate::report::{Part, PeerRow, Row};

const BARS: usize = 1_000;
const PEERS: [&str; 5] = ["numba", "raptorbt", "vectorbt", "backtesting", "nautilus"];

pub(crate) fn run(plan: &Plan) -> Part {
    let mut part = Part::new("J7");
    let Some(program) = &plan.program else {
        part.notes.push(
            "cannot be run: no --program; `cargo xtask bench` builds the program and names it"
                .to_owned(),
        );
        return part;
    };
    let folder = plan.data.join("start");
    let data = Columns::of(Walk::minutes(), BARS);
    data.write(&folder.join("minutes"))
        .expect("data is written");
    write_inputs(&folder, &data);
    let mut ours = Command::new(program);
    ours.args(["backtest", "run.toml", "--quiet", "--home", "home"]);
    ours.current_dir(&folder);
    let mut commands = vec![("ours".to_owned(), ours)];
    if let Some(PeerPrograms {
        python, scripts, ..
    }) = &plan.peers
    {
        let mut bare = Command::new(python);
        bare.args(["-c", "pass"]);
        commands.push(("python, doing nothing".to_owned(), bare));
        for name in PEERS {
            let mut command = script_command(python, &scripts.join("sma_cross.py"), plan);
            command.arg(name).arg(&folder).arg("once");
            commands.push((name.to_owned(), command));
        }
    }
    // Not counted: the file cache, and compiled code that a peer keeps on disk.
    commands.retain_mut(|(name, command)| {
        let ran = start(&folder, command);
        if let Err(why) = &ran {
            assert!(name != "ours", "the program cannot run: {why}");
            part.notes.push(format!("{name} cannot run here: {why}"));
        }
        ran.is_ok()
    });
    let rounds = plan.size(5, 1);
    let mut samples = vec![Vec::new(); commands.len()];
    for _ in 0..rounds {
        for ((_, command), samples) in commands.iter_mut().zip(&mut samples) {
            let (ran, sample) = timed(|| start(&folder, command));
            ran.expect("it ran before");
            // Another process works: only the wall time means something.
            samples.push(Sample {
                cpu: sample.wall,
                wall: sample.wall,
            });
        }
    }
    let mut medians = commands.iter().zip(&samples).map(|((name, _), s)| PeerRow {
        name: name.clone(),
        theirs: median(s),
        rounds,
        note: String::new(),
    });
    let ours = medians.next().expect("ours is first");
    part.rows.push(Row {
        case: "1,000 bars, files included".to_owned(),
        unit: "start".to_owned(),
        rounds,
        ours: ours.theirs,
        goal: Some(50e6),
        peers: medians.collect(),
    });
    part.checks = "the program ended with success each time".to_owned();
    part.notes.push(
        "wall time; ours reads a CSV file and writes a whole run directory with its report, the \
         peers read columns and write nothing"
            .to_owned(),
    );
    part
}

fn start(folder: &Path, command: &mut Command) -> Result<(), String> {
    let _ = std::fs::remove_dir_all(folder.join("home"));
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(told.lines().last().unwrap_or("it failed").to_owned())
}

fn write_inputs(folder: &Path, data: &Columns) {
    let mut text = "timestamp,symbol,open,high,low,close,volume\n".to_owned();
    for i in 0..BARS {
        writeln!(
            text,
            "{},X,{:.6},{:.6},{:.6},{:.6},{}",
            data.seconds[i], data.open[i], data.high[i], data.low[i], data.close[i], data.volume[i]
        )
        .expect("a string takes everything");
    }
    std::fs::write(folder.join("bars.csv"), text).expect("data is written");
    std::fs::write(folder.join("run.toml"), CONFIG).expect("data is written");
}

const CONFIG: &str = r#"
[run]
name = "start"
seed = 0

[data]
source = "bars.csv"
symbols = []
bar = "1m"
calendar = "utc_24x7"
basis = "raw"

[account]
base = "USD"
cash = "1000000"
margin = "cash"
installation = 1

[instruments]
kind = "spot"
tick = "0.000001"
lot = "1"
min_notional = "0.000001"

[strategy]
name = "sma_cross"
schedule = "every_bar"

[strategy.parameters]
fast = 10
slow = 50
sizing = { units = "1" }
entry = "state"

[execution]
fill = "next_open"
signal_lag = 0
size_at = "decision"
fee_bps = 10
slippage_bps = 0
delisting_haircut = 0

[rebalance]
of = "gross"
threshold = 0
min_fresh_share = 0.95
max_plans = 5

[risk]
max_order_notional = "unlimited"
max_position_notional = "unlimited"
max_position_weight = 1
max_gross = 1
max_leverage = 1
price_collar = 0.1
max_price_age_days = 7
cash_buffer = 0

[report]
benchmarks = []
robustness = false
"#;
