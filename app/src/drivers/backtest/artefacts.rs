//! What a run leaves behind, built while it runs: exact tables in CSV, decisions as JSON lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ballast_domain::Result;
use ballast_domain::instrument::{InstrumentId, Instruments};
use ballast_domain::kernel::{
    DecisionRecord, FillRecord, IntentRecord, OrderRecord, Record, SplitRecord,
};
use ballast_domain::money::{Cash, Quantity};
use ballast_domain::orders::{ClientOrderId, OrderType, TimeInForce};
use ballast_domain::performance::{Adjustment, FillRow, SleeveBooks, TradeEvent};
use ballast_domain::portfolio::{Entry, EntryKind};
use ballast_domain::simulation::{BarClose, Sink};
use ballast_domain::time::Timestamp;

use super::caveats::Unopened;
use super::decisions::OpenDecision;
use super::inputs::Inputs;
use crate::run_directory::text;

/// Tables of a run, and what its statistics are computed from.
#[derive(Debug)]
pub struct Artefacts {
    instruments: Instruments,
    cash_scale: u8,
    /// `time,cash,positions_value,equity`, exact.
    pub equity_csv: String,
    /// `time,cash` and a column a symbol: shares of equity at the close.
    pub weights_csv: String,
    /// Every execution.
    pub fills_csv: String,
    /// Every other posting.
    pub ledger_csv: String,
    /// Every decision with its legs, one JSON object a line.
    pub decisions_jsonl: String,
    held: Vec<Quantity>,
    orders: Vec<OrderRow>,
    order_index: BTreeMap<ClientOrderId, usize>,
    open_decision: Option<OpenDecision>,
    source: String,
    inputs: Inputs,
    /// Equity in the base currency: the opening capital, then each close.
    pub equity: Vec<f64>,
    /// Close times.
    pub times: Vec<Timestamp>,
    /// Share of equity that is invested, at each close.
    pub gross: Vec<f64>,
    /// Shares of equity at each close, row by row: cash, then each instrument.
    pub weights: Vec<f64>,
    /// Fills and adjustments in the order they happened, for trade statistics.
    pub trade_events: Vec<TradeEvent>,
    /// Traded notional of every execution, in the base currency.
    pub traded: Vec<f64>,
    /// Orders that risk refused.
    pub denied: u64,
    /// Targets that were not reached.
    pub residuals: u64,
    /// Decisions made while a part of the exposure had no fresh price.
    pub stale_decisions: u64,
    /// How often the threshold kept a wanted position closed.
    pub(super) unopened: Unopened,
    /// The slot of each decision that took effect.
    slots: BTreeMap<u32, Timestamp>,
    /// By instrument and time of a fill: the slot of the decision behind the first one there.
    causes: BTreeMap<(u32, Timestamp), Timestamp>,
    /// A book a sleeve; `None` for a strategy that runs the account as one.
    pub books: Option<SleeveBooks>,
    /// What each sleeve earned up to each close, as a share of the opening capital, sleeve by
    /// sleeve; empty without books.
    pub sleeve_returns: Vec<Vec<f64>>,
}

/// A row of orders.csv; its last columns change until the run ends.
#[derive(Debug)]
struct OrderRow {
    fixed: String,
    status: &'static str,
    filled: Quantity,
    quantity_scale: u8,
    reason: String,
}

