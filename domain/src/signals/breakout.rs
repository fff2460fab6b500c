//! Breakout: in at a new high or low of many bars, out at the opposite extreme of more bars.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::indicators::state::{StateReader, StateWriter, Tag};
use crate::indicators::{RollingMax, RollingMin, require_period};

const TAG: Tag = *b"breakout";

/// What is held after a bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakoutState {
    /// Nothing.
    #[default]
    Flat,
    /// A long position.
    Long,
    /// A short position.
    Short,
}

/// What a bar did to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakoutLabel {
    /// Flat, with fewer than `entry` bars before this one.
    NotReady,
    /// Flat, and the close is inside the entry range.
    Neutral,
    /// Flat to long: the close is above the highest high.
    Long,
    /// Flat to short: the close is below the lowest low.
    Short,
    /// Long, and staying.
    HoldLong,
    /// Short, and staying.
    HoldShort,
    /// Long to flat: the close is below the lowest low of the exit window.
    ExitLong,
    /// Short to flat: the close is above the highest high of the exit window.
    ExitShort,
}

impl BreakoutLabel {
    /// All labels, in the order of their codes in a saved state.
    pub const ALL: [Self; 8] = [
        Self::NotReady,
        Self::Neutral,
        Self::Long,
        Self::Short,
        Self::HoldLong,
        Self::HoldShort,
        Self::ExitLong,
        Self::ExitShort,
    ];

    /// Stable snake_case name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotReady => "not_ready",
            Self::Neutral => "neutral",
            Self::Long => "long",
            Self::Short => "short",
            Self::HoldLong => "hold_long",
            Self::HoldShort => "hold_short",
            Self::ExitLong => "exit_long",
            Self::ExitShort => "exit_short",
        }
    }

    /// What is held after the bar.
    pub const fn state(self) -> BreakoutState {
        match self {
            Self::Long | Self::HoldLong => BreakoutState::Long,
            Self::Short | Self::HoldShort => BreakoutState::Short,
            Self::NotReady | Self::Neutral | Self::ExitLong | Self::ExitShort => {
                BreakoutState::Flat
            }
        }
    }
}

/// The breakout state machine of one instrument, for both sides or for longs alone.
///
/// The close is compared with the extremes of the `entry` (or `exit`) bars before it, highs for the
/// upper and lows for the lower one; the bar itself is not among them. Comparisons are strict: a
/// close equal to an extreme does nothing. One transition a bar, so an exit is never a reversal.
///
/// Every comparison needs its full window. Before `entry` earlier bars there is no entry
/// (`NotReady`). When `exit` is longer than `entry`, a position can be opened before `exit` earlier
/// bars exist; until they do it is held, because the extreme of a shorter window would be a tighter
/// exit than the one asked for.
///
/// A machine for longs alone stays flat where the other goes short. It is not the same as ignoring
/// the other's shorts: that one must leave its short before it can enter a long, at a later bar.
#[derive(Clone, Debug)]
pub struct Breakout {
    state: BreakoutState,
    shorts: bool,
    entry_high: RollingMax,
    entry_low: RollingMin,
    exit_high: RollingMax,
    exit_low: RollingMin,
}

impl Breakout {
    /// A flat machine for both sides with windows of `entry` and `exit` bars; 50 and 70 are the
    /// usual ones.
    ///
    /// # Errors
    /// When a window is 0.
    pub fn new(entry: usize, exit: usize) -> Result<Self> {
        Self::with_shorts(entry, exit, true)
    }

    /// A flat machine for longs alone.
    ///
    /// # Errors
    /// When a window is 0.
    pub fn long_only(entry: usize, exit: usize) -> Result<Self> {
        Self::with_shorts(entry, exit, false)
    }

    fn with_shorts(entry: usize, exit: usize, shorts: bool) -> Result<Self> {
        require_period("breakout entry", entry, 1)?;
        require_period("breakout exit", exit, 1)?;
        Ok(Self {
            state: BreakoutState::Flat,
            shorts,
            entry_high: RollingMax::new(entry)?,
            entry_low: RollingMin::new(entry)?,
            exit_high: RollingMax::new(exit)?,
            exit_low: RollingMin::new(exit)?,
        })
    }

    /// Takes the next bar and says what it did.
    #[inline]
    pub fn update(&mut self, high: f64, low: f64, close: f64) -> BreakoutLabel {
        let label = match self.state {
            BreakoutState::Flat => match (self.entry_high.value(), self.entry_low.value()) {
                (Some(highest), _) if close > highest => BreakoutLabel::Long,
                (_, Some(lowest)) if self.shorts && close < lowest => BreakoutLabel::Short,
                (Some(_), Some(_)) => BreakoutLabel::Neutral,
                _ => BreakoutLabel::NotReady,
            },
            BreakoutState::Long => match self.exit_low.value() {
                Some(lowest) if close < lowest => BreakoutLabel::ExitLong,
                _ => BreakoutLabel::HoldLong,
            },
            BreakoutState::Short => match self.exit_high.value() {
                Some(highest) if close > highest => BreakoutLabel::ExitShort,
                _ => BreakoutLabel::HoldShort,
            },
        };
        self.state = label.state();
        self.entry_high.update(high);
        self.exit_high.update(high);
        self.entry_low.update(low);
        self.exit_low.update(low);
        label
    }

