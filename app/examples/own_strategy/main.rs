//! The program `ballast` with a strategy of your own in it: `cargo run -- backtest config.toml`.

use std::process::ExitCode;

use ballast::wiring::Strategies;
use ballast_domain::market::{Field, Fields};
use ballast_domain::strategy::{
    Decision, Requirements, Slot, State, Strategy, Target, Targets, View,
};
use ballast_domain::{Error, Result};

/// Holds in equal parts what stands higher than some bars ago, and nothing else.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AboveItsPast {
    /// How many bars ago; `bars` of `[strategy.parameters]` in the config.
    bars: usize,
}

impl Strategy for AboveItsPast {
    fn name(&self) -> &str {
        "above_its_past"
    }

    fn requirements(&self) -> Requirements {
        Requirements {
            fields: Fields::CLOSE,
            lookback: self.bars + 1,
            warm_up: self.bars + 1,
            level_dependent: false,
        }
    }

    /// For what has to follow every bar. This strategy looks at slots only.
    fn on_slice(&mut self, _: &View<'_>) {}

    /// Dividends and splits are in `total_return`; `earlier` cannot reach a later bar.
    fn decide(&mut self, _: Slot, view: &View<'_>) -> Decision {
        let Some(past) = view.earlier(self.bars) else {
            return Decision::hold("needs more bars");
        };
        let close = |id| view.slice().total_return(id, Field::Close);
        let above = |id| close(id) > past.total_return(id, Field::Close);
        let warm = view.instruments().ids().filter(|id| view.is_warm(*id));
        let held: Vec<_> = warm.filter(|id| above(*id)).collect();
        let each = Target::Weight(1.0 / held.len().max(1) as f64);
        let targets = held.iter().fold(Targets::new(), |t, id| t.with(*id, each));
        Decision::Targets(targets, "above their past".into())
    }

    /// What a restart needs. This strategy remembers nothing.
    fn save(&self) -> State {
        State::default()
    }

    fn restore(&mut self, _: &State) -> Result<()> {
        Ok(())
    }
}

fn main() -> ExitCode {
    let strategies = Strategies::built_in().with("above_its_past", |choice, _| {
        let strategy: AboveItsPast = choice.typed_parameters()?;
        if !(1..=10_000).contains(&strategy.bars) {
            return Err(Error::config("'bars' is not from 1 to 10000").hint("write bars = 120"));
        }
        Ok(Box::new(strategy))
    });
    ballast::main_with(strategies)
}
