//! Secrets from variables of the environment: for a desk, never for production.

use std::ffi::OsString;
use std::fmt;

use async_trait::async_trait;
use ballast_ports::{Error, ErrorKind, Result, Secret, SecretName, Secrets};

type Lookup = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Secrets in variables: NAME in capitals behind a prefix.
///
/// Every child process, crash report and listing of processes may show an environment, so production
/// refuses this source before it looks at anything.
pub struct EnvironmentSecrets {
    prefix: String,
    lookup: Lookup,
}

impl EnvironmentSecrets {
    /// The variables behind `prefix`, as `lookup` finds them. Nothing is looked up yet.
    ///
    /// # Errors
    /// `Unauthenticated` in production.
    pub fn new(
        prefix: &str,
        production: bool,
        lookup: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Result<Self> {
        if production {
            let message = "production takes no secrets from the environment";
            return Err(Error::new(ErrorKind::Unauthenticated, "secret", message).hint(
                "keep them in files that only the program's user can read, and name their folder in \
                 secrets.folder",
            ));
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            lookup: Box::new(lookup),
        })
    }
}

impl fmt::Debug for EnvironmentSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("EnvironmentSecrets");
        shown.field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[async_trait]
impl Secrets for EnvironmentSecrets {
    fn name(&self) -> &str {
        "environment"
    }

    async fn secret(&self, name: &SecretName) -> Result<Secret> {
        let variable = format!("{}{}", self.prefix, name.as_str().to_uppercase());
        let Some(value) = (self.lookup)(&variable) else {
            let message = format!("there is no secret {name}");
            return Err(Error::new(ErrorKind::NotFound, "secret", message)
                .context("variable", &variable)
                .hint("set the variable, or name a folder in secrets.folder"));
        };
        let value = value.into_string().map_err(|_| {
            Error::new(ErrorKind::InvalidData, "secret", "a secret is no text")
                .context("variable", &variable)
                .hint("store it as text, such as base64")
        })?;
        Secret::new(value, None).map_err(|e| e.context("variable", &variable))
    }
}
