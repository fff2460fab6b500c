//! Hashes of values that do not depend on the order of keys.

use ballast_domain::error::{Error, Result};
use serde::Serialize;
use serde_json::Value;

/// The canonical JSON of `value`: sorted keys, no spaces, floats in their shortest text that reads
/// back as the same float.
///
/// # Errors
/// `Invariant` when `value` has no JSON form (a map with keys that are not text).
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    let value = serde_json::to_value(value)
        .map_err(|e| Error::invariant(format!("value has no JSON form: {e}")))?;
    let mut text = String::new();
    write(&value, &mut text);
    Ok(text)
}

/// BLAKE3 of the canonical JSON of `value`, 64 hex digits.
///
/// # Errors
/// As [`canonical_json`].
pub fn stable_hash<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    let text = canonical_json(value)?;
    Ok(blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// Sorts by itself, whatever map type serde_json is built with.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (i, (key, value)) in entries.into_iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                *text += &Value::String(key.clone()).to_string();
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        leaf => *text += &leaf.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = json!({"b": [1, {"z": 0.1, "a": null}], "a": "x\"y"});
        let expected = r#"{"a":"x\"y","b":[1,{"a":null,"z":0.1}]}"#;
        assert_eq!(canonical_json(&value).unwrap(), expected);
    }

    /// A JSON object written out with its entries in a given order, as a map type that keeps
    /// the order of insertion would.
    struct Ordered<'a>(&'a [(String, f64)]);

    impl Serialize for Ordered<'_> {
        fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
            to.collect_map(self.0.iter().map(|(key, value)| (key, value)))
        }
    }

    type Entries = Vec<(String, f64)>;

    fn shuffled() -> impl Strategy<Value = (Entries, Entries)> {
        proptest::collection::btree_map("[a-z]{1,4}", -1e9..1e9, 1..12)
            .prop_map(|map| map.into_iter().collect::<Vec<_>>())
            .prop_flat_map(|entries| (Just(entries.clone()), Just(entries).prop_shuffle()))
    }

    proptest! {
        /// REP-03: any order of keys has the same hash, and a changed value another one.
        #[test]
        fn rep_03_order_of_keys_does_not_change_the_hash((a, b) in shuffled()) {
            let hash = stable_hash(&Ordered(&a)).unwrap();
            prop_assert_eq!(&hash, &stable_hash(&Ordered(&b)).unwrap());
            let mut changed = b;
            changed[0].1 += 1.0;
            prop_assert_ne!(&hash, &stable_hash(&Ordered(&changed)).unwrap());
        }
    }
}
