//! The calendars against their source, against independent holiday rules, and at their edges.

use ballast_domain::calendar::{Calendar, Session};
use ballast_domain::error::ErrorKind;
use ballast_domain::time::{Span, Timestamp};
use chrono::{Datelike, Days, NaiveDate, Weekday};
use proptest::prelude::*;

use Calendar::{UsEquities, Utc24x7};

/// Sessions of each year from 1990 to 2035: exchange_calendars 4.13.2, XNYS, by
/// `python xtask/scripts/us_equities_calendar.py --reference`, as the two constants below.
const SESSIONS_A_YEAR: [usize; 46] = [
    253, 253, 254, 253, 252, 252, 254, 253, 252, 252, 252, 248, 252, 252, 252, 252, 251, 251, 253,
    252, 252, 252, 250, 252, 252, 252, 252, 251, 251, 252, 253, 252, 251, 250, 252, 250, 251, 251,
    251, 251, 251, 251, 252, 251, 250, 251,
];

/// Five random sessions a decade with open and close in UTC.
const HOURS: [(&str, &str, &str); 25] = [
    ("1995-12-01", "14:30", "21:00"),
    ("1995-12-14", "14:30", "21:00"),
    ("1996-05-16", "13:30", "20:00"),
    ("1997-06-25", "13:30", "20:00"),
    ("1997-07-07", "13:30", "20:00"),
    ("2002-05-20", "13:30", "20:00"),
    ("2006-11-09", "14:30", "21:00"),
    ("2008-02-15", "14:30", "21:00"),
    ("2009-02-11", "14:30", "21:00"),
    ("2009-09-17", "13:30", "20:00"),
    ("2010-04-06", "13:30", "20:00"),
    ("2012-11-20", "14:30", "21:00"),
    ("2013-02-14", "14:30", "21:00"),
    ("2018-07-12", "13:30", "20:00"),
    ("2019-06-14", "13:30", "20:00"),
    ("2020-04-28", "13:30", "20:00"),
    ("2021-05-25", "13:30", "20:00"),
    ("2024-12-09", "14:30", "21:00"),
    ("2025-11-03", "14:30", "21:00"),
    ("2028-04-17", "13:30", "20:00"),
    ("2030-10-30", "13:30", "20:00"),
    ("2032-09-27", "13:30", "20:00"),
    ("2034-08-08", "13:30", "20:00"),
    ("2035-08-02", "13:30", "20:00"),
    ("2035-10-31", "13:30", "20:00"),
];

