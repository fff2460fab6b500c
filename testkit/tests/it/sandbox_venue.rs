//! The venue in a process of its own: served, killed, started again on its ledger.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A process that is killed when the test is over.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> (Killed, BufReader<ChildStdout>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sandbox-venue"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the venue starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    let child = Killed(child);
    let mut first = String::new();
    lines.read_line(&mut first).expect("a first line");
    let address = first.trim().strip_prefix("http://").expect("an address");
    (child, lines, address.to_owned())
}

fn ask(address: &str, request: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    let text = format!(
        "{request} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

const OPENING: &str = r#"{
    "listing": {"assets": [{"code": "USD", "scale": 12}], "instruments": [
        {"symbol": "A", "kind": "equity", "quote": "USD", "price_scale": 4, "quantity_scale": 0,
         "tick": "0.01", "lot": "1", "min_notional": "1", "multiplier": "1", "calendar": "utc_24x7"}]},
    "terms": {"fill_point": "next_open", "fees": {"proportional": FEE},
        "slippage": {"proportional": FEE}, "opening_cash": CASH, "delisting_haircut": FEE,
        "participation": null, "limits_inside_bars": false}}"#;

fn order() -> String {
    r#"{"intent": {"id": 0, "client_id": "b00002000000g2000", "instrument": 0, "side": "buy",
        "quantity": 10, "order_type": "market", "time_in_force": "day", "post_only": false,
        "reduce_only": false},
        "expires_at": "2024-01-31T16:01:00Z", "at": "2024-01-31T16:00:00Z"}"#
        .to_owned()
}

#[test]
fn a_killed_venue_comes_back_with_its_books() {
    let folder = std::env::temp_dir().join(format!("sandbox-venue-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let ledger = folder.join("ledger.jsonl");
    let state = ["--announce", "--state", ledger.to_str().expect("UTF-8")];
    let zero = serde_json::to_string(&ballast_domain::money::Rate::ZERO).expect("a number");
    let cash = ballast_domain::money::Cash::from_units(1_000_000);
    let cash = serde_json::to_string(&cash).expect("an amount");
    let opening = OPENING.replace("FEE", &zero).replace("CASH", &cash);
    let (venue, mut lines, address) = start(&state);
    let opened = ask(&address, "POST /open", &opening);
    assert!(opened.ends_with(r#"{"facts":0}"#), "{opened}");
    let accepted = ask(&address, "POST /orders", &order());
    assert!(
        accepted.ends_with(r#"{"outcome":"accepted"}"#),
        "{accepted}"
    );
    let mut said = String::new();
    lines.read_line(&mut said).expect("a line");
    assert_eq!(said, "order b00002000000g2000 accepted\n");
    drop(venue);
    let (_venue, _lines, address) = start(&state);
    let again = ask(&address, "POST /orders", &order());
    assert!(again.starts_with("HTTP/1.1 409"), "{again}");
    let told = ask(&address, "GET /ledger?after=0", "");
    assert_eq!(told.matches(r#"{"told":"#).count(), 3, "{told}");
    assert_eq!(told.matches(r#""answer":"duplicate""#).count(), 1, "{told}");
    std::fs::remove_dir_all(&folder).expect("its own folder");
}

#[test]
fn what_is_no_argument_is_refused() {
    for arguments in [
        &["--fault", "nonsense=1"][..],
        &["--address", "elsewhere"],
        &["--state"],
    ] {
        let status = Command::new(env!("CARGO_BIN_EXE_sandbox-venue"))
            .args(arguments)
            .stderr(Stdio::null())
            .status();
        assert_eq!(status.expect("it starts").code(), Some(2), "{arguments:?}");
    }
}
