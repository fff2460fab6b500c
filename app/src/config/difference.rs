//! Which settings differ between two canonical texts.

use std::collections::BTreeMap;

use ballast_domain::error::Result;
use toml::Value;

use super::layer::Layer;

/// A setting and what each of two texts says about it, as TOML writes it; `None` where it is not
/// set.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SettingDifference {
    /// Its dotted path.
    pub key: String,
    /// In the first text.
    pub a: Option<String>,
    /// In the second.
    pub b: Option<String>,
}

/// The settings that differ, in order of their paths. The texts need not suit this program: runs of
/// older ones are compared too.
///
/// # Errors
/// `Configuration` when a text is not TOML.
pub fn setting_differences(a: &str, b: &str) -> Result<Vec<SettingDifference>> {
    let leaves = |text: &str| -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        collect("", &Layer::file("config.toml", text)?.table, &mut found);
        Ok(found)
    };
    let (a, b) = (leaves(a)?, leaves(b)?);
    let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
    keys.sort();
    keys.dedup();
    Ok(keys
        .into_iter()
        .filter(|key| a.get(*key) != b.get(*key))
        .map(|key| SettingDifference {
            key: key.clone(),
            a: a.get(key).cloned(),
            b: b.get(key).cloned(),
        })
        .collect())
}

fn collect(path: &str, table: &toml::Table, found: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match value {
            Value::Table(inner) => collect(&path, inner, found),
            leaf => _ = found.insert(path, leaf.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_named_whatever_the_order() {
        let a = "[x]\none = 1\nsame = [\"a\", \"b\"]\n[y]\ngone = true\n";
        let b = "[x]\nsame = [\"a\", \"b\"]\none = \"1\"\n[x.deep]\nnew = 2.5\n";
        let found = setting_differences(a, b).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|d| (&*d.key, d.a.as_deref(), d.b.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                ("x.deep.new", None, Some("2.5")),
                ("x.one", Some("1"), Some("\"1\"")),
                ("y.gone", Some("true"), None),
            ]
        );
        assert_eq!(setting_differences(a, a).unwrap(), []);
        assert!(setting_differences(a, "x =").is_err());
    }
}
