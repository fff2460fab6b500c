//! What was ordered, and every round trip with the command that explains its entry.

use ballast_domain::performance::{Trade, TradeSide};

use crate::drivers::backtest::{Finished, Summary};
use crate::reports::figures::{amount, count, maybe_percent, ratio};
use crate::reports::html::{Column, Section, Table};

/// The most round trips in the page; trades.csv has all.
const MOST: usize = 5_000;

/// Tables longer than this are folded.
const OPEN: usize = 40;

pub(super) fn orders(s: &Summary) -> Section {
    let o = &s.orders;
    let t = &s.trade_statistics;
    let rows: [(&str, String); 10] = [
        ("decisions", count(o.decisions)),
        ("orders wanted", count(o.intents)),
        ("denied by risk", count(o.denied)),
        ("sent", count(o.sent)),
        ("executions", count(o.fills)),
        ("targets not reached", count(o.residuals)),
        ("still waiting at the end", count(o.open_at_end as u64)),
        ("winning round trips", maybe_percent(t.win_rate)),
        ("profit factor", ratio(t.profit_factor)),
        ("bars held on average", ratio(t.average_bars_held)),
    ];
    let table = Table::new(
        "Orders and trades",
        [("what", Column::Text), ("number", Column::Number)],
    );
    let table = rows
        .into_iter()
        .fold(table, |table, (what, n)| table.row([what.to_owned(), n]));
    Section::new("Orders").table(table)
}

pub(super) fn trades(run: &Finished) -> Section {
    let trips = &run.round_trips.trades;
    let hidden = trips.len().saturating_sub(MOST);
    let mut table = Table::new(
        "Round trips in order of exit, open ones last at their mark",
        [
            ("symbol", Column::Text),
            ("side", Column::Text),
            ("entry", Column::Text),
            ("exit", Column::Text),
            ("units", Column::Number),
            ("entry price", Column::Number),
            ("exit price", Column::Number),
            ("net result", Column::Number),
            ("return", Column::Number),
            ("bars", Column::Number),
            ("why", Column::Command),
        ],
    );
    for trade in &trips[hidden..] {
        if let Some(cells) = row(run, trade) {
            table = table.row(cells);
        }
    }
    if trips.len() > OPEN {
        table = table.folded(format!("{} round trips", count(trips.len() as u64)));
    }
    let mut section = Section::new("Trades").paragraph(
        "The last column, typed in the folder of this report, says why the position was entered, \
         from signal to fill.",
    );
    if hidden > 0 {
        section = section.paragraph(format!(
            "The last {} are listed; trades.csv has all.",
            count(MOST as u64)
        ));
    }
    section.table(table)
}

fn row(run: &Finished, trade: &Trade) -> Option<[String; 11]> {
    let index = usize::try_from(trade.instrument).ok()?;
    let instrument = run.instruments.all().get(index)?;
    let side = match trade.side {
        TradeSide::Long => "long",
        TradeSide::Short => "short",
    };
    let exit = if trade.open {
        "open".to_owned()
    } else {
        trade.exit_time.date().to_string()
    };
    let slot = run.artefacts.cause(trade.instrument, trade.entry_time);
    let why = slot.map_or_else(String::new, |slot| {
        let symbol = shell_word(&instrument.symbol);
        format!("ballast explain . {symbol} {}", slot.date())
    });
    Some([
        instrument.symbol.clone(),
        side.to_owned(),
        trade.entry_time.date().to_string(),
        exit,
        trade.max_quantity.text(instrument.quantity_scale),
        trade.entry_price.text(instrument.price_scale),
        trade.exit_price.text(instrument.price_scale),
        amount(trade.net_pnl.to_f64(run.instruments.base().scale)),
        maybe_percent(trade.net_return),
        count(trade.bars_held as u64),
        why,
    ])
}

/// `symbol` as one word of a POSIX shell.
fn shell_word(symbol: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+:/@=".contains(c);
    if !symbol.is_empty() && symbol.chars().all(plain) {
        return symbol.to_owned();
    }
    format!("'{}'", symbol.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_one_word_whatever_is_in_it() {
        for (symbol, word) in [
            ("BRK.B", "BRK.B"),
            ("BTC/USD:USD", "BTC/USD:USD"),
            ("A B", "'A B'"),
            ("$(x)'", "'$(x)'\\'''"),
        ] {
            assert_eq!(shell_word(symbol), word);
        }
    }
}