    /// What is held after the latest bar.
    #[inline]
    pub fn state(&self) -> BreakoutState {
        self.state
    }

    /// What the next close must rise above or fall below to enter: the highest high and the lowest
    /// low of the latest `entry` bars; `None` before that many.
    #[inline]
    pub fn entry_levels(&self) -> Option<(f64, f64)> {
        self.entry_high.value().zip(self.entry_low.value())
    }

    /// The number of bars looked back at for an entry.
    pub fn entry(&self) -> usize {
        self.entry_high.period()
    }

    /// The number of bars looked back at for an exit.
    pub fn exit(&self) -> usize {
        self.exit_high.period()
    }

    /// The bar at which the first entry is possible, counted from 1.
    pub fn warm_up(&self) -> usize {
        self.entry() + 1
    }

    /// Everything [`Breakout::restore`] needs to continue with the same labels.
    pub fn save(&self) -> Vec<u64> {
        let mut writer = StateWriter::new();
        writer.header(TAG, 1);
        writer.bool(self.shorts);
        writer.u64(match self.state {
            BreakoutState::Flat => 0,
            BreakoutState::Long => 1,
            BreakoutState::Short => 2,
        });
        writer.words(&self.entry_high.save());
        writer.words(&self.entry_low.save());
        writer.words(&self.exit_high.save());
        writer.words(&self.exit_low.save());
        writer.finish()
    }

    /// Continues where `words` were saved.
    ///
    /// # Errors
    /// When the words belong to something else, to other windows, sides or another layout, or are damaged;
    /// nothing is changed then.
    pub fn restore(&mut self, words: &[u64]) -> Result<()> {
        let mut restored = self.clone();
        let mut reader = StateReader::new(words);
        reader.header(TAG, 1)?;
        reader.parameter("shorts", usize::from(self.shorts))?;
        restored.state = match reader.u64()? {
            0 => BreakoutState::Flat,
            1 => BreakoutState::Long,
            2 => BreakoutState::Short,
            word => {
                return Err(Error::signal("the saved breakout is in no known state")
                    .context("state", word)
                    .hint("the state is damaged; start fresh and warm up again"));
            }
        };
        restored.entry_high.restore(reader.words()?)?;
        restored.entry_low.restore(reader.words()?)?;
        restored.exit_high.restore(reader.words()?)?;
        restored.exit_low.restore(reader.words()?)?;
        reader.finish()?;
        *self = restored;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::BreakoutLabel::*;
    use super::*;

    /// Feeds `(high, low, close, label)` rows and checks each label.
    fn check(entry: usize, exit: usize, rows: &[(f64, f64, f64, BreakoutLabel)]) {
        let mut breakout = Breakout::new(entry, exit).unwrap();
        for (i, &(high, low, close, expected)) in rows.iter().enumerate() {
            let label = breakout.update(high, low, close);
            assert_eq!(label, expected, "row {i}");
            assert_eq!(breakout.state(), expected.state(), "row {i}");
        }
    }

    /// SIG-01: every row of the transition table, strictness at equality, no same-bar reversal.
    #[test]
    fn sig_01_series_reproduces_the_transition_table() {
        check(
            2,
            3,
            &[
                (11.0, 9.0, 10.0, NotReady),
                (12.0, 8.0, 10.0, NotReady),
                // Highs 11, 12, then lows 8, 9: equal to the extreme is inside the range.
                (12.0, 9.0, 12.0, Neutral),
                (12.0, 8.0, 8.0, Neutral),
                // Highs 12, 12: strictly above enters.
                (13.0, 11.0, 12.5, Long),
                // Exit lows 9, 8, 11, then 8, 11, 9: above the lowest holds, and so does equal.
                (13.0, 9.0, 9.0, HoldLong),
                (12.0, 8.0, 8.0, HoldLong),
                // Exit lows 11, 9, 8: out. Below the entry lows 9, 8 too, yet no short on this bar.
                (11.0, 5.0, 5.0, ExitLong),
                // Entry lows 8, 5: flat now, so the entry is judged; equal again.
                (7.0, 5.0, 5.0, Neutral),
                (6.0, 4.0, 4.5, Short),
                // Exit highs 11, 7, 6, then 7, 6, 11: equal to the highest holds, and so does below.
                (11.0, 4.0, 11.0, HoldShort),
                (11.0, 5.0, 8.0, HoldShort),
                // Exit highs 6, 11, 11: out. Above the entry highs too, yet no long on this bar.
                (20.0, 6.0, 20.0, ExitShort),
                // Entry highs 11, 20, then 20, 20.
                (20.0, 10.0, 20.0, Neutral),
                (21.0, 20.0, 21.0, Long),
            ],
        );
    }

    /// SIG-01: 50 full bars before an entry, 70 before an exit.
    #[test]
    fn sig_01_each_comparison_waits_for_its_full_window() {
        let mut breakout = Breakout::new(50, 70).unwrap();
        for i in 0..50 {
            assert_eq!(breakout.update(101.0, 99.0, 500.0), NotReady, "bar {i}");
        }
        assert_eq!(breakout.warm_up(), 51);
        assert_eq!(breakout.update(501.0, 100.0, 500.0), Long);
        // Bars 52 to 70 have fewer than 70 before them: held, however low the close.
        for i in 51..70 {
            assert_eq!(breakout.update(101.0, 99.0, 1.0), HoldLong, "bar {i}");
        }
        assert_eq!(breakout.update(101.0, 99.0, 1.0), ExitLong);
        assert_eq!((breakout.entry(), breakout.exit()), (50, 70));
    }

    #[test]
    fn longs_alone_enter_without_leaving_a_short_first() {
        let mut both = Breakout::new(2, 3).unwrap();
        let mut long = Breakout::long_only(2, 3).unwrap();
        for (high, low, close, with_shorts, without) in [
            (11.0, 9.0, 10.0, NotReady, NotReady),
            (11.0, 9.0, 10.0, NotReady, NotReady),
            (9.0, 7.0, 8.0, Short, Neutral),
            (14.0, 8.0, 13.0, ExitShort, Long),
            (15.0, 13.0, 14.0, Neutral, HoldLong),
        ] {
            assert_eq!(both.update(high, low, close), with_shorts);
            assert_eq!(long.update(high, low, close), without);
        }
        let e = long.restore(&both.save()).unwrap_err();
        assert!(e.to_string().contains("made with shorts 1"), "{e}");
    }

    /// ERR-11: an empty window says which one and what to use.
    #[test]
    fn err_11_empty_windows_teach() {
        for (entry, exit, name) in [(0, 70, "entry"), (50, 0, "exit")] {
            assert_eq!(
                Breakout::new(entry, exit).unwrap_err().to_string(),
                format!(
                    "breakout {name} needs a period of at least 1 (period = 0); \
                     hint: use a period of 1 bars or more"
                )
            );
        }
        let mut breakout = Breakout::new(2, 3).unwrap();
        let mut words = breakout.save();
        words[3] = 3;
        assert_eq!(
            breakout.restore(&words).unwrap_err().to_string(),
            "the saved breakout is in no known state (state = 3); \
             hint: the state is damaged; start fresh and warm up again"
        );
    }

    fn bars() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
        let bar = (-20_i32..20, 0_i32..4, 0_i32..4).prop_map(|(close, above, below)| {
            let close = f64::from(100 + close);
            (close + f64::from(above), close - f64::from(below), close)
        });
        prop::collection::vec(bar, 1..120)
    }

