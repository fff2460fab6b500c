//! What a screen of stocks asks for, by region and size of the company.
//!
//! These are the values and rules alone: which criteria there are, and who is the same company under
//! another symbol. Nothing here rates a stock yet.

mod company;
mod criteria;
mod criterion;
mod region;
mod tier;

pub use company::Companies;
pub use criteria::{Criteria, CriteriaTable};
pub use criterion::Criterion;
pub use region::Region;
pub use tier::Tier;
