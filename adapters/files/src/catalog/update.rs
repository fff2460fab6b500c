//! The newest bars of a source into a catalog: what is there is not asked for again.

use std::collections::BTreeMap;

use ballast_domain::calendar::Calendar;
use ballast_domain::market::contract::{Terms, Verdict, examine};
use ballast_domain::market::{BarSize, PriceBasis, Series};
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Error, ErrorKind, HistoryRequest, MarketData, MarketDataExt as _, Result};

use super::bars::raw_bars;
use super::{Added, Catalog, Incoming};

impl Catalog {
    /// Asks `source` for the bars of `symbols` that open after the last one in the catalog and not
    /// after `now`, and adds them. A symbol that is new is asked for from its beginning.
    ///
    /// Bars pass the same contract as a file: a row to drop or to repair refuses the answer.
    ///
    /// # Errors
    /// As [`MarketData::history`] for a source that fails or does not know a symbol; a known symbol
    /// without a new bar is none. `InvalidData` when the contract refuses; as [`Catalog::add`].
    pub async fn update(
        &self,
        source: &dyn MarketData,
        symbols: &[String],
        bar: BarSize,
        calendar: Calendar,
        now: Timestamp,
    ) -> Result<Added> {
        let manifest = match self.manifest() {
            Err(e) if e.kind == ErrorKind::NotFound => None,
            outcome => Some(outcome?),
        };
        let listed = source.instruments().await?;
        let mut fetched: BTreeMap<String, Series> = BTreeMap::new();
        for symbol in symbols {
            let known = manifest.as_ref().and_then(|m| m.find(symbol, bar));
            let last = known.and_then(|series| series.years.last());
            let instant = Span::from_nanos(1);
            let start = last.map_or(Timestamp::MIN, |file| file.last + instant);
            let request = HistoryRequest::all([symbol.clone()], bar).between(start, now + instant);
            match source.load(&request).await {
                Ok(answer) => fetched.extend(answer),
                // Nothing new of a symbol that the source has is an answer; a stranger is not.
                Err(e)
                    if e.kind == ErrorKind::NotFound
                        && last.is_some()
                        && listed.iter().any(|one| one.symbol == *symbol) => {}
                Err(e) => return Err(e),
            }
        }
        let terms = Terms {
            bar,
            calendar,
            now: Some(now),
            fields: source.capabilities().fields,
        };
        for (symbol, series) in &fetched {
            admitted(symbol, series, &terms)?;
        }
        let incoming: Vec<Incoming<'_>> = (fetched.iter())
            .map(|(symbol, series)| Incoming {
                symbol,
                bar,
                calendar,
                fields: terms.fields,
                price_decimals: 0,
                series,
            })
            .collect();
        self.add(&incoming)
    }
}

fn admitted(symbol: &str, series: &Series, terms: &Terms) -> Result<()> {
    if series.basis != PriceBasis::Raw {
        let message = "a catalog keeps raw prices";
        return Err(Error::new(ErrorKind::Unsupported, "update", message)
            .context("symbol", symbol)
            .hint("use a source of raw prices with corporate actions"));
    }
    let examined =
        examine(&raw_bars(&series.bars), terms).map_err(|e| Error::from_domain("update", e))?;
    let mut findings = examined.findings.into_iter();
    match findings.find(|found| found.verdict > Verdict::Warn) {
        None => Ok(()),
        Some(found) => Err(Error::new(ErrorKind::InvalidData, "update", found.message)
            .context("symbol", symbol)
            .context("code", format!("{:?}", found.code))
            .context("bar", found.row.unwrap_or_default())
            .hint(found.hint)),
    }
}
