//! A feed's health, and a kernel that adds no risk on a sick one.

use ballast_domain::instrument::InstrumentId;
use ballast_domain::kernel::{HealthFact, Input, Record};
use ballast_domain::market::{Admission, FeedHealth, FeedLimits, FeedMessage, FeedState};
use ballast_domain::orders::Side;
use ballast_domain::risk::{Control, Mode};
use ballast_domain::time::{Span, Timestamp};

use crate::kernel_path::flat;
use crate::scenario::{A, B, Desk, Scripted, World, execution, holding};

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + second * 1_000_000_000)
}

/// Ten seconds of age, five of silence, two instruments, asked for at second 0.
fn feed() -> FeedHealth {
    let limits = FeedLimits {
        max_age: Span::from_seconds(10),
        max_silence: Span::from_seconds(5),
    };
    FeedHealth::new(limits, 2, at(0)).unwrap()
}

/// A message that happened and was received at these seconds.
fn message(venue: i64, received: i64) -> FeedMessage {
    FeedMessage {
        venue_time: at(venue),
        received_at: at(received),
        sequence: None,
        quote: None,
        is_snapshot: false,
    }
}

fn numbered(sequence: u64, second: i64) -> FeedMessage {
    FeedMessage {
        sequence: Some(sequence),
        ..message(second, second)
    }
}

fn quoted(bid: f64, ask: f64, second: i64) -> FeedMessage {
    FeedMessage {
        quote: Some((bid, ask)),
        ..message(second, second)
    }
}

/// F-STR-01, F-STR-02: silence is stale, old venue times that keep coming are frozen; limits are
/// inclusive, and freshness is the venue's time, never that of receipt.
#[test]
fn a_feed_is_as_old_as_its_venue_says() {
    let mut feed = feed();
    assert_eq!(feed.state(A, at(0)), FeedState::Stale, "nothing came yet");
    feed.heard(A, &message(0, 0));
    for (second, state) in [
        (0, FeedState::Fresh),
        (5, FeedState::Fresh),
        (6, FeedState::Stale),
    ] {
        assert_eq!(feed.state(A, at(second)), state, "{second}");
    }
    // The last frame again and again: it looks alive.
    for second in 1..=20 {
        feed.heard(A, &message(0, second));
        let expected = if second <= 10 {
            FeedState::Fresh
        } else {
            FeedState::Frozen
        };
        assert_eq!(feed.state(A, at(second)), expected, "{second}");
    }
    assert_eq!(feed.age(A, at(20)), Span::from_seconds(20));
    assert_eq!(
        feed.state(B, at(20)),
        FeedState::Stale,
        "each stream for itself"
    );
    feed.heard(A, &message(21, 21));
    assert_eq!(feed.state(A, at(21)), FeedState::Fresh);
    let sequences = (1..=20).map(|_| feed.heard(B, &numbered(7, 0)));
    let admitted = sequences.filter(|a| *a == Admission::Take).count();
    assert_eq!((admitted, feed.counts(B).duplicates), (1, 19));
}

/// F-STR-05, F-STR-06: what a jump left out is missing until a snapshot, an older message replaces
/// nothing, and a crossed book is wrong until one that is not comes.
#[test]
fn holes_crossed_books_and_old_messages_are_told_apart() {
    let mut feed = feed();
    assert_eq!(feed.heard(A, &numbered(1, 0)), Admission::Take);
    assert_eq!(feed.heard(A, &numbered(2, 1)), Admission::Take);
    assert_eq!(feed.state(A, at(1)), FeedState::Fresh);
    assert_eq!(feed.heard(A, &numbered(5, 2)), Admission::Take);
    assert_eq!(feed.state(A, at(2)), FeedState::Gapped);
    assert_eq!(feed.heard(A, &numbered(3, 2)), Admission::OutOfOrder);
    assert_eq!(feed.heard(A, &numbered(6, 3)), Admission::Take);
    assert_eq!(
        feed.state(A, at(3)),
        FeedState::Gapped,
        "going on fills no hole"
    );
    let counts = feed.counts(A);
    assert_eq!((counts.missed, counts.out_of_order), (2, 1));
    let whole = FeedMessage {
        is_snapshot: true,
        ..numbered(9, 4)
    };
    assert_eq!(feed.heard(A, &whole), Admission::Take);
    assert_eq!(feed.state(A, at(4)), FeedState::Fresh);
    feed.reconnected(A);
    assert_eq!(feed.state(A, at(4)), FeedState::Gapped);

    for (bid, ask, state) in [
        (10.0, 10.1, FeedState::Fresh),
        (10.1, 10.1, FeedState::Crossed),
        (10.0, 10.1, FeedState::Fresh),
        (10.2, 10.1, FeedState::Crossed),
        (f64::NAN, 10.1, FeedState::Crossed),
        (10.0, f64::INFINITY, FeedState::Crossed),
        (0.0, 10.1, FeedState::Crossed),
        (10.0, 10.1, FeedState::Fresh),
    ] {
        feed.heard(B, &quoted(bid, ask, 5));
        assert_eq!(feed.state(B, at(5)), state, "{bid} {ask}");
    }
    // Without numbers the venue's time orders; what is older replaces nothing and uncrosses nothing.
    feed.heard(B, &quoted(11.0, 10.0, 6));
    assert_eq!(feed.heard(B, &quoted(10.0, 11.0, 5)), Admission::OutOfOrder);
    assert_eq!(feed.state(B, at(6)), FeedState::Crossed);
}

