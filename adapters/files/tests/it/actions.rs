//! Corporate actions from their file.

use ballast_domain::market::{ActionKind, CorporateAction, SplitRatio};
use ballast_files::{CsvMarketData, CsvOptions};

use crate::{bytes, options, refusal};

const BARS: &str = "symbol,date,open,high,low,close,volume\nA,2020-01-01,1,1,1,1,0\n\
                    A,2020-01-02,1,1,1,1,0\nB,2020-01-01,1,1,1,1,0\n";

fn with(actions: &str) -> CsvOptions {
    CsvOptions {
        actions: Some(bytes(
            "actions.csv",
            format!("Date,Symbol,Kind,Value\n{actions}"),
        )),
        ..options("x.csv", BARS)
    }
}

#[test]
fn actions_reach_their_symbol_in_time_order_at_the_session_open() {
    let data = CsvMarketData::open(&with(
        "2020-01-03,A,delisting,\n2020-01-02,A,split,1.5\n2020-01-02,A,dividend,0.25\n",
    ))
    .unwrap();
    let at = |text: &str| text.parse().unwrap();
    assert_eq!(
        data.series("A").unwrap().actions,
        [
            CorporateAction {
                at: at("2020-01-02T00:00:00Z"),
                kind: ActionKind::Split(SplitRatio { new: 3, old: 2 })
            },
            CorporateAction {
                at: at("2020-01-02T00:00:00Z"),
                kind: ActionKind::Dividend("0.25".parse().unwrap())
            },
            CorporateAction {
                at: at("2020-01-03T00:00:00Z"),
                kind: ActionKind::Delisting
            },
        ]
    );
    assert!(data.series("B").unwrap().actions.is_empty());
    assert_eq!(data.inventory().symbols["A"].actions, 3);
}

#[test]
fn actions_that_cannot_be_meant_are_refused() {
    for (row, text) in [
        ("2020-01-02,C,split,2\n", "there are no bars of this symbol"),
        (
            "2020-01-02,A,merger,2\n",
            "use split, dividend or delisting",
        ),
        ("2020-01-02,A,split,two\n", "a split has no ratio"),
        ("2020-01-02,A,split,0\n", "split ratio 0 is not usable"),
        ("2020-01-02,A,dividend,-1\n", "a dividend is not above zero"),
        ("2020-01-02,A,delisting,5\n", "leave the value empty"),
        ("2020-13-02,A,split,2\n", "not a date"),
        ("1/2/2020,A,split,2\n", "set date_format"),
        (
            "2020-01-02,A,split,2\n2020-01-02,A,split,2\n",
            "there twice",
        ),
    ] {
        let e = refusal(&with(row));
        assert!(
            e.contains(text) && e.contains("actions.csv line"),
            "{row}: {e}"
        );
    }
    let no_kind = CsvOptions {
        actions: Some(bytes("actions.csv", "date,symbol,value\n")),
        ..options("x.csv", BARS)
    };
    let e = refusal(&no_kind);
    assert!(
        e.contains("column 'kind' is missing; found: date, symbol, value"),
        "{e}"
    );
}
