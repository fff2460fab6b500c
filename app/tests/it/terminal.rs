//! The real binary on a pseudo-terminal: what a person sees, and what is left after Ctrl-C.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than any of these takes on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(120);

/// A terminal and the program that runs on it.
struct Terminal {
    child: Child,
    shown: Receiver<Vec<u8>>,
    text: String,
}

impl Terminal {
    /// Starts the program with streams on a terminal of `columns`.
    fn start(folder: &Path, columns: u16, arguments: &[&str]) -> Self {
        let size = Winsize {
            ws_row: 40,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).unwrap();
        let stream = || -> Stdio { OwnedFd::try_clone(&pty.slave).unwrap().into() };
        let child = Command::new(env!("CARGO_BIN_EXE_ballast"))
            .args(arguments)
            .current_dir(folder)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        // The program alone holds the terminal's side: its end is ours.
        drop(pty.slave);
        let (send, shown) = mpsc::channel();
        let mut master = File::from(pty.master);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal nobody holds any more answers with an error on Linux.
            while let Ok(n @ 1..) = master.read(&mut bytes) {
                if send.send(bytes[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            shown,
            text: String::new(),
        }
    }

    /// Reads until `wanted` is on the terminal.
    fn wait_for(&mut self, wanted: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.text.contains(wanted) {
            let left = end.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.text += &String::from_utf8_lossy(&bytes),
                Err(e) => panic!("{e} before '{wanted}': {}", self.text),
            }
        }
    }

    /// Reads to the end; the exit code and everything that was written.
    fn finish(mut self) -> (Option<i32>, String) {
        let end = Instant::now() + PATIENCE;
        let mut bytes = Vec::new();
        while let Ok(more) = self
            .shown
            .recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            bytes.extend(more);
        }
        self.text += &String::from_utf8_lossy(&bytes);
        (self.child.wait().unwrap().code(), self.text)
    }
}

/// What was written, without colours and movements of the cursor, line by line.
fn lines(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => _ = chars.by_ref().skip(1).find(char::is_ascii_alphabetic),
            '\r' => {}
            c => plain.push(c),
        }
    }
    plain.lines().map(str::to_owned).collect()
}

/// 1,500 days of some symbols: with its seven variants a run that takes its time.
fn many_bars(folder: &Path, symbols: u32) {
    let mut text = String::from("date,symbol,open,high,low,close,volume\n");
    let mut state = 1_u64;
    for symbol in 0..symbols {
        let mut price = 50.0;
        for day in 0..1_500 {
            let date =
                chrono::NaiveDate::from_ymd_opt(2015, 1, 1).unwrap() + chrono::Days::new(day);
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let step =
                0.97 + f64::from(u32::try_from(state >> 40).unwrap()) / f64::from(1 << 24) * 0.0605;
            let close = f64::max(price * step, 1.0);
            let (low, high) = (f64::min(price, close), f64::max(price, close));
            writeln!(
                text,
                "{date},S{symbol:02},{price:.4},{high:.4},{low:.4},{close:.4},1000"
            )
            .unwrap();
            price = close;
        }
    }
    File::create(folder.join("bars.csv"))
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

const LONG: [&str; 9] = [
    "backtest",
    "--data",
    "bars.csv",
    "--strategy",
    "breakout",
    "--set",
    "data.calendar=utc_24x7",
    "--home",
    "kept",
];

#[test]
fn progress_says_how_far_how_fast_and_how_long_still() {
    let folder = tempfile::tempdir().unwrap();
    many_bars(folder.path(), 8);
    for columns in [60, 160] {
        let mut terminal = Terminal::start(folder.path(), columns, &LONG);
        terminal.wait_for(" to go");
        let (code, text) = terminal.finish();
        assert_eq!(code, Some(0), "{text}");
        let drawn: Vec<&str> = text
            .split('\r')
            .filter(|part| part.contains(" to go"))
            .collect();
        let whole = drawn.iter().find(|part| {
            // How many of how many, the rate, the time left.
            part.contains("/10500 bars, ") && part.contains(" bars/s, ")
        });
        assert!(whole.is_some(), "{drawn:?}");
        for part in drawn {
            let width = lines(part).iter().map(|l| l.chars().count()).max().unwrap();
            assert!(width <= usize::from(columns), "{width}: {part:?}");
        }
        // It leaves nothing behind: the answer stands alone.
        let answer = text.rsplit("\u{1b}[").next().unwrap();
        assert!(
            !answer.contains(" to go") && text.contains("total return"),
            "{text:?}"
        );
    }
}

#[test]
fn ctrl_c_in_the_middle_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    many_bars(folder.path(), 20);
    let mut terminal = Terminal::start(folder.path(), 80, &LONG);
    terminal.wait_for(" to go");
    let id = i32::try_from(terminal.child.id()).unwrap();
    kill(Pid::from_raw(id), Signal::SIGINT).unwrap();
    let (code, text) = terminal.finish();
    assert_eq!(code, Some(130), "{text}");
    assert!(
        lines(&text).iter().any(|l| l.ends_with("interrupted")),
        "{text:?}"
    );
    let left = std::fs::read_dir(folder.path().join("kept/runs")).unwrap();
    let left: Vec<_> = left.map(|e| e.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
    let here = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(here, 2, "the data and an empty home");
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text) = Terminal::start(folder.path(), 80, &["verify", "nothing"]).finish();
    assert_eq!(code, Some(6));
    assert!(text.contains("\u{1b}[1;31merror["), "{text:?}");
    let run = |arguments: &[&str], no_color: bool| {
        let pty = openpty(None, None).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
        command.args(arguments).current_dir(folder.path());
        if no_color {
            // A terminal, and a wish.
            command.env("NO_COLOR", "1").stderr(Stdio::from(pty.slave));
        } else {
            command.env_remove("NO_COLOR").stderr(Stdio::piped());
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        drop(command);
        let mut err = Vec::new();
        match child.stderr.take() {
            Some(mut stream) => _ = stream.read_to_end(&mut err).unwrap(),
            // The end of a terminal is an error on Linux.
            None => _ = File::from(pty.master).read_to_end(&mut err),
        }
        let out = child.wait_with_output().unwrap().stdout;
        String::from_utf8([out, err].concat()).unwrap()
    };
    for no_color in [true, false] {
        let text = run(&["verify", "nothing"], no_color);
        assert!(
            text.contains("error[") && !text.contains('\u{1b}'),
            "{text:?}"
        );
    }
    for arguments in [vec!["runs"], vec!["--help"], vec!["indicator", "--list"]] {
        let text = run(&arguments, false);
        assert!(!text.is_empty() && !text.contains('\u{1b}'), "{text:?}");
    }
}

#[cfg(feature = "sample-data")]
#[test]
fn quiet_says_nothing_but_errors() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = |arguments: &[&str]| {
        let all: Vec<&str> = arguments.iter().copied().chain(["--quiet"]).collect();
        Terminal::start(folder.path(), 80, &all).finish()
    };
    for arguments in [
        vec!["backtest", "--out", "run"],
        vec!["verify", "run"],
        vec!["runs"],
        vec!["config", "check"],
    ] {
        assert_eq!(quiet(&arguments), (Some(0), String::new()), "{arguments:?}");
    }
    let (code, text) = quiet(&["explain", "run", "XYZ"]);
    assert_eq!(code, Some(3));
    assert!(lines(&text)[0].starts_with("error["), "{text:?}");
}