/// FNV-1a over the opens and closes of all 11,577 sessions as little-endian i64 seconds.
const DIGEST: u64 = 0x0219_f7ce_f7c2_a2ad;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn ymd(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn session(calendar: Calendar, day: &str) -> Session {
    let session = calendar.session(date(day)).unwrap();
    session.unwrap_or_else(|| panic!("{calendar} is closed on {day}"))
}

fn covered_days() -> impl Iterator<Item = NaiveDate> {
    let (first, last) = UsEquities.coverage();
    first.iter_days().take_while(move |day| *day <= last)
}

#[test]
fn every_year_has_the_sessions_of_the_source() {
    for (year, expected) in (1990..).zip(SESSIONS_A_YEAR) {
        let sessions = UsEquities
            .sessions(ymd(year, 1, 1), ymd(year, 12, 31))
            .unwrap();
        assert_eq!(sessions.count(), expected, "{year}");
    }
}

#[test]
fn every_open_and_close_is_that_of_the_source() {
    let (first, last) = UsEquities.coverage();
    let sessions = UsEquities.sessions(first, last).unwrap();
    let mut digest: u64 = 0xcbf2_9ce4_8422_2325;
    for t in sessions
        .clone()
        .flat_map(|session| [session.open, session.close])
    {
        for byte in (t.nanos() / 1_000_000_000).to_le_bytes() {
            digest = (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!(sessions.count(), 11_577);
    assert_eq!(digest, DIGEST);
    for (day, open, close) in HOURS {
        let session = session(UsEquities, day);
        assert_eq!(
            session.open,
            format!("{day}T{open}:00Z").parse().unwrap(),
            "{day}"
        );
        assert_eq!(
            session.close,
            format!("{day}T{close}:00Z").parse().unwrap(),
            "{day}"
        );
    }
}

#[test]
fn one_off_closures_are_closed_and_named() {
    for (day, occasion) in [
        ("1994-04-27", "Nixon"),
        ("2001-09-11", "September 11"),
        ("2001-09-12", "September 11"),
        ("2001-09-13", "September 11"),
        ("2001-09-14", "September 11"),
        ("2004-06-11", "Reagan"),
        ("2007-01-02", "Ford"),
        ("2012-10-29", "Sandy"),
        ("2012-10-30", "Sandy"),
        ("2018-12-05", "Bush"),
        ("2025-01-09", "Carter"),
    ] {
        assert_eq!(UsEquities.session(date(day)).unwrap(), None, "{day}");
        let name = UsEquities.holiday_name(date(day)).unwrap().unwrap();
        assert!(name.contains(occasion), "{day}: {name}");
    }
    assert!(UsEquities.is_session(date("2001-09-10")).unwrap());
    assert!(UsEquities.is_session(date("2001-09-17")).unwrap());
}

#[test]
fn early_closes_keep_their_local_hour_in_summer_and_winter() {
    for (day, close) in [
        ("1990-12-24", "19:00"),
        ("1992-11-27", "19:00"),
        ("1993-11-26", "18:00"),
        ("1996-07-05", "17:00"),
        ("1997-12-26", "18:00"),
        ("1999-12-31", "18:00"),
        ("2003-12-26", "18:00"),
        ("2012-07-03", "17:00"),
        ("2013-07-03", "17:00"),
        ("2024-11-29", "18:00"),
        ("2035-07-03", "17:00"),
    ] {
        let close = format!("{day}T{close}:00Z").parse().unwrap();
        assert_eq!(
            UsEquities.early_close(date(day)).unwrap(),
            Some(close),
            "{day}"
        );
        assert_eq!(session(UsEquities, day).close, close, "{day}");
    }
    for regular in [
        "1990-11-23",
        "1993-12-23",
        "2012-07-05",
        "2020-07-02",
        "2025-12-26",
    ] {
        assert_eq!(
            UsEquities.early_close(date(regular)).unwrap(),
            None,
            "{regular}"
        );
        let length = session(UsEquities, regular).length();
        assert_eq!(length, Span::from_seconds(6 * 3600 + 1800), "{regular}");
    }
    assert_eq!(
        UsEquities.early_close(date("2024-12-25")).unwrap(),
        None,
        "closed all day"
    );
    assert_eq!(Utc24x7.early_close(date("2024-12-24")).unwrap(), None);
}

/// The holiday rules written a second time, straight from their statutes and the exchange's Rule
/// 7.2: name of the holiday that closes the exchange on the weekday `day`.
fn holiday_by_rule(day: NaiveDate) -> Option<&'static str> {
    let nth =
        |month, weekday, n| NaiveDate::from_weekday_of_month_opt(day.year(), month, weekday, n);
    // Saturday holidays close the Friday before, Sunday holidays the Monday after.
    let observed = |month, dom| {
        let holiday = ymd(day.year(), month, dom);
        match holiday.weekday() {
            Weekday::Sat => holiday - Days::new(1),
            Weekday::Sun => holiday + Days::new(1),
            _ => holiday,
        }
    };
    let last_monday_of_may = nth(5, Weekday::Mon, 5).or_else(|| nth(5, Weekday::Mon, 4));
    let new_year = ymd(day.year(), 1, 1);
    // Except that a Saturday New Year's Day closes nothing: the Friday ends a year's accounts.
    let new_year = (new_year.weekday() != Weekday::Sat).then(|| observed(1, 1));
    [
        (new_year, "New Year's Day", 1990),
        (nth(1, Weekday::Mon, 3), "Martin Luther King Jr. Day", 1998),
        (nth(2, Weekday::Mon, 3), "Washington's Birthday", 1990),
        (Some(easter(day.year()) - Days::new(2)), "Good Friday", 1990),
        (last_monday_of_may, "Memorial Day", 1990),
        (Some(observed(6, 19)), "Juneteenth", 2022),
        (Some(observed(7, 4)), "Independence Day", 1990),
        (nth(9, Weekday::Mon, 1), "Labor Day", 1990),
        (nth(11, Weekday::Thu, 4), "Thanksgiving Day", 1990),
        (Some(observed(12, 25)), "Christmas Day", 1990),
    ]
    .into_iter()
    .find(|(holiday, _, since)| *holiday == Some(day) && *since <= day.year())
    .map(|(_, name, _)| name)
}

/// Easter Sunday by Gauss's method with the constants of 1900 to 2099.
fn easter(year: i32) -> NaiveDate {
    let (a, b, c) = (year % 19, year % 4, year % 7);
    let d = (19 * a + 24) % 30;
    let e = (2 * b + 4 * c + 6 * d + 5) % 7;
    let mut days = d + e;
    if days == 35 || (days == 34 && d == 28 && a > 10) {
        days -= 7;
    }
    ymd(year, 3, 22) + Days::new(u64::from(days.unsigned_abs()))
}

#[test]
fn easter_falls_on_known_sundays() {
    for known in [
        "1990-04-15",
        "2008-03-23",
        "2011-04-24",
        "2024-03-31",
        "2035-03-25",
    ] {
        assert_eq!(easter(date(known).year()), date(known));
    }
}

#[test]
fn the_table_agrees_with_the_holiday_rules_on_every_day() {
    let mut special = 0;
    for day in covered_days() {
        let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        let (open, name) = (
            UsEquities.is_session(day).unwrap(),
            UsEquities.holiday_name(day).unwrap(),
        );
        assert_eq!(open, UsEquities.session(day).unwrap().is_some(), "{day}");
        assert_eq!(open, !weekend && name.is_none(), "{day}");
        if !weekend && !open && holiday_by_rule(day).is_none() {
            special += 1;
        } else {
            assert_eq!(name, holiday_by_rule(day), "{day}");
        }
    }
    assert_eq!(special, 11, "closures no rule explains");
}

#[test]
fn open_is_in_the_session_and_close_is_not() {
    let friday = session(UsEquities, "2024-03-08");
    let containing = |t| UsEquities.session_containing(t).unwrap();
    let tick = Span::from_nanos(1);
    assert_eq!(containing(friday.open), Some(friday));
    assert_eq!(containing(friday.close - tick), Some(friday));
    assert_eq!(containing(friday.open - tick), None);
    assert_eq!(containing(friday.close), None);
    assert_eq!(
        containing("2024-03-09T15:00:00Z".parse().unwrap()),
        None,
        "Saturday"
    );

    let midnight: Timestamp = "2024-03-09T00:00:00Z".parse().unwrap();
    let (before, after) = (midnight - tick, midnight);
    for (t, day) in [(before, "2024-03-08"), (after, "2024-03-09")] {
        assert_eq!(
            Utc24x7.session_containing(t).unwrap(),
            Some(session(Utc24x7, day))
        );
    }
}

#[test]
fn utc_days_are_24_hours_and_adjoin() {
    let leap = session(Utc24x7, "2024-02-29");
    assert_eq!(leap.open.to_string(), "2024-02-29T00:00:00.000000000Z");
    assert_eq!(leap.length(), Span::from_days(1));
    assert_eq!(Utc24x7.next_session(leap.date).unwrap().open, leap.close);
    assert_eq!(
        Utc24x7.previous_session(leap.date).unwrap().close,
        leap.open
    );
    assert_eq!(Utc24x7.holiday_name(date("2024-12-25")).unwrap(), None);
}

#[test]
fn neighbours_skip_closed_days() {
    for (day, previous, next) in [
        ("2001-09-11", "2001-09-10", "2001-09-17"),
        ("2001-09-10", "2001-09-07", "2001-09-17"),
        ("2024-03-30", "2024-03-28", "2024-04-01"),
        ("2007-01-01", "2006-12-29", "2007-01-03"),
    ] {
        let day = date(day);
        assert_eq!(
            UsEquities.previous_session(day).unwrap().date,
            date(previous),
            "{day}"
        );
        assert_eq!(
            UsEquities.next_session(day).unwrap().date,
            date(next),
            "{day}"
        );
    }
}

#[test]
fn month_and_week_ends_are_sessions() {
    for (day, month, week) in [
        ("2024-03-28", true, true), // Thursday before Good Friday, which ends the quarter
        ("2024-03-29", false, false), // Good Friday itself
        ("2024-05-31", true, true),
        ("2024-05-30", false, false),
        ("2002-08-30", true, true), // the 31st is a Saturday
        ("1999-12-31", true, true), // closed early, still a session
        ("2012-10-26", false, true),
        ("2012-10-31", true, false), // opened after the storm on the last day of the month
        ("2001-09-10", false, true), // a week of one session
    ] {
        let day = date(day);
        assert_eq!(
            UsEquities.is_last_session_of_month(day).unwrap(),
            month,
            "{day}"
        );
        assert_eq!(
            UsEquities.is_last_session_of_week(day).unwrap(),
            week,
            "{day}"
        );
    }
    for (day, month, week) in [("2024-02-29", true, false), ("2024-03-03", false, true)] {
        assert_eq!(Utc24x7.is_last_session_of_month(date(day)).unwrap(), month);
        assert_eq!(Utc24x7.is_last_session_of_week(date(day)).unwrap(), week);
    }
}

#[test]
fn every_month_ends_once() {
    let ends = covered_days().filter(|day| UsEquities.is_last_session_of_month(*day).unwrap());
    assert_eq!(ends.count(), 46 * 12);
}

#[test]
fn dates_outside_the_table_are_refused_with_the_range() {
    let (first, last) = UsEquities.coverage();
    let (before, after) = (date("1989-12-29"), date("2036-01-02"));
    assert_eq!((first, last), (date("1990-01-01"), date("2035-12-31")));
    let errors = [
        UsEquities.session(before).unwrap_err(),
        UsEquities.session(after).unwrap_err(),
        UsEquities.is_session(after).unwrap_err(),
        UsEquities.session_containing(Timestamp::EPOCH).unwrap_err(),
        UsEquities.sessions(before, last).err().unwrap(),
        UsEquities.sessions(first, after).err().unwrap(),
        UsEquities.next_session(before).unwrap_err(),
        UsEquities.next_session(last).unwrap_err(),
        UsEquities.previous_session(after).unwrap_err(),
        UsEquities.previous_session(date("1990-01-02")).unwrap_err(),
        UsEquities.is_last_session_of_month(after).unwrap_err(),
        // A Monday: the sessions of the rest of its week are not known.
        UsEquities.is_last_session_of_week(last).unwrap_err(),
        UsEquities.early_close(after).unwrap_err(),
        UsEquities.holiday_name(before).unwrap_err(),
        Utc24x7.session(NaiveDate::MIN).unwrap_err(),
        Utc24x7.session(NaiveDate::MAX).unwrap_err(),
    ];
    for e in errors {
        assert_eq!(*e.kind, ErrorKind::DataMissing, "{e}");
        assert!(
            e.hint.is_some() && e.message.contains("does not cover"),
            "{e}"
        );
    }
    assert_eq!(
        UsEquities.session(after).unwrap_err().to_string(),
        "calendar us_equities does not cover 2036-01-02 (first = 1990-01-01, last = 2035-12-31); \
         hint: shorten the date range, or extend the calendar's data table; holidays outside it \
         are not guessed"
    );
    assert_eq!(
        UsEquities.previous_session(last).unwrap().date,
        date("2035-12-28")
    );
    assert!(UsEquities.is_last_session_of_month(last).unwrap());
}

#[test]
fn the_edges_of_utc_days_are_exact() {
    let (first, last) = Utc24x7.coverage();
    for day in [first, last] {
        let session = Utc24x7.session(day).unwrap().unwrap();
        assert_eq!(session.length(), Span::from_days(1), "{day}");
    }
    assert!(Utc24x7.session(first - Days::new(1)).is_err());
    assert!(Utc24x7.session(last + Days::new(1)).is_err());
}

#[test]
fn inverted_ranges_are_empty() {
    let mut sessions = UsEquities
        .sessions(date("2024-06-03"), date("2024-05-31"))
        .unwrap();
    assert_eq!(sessions.next(), None);
}

#[test]
fn names_round_trip_and_unknown_ones_teach() {
    for (calendar, annualisation) in Calendar::ALL.into_iter().zip([365.0_f64, 252.0]) {
        assert_eq!(calendar.to_string().parse::<Calendar>().unwrap(), calendar);
        let json = serde_json::to_string(&calendar).unwrap();
        assert_eq!(json, format!("\"{calendar}\""));
        assert_eq!(serde_json::from_str::<Calendar>(&json).unwrap(), calendar);
        assert_eq!(calendar.annualisation().to_bits(), annualisation.to_bits());
    }
    for (typed, hint) in [
        ("us_equity", "did you mean 'us_equities'?"),
        ("NYSE", "did you mean 'us_equities'?"),
        ("crypto", "did you mean 'utc_24x7'?"),
        ("24/7", "did you mean 'utc_24x7'?"),
        ("lse", "use one of utc_24x7, us_equities"),
    ] {
        let e = typed.parse::<Calendar>().unwrap_err();
        assert_eq!(*e.kind, ErrorKind::Configuration);
        assert_eq!(e.hint.as_deref(), Some(hint), "{typed}");
        assert!(
            e.to_string().contains("available = utc_24x7, us_equities"),
            "{e}"
        );
    }
}

proptest! {
    /// From any covered day, stepping forward and back returns to the same session.
    #[test]
    fn next_and_previous_are_inverse(offset in 10_u64..16_700, crypto: bool) {
        let calendar = if crypto { Utc24x7 } else { UsEquities };
        let day = UsEquities.coverage().0 + Days::new(offset);
        let next = calendar.next_session(day).unwrap();
        let previous = calendar.previous_session(next.date).unwrap();
        prop_assert!(previous.date <= day && day < next.date);
        prop_assert!(previous.close <= next.open && previous.open < previous.close);
        prop_assert_eq!(calendar.session_containing(next.open).unwrap(), Some(next));
        let between = calendar.sessions(previous.date, next.date).unwrap();
        prop_assert!(between.eq([previous, next]));
    }
}
