//! The configs that ship with the program.

/// The default run: breakouts on five US stocks, 2000 to 2013.
pub const BREAKOUT: &str = include_str!("../../examples/breakout.toml");

/// Month-end momentum on the same stocks.
pub const MOMENTUM: &str = include_str!("../../examples/momentum.toml");

/// Breakouts and momentum side by side in one account, on the same stocks.
pub const TWO_SLEEVES: &str = include_str!("../../examples/two-sleeves.toml");

/// The settings behind `backtest --data FILE --strategy NAME`, which names the two missing keys.
pub const YOUR_DATA: &str = include_str!("../../examples/your-data.toml");

/// One strategy in three places: `[profile.…]` tables.
pub const PROFILES: &str = include_str!("../../examples/profiles.toml");

/// The default run with the criteria of a screen of stocks.
pub const SCREEN: &str = include_str!("../../examples/screen.toml");
