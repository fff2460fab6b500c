//! Holds every answer of a source against the data contract before anyone uses it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ballast_domain::calendar::Calendar;
use ballast_domain::market::contract::{RawBar, Terms, Verdict, examine};
use ballast_domain::market::{Bars, Field, Fields};
use ballast_domain::time::Timestamp;
use ballast_ports::{
    BoxStream, Chunk, Clock, Error, ErrorKind, HistoryRequest, ListedInstrument, LiveBar,
    MarketData, MarketDataCapabilities, Result, SubscribeRequest, stream,
};

use crate::deferred::Deferred;
use crate::lazily::lazily;
use crate::observed::{Checked, checked};

/// Market data that breaks its contract is an error, so that a cascade moves on and a cache never
/// keeps it.
///
/// A history is read whole and refused with `InvalidData` when a chunk is not what was asked for
/// (symbol, columns, basis, range, order, corporate actions) or when the rules of
/// [`ballast_domain::market::contract`] find something that may not be used: a bar from after now,
/// off its grid, repeated, or with a price that no market made. A symbol that is left out is
/// `NotFound`. Live bars are checked one by one. The rules are the same for every source.
#[derive(Debug)]
pub struct Validated<M: ?Sized> {
    calendar: Calendar,
    clock: Arc<dyn Clock>,
    inner: Arc<M>,
}

impl<M: MarketData + ?Sized> Validated<M> {
    /// Checks answers of `inner`, whose instruments trade by `calendar`, at the time of `clock`.
    pub fn new(inner: Arc<M>, calendar: Calendar, clock: Arc<dyn Clock>) -> Self {
        Self {
            calendar,
            clock,
            inner,
        }
    }
}

fn broken(operation: &'static str, message: impl Into<String>, symbol: &str) -> Error {
    Error::new(ErrorKind::InvalidData, operation, message)
        .context("symbol", symbol)
        .hint("the source breaks its contract: use another one and tell its vendor")
}

async fn whole<M: MarketData + ?Sized>(
    inner: &M,
    request: &HistoryRequest,
    calendar: Calendar,
    now: Timestamp,
) -> Result<Vec<Chunk>> {
    let declared = inner.capabilities();
    let mut answer = inner.history(request);
    let mut chunks = Vec::new();
    while let Some(chunk) = stream::next(&mut answer).await {
        let chunk = chunk?;
        structure(&chunk, request, &declared)?;
        chunks.push(chunk);
    }
    let mut parts: BTreeMap<&str, Vec<&Chunk>> = BTreeMap::new();
    for chunk in &chunks {
        parts.entry(&chunk.symbol).or_default().push(chunk);
    }
    let terms = Terms {
        bar: request.bar,
        calendar,
        now: Some(now),
        fields: declared.fields,
    };
    for symbol in &request.symbols {
        match parts.get(symbol.as_str()).map(Vec::as_slice) {
            None | Some([]) => return Err(request.no_bars(symbol, None, None)),
            Some([only]) => plausible(symbol, &only.series.bars, &terms)?,
            Some(several) => plausible(symbol, &joined(symbol, several)?, &terms)?,
        }
    }
    Ok(chunks)
}

/// The bars of the chunks of one symbol, which have to append, as their actions have to.
fn joined(symbol: &str, chunks: &[&Chunk]) -> Result<Bars> {
    let mut bars = Bars::default();
    let mut last = None;
    for chunk in chunks {
        bars.append(&chunk.series.bars)
            .map_err(|e| Error::from_domain("history", e).context("symbol", symbol))?;
        let actions = &chunk.series.actions;
        if let (Some(last), Some(first)) = (last, actions.first())
            && first.at < last
        {
            return Err(broken(
                "history",
                "corporate actions are not in order",
                symbol,
            ));
        }
        last = actions.last().map(|action| action.at).or(last);
    }
    Ok(bars)
}