/// Words and numbers of a text, however it is broken into lines.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(feature = "sample-data")]
#[test]
fn answers_fit_the_width_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plain = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ballast"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    plain(&["init", "demo"]);
    crate::journal::made(&folder.path().join("account"));
    plain(&["backtest", "--out", "a"]);
    plain(&["backtest", "--out", "b", "--set", "execution.fee_bps=40"]);
    let closes = "demo/data/us-stocks.csv.gz";
    let all = [
        "equal",
        "inverse_vol",
        "risk_parity_erc",
        "min_variance_unconstrained",
    ];
    let weights: Vec<&str> = ["weights"]
        .iter()
        .chain(&all)
        .copied()
        .chain(["--input", closes, "--start", "2012-06-01"])
        .collect();
    let commands: Vec<Vec<&str>> = vec![
        vec!["explain", "a", "MSFT", "2001-11-06"],
        vec!["report", "compare", "a", "b", "--out", "c.html"],
        weights,
        vec![
            "indicator",
            "sma_20",
            "rsi_14",
            "macd_12_26_9",
            "--input",
            closes,
            "--symbol",
            "IBM",
        ],
        vec!["indicator", "--list"],
        vec!["runs"],
        vec!["data", "check", closes],
        vec!["explain", "a", "XYZ"],
        vec!["journal", "verify", "account"],
        vec!["journal", "verify", "nowhere"],
        vec!["config", "check", "--set", "risk.max_positon_weight=3"],
        vec!["backtest", "--out", "a"],
        vec!["--help"],
    ];
    for arguments in &commands {
        let whole = plain(arguments);
        for columns in [60_u16, 160] {
            let (_, text) = Terminal::start(folder.path(), columns, arguments).finish();
            for line in lines(&text) {
                let fits = line.chars().count() <= usize::from(columns);
                // A path or a hash that is longer than the line is left whole.
                let long = line
                    .split_whitespace()
                    .any(|w| w.chars().count() > usize::from(columns) - 30);
                assert!(fits || long, "{columns}, {arguments:?}: {line}");
            }
            // Tables that were split repeat their first column; all else is there once.
            let (mut have, mut want) = (words(&lines(&text).join("\n")), words(&whole));
            have.sort();
            want.sort();
            have.dedup();
            want.dedup();
            assert_eq!(have, want, "{columns}, {arguments:?}");
        }
    }
    // The answer of a run: its figures are the same, whatever the width.
    for (columns, out) in [(60, "n"), (160, "w")] {
        let (code, text) =
            Terminal::start(folder.path(), columns, &["backtest", "--out", out]).finish();
        assert_eq!(code, Some(0));
        let answer = text.rsplit("\u{1b}[").next().unwrap().to_owned();
        let answer = answer
            .split_once("breakout: ")
            .map_or(answer.as_str(), |(_, rest)| rest);
        for line in lines(answer) {
            assert!(
                line.chars().count() <= usize::from(columns),
                "{columns}: {line}"
            );
        }
        for number in ["228.60 %", "3,286,028.38 USD", "-62.87 %", "30,260.96 USD"] {
            assert!(answer.contains(number), "{columns}: {number}: {answer}");
        }
    }
}
