//! Which symbols are one company: a holding under one of them is a holding under all.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};

/// Companies with more than one listing. A symbol that is named nowhere is a company of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Companies {
    of_symbol: BTreeMap<String, usize>,
}

impl Companies {
    /// Companies by their listings.
    ///
    /// # Errors
    /// `Configuration` for a company with fewer than two listings and for a symbol of two companies.
    pub fn new<'a>(companies: impl IntoIterator<Item = &'a [String]>) -> Result<Self> {
        let mut of_symbol = BTreeMap::new();
        for (company, symbols) in companies.into_iter().enumerate() {
            if symbols.len() < 2 {
                let message = format!("one listing is no pair: {}", symbols.join(", "));
                return Err(Error::config(message)
                    .hint("name every listing of the company, or leave it out"));
            }
            for symbol in symbols {
                if let Some(other) = of_symbol.insert(symbol.clone(), company)
                    && other != company
                {
                    return Err(
                        Error::config(format!("'{symbol}' is a listing of two companies"))
                            .hint("name all listings of a company in one list"),
                    );
                }
            }
        }
        Ok(Self { of_symbol })
    }

    /// Whether both symbols are one company.
    pub fn same(&self, a: &str, b: &str) -> bool {
        let company = |symbol| self.of_symbol.get(symbol);
        a == b || (company(a).is_some() && company(a) == company(b))
    }

    /// The candidates that are no listing of a company among `held`, in their order.
    pub fn new_names<'a>(&self, candidates: &'a [String], held: &BTreeSet<String>) -> Vec<&'a str> {
        let is_held = |symbol: &str| held.iter().any(|other| self.same(symbol, other));
        let candidates = candidates.iter().map(String::as_str);
        candidates.filter(|symbol| !is_held(symbol)).collect()
    }
}
