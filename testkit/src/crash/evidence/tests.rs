//! A true history, changed by hand: the judge has to name what is wrong with each.

use std::collections::BTreeSet;

use super::*;

const ID: &str = "b00002000000g2000";
const OTHER: &str = "b00002000000g2001";

fn record(seq: usize, kind: &str, body: &str) -> String {
    format!("{{\"seq\":{seq},\"batch\":1,\"kind\":\"{kind}\",\"body\":{body}}}")
}

fn intent(seq: usize, id: &str, failed: u32) -> String {
    let body =
        format!("{{\"intent\":{{\"client_id\":\"{id}\"}},\"verdict\":{{\"failed\":{failed}}}}}");
    record(seq, "intent", &body)
}

fn order(seq: usize, id: &str, status: &str) -> String {
    record(
        seq,
        "order",
        &format!("{{\"client_id\":\"{id}\",\"status\":\"{status}\"}}"),
    )
}

fn fill(seq: usize, id: &str, trade: u32) -> String {
    let body = format!(
        "{{\"fill\":{{\"client_id\":\"{id}\",\"trade_id\":{trade},\"instrument\":1,\
         \"side\":\"buy\",\"quantity\":10}}}}"
    );
    record(seq, "fill", &body)
}

fn decision(seq: usize, slot: &str) -> String {
    record(seq, "decision", &format!("{{\"slot\":\"{slot}\"}}"))
}

const SLOT: &str = "2024-01-02T00:00:00.000000000Z";

fn told(what: &str, answer: &str, trades: u32) -> String {
    format!(
        "{{\"told\":{what},\"answer\":\"{answer}\",\"facts\":0,\"trades\":{trades},\"cash\":\"0\"}}"
    )
}

fn bar() -> String {
    let bar = format!(
        "{{\"bar\":{{\"open\":\"2024-01-01T00:00:00Z\",\"close\":\"{SLOT}\",\"fields\":[],\
         \"basis\":\"raw\",\"lanes\":[],\"actions\":[]}}}}"
    );
    told(&bar, "done", 0)
}

fn stage(stage: &str, trades: u32) -> String {
    told(&format!("{{\"stage\":\"{stage}\"}}"), "done", trades)
}

fn arrival(id: &str, answer: &str) -> String {
    let order = format!(
        "{{\"order\":{{\"intent\":{{\"id\":0,\"client_id\":\"{id}\",\"instrument\":1,\
         \"side\":\"buy\",\"quantity\":10,\"order_type\":\"market\",\"time_in_force\":\"day\",\
         \"post_only\":false,\"reduce_only\":false}},\"expires_at\":\"{SLOT}\",\"at\":\"{SLOT}\"}}}}"
    );
    told(&order, answer, 0)
}

fn evidence(journal: &[String], ledger: &[String], answered: &[&str]) -> Evidence {
    let lines = |of: &[String]| {
        of.iter()
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let answered: BTreeSet<String> = answered.iter().map(|id| (*id).to_owned()).collect();
    Evidence::read(&lines(journal), &lines(ledger), answered).expect("lines of their kind")
}

/// A bar, an order, its execution, all of it saved.
fn truth() -> (Vec<String>, Vec<String>) {
    let journal = vec![
        decision(1, SLOT),
        intent(2, ID, 0),
        order(3, ID, "accepted"),
        fill(4, ID, 7),
    ];
    let ledger = vec![
        bar(),
        stage("close", 0),
        arrival(ID, "accepted"),
        stage("execute", 1),
    ];
    (journal, ledger)
}

#[test]
fn a_true_history_is_not_blamed_and_each_wrong_one_is() {
    let (journal, ledger) = truth();
    let blamed = |journal: &[String], ledger: &[String], before: &[String]| {
        evidence(journal, ledger, &[]).violations(before).join("; ")
    };
    assert_eq!(blamed(&journal, &ledger, &journal), "");
    assert_eq!(blamed(&journal, &ledger, &journal[..2]), "");
    let mut twice = ledger.clone();
    twice.push(arrival(ID, "duplicate"));
    assert!(blamed(&journal, &twice, &[]).contains("came to the venue twice"));
    assert!(blamed(&journal[..3], &ledger, &journal).contains("1 acknowledged records are lost"));
    let mut changed = journal.clone();
    changed[2] = order(3, ID, "rejected");
    assert!(blamed(&changed, &ledger, &journal).contains("lost or changed from 2 on"));
    let mut gap = journal.clone();
    gap.remove(2);
    assert!(blamed(&gap, &ledger, &[]).contains("gaps"));
    let mut unrecorded = ledger.clone();
    unrecorded.push(arrival(OTHER, "accepted"));
    assert!(blamed(&journal, &unrecorded, &[]).contains("not in the journal"));
    let mut refused = journal.clone();
    refused[1] = intent(2, ID, 4);
    assert!(blamed(&refused, &ledger, &[]).contains("not in the journal"));
    let mut booked = journal.clone();
    booked.push(fill(5, ID, 7));
    assert!(blamed(&booked, &ledger, &[]).contains("booked twice"));
    booked[4] = fill(5, ID, 8);
    assert!(blamed(&booked, &ledger, &[]).contains("2 executions are booked and 1 happened"));
    assert!(evidence(&journal, &ledger, &[]).unsettled().is_empty());
    assert_eq!(evidence(&journal[..3], &ledger, &[]).unsettled().len(), 1);
    assert_eq!(
        evidence(&journal, &ledger, &[]).positions(),
        [(1, 10)].into()
    );
}

#[test]
fn each_phase_is_read_from_the_evidence() {
    let (journal, ledger) = truth();
    let phase = |journal: &[String], ledger: &[String], answered: &[&str], before| {
        evidence(journal, ledger, answered).phase(before)
    };
    assert_eq!(phase(&journal, &ledger, &[ID], 0), Phase::Between);
    assert_eq!(phase(&journal, &ledger, &[ID], 4), Phase::InRecovery);
    assert_eq!(
        phase(&journal[..3], &ledger, &[ID], 0),
        Phase::FilledUnsaved
    );
    assert_eq!(
        phase(&journal[..2], &ledger[..3], &[ID], 0),
        Phase::AckedUnsaved
    );
    assert_eq!(phase(&journal[..2], &ledger[..3], &[], 0), Phase::Sent);
    assert_eq!(phase(&journal[..2], &ledger[..2], &[], 0), Phase::Persisted);
    assert_eq!(phase(&[], &ledger[..2], &[], 0), Phase::BeforePersist);
    // Refused by risk, an order waits for nobody.
    let denied = [journal[0].clone(), intent(2, ID, 4)];
    assert_eq!(phase(&denied, &ledger[..2], &[], 0), Phase::Between);
}