impl Artefacts {
    /// Empty tables with their headers, and books for `sleeves` when there is more than one.
    /// `source` is where every price comes from.
    pub fn new(
        instruments: &Instruments,
        opening_cash: Cash,
        sleeves: &[&str],
        source: &str,
    ) -> Self {
        let books = (sleeves.len() > 1).then(|| SleeveBooks::new(sleeves, instruments));
        let mut weights_csv = String::from("time,cash");
        for instrument in instruments.all() {
            weights_csv.push(',');
            weights_csv.push_str(&text::csv_field(&instrument.symbol));
        }
        weights_csv.push('\n');
        Self {
            cash_scale: instruments.base().scale,
            instruments: instruments.clone(),
            equity_csv: "time,cash,positions_value,equity\n".to_owned(),
            weights_csv,
            fills_csv: "time,order_id,symbol,side,quantity,price,fee,fee_asset\n".to_owned(),
            ledger_csv: "time,kind,symbol,asset,amount\n".to_owned(),
            decisions_jsonl: String::new(),
            held: vec![Quantity::ZERO; instruments.len()],
            orders: Vec::new(),
            order_index: BTreeMap::new(),
            open_decision: None,
            source: source.to_owned(),
            inputs: Inputs::default(),
            equity: vec![opening_cash.to_f64(instruments.base().scale)],
            times: Vec::new(),
            gross: Vec::new(),
            weights: Vec::new(),
            trade_events: Vec::new(),
            traded: Vec::new(),
            denied: 0,
            residuals: 0,
            stale_decisions: 0,
            unopened: Unopened::default(),
            slots: BTreeMap::new(),
            causes: BTreeMap::new(),
            sleeve_returns: vec![Vec::new(); books.as_ref().map_or(0, |b| b.sleeves().len())],
            books,
        }
    }

    /// Closes what is still open; call once, after the run.
    pub fn finish(&mut self) {
        self.flush_decision();
    }

    /// The orders with their last known status.
    pub fn orders_csv(&self) -> String {
        let mut csv = String::from(
            "time,order_id,decision,plan,symbol,side,quantity,wanted,type,time_in_force,\
             reference_price,verdict,denied_by,status,filled,reason\n",
        );
        for row in &self.orders {
            let filled = row.filled.text(row.quantity_scale);
            let reason = text::csv_field(&row.reason);
            text::line(
                &mut csv,
                format_args!("{},{},{filled},{reason}", row.fixed, row.status),
            );
        }
        csv
    }

    /// The slot of the decision behind the first fill of `instrument` (a dense index) at `time`.
    pub fn cause(&self, instrument: u32, time: Timestamp) -> Option<Timestamp> {
        self.causes.get(&(instrument, time)).copied()
    }

    /// Notional traded up to each close since the one before, buys and sells both counted.
    pub fn traded_by_bar(&self) -> Vec<f64> {
        let mut bars = vec![0.0; self.times.len()];
        for event in &self.trade_events {
            let TradeEvent::Fill(fill) = event else {
                continue;
            };
            let bar = self.times.partition_point(|t| *t < fill.time);
            if let Some(sum) = bars.get_mut(bar) {
                *sum += fill.notional.to_f64(self.cash_scale);
            }
        }
        bars
    }

    fn keep_books(&mut self, record: &Record, now: bool) {
        if let (Some(books), true) = (&mut self.books, now) {
            books.record(record);
        }
    }

    fn symbol(&self, id: InstrumentId) -> &str {
        self.instruments.get(id).map_or("?", |i| i.symbol.as_str())
    }