/// What a chunk must be whatever its prices are.
fn structure(
    chunk: &Chunk,
    request: &HistoryRequest,
    declared: &MarketDataCapabilities,
) -> Result<()> {
    let refuse = |message: &str| Err(broken("history", message, &chunk.symbol));
    let series = &chunk.series;
    if !request.symbols.contains(&chunk.symbol) {
        return refuse("a symbol came that was not asked for");
    }
    if series.bars.is_empty() {
        return refuse("a chunk has no bars");
    }
    if series.bars.fields() != declared.fields || series.basis != request.basis {
        return refuse("columns or price basis are not the declared ones");
    }
    if !series.actions.is_empty() && !declared.actions {
        return refuse("corporate actions came that are not declared");
    }
    if !series
        .bars
        .open_times()
        .iter()
        .all(|t| request.contains(*t))
    {
        return refuse("a bar opens outside of the range");
    }
    let in_range = series.actions.iter().all(|a| request.contains(a.at));
    if !in_range || !series.actions.is_sorted_by_key(|a| a.at) {
        return refuse("corporate actions are outside of the range or not in order");
    }
    Ok(())
}

/// Whether the rules of the domain let every row be used.
fn plausible(symbol: &str, bars: &Bars, terms: &Terms) -> Result<()> {
    let rows = rows(bars);
    let found = examine(&rows, terms).map_err(|e| Error::from_domain("history", e))?;
    let unusable = |verdict| matches!(verdict, Verdict::DropRows | Verdict::Reject);
    let mut refused = found.findings.iter().filter(|f| unusable(f.verdict));
    let Some(first) = refused.next() else {
        return Ok(());
    };
    let mut error =
        broken("history", &first.message, symbol).context("rule", format!("{:?}", first.code));
    if let Some(time) = first.time {
        error = error.context("time", time);
    }
    let others = refused.count();
    if others > 0 {
        error = error.context("others", others);
    }
    Err(error)
}

fn rows(bars: &Bars) -> Vec<RawBar> {
    const FIELDS: [Field; 5] = [
        Field::Open,
        Field::High,
        Field::Low,
        Field::Close,
        Field::Volume,
    ];
    let value = |field, row: usize| bars.column(field).get(row).copied().unwrap_or(0.0);
    let times = bars.open_times().iter().enumerate();
    times
        .map(|(row, time)| RawBar {
            row: row as u64,
            time: *time,
            values: Some(FIELDS.map(|field| value(field, row))),
        })
        .collect()
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: MarketData + ?Sized> MarketData for Validated<M> {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn capabilities(&self) -> MarketDataCapabilities {
        self.inner.capabilities()
    }

    async fn instruments(&self) -> Result<Vec<ListedInstrument>> {
        let listed = self.inner.instruments().await?;
        let unsorted = listed
            .windows(2)
            .find(|pair| pair[0].symbol >= pair[1].symbol);
        match unsorted {
            Some(pair) => Err(broken(
                "instruments",
                "instruments are not sorted or listed twice",
                &pair[1].symbol,
            )),
            None => Ok(listed),
        }
    }

    fn history(&self, request: &HistoryRequest) -> BoxStream<Result<Chunk>> {
        let (inner, request) = (Arc::clone(&self.inner), request.clone());
        let (clock, calendar) = (Arc::clone(&self.clock), self.calendar);
        Box::pin(Deferred::new(async move {
            whole(&*inner, &request, calendar, clock.now()).await
        }))
    }

    fn subscribe(&self, request: &SubscribeRequest) -> BoxStream<Result<LiveBar>> {
        let (inner, request) = (Arc::clone(&self.inner), request.clone());
        lazily(async move {
            let live = inner.subscribe(&request);
            let mut last = BTreeMap::new();
            let fields = inner.capabilities().fields;
            Ok(checked(live, move |bar| {
                live_bar(bar, &request, fields, &mut last)
            }))
        })
    }
}

fn live_bar(
    live: &LiveBar,
    request: &SubscribeRequest,
    fields: Fields,
    last: &mut BTreeMap<String, Bars>,
) -> Checked {
    let symbol = &live.symbol;
    if !request.symbols.contains(symbol) {
        return Err(broken(
            "subscribe",
            "a symbol came that was not asked for",
            symbol,
        ));
    }
    // One bar of memory: whether this one is valid and later than the one before it.
    let mut both = last.remove(symbol).unwrap_or_else(|| Bars::new(fields));
    both.push(&live.bar)
        .map_err(|e| Error::from_domain("subscribe", e).context("symbol", symbol))?;
    last.insert(symbol.clone(), both.range(both.len() - 1..both.len()));
    Ok(())
}