/// DAT-24: an instrument of which nothing comes past its limit is told of, once, and so is each change
/// of the others.
#[test]
fn dat_24_a_missing_feed_is_told_of() {
    let mut feed = feed();
    feed.heard(A, &message(0, 0));
    let told = |feed: &mut FeedHealth, second| {
        let changes = feed.look(at(second));
        let plain = changes.iter().map(|c| (c.instrument, c.alarm(), c.age));
        plain.collect::<Vec<(InstrumentId, &str, Span)>>()
    };
    let seconds = Span::from_seconds;
    assert_eq!(told(&mut feed, 1), [(A, "feed_recovered", seconds(1))]);
    assert_eq!(told(&mut feed, 5), []);
    assert_eq!(
        told(&mut feed, 6),
        [
            (A, "missing_feed", seconds(6)),
            (B, "missing_feed", seconds(6))
        ]
    );
    assert_eq!(told(&mut feed, 60), []);
    feed.heard(B, &message(60, 60));
    assert_eq!(told(&mut feed, 60), [(B, "feed_recovered", Span::ZERO)]);
    let never = FeedLimits {
        max_age: Span::ZERO,
        max_silence: seconds(1),
    };
    assert!(FeedHealth::new(never, 1, at(0)).is_err());
}

fn down(instrument: InstrumentId) -> HealthFact {
    HealthFact::FeedDown {
        instrument,
        reason: "frozen".into(),
    }
}

/// While a feed is sick its instrument only reduces: additions are refused by the control of the mode,
/// others trade on, an exit leaves, and the strategy's wish is met once the feed is well.
#[test]
fn a_sick_feed_adds_no_risk_and_lets_exits_leave() {
    let script = Scripted::new([
        (0, holding(&[(A, 10), (B, 10)])),
        (1, holding(&[(A, 4), (B, 10)])),
        (2, holding(&[(A, 10), (B, 10)])),
    ]);
    let mut d = Desk::new(&World::shares(2), script, &flat());
    let sent = d.trade(0);
    assert_eq!(sent.len(), 2);
    for (trade, intent) in (1..).zip(&sent) {
        d.fact(&execution(intent, trade, 10, "100"));
        d.persist();
    }
    d.step(Input::Health(&down(A)));
    assert_eq!(
        (d.kernel.mode(A), d.kernel.mode(B)),
        (Mode::ReduceOnly, Mode::Active)
    );
    assert!(d.alerts[0].to_string().contains("reason = frozen"));
    // An exit leaves.
    let exit = d.trade(1);
    assert_eq!(
        (exit.len(), exit[0].instrument, exit[0].side),
        (1, A, Side::Sell)
    );
    d.fact(&execution(&exit[0], 3, 6, "100"));
    d.persist();
    // An addition does not, and its verdict says why.
    assert!(d.trade(2).is_empty());
    let refused = d.log.records.iter().any(|record| {
        matches!(record, Record::Intent(r) if r.intent.instrument == A
            && r.intent.side == Side::Buy && r.verdict.denied_by().any(|c| c == Control::Mode))
    });
    assert!(refused, "{:?}", d.log.records);
    // Well again: nobody has to release anything.
    d.step(Input::Health(&HealthFact::FeedUp { instrument: A }));
    assert_eq!(d.kernel.mode(A), Mode::Active);
}

/// While the program is unwell every instrument only reduces: an exit leaves, an addition is refused by
/// the control of the mode, and a feed that is sick besides stays so after the program has recovered.
#[test]
fn an_unwell_program_adds_no_risk_and_lets_exits_leave() {
    let script = Scripted::new([
        (0, holding(&[(A, 10), (B, 10)])),
        (1, holding(&[(A, 4), (B, 20)])),
    ]);
    let mut d = Desk::new(&World::shares(2), script, &flat());
    for (trade, intent) in (1..).zip(&d.trade(0)) {
        d.fact(&execution(intent, trade, 10, "100"));
        d.persist();
    }
    let reason = "disk: 0.9 GB free".to_owned();
    d.step(Input::Health(&HealthFact::Unwell { reason }));
    assert_eq!(
        (d.kernel.mode(A), d.kernel.mode(B)),
        (Mode::ReduceOnly, Mode::ReduceOnly)
    );
    assert!(d.alerts[0].to_string().contains("disk: 0.9 GB free"));
    let left = d.trade(1);
    let sides: Vec<_> = left.iter().map(|i| (i.instrument, i.side)).collect();
    assert_eq!(sides, [(A, Side::Sell)]);
    d.fact(&execution(&left[0], 3, 6, "100"));
    d.persist();
    let refused = d.log.records.iter().any(|record| {
        matches!(record, Record::Intent(r) if r.intent.instrument == B
            && r.intent.side == Side::Buy && r.verdict.denied_by().any(|c| c == Control::Mode))
    });
    assert!(refused, "{:?}", d.log.records);
    d.step(Input::Health(&down(A)));
    d.step(Input::Health(&HealthFact::Recovered));
    assert_eq!(
        (d.kernel.mode(A), d.kernel.mode(B)),
        (Mode::ReduceOnly, Mode::Active)
    );
}
