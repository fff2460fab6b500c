//! Reports for people: one self-contained page with tables and charts, no arithmetic beyond what
//! drawing needs. Its script makes charts answer to pointer and keyboard and adds no figure.

pub mod axis;
pub mod backtest_page;
pub mod calendar_table;
pub mod chart_data;
pub mod comparison_page;
pub mod distribution_chart;
pub mod escape;
pub mod figures;
pub mod html;
pub mod mail;
pub mod measure;
mod plot;
pub mod polyline;
pub mod stacked_area;
pub mod svg;
pub mod table;
