//! A venue in a process of its own: `sandbox-venue --state ledger.jsonl`.
//!
//! Exit codes: 0 stopped by a signal, 1 its ledger or its address cannot be used, 2 usage.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ballast_testkit::sandbox::{Announce, Faults, Ledger, SandboxServer, Venue};

const USAGE: &str = "\
Usage: sandbox-venue [--address HOST:PORT] [--state FILE] [--fault FAULT]... [--announce]

  --address A     where to serve, on loopback (default 127.0.0.1:0, any free port)
  --state FILE    the ledger: what it was told, read at the start and written before each answer
  --fault FAULT   delay-answer=MS, drop-answer=N (booked, never answered) or duplicate-fact=N
  --announce      print what it does, a line each: order ID WORD, answered ID, facts N,
                  and each stage of the market with the close of its bar

The first line it prints is where it is served, such as http://127.0.0.1:40123.
";

#[derive(Debug)]
struct Arguments {
    address: SocketAddr,
    state: Option<PathBuf>,
    faults: Faults,
    announce: bool,
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments {
        address: SocketAddr::from(([127, 0, 0, 1], 0)),
        state: None,
        faults: Faults::default(),
        announce: false,
    };
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--address" => {
                let text = value()?;
                arguments.address = text
                    .parse()
                    .map_err(|_| format!("'{text}' is no address: write it as 127.0.0.1:8080"))?;
            }
            "--state" => arguments.state = Some(value()?.into()),
            "--fault" => arguments.faults.add(&value()?)?,
            "--announce" => arguments.announce = true,
            _ => return Err(format!("no such argument: {name}")),
        }
    }
    Ok(arguments)
}

async fn serve(arguments: Arguments) -> Result<(), String> {
    let ledger = match &arguments.state {
        Some(path) => Ledger::open(path).map_err(|e| format!("{}: {e}", path.display()))?,
        None => Ledger::default(),
    };
    let venue = Venue::new(ledger).map_err(|e| e.to_string())?;
    let announce: Option<Announce> = arguments
        .announce
        .then(|| Arc::new(|words: &str| println!("{words}")) as Announce);
    let server = SandboxServer::start(venue, arguments.address, arguments.faults, announce)
        .await
        .map_err(|e| format!("{}: {e}", arguments.address))?;
    println!("http://{}", server.address());
    tokio::select! {
        ended = server.ended() => ended.map_err(|e| e.to_string()),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

fn main() -> ExitCode {
    let arguments = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(message) => {
            eprint!("{message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let served = runtime
        .map_err(|e| e.to_string())
        .and_then(|runtime| runtime.block_on(serve(arguments)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
