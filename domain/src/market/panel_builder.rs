//! From the series of many instruments to one panel.

use super::action::{ActionKind, CorporateAction};
use super::bars::{Fields, PriceBasis, Series};
use super::lane::LaneState;
use super::panel::{FIELDS, LaneRow, Panel};
use crate::calendar::Calendar;
use crate::error::{Error, Result};
use crate::instrument::InstrumentId;
use crate::time::Timestamp;

/// Aligns the series of many instruments into one [`Panel`].
#[derive(Debug)]
pub struct PanelBuilder {
    fields: Fields,
    lanes: Vec<(Calendar, Series)>,
}

impl PanelBuilder {
    /// A builder for a panel that keeps `fields`.
    pub const fn new(fields: Fields) -> Self {
        Self {
            fields,
            lanes: Vec::new(),
        }
    }

    /// Adds the next lane; lanes are added in instrument order.
    pub fn lane(&mut self, calendar: Calendar, mut series: Series) -> &mut Self {
        series.actions.sort_by_key(|a| (a.at, a.kind.rank()));
        self.lanes.push((calendar, series));
        self
    }

    /// Builds the panel: one row a close time that any lane has.
    ///
    /// Before its first bar a lane is `NotListed`; a row it should have by its calendar is a
    /// `Hole`; a row outside its sessions is `Closed`; from a delisting on it is `Delisted`. An
    /// action takes effect in the first row that closes after it; an action before a lane's first
    /// bar does not concern us.
    ///
    /// # Errors
    /// `DataMissing` when a lane lacks a field or there is no bar at all; `DataValidation` when
    /// lanes mix price bases.
    pub fn build(self) -> Result<Panel> {
        let basis = self.lanes.first().map_or(PriceBasis::Raw, |(_, s)| s.basis);
        for (lane, (_, series)) in self.lanes.iter().enumerate() {
            let missing = self.fields.missing_from(series.bars.fields());
            if !missing.is_empty() {
                return Err(
                    Error::missing(format!("missing columns: {}", missing.join(", ")))
                        .context("lane", lane)
                        .hint(
                            "use data with these columns, or a strategy and fill point that do \
                           not need them",
                        ),
                );
            }
            if series.basis != basis {
                return Err(
                    Error::validation("raw and back-adjusted series cannot be mixed")
                        .context("lane", lane)
                        .hint("load all symbols with the same price basis"),
                );
            }
        }
        let mut rows: Vec<(Timestamp, Timestamp)> = Vec::new();
        for (_, series) in &self.lanes {
            rows.extend(
                series
                    .bars
                    .close_times()
                    .iter()
                    .copied()
                    .zip(series.bars.open_times().iter().copied()),
            );
        }
        // Sorted by close, then open: the first open of each close time is the row's open.
        rows.sort_unstable();
        rows.dedup_by_key(|(close, _)| *close);
        if rows.is_empty() {
            return Err(Error::missing("there is no bar in any series")
                .hint("check the symbols, the dates and the file"));
        }
        let mut panel = Panel::new(self.lanes.len(), self.fields, basis);
        panel.reserve(rows.len());
        let mut cursors = vec![Cursor::default(); self.lanes.len()];
        let mut row = vec![LaneRow::absent(LaneState::NotListed); self.lanes.len()];
        let mut actions = Vec::new();
        for (close_time, open_time) in rows {
            actions.clear();
            for (lane, (calendar, series)) in self.lanes.iter().enumerate() {
                row[lane] = cursors[lane].next(*calendar, series, close_time, |action| {
                    actions.push((InstrumentId::from_index(lane), action));
                })?;
            }
            panel.push_row(open_time, close_time, &row, &actions)?;
        }
        Ok(panel)
    }
}

/// How far one lane has been read.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    bar: usize,
    action: usize,
    delisted: bool,
}

