//! The bytes of every kind of record, pinned; and what is not taken.

use std::collections::BTreeSet;

use ballast_domain::kernel::{HoldRecord, Record};
use ballast_domain::time::Timestamp;

use super::*;

/// A record of each kind, as the kernel's own types read it: amounts beyond 64 bits, numbers with
/// long fractions, text that needs escapes, instants with nanoseconds.
const SAMPLES: &[&str] = &[
    r#"{"decision":{"time":"2005-02-28T21:00:00.123456789Z","number":9,"cause":{"slot":"2005-02-28T21:00:00Z"},"slot":"2005-02-28T21:00:00Z","equity":170141183460469231731687303715884105727,"fresh_share":0.1,"planned":true,"decision":{"sleeves":[{"sleeve":0,"allocation":0.6,"action":{"hold":"no signal"}},{"sleeve":1,"allocation":0.4,"action":{"targets":[{"entries":[{"instrument":3,"target":{"units":"12.50"},"note":{"signal":"breakout","score":0.30000000000000004,"volatility":1e-7,"uncapped":null}}],"excluded":[{"instrument":4,"reason":"not listed"}]},"monthly"]}}]}}}"#,
    r#"{"leg":{"decision":11,"target":{"weight":0.34},"leg":{"instrument":2,"current":5100,"target":-2059,"price":35869,"current_value":1829319000000,"target_value":-738725383034,"threshold":152375355162,"disposition":"trade"}}}"#,
    r#"{"intent":{"time":"1970-01-15T17:00:00Z","cause":{"operator":7},"intent":{"id":19,"client_id":"b0000200000402001","instrument":1,"side":"buy","quantity":1074,"order_type":{"limit":31420},"time_in_force":"gtc","post_only":false,"reduce_only":false},"reference":31420,"wanted":1456,"cut":"gross_budget","verdict":{"failed":0,"breach":null}}}"#,
    r#"{"order":{"time":"1970-01-15T09:00:00.000000001Z","client_id":"b0000200000302000","status":"unknown","filled":3,"reason":"the venue's answer: \"429\"\nμ"}}"#,
    r#"{"fill":{"fill":{"time":"1970-01-17T17:00:00Z","client_id":"b0000200000502000","trade_id":340282366920938463463374607431768211455,"instrument":1,"side":"sell","quantity":1492,"price":15824,"fee":1109642176,"fee_asset":0},"realised":-139905436800}}"#,
    r#"{"entry":{"time":"1970-01-01T09:00:00Z","id":0,"kind":"opening","instrument":null,"asset":0,"amount":10000000000}}"#,
    r#"{"split":{"time":"1970-01-07T09:00:00Z","id":77,"instrument":1,"ratio":{"new":3,"old":4},"before":1400,"after":1050}}"#,
    r#"{"residual":{"time":"1970-01-09T17:00:00Z","decision":5,"instrument":1,"quantity":-1611,"cut":null}}"#,
    r#"{"mode":{"time":"1970-01-09T17:00:00Z","scope":{"instrument":4},"mode":"reduce_only","reason":"disputed"}}"#,
    r#"{"state":{"time":"1970-01-09T17:00:00Z","state":"//////////8AAAAAAAAAAAAAAAAAAAAB"}}"#,
    r#"{"hold":{"time":"2262-04-11T23:47:16.854775807Z","slot":"1677-09-21T00:12:43.145224192Z","reason":"no new month"}}"#,
    r#"{"session":{"time":"1970-01-09T17:00:00Z","session":"reconciling","reason":"a session begins"}}"#,
    r#"{"adjustment":{"time":"1970-01-09T17:00:00Z","id":12,"kind":"auto_deleveraging","instrument":null,"asset":1,"quantity":0,"amount":-5}}"#,
    r#"{"void":{"fill":{"time":"1970-01-17T17:00:00Z","client_id":"b0000200000502000","trade_id":21,"instrument":1,"side":"sell","quantity":1492,"price":15824,"fee":-3,"fee_asset":0},"realised":0}}"#,
    r#"{"orphan":{"time":"1970-01-09T17:00:00Z","fact":{"dividend":{"id":4,"instrument":0,"per_unit":"0.2350","amount":235}}}}"#,
    r#"{"dispute":{"time":"1970-01-09T17:00:00Z","instrument":1,"ours":5,"theirs":-5}}"#,
    r#"{"agreement":{"time":"1970-01-09T17:00:00.000000001Z","as_of":"1970-01-09T16:59:59Z"}}"#,
];

fn samples() -> Vec<Record> {
    SAMPLES
        .iter()
        .map(|text| serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}")))
        .collect()
}

