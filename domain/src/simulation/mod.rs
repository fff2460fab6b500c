//! The exchange core and the backtest driver.
