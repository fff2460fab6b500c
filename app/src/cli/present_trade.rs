//! A traded account as a person reads it.

use std::fmt::Write as _;

use ballast_domain::error::Result;

use super::present::Answer;
use crate::commands::kill::Killed;
use crate::commands::resume::Resumed;
use crate::commands::status::{Activity, LeftOrder, Status};
use crate::commands::trade::Traded;
use crate::reports::figures::{age, amount, count, instant};

// Writing to a string cannot fail, here and below.

/// Columns of a label.
const LABEL: usize = 15;

fn line(text: &mut String, label: &str, value: &str) {
    let _ = writeln!(text, "  {label:<LABEL$}{value}");
}

fn several(n: usize, one: &str, more: &str) -> String {
    match n {
        0 => "none".to_owned(),
        1 => format!("1 {one}"),
        n => format!("{} {more}", count(n as u64)),
    }
}

pub(super) fn traded(done: &Traded) -> Result<Answer> {
    let ended = &done.ended;
    let why = ended.why.as_ref().map(|w| format!(": {w}"));
    let mut text = format!(
        "{} ({}): {}{}\n",
        done.account,
        done.stage.name(),
        ended.stop.describe(),
        why.unwrap_or_default()
    );
    let text = &mut text;
    line(text, "trading time", &instant(ended.time));
    line(text, "began", &began(done));
    line(
        text,
        "this session",
        &format!(
            "{} bars, {} decisions, {} orders ({} denied), {} executions",
            count(ended.bars),
            count(ended.decisions),
            count(ended.intents),
            count(ended.denied),
            count(ended.fills)
        ),
    );
    line(
        text,
        "equity",
        &format!(
            "{} {}, of it cash {}",
            amount(ended.equity),
            done.currency,
            amount(ended.cash)
        ),
    );
    line(text, "holds", &held(&done.positions));
    line(text, "left", &left(done));
    if let Some(ms) = ended.canceled_in_ms {
        line(text, "orders", &format!("off the venue after {ms} ms"));
    }
    for alert in &ended.alerts {
        line(text, "alert", alert);
    }
    let _ = writeln!(text, "\nnext: {}", done.next_command);
    Answer::new(std::mem::take(text), done)
}

fn began(done: &Traded) -> String {
    if done.ended.recovered == 0 {
        return "a new account".to_owned();
    }
    let records = count(done.ended.recovered);
    match done.last_decision {
        Some(d) => format!(
            "{records} records proven; decision {} of {} was {} old",
            d.number,
            d.slot.date(),
            age(d.age_seconds)
        ),
        None => format!("{records} records proven; nothing was decided yet"),
    }
}

fn held(positions: &[(String, String)]) -> String {
    if positions.is_empty() {
        return "nothing".to_owned();
    }
    let all: Vec<_> = positions.iter().map(|(s, q)| format!("{q} {s}")).collect();
    all.join(", ")
}

fn left(done: &Traded) -> String {
    let ended = &done.ended;
    let parts = [
        (
            ended.unknown,
            "order of unknown outcome",
            "orders of unknown outcome",
        ),
        (ended.working, "order at the venue", "orders at the venue"),
        (ended.residuals, "target not reached", "targets not reached"),
        (ended.disputes, "disputed position", "disputed positions"),
    ];
    let said: Vec<_> = parts
        .into_iter()
        .filter(|(n, _, _)| *n > 0)
        .map(|(n, one, more)| several(n, one, more))
        .collect();
    if said.is_empty() {
        "nothing open".to_owned()
    } else {
        said.join(", ")
    }
}

