//! What only the inside can be asked.

mod faults;