    #[allow(
        clippy::expect_used,
        reason = "internal invariant: plain data serialises"
    )]
    fn flush_decision(&mut self) {
        if let Some(open) = self.open_decision.take() {
            let line = open.into_line(&mut self.inputs);
            let line = serde_json::to_string(&line).expect("plain data serialises");
            self.decisions_jsonl.push_str(&line);
            self.decisions_jsonl.push('\n');
        }
    }

    fn on_decision(&mut self, record: &DecisionRecord) -> Result<()> {
        self.flush_decision();
        self.slots.insert(record.number, record.slot);
        self.stale_decisions += u64::from(record.fresh_share < 1.0);
        self.open_decision = Some(OpenDecision::new(
            record,
            &self.source,
            &self.instruments,
            self.books.as_ref(),
        )?);
        Ok(())
    }

    fn on_intent(&mut self, record: &IntentRecord) {
        let intent = &record.intent;
        let Some(instrument) = self.instruments.get(intent.instrument) else {
            return;
        };
        let denied: Vec<_> = record
            .verdict
            .denied_by()
            .map(ballast_domain::risk::Control::name)
            .collect();
        let verdict = if denied.is_empty() {
            "passed"
        } else {
            "denied"
        };
        self.denied += u64::from(!denied.is_empty());
        let kind = match intent.order_type {
            OrderType::Market => "market".to_owned(),
            OrderType::Limit(price) => format!("limit {}", price.text(instrument.price_scale)),
        };
        let fixed = format!(
            "{},{},{},{},{},{},{},{},{kind},{},{},{verdict},{}",
            text::time(record.time),
            intent.client_id,
            intent.client_id.decision,
            intent.client_id.plan,
            text::csv_field(&instrument.symbol),
            intent.side,
            intent.quantity.text(instrument.quantity_scale),
            record.wanted.abs().text(instrument.quantity_scale),
            time_in_force(intent.time_in_force),
            record.reference.text(instrument.price_scale),
            denied.join(" "),
        );
        self.order_index.insert(intent.client_id, self.orders.len());
        self.orders.push(OrderRow {
            fixed,
            status: if denied.is_empty() {
                "recorded"
            } else {
                "denied"
            },
            filled: Quantity::ZERO,
            quantity_scale: instrument.quantity_scale,
            reason: String::new(),
        });
    }

    fn order_mut(&mut self, id: ClientOrderId) -> Option<&mut OrderRow> {
        self.order_index
            .get(&id)
            .and_then(|i| self.orders.get_mut(*i))
    }

    fn on_order(&mut self, record: &OrderRecord) {
        if let Some(row) = self.order_mut(record.client_id) {
            row.status = record.status.name();
            row.reason = record.reason.to_string();
        }
    }

    fn on_fill(&mut self, record: &FillRecord) {
        let fill = &record.fill;
        let Some(instrument) = self.instruments.get(fill.instrument) else {
            return;
        };
        let fee_asset = self
            .instruments
            .asset(fill.fee_asset)
            .map_or("?", |a| a.code.as_str());
        text::line(
            &mut self.fills_csv,
            format_args!(
                "{},{},{},{},{},{},{},{fee_asset}",
                text::time(fill.time),
                fill.client_id,
                text::csv_field(&instrument.symbol),
                fill.side,
                fill.quantity.text(instrument.quantity_scale),
                fill.price.text(instrument.price_scale),
                fill.fee.text(self.cash_scale),
            ),
        );
        self.held[fill.instrument.index()] += fill.delta();
        let notional = instrument.notional(fill.price, fill.quantity);
        self.traded.push(notional.to_f64(self.cash_scale));
        if let Some(slot) = self.slots.get(&fill.client_id.decision) {
            let key = (fill.instrument.0, fill.time);
            self.causes.entry(key).or_insert(*slot);
        }
        self.trade_events.push(TradeEvent::Fill(FillRow {
            time: fill.time,
            instrument: fill.instrument.0,
            quantity: fill.delta(),
            price: fill.price,
            notional,
            fee: fill.fee,
        }));
        let (id, quantity) = (fill.client_id, fill.quantity);
        if let Some(row) = self.order_mut(id) {
            row.filled += quantity;
            row.status = "filled";
        }
    }

    fn on_entry(&mut self, entry: &Entry) {
        let asset = self
            .instruments
            .asset(entry.asset)
            .map_or("?", |a| a.code.as_str());
        let symbol = entry.instrument.map_or("", |id| self.symbol(id));
        let row = format!(
            "{},{},{},{asset},{}",
            text::time(entry.time),
            entry.kind.name(),
            text::csv_field(symbol),
            entry.amount.text(self.cash_scale),
        );
        text::line(&mut self.ledger_csv, format_args!("{row}"));
        if let Some(id) = entry.instrument {
            self.adjust(entry.time, id, Quantity::ZERO, entry.amount);
            if entry.kind == EntryKind::Delisting {
                self.post_units(entry.time, "delisting", id, -self.held[id.index()]);
            }
        }
    }

    fn on_split(&mut self, record: &SplitRecord) {
        self.post_units(
            record.time,
            "split",
            record.instrument,
            record.after - record.before,
        );
    }

    /// Units that come or go without a trade are a posting whose asset is the instrument itself.
    fn post_units(&mut self, time: Timestamp, kind: &str, id: InstrumentId, added: Quantity) {
        let Some(instrument) = self.instruments.get(id) else {
            return;
        };
        let symbol = text::csv_field(&instrument.symbol);
        let amount = added.text(instrument.quantity_scale);
        let time_text = text::time(time);
        text::line(
            &mut self.ledger_csv,
            format_args!("{time_text},{kind},{symbol},{symbol},{amount}"),
        );
        self.held[id.index()] += added;
        self.adjust(time, id, added, Cash::ZERO);
    }

    fn adjust(&mut self, time: Timestamp, id: InstrumentId, quantity: Quantity, cash: Cash) {
        let adjustment = Adjustment {
            time,
            instrument: id.0,
            quantity,
            cash,
        };
        self.trade_events.push(TradeEvent::Adjustment(adjustment));
    }
}

