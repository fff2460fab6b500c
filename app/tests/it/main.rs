//! Integration tests of the program, one binary.

mod trial;
