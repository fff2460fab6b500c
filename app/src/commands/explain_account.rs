//! `explain ACCOUNT SYMBOL [DATE]`: why a trader traded a symbol, or did not, by its journal.

use std::path::{Path, PathBuf};

use ballast_domain::error::Error;
use ballast_domain::kernel::Record;
use ballast_domain::simulation::Sink;

use super::explain::{ExplainRequest, Explanation, explain_by};
use crate::account_folder::AccountFolder;
use crate::config::{self, Layer};
use crate::drivers::RunError;
use crate::drivers::backtest::Artefacts;
use crate::exit::Failure;
use crate::run_directory::{DecisionLine, table};
use crate::wiring::{self, Strategies, journal};

/// The folder of an account that `said` means: a folder with a journal, or a name below `home`; `None`
/// when it means a run.
pub fn account_of(home: &Path, said: &Path) -> Option<PathBuf> {
    let has_journal = |folder: &PathBuf| folder.join("journal.db").is_file();
    let named = home.join("accounts").join(said);
    [said.to_owned(), named].into_iter().find(has_journal)
}

/// Finds the decision and everything that followed from it in the journal of the account in
/// `request.run`; the account may be traded meanwhile.
///
/// The instruments are those of the last start, and an account that was traded by one that is not there
/// any more cannot be told. What prices a decision saw is not in the journal: `source` is `None`, and
/// what came from a stand-in or was old is said in the words of the decision.
///
/// # Errors
/// As [`super::explain::explain`]; `StateRefused` when the journal cannot be trusted.
pub fn explain_account(
    request: &ExplainRequest,
    strategies: &Strategies,
) -> Result<Explanation, Failure> {
    let folder = AccountFolder::at(request.run.clone());
    let config = config::read(&folder.config(), Layer::empty())?.config;
    let symbols = match folder.trader() {
        Some(said) => said.symbols.into_iter().map(|(symbol, _)| symbol).collect(),
        None => config.data.symbols.clone(),
    };
    let instruments = wiring::instruments(&config, &symbols)?;
    let strategy = strategies.make(&config.strategy, &instruments)?;
    let opening = wiring::exchange(&config, &instruments)?.opening_cash;
    let mut told = Artefacts::new(&instruments, opening, &strategy.sleeves(), "");
    told.records(&records(folder.path())?)?;
    told.finish();
    let decisions = told.decisions_jsonl.lines().map(serde_json::from_str);
    let decisions: Vec<DecisionLine> = decisions
        .collect::<Result<_, _>>()
        .map_err(|e| Error::invariant(format!("a decision cannot be read back: {e}")))?;
    Ok(explain_by(
        request,
        &decisions,
        &table::rows(&told.fills_csv),
    )?)
}

fn records(folder: &Path) -> Result<Vec<Record>, Failure> {
    let port = |e| Failure::from(RunError::Port(e));
    let stored = journal::records(folder).map_err(port)?;
    let records = stored.iter().map(ballast_journal::decode);
    records.collect::<Result<_, _>>().map_err(port)
}
