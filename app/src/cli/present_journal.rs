//! A journal as a person reads it.

use std::fmt::Write as _;

use ballast_domain::error::Result;

use super::present::Answer;
use crate::commands::journal::{Verified, Written};
use crate::commands::journal_replay::ReplayedSessions;
use crate::reports::figures::count;

// Writing to a string cannot fail, here and below.

pub(super) fn verified(found: &Verified) -> Result<Answer> {
    let mut text = format!(
        "every record proven: {} records in {} batches and {} commits, opened {} times\n",
        count(found.records),
        count(found.batches),
        count(found.commits),
        count(found.epoch)
    );
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<16}{value}");
    };
    line("account", &found.account);
    line("chain", &found.head_hash);
    line("state", &found.state_hash);
    if let Some(log) = found.audit_log {
        let behind = match log.behind {
            0 => "each as the records say".to_owned(),
            n => format!("{} more are not written yet", count(n)),
        };
        line(
            "audit log",
            &format!("{} lines, {behind}", count(log.lines)),
        );
    }
    if let Some(decision) = found.last_decision {
        line(
            "last decision",
            &format!("number {} of {}", decision.number, decision.slot),
        );
    }
    if let Some(session) = found.session {
        line("session", session.name());
    }
    for mode in &found.modes {
        line(
            "mode",
            &format!(
                "{} for {} since {}: {}",
                mode.mode, mode.scope, mode.time, mode.reason
            ),
        );
    }
    line(
        "holds",
        &match found.positions.len() {
            0 => "nothing".to_owned(),
            1 => "1 position".to_owned(),
            n => format!("{n} positions"),
        },
    );
    for dispute in &found.disputes {
        line(
            "disputed",
            &format!(
                "instrument {}: {} units by our records, {} by the venue's",
                dispute.instrument, dispute.ours, dispute.theirs
            ),
        );
    }
    for open in &found.open_orders {
        let order = open.order;
        line(
            "open order",
            &format!(
                "{} {} {} of instrument {}, {} executed, {}",
                open.client_id,
                order.side,
                order.quantity.units(),
                order.instrument.0,
                order.executed.units(),
                order.status.name()
            ),
        );
    }
    Answer::new(text, found)
}

pub(super) fn written(verb: &str, done: &Written) -> Result<Answer> {
    let text = format!(
        "{verb} {}: {} records of {}, all proven\n  chain {}\n  state {}\n",
        done.to,
        count(done.records),
        done.account,
        done.head_hash,
        done.state_hash
    );
    Answer::new(text, done)
}

pub(super) fn replayed(done: &ReplayedSessions) -> Result<Answer> {
    let mut text = String::new();
    for session in &done.sessions {
        let equal = if session.difference.is_some() {
            "DIFFERS"
        } else {
            "equal"
        };
        let _ = writeln!(
            text,
            "session {}: {equal}, {} inputs told, {} records compared, answers {}{}",
            session.session,
            count(session.inputs),
            count(session.records),
            session.answers,
            if session.whole {
                ""
            } else {
                "; it did not end in order"
            }
        );
        let Some(difference) = &session.difference else {
            continue;
        };
        let mut line = |label: &str, value: &str| {
            let _ = writeln!(text, "  {label:<16}{value}");
        };
        if let Some(record) = difference.record {
            line("record", &record.to_string());
        }
        line(
            "input",
            &format!("{} at {}", difference.input, difference.now),
        );
        line("told", &difference.told);
        line("recorded", &difference.recorded);
        line("replayed", &difference.replayed);
        line("traded by", &session.program);
    }
    if !done.gone.is_empty() {
        let _ = writeln!(
            text,
            "{} older sessions have lost the beginning of their tape and cannot be replayed",
            done.gone.len()
        );
    }
    Answer::new(text, done)
}