    proptest! {
        /// SIG-01: the table, written again over plain slices of the past.
        #[test]
        fn sig_01_labels_follow_the_table_on_any_series(
            bars in bars(), entry in 1_usize..8, exit in 1_usize..10,
        ) {
            let mut breakout = Breakout::new(entry, exit).unwrap();
            let mut state = BreakoutState::Flat;
            for (i, &(high, low, close)) in bars.iter().enumerate() {
                let range = |n: usize| {
                    let past = &bars[i.checked_sub(n)?..i];
                    let highest = past.iter().map(|b| b.0).fold(f64::MIN, f64::max);
                    let lowest = past.iter().map(|b| b.1).fold(f64::MAX, f64::min);
                    Some((highest, lowest))
                };
                let expected = match (state, range(entry), range(exit)) {
                    (BreakoutState::Flat, None, _) => NotReady,
                    (BreakoutState::Flat, Some((h, _)), _) if close > h => Long,
                    (BreakoutState::Flat, Some((_, l)), _) if close < l => Short,
                    (BreakoutState::Flat, ..) => Neutral,
                    (BreakoutState::Long, _, Some((_, l))) if close < l => ExitLong,
                    (BreakoutState::Long, ..) => HoldLong,
                    (BreakoutState::Short, _, Some((h, _))) if close > h => ExitShort,
                    (BreakoutState::Short, ..) => HoldShort,
                };
                prop_assert_eq!(breakout.update(high, low, close), expected, "bar {}", i);
                state = expected.state();
            }
        }

        #[test]
        fn restored_continues_with_the_same_labels(bars in bars(), at in 0_usize..120) {
            let at = at.min(bars.len());
            let mut breakout = Breakout::new(4, 6).unwrap();
            for &(high, low, close) in &bars[..at] {
                breakout.update(high, low, close);
            }
            let mut twin = Breakout::new(4, 6).unwrap();
            twin.restore(&breakout.save()).unwrap();
            for &(high, low, close) in &bars[at..] {
                prop_assert_eq!(twin.update(high, low, close), breakout.update(high, low, close));
            }
            prop_assert_eq!(twin.save(), breakout.save());
        }
    }
}