/// A change of a snapshot is a change of what journals hold: raise the kind's version, leave an
/// upcaster for the old one with a sample of its bytes, and raise the schema if tables change too.
#[test]
fn every_kind_has_its_bytes_pinned_and_comes_back() {
    let mut seen = BTreeSet::new();
    for record in samples() {
        let stored = encode(1, &record).unwrap();
        let body = String::from_utf8(stored.body.clone()).unwrap();
        let name = format!("{}_v{}", record.kind(), record.version());
        assert!(
            body.starts_with(&format!("{{\"v\":{},\"", record.version())),
            "{body}"
        );
        insta::assert_snapshot!(name, body);
        assert_eq!(decode(&stored).unwrap(), record);
        seen.insert(record.kind());
    }
    assert_eq!(seen, Record::KINDS.iter().copied().collect());
    insta::assert_snapshot!("kinds", Record::KINDS.join("\n"));
}

fn hold() -> JournalRecord {
    let time = Timestamp::EPOCH;
    encode(
        3,
        &Record::Hold(HoldRecord {
            time,
            slot: time,
            reason: "x".into(),
        }),
    )
    .unwrap()
}

fn with(change: impl Fn(&str) -> String) -> JournalRecord {
    let record = hold();
    let body = String::from_utf8(record.body).unwrap();
    JournalRecord {
        body: change(&body).into_bytes(),
        ..record
    }
}

#[test]
fn what_is_not_canonical_is_not_taken() {
    checked(&hold()).unwrap();
    for wrong in [
        with(|b| b.replace("\"v\":1,", "")),
        with(|b| b.replace("\"v\":1", "\"v\":2")),
        with(|b| b.replace(",\"reason\"", ", \"reason\"")),
        with(|b| b.replace("}", ",\"more\":1}")),
        with(|b| b.replace(".000000000Z", "Z")),
        with(|b| b[..b.len() - 1].to_owned()),
        JournalRecord {
            kind: "mode".to_owned(),
            ..hold()
        },
        JournalRecord {
            kind: "holds".to_owned(),
            ..hold()
        },
    ] {
        let text = String::from_utf8_lossy(&wrong.body).into_owned();
        let e = checked(&wrong).expect_err(&text);
        assert!(e.advice().is_some(), "{e}");
    }
}

/// A number without a text would be written as `null` and never come back.
#[test]
fn an_infinite_number_is_refused_before_it_is_written() {
    let mut record = samples().remove(0);
    if let Record::Decision(decision) = &mut record {
        decision.fresh_share = f64::INFINITY;
    }
    let e = encode(1, &record).unwrap_err();
    assert_eq!(e.kind, ErrorKind::InvalidData, "{e}");
}

#[test]
fn what_a_newer_program_wrote_is_named_as_such() {
    for newer in [
        with(|b| b.replace("\"v\":1", "\"v\":2")),
        JournalRecord {
            kind: "brandnew".to_owned(),
            ..hold()
        },
    ] {
        let e = decode(&newer).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Unsupported, "{e}");
        assert!(e.advice().unwrap().contains("newer program"), "{e}");
    }
}

/// How an older version is read: as what it was, by a type of its own. Here a hold that knew no
/// reason, which no journal ever held.
#[test]
fn an_upcaster_reads_the_version_it_is_for_and_no_other() {
    #[derive(serde::Deserialize)]
    struct HoldV0 {
        time: Timestamp,
        slot: Timestamp,
    }
    fn read(body: &[u8]) -> serde_json::Result<Record> {
        let old: HoldV0 = serde_json::from_slice(body)?;
        Ok(Record::Hold(HoldRecord {
            time: old.time,
            slot: old.slot,
            reason: "".into(),
        }))
    }
    let upcasters = [Upcaster {
        kind: "hold",
        version: 0,
        read,
    }];
    let old = br#"{"v":0,"time":"1970-01-01T00:00:00Z","slot":"1970-01-01T00:00:00Z"}"#;
    let read = decoded("hold", old, &upcasters).unwrap();
    assert!(matches!(&read, Record::Hold(r) if r.reason.is_empty()));
    assert!(decoded("hold", old, &[]).is_err());
    assert!(decoded("mode", old, &upcasters).is_err());
    assert_eq!(
        decoded("hold", &hold().body, &upcasters).unwrap(),
        decode(&hold()).unwrap()
    );
}

/// A memory in numbers, as the first version wrote it, is the memory in text of today.
#[test]
fn a_memory_in_numbers_is_still_read() {
    let old = JournalRecord {
        seq: 1,
        kind: "state".to_owned(),
        body: br#"{"v":1,"time":"1970-01-09T17:00:00.000000000Z","state":{"words":[18446744073709551615,0,1]}}"#
            .to_vec(),
    };
    let today = samples().into_iter().find(|r| r.kind() == "state");
    assert_eq!(decode(&old).unwrap(), today.unwrap());
    assert!(checked(&old).is_err(), "nobody writes it any more");
}

/// The registry says for which kind and version, once each, and never for today's.
#[test]
fn the_registry_of_upcasters_is_in_order() {
    let mut seen = BTreeSet::new();
    let today: BTreeSet<_> = samples().iter().map(|r| (r.kind(), r.version())).collect();
    for upcaster in UPCASTERS {
        assert!(Record::KINDS.contains(&upcaster.kind));
        assert!(seen.insert((upcaster.kind, upcaster.version)));
        assert!(!today.contains(&(upcaster.kind, upcaster.version)));
    }
}