pub(super) fn status(found: &Status) -> Result<Answer> {
    let activity = match found.activity {
        Activity::Running => "running",
        Activity::Stopped => "stopped",
        Activity::Crashed => "crashed",
        Activity::Never => "never traded",
    };
    let stage = found.trader.as_ref().map_or("", |t| t.stage.name());
    let mode = found.mode.name().to_uppercase().replace('_', " ");
    let mut text = format!("{mode}  account {}, {stage}, {activity}\n", found.account);
    let text = &mut text;
    let _ = writeln!(text, "{}\n", found.why);
    if let Some(trader) = &found.trader {
        line(
            text,
            "trading time",
            &format!(
                "{}, bar {} of {}",
                instant(trader.trading_time),
                count(trader.bars as u64),
                count(trader.bars_in_all as u64)
            ),
        );
        line(
            text,
            "equity",
            &format!("{} {}", amount(trader.equity), trader.currency),
        );
    }
    line(text, "holds", &held(&found.positions));
    line(
        text,
        "last decision",
        &match (found.last_decision, found.last_decision_age_seconds) {
            (Some(d), Some(seconds)) => {
                let slot = instant(d.slot);
                format!("number {} of {slot}, {} ago", d.number, age(seconds))
            }
            (Some(d), None) => format!("number {} of {}", d.number, instant(d.slot)),
            (None, _) => "none yet".to_owned(),
        },
    );
    line(
        text,
        "next slot",
        &found
            .next_slot
            .map_or_else(|| "none in the data".to_owned(), instant),
    );
    line(
        text,
        "session",
        found.session.map_or("none yet", |session| session.name()),
    );
    orders(text, "unknown", &found.unknown_orders);
    orders(text, "at the venue", &found.working_orders);
    line(
        text,
        "residuals",
        &several(found.residuals, "target not reached", "targets not reached"),
    );
    for (symbol, ours, theirs) in &found.disputes {
        let dispute = format!("{symbol}: {ours} by the journal, {theirs} by the venue");
        line(text, "disputed", &dispute);
    }
    for mode in &found.modes {
        let words = format!(
            "{} for {} since {}: {}",
            mode.mode.name(),
            mode.scope,
            instant(mode.since),
            mode.reason
        );
        line(text, "mode", &words);
    }
    if let Some(trader) = &found.trader {
        for alert in &trader.alerts {
            line(text, "alert", alert);
        }
    }
    let starts = found.starts;
    line(
        text,
        "starts",
        &format!(
            "{} of {} became active",
            count(starts.active),
            count(starts.begun)
        ),
    );
    for alarm in &found.alarms {
        line(text, "runbook", alarm.page());
    }
    line(
        text,
        "journal",
        &format!("{} records, every one proven", count(found.records)),
    );
    let _ = writeln!(
        text,
        "\nnext: {}\n      {}",
        found.next_command, found.next_does
    );
    Answer::new(std::mem::take(text), found)
}

fn orders(text: &mut String, label: &str, orders: &[LeftOrder]) {
    if orders.is_empty() {
        line(text, label, "no orders");
    }
    for order in orders {
        let words = format!(
            "{} {} {} ({} executed), {}, order {}",
            order.side,
            order.quantity,
            order.symbol,
            order.executed,
            order.status.name(),
            order.client_id
        );
        line(text, label, &words);
    }
}

pub(super) fn killed(done: &Killed) -> Result<Answer> {
    let first = if done.thrown_now {
        format!("{} is killed: {}\n", done.account, done.reason)
    } else {
        format!(
            "{} was killed before, and keeps its reason: {}\n",
            done.account, done.reason
        )
    };
    let then = if done.trader_runs {
        "the running trader sees it within milliseconds, takes every order off the venue and ends"
    } else {
        "no trader is running; the next start is halted"
    };
    let text = format!(
        "{first}  {then}\n  {} stays until `{}`\n",
        done.file, done.next_command
    );
    Answer::new(text, done)
}

pub(super) fn resumed(done: &Resumed) -> Result<Answer> {
    let mut text = format!("{} may trade again: {}\n", done.account, done.reason);
    if let Some(killed) = &done.killed {
        line(&mut text, "was killed", killed);
    }
    line(&mut text, "reconciled", "journal and venue agree");
    line(&mut text, "holds", &held(&done.session.positions));
    let _ = writeln!(text, "\nnext: {}", done.next_command);
    Answer::new(text, done)
}
