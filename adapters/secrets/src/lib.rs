//! Secrets from a folder of files or from the environment, kept for a while, and hidden from outputs.
//!
//! | you want | you take |
//! |---|---|
//! | one file a secret, readable by its owner alone | [`FolderSecrets`] |
//! | variables of the environment, at a desk | [`EnvironmentSecrets`] |
//! | not to ask for each request, and to hear of old secrets | [`KeptSecrets`] around one of them |
//! | outputs that cannot hold what was fetched | [`Redactor`] |

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![cfg_attr(not(test), deny(clippy::panic))]

mod environment;
mod folder;
mod kept;
mod redactor;

pub use environment::EnvironmentSecrets;
pub use folder::{FolderSecrets, StoredSecret};
pub use kept::{AgePolicy, KeptSecrets, OldSecret};
pub use redactor::Redactor;
