//! The configs that ship with the program.

/// The default run: breakouts on five US stocks, 2000 to 2013.
pub const BREAKOUT: &str = include_str!("../../examples/breakout.toml");

/// Month-end momentum on the same stocks.
pub const MOMENTUM: &str = include_str!("../../examples/momentum.toml");

/// The settings behind `backtest --data FILE --strategy NAME`, which names the two missing keys.
pub const YOUR_DATA: &str = include_str!("../../examples/your-data.toml");