impl Cursor {
    fn next(
        &mut self,
        calendar: Calendar,
        series: &Series,
        close_time: Timestamp,
        mut emit: impl FnMut(CorporateAction),
    ) -> Result<LaneRow> {
        let listed = series
            .bars
            .close_times()
            .first()
            .is_some_and(|first| *first <= close_time);
        while let Some(action) = series
            .actions
            .get(self.action)
            .filter(|a| a.at < close_time)
        {
            self.action += 1;
            // An action on the day of the first bar is already in that bar's price.
            if listed && self.bar > 0 {
                emit(*action);
                self.delisted |= action.kind == ActionKind::Delisting;
            }
        }
        if series.bars.close_times().get(self.bar) == Some(&close_time) {
            let values =
                FIELDS.map(|f| series.bars.column(f).get(self.bar).copied().unwrap_or(0.0));
            self.bar += 1;
            let state = if self.delisted {
                LaneState::Delisted
            } else {
                LaneState::Present
            };
            return Ok(LaneRow { state, values });
        }
        Ok(LaneRow::absent(if self.delisted {
            LaneState::Delisted
        } else if !listed {
            LaneState::NotListed
        } else if calendar.closes_at(close_time)? {
            LaneState::Hole
        } else {
            LaneState::Closed
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Bar, Bars, Field, SplitRatio};

    fn day(n: i64) -> Timestamp {
        Timestamp::from_seconds(n * 86_400).unwrap()
    }

    fn series(first: i64, closes: &[f64]) -> Series {
        let mut bars = Bars::new(Fields::ALL);
        for (n, close) in (first..).zip(closes) {
            let c = *close;
            let bar = Bar {
                open_time: day(n),
                close_time: day(n + 1),
                open: c,
                high: c,
                low: c,
                close: c,
                volume: 1.0,
            };
            bars.push(&bar).unwrap();
        }
        Series {
            bars,
            ..Series::default()
        }
    }

    fn build(lanes: Vec<Series>) -> Panel {
        let mut builder = PanelBuilder::new(Fields::ALL);
        for lane in lanes {
            builder.lane(Calendar::Utc24x7, lane);
        }
        builder.build().unwrap()
    }

    const A: InstrumentId = InstrumentId(0);
    const B: InstrumentId = InstrumentId(1);

    #[test]
    fn lanes_are_not_listed_then_present_then_holes() {
        let panel = build(vec![
            series(0, &[10.0, 11.0, 12.0, 13.0]),
            series(1, &[20.0, 21.0]),
        ]);
        let states: Vec<_> = panel.slices().map(|s| s.state(B)).collect();
        use LaneState::{Hole, NotListed, Present};
        assert_eq!(states, [NotListed, Present, Present, Hole]);
        let last = panel.slice(3).unwrap();
        assert_eq!((last.close(B), last.last_close(B)), (None, Some(21.0)));
        assert_eq!(panel.slice(0).unwrap().last_close(B), None);
    }

    #[test]
    fn the_total_return_factor_is_forward_and_follows_the_vendor_rule() {
        let mut a = series(0, &[100.0, 102.0, 50.5, 51.0]);
        a.actions = vec![
            CorporateAction {
                at: day(1),
                kind: ActionKind::Dividend("1.02".parse().unwrap()),
            },
            CorporateAction {
                at: day(2),
                kind: ActionKind::Split(SplitRatio { new: 2, old: 1 }),
            },
        ];
        let panel = build(vec![a.clone()]);
        let index: Vec<f64> = panel
            .slices()
            .map(|s| s.total_return(A, Field::Close).unwrap())
            .collect();
        assert_eq!(index[0], 100.0);
        assert!((index[1] / index[0] - (102.0 + 1.02) / 100.0).abs() < 1e-15);
        assert!((index[2] / index[1] - 50.5 * 2.0 / 102.0).abs() < 1e-15);
        // Without the last row nothing before it changes.
        let mut shorter = series(0, &[100.0, 102.0, 50.5]);
        shorter.actions = a.actions;
        let cut = build(vec![shorter]);
        for (long, short) in panel.slices().zip(cut.slices()) {
            assert_eq!(
                long.total_return(A, Field::Close),
                short.total_return(A, Field::Close)
            );
        }
    }

    #[test]
    fn a_dividend_on_a_day_without_a_bar_waits_for_the_next_close() {
        // Ex on day 1, which has no bar; a split on day 2, which has none either.
        let mut a = series(0, &[100.0]);
        for (n, close) in [(3, 45.0), (4, 45.9)] {
            a.bars.append(&series(n, &[close]).bars).unwrap();
        }
        a.actions = vec![
            CorporateAction {
                at: day(1),
                kind: ActionKind::Dividend(rust_decimal::Decimal::TEN),
            },
            CorporateAction {
                at: day(2),
                kind: ActionKind::Split(SplitRatio { new: 2, old: 1 }),
            },
        ];
        let panel = build(vec![a, series(0, &[7.0; 5])]);
        let index: Vec<_> = panel
            .slices()
            .map(|s| s.total_return(A, Field::Close))
            .collect();
        assert_eq!(index[..3], [Some(100.0), None, None]);
        // Two new units at 45 and ten in cash: nothing was earned.
        assert!((index[3].unwrap() - 100.0).abs() < 1e-12, "{index:?}");
        assert!((index[4].unwrap() - 102.0).abs() < 1e-12, "{index:?}");
        assert_eq!(
            panel.slice(4).unwrap().total_return(B, Field::Close),
            Some(7.0)
        );
    }

    #[test]
    fn mixed_bases_and_missing_columns_are_refused() {
        let mut adjusted = series(0, &[1.0]);
        adjusted.basis = PriceBasis::BackAdjusted;
        let mut builder = PanelBuilder::new(Fields::ALL);
        builder
            .lane(Calendar::Utc24x7, series(0, &[1.0]))
            .lane(Calendar::Utc24x7, adjusted);
        assert!(
            builder
                .build()
                .unwrap_err()
                .to_string()
                .contains("cannot be mixed")
        );
        let mut builder = PanelBuilder::new(Fields::ALL);
        let mut bars = Bars::new(Fields::CLOSE);
        bars.append(&Bars::new(Fields::CLOSE)).unwrap();
        builder.lane(
            Calendar::Utc24x7,
            Series {
                bars,
                ..Series::default()
            },
        );
        let e = builder.build().unwrap_err().to_string();
        assert!(
            e.contains("missing columns: open, high, low, volume"),
            "{e}"
        );
    }

    #[test]
    fn a_slice_cannot_reach_a_later_row() {
        let panel = build(vec![series(0, &[1.0, 2.0, 3.0])]);
        let middle = panel.slice(1).unwrap();
        assert_eq!(middle.times().len(), 2);
        assert_eq!(middle.earlier(1).unwrap().close(A), Some(1.0));
        assert!(middle.earlier(2).is_none());
    }
}
