//! Reports for people: one self-contained page with tables and charts, no scripts, no arithmetic
//! beyond what drawing needs.

pub mod axis;
pub mod backtest_page;
pub mod escape;
pub mod figures;
pub mod html;
pub mod polyline;
pub mod svg;
