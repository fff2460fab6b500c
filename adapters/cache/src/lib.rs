//! A cache in files: each is replaced whole, and proven on every read.
//!
//! [`FileCache`] is the [`Cache`](ballast_ports::Cache) port over a folder. [`Manifest`] says which files
//! a run had and whether they still are what they were. Files are written by the steps of
//! `ballast-system`, as those of the catalog are.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod entry_file;
mod file_cache;
mod manifest;
mod store;

#[cfg(test)]
mod crash;

pub use file_cache::{CacheBounds, FileCache};
pub use manifest::{Manifest, ManifestFile, ManifestReport, RunIdentity};
pub use store::Invalidation;