impl Sink for Artefacts {
    fn records(&mut self, records: &[Record]) -> Result<()> {
        for record in records {
            // A leg is written down with the books before it, everything else with those after it.
            let is_leg = matches!(record, Record::Leg(_));
            self.keep_books(record, !is_leg);
            match record {
                Record::Decision(r) => self.on_decision(r)?,
                Record::Leg(r) => {
                    self.unopened.count(&r.leg);
                    if let Some(open) = &mut self.open_decision {
                        open.add_leg(r, &self.instruments, self.books.as_ref())?;
                    }
                }
                Record::Intent(r) => {
                    if let Some(open) = &mut self.open_decision {
                        open.add_order(r, &self.instruments)?;
                    }
                    self.on_intent(r);
                }
                Record::Residual(r) => {
                    self.residuals += 1;
                    if let Some(open) = &mut self.open_decision {
                        open.add_residual(r, &self.instruments)?;
                    }
                }
                Record::Order(r) => self.on_order(r),
                Record::Fill(r) => self.on_fill(r),
                Record::Entry(r) => self.on_entry(r),
                Record::Split(r) => self.on_split(r),
                // A mode changes in a backtest only on an incident, which ends the run; and it
                // restarts from its inputs, not from a saved memory.
                // Holds are not recorded there, and its exchange neither loses a session nor
                // changes the account by itself.
                Record::Mode(_)
                | Record::State(_)
                | Record::Hold(_)
                | Record::Session(_)
                | Record::Adjustment(_)
                | Record::Void(_)
                | Record::Orphan(_)
                | Record::Dispute(_)
                | Record::Agreement(_) => {}
            }
            self.keep_books(record, is_leg);
        }
        Ok(())
    }

    fn bar(&mut self, close: &BarClose<'_>) -> Result<()> {
        self.inputs.close(&close.slice, close.instruments);
        let account = close.account;
        let time = text::time(close.slice.time());
        let (cash, value) = (account.cash(), account.positions_value(close.instruments));
        let equity = cash + value;
        text::line(
            &mut self.equity_csv,
            format_args!(
                "{time},{},{},{}",
                cash.text(self.cash_scale),
                value.text(self.cash_scale),
                equity.text(self.cash_scale)
            ),
        );
        let equity = equity.to_f64(self.cash_scale);
        let mut gross = 0.0;
        let share = cash.to_f64(self.cash_scale) / equity;
        self.weights.push(share);
        let _ = write!(self.weights_csv, "{time},{share}");
        for id in close.instruments.ids() {
            let weight = account.weight(id);
            gross += weight.abs();
            self.weights.push(weight);
            let _ = write!(self.weights_csv, ",{weight}");
        }
        self.weights_csv.push('\n');
        if let Some(books) = &mut self.books {
            books.bar(account);
            let capital = self.equity[0];
            for (sleeve, returns) in self.sleeve_returns.iter_mut().enumerate() {
                returns.push(books.net(sleeve, account).to_f64(self.cash_scale) / capital);
            }
        }
        self.equity.push(equity);
        self.gross.push(gross);
        self.times.push(close.slice.time());
        Ok(())
    }
}

const fn time_in_force(value: TimeInForce) -> &'static str {
    match value {
        TimeInForce::Day => "day",
        TimeInForce::Ioc => "ioc",
        TimeInForce::Gtc => "gtc",
        TimeInForce::AtOpen => "at_open",
        TimeInForce::AtClose => "at_close",
    }
}
