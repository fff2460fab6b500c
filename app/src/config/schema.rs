//! The JSON Schema of a config file, for editors, from the table of keys.

use ballast_domain::screening::{Region, Tier};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value, json};

use super::examples::BREAKOUT;
use super::keys::{CRITERIA, Fallback, Key, RULES, SECTIONS, Takes, keys_of};
use super::profile::{Profile, SECTION};

/// A decimal as a text: what a float cannot hold exactly is written so.
const DECIMAL: &str = r"^\s*[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?\s*$";

/// The schema, draft 7, which editors of TOML understand.
///
/// It knows every key, type, word and bound. Nothing is required: a key may come from a profile, a
/// variable or an argument. What only shows when settings stand together, such as limits that
/// contradict each other, is left to `ballast config check`.
pub fn schema() -> Value {
    let sections: Map<String, Value> = SECTIONS
        .iter()
        .map(|section| {
            let reference = json!({ "$ref": format!("#/definitions/{section}") });
            ((*section).to_owned(), reference)
        })
        .collect();
    let mut definitions: Map<String, Value> = SECTIONS
        .iter()
        .map(|section| ((*section).to_owned(), section_schema(section)))
        .collect();
    definitions.insert("settings".to_owned(), closed(&sections));
    let tiers = each_as(&Tier::ALL.map(Tier::name), "criteria");
    definitions.insert("tiers".to_owned(), tiers);
    definitions.insert("criteria".to_owned(), closed(&properties(CRITERIA)));
    let profiles = Profile::ALL.map(|profile| {
        let mut of_profile = json!({ "$ref": "#/definitions/settings" });
        of_profile["description"] = json!(format!("what is different in {profile}"));
        (profile.name().to_owned(), of_profile)
    });
    definitions.insert("profiles".to_owned(), closed(&Map::from_iter(profiles)));
    let mut root = sections;
    root.insert(
        SECTION.to_owned(),
        json!({ "$ref": "#/definitions/profiles" }),
    );
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Ballast config",
        "type": "object",
        "properties": root,
        "additionalProperties": false,
        "definitions": definitions,
    })
}

fn closed(properties: &Map<String, Value>) -> Value {
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn section_schema(section: &str) -> Value {
    let keys = keys_of(section);
    let mut schema = closed(&properties(keys.iter().copied()));
    if section == "instruments" {
        // Any other name is a symbol with rules of its own.
        schema["additionalProperties"] = closed(&properties(RULES));
    }
    if section == "screen" {
        schema["properties"]["criteria"] = each_as(&Region::ALL.map(Region::name), "tiers");
        schema["properties"]["same_company"] = json!({
            "type": "object",
            "additionalProperties": takes(Takes::Texts),
        });
    }
    schema
}

/// A table of these names, each as a definition says.
fn each_as(names: &[&str], definition: &str) -> Value {
    let reference = json!({ "$ref": format!("#/definitions/{definition}") });
    let names = names.iter();
    closed(
        &names
            .map(|name| ((*name).to_owned(), reference.clone()))
            .collect(),
    )
}

fn properties<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Map<String, Value> {
    keys.into_iter()
        .map(|key| (key.name.to_owned(), key_schema(key)))
        .collect()
}

fn key_schema(key: &Key) -> Value {
    let mut schema = takes(key.takes);
    if let Some(text) = described(key) {
        schema["description"] = json!(text);
    }
    if let Fallback::Value(value) = key.default {
        // The defaults are TOML that JSON reads as well; a test says so.
        if let Ok(value) = serde_json::from_str::<Value>(value) {
            schema["default"] = value;
        }
    }
    schema
}

/// What the shipped example says about a key: one text for those who read the file and those who
/// write one.
fn described(key: &Key) -> Option<&'static str> {
    let mut section = "";
    for line in BREAKOUT.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if let Some(header) = line.strip_prefix('[') {
            section = header.split(']').next().unwrap_or("");
            continue;
        }
        let Some((name, rest)) = line.split_once(" = ") else {
            continue;
        };
        let below = section.strip_prefix(key.section);
        if below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) && name == key.name {
            return rest.split_once("# ").map(|(_, text)| text.trim());
        }
    }
    None
}

fn takes(takes: Takes) -> Value {
    let text = || json!({ "type": "string", "pattern": r"\S" });
    match takes {
        Takes::Text => text(),
        Takes::Word(words) => json!({ "enum": words }),
        Takes::BarSize => json!({ "type": "string", "pattern": "^(1d|[0-9]+[mh])$" }),
        Takes::Whole(min, i64::MAX) => json!({ "type": "integer", "minimum": min }),
        Takes::Whole(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Takes::Number(range) => {
            let mut number = json!({ "type": "number", "maximum": float(range.max) });
            number[if range.zero {
                "minimum"
            } else {
                "exclusiveMinimum"
            }] = json!(0);
            json!({ "anyOf": [number, { "type": "string", "pattern": DECIMAL }] })
        }
        Takes::Amount => json!({ "anyOf": amount() }),
        Takes::Limit => {
            let mut all = amount();
            all.push(json!({ "const": "unlimited" }));
            json!({ "anyOf": all })
        }
        Takes::Date => json!({ "type": "string", "format": "date" }),
        Takes::Flag => json!({ "type": "boolean" }),
        Takes::Texts => json!({
            "anyOf": [
                { "type": "array", "items": text(), "uniqueItems": true },
                { "type": "string" },
            ]
        }),
        Takes::Table => json!({ "type": "object" }),
    }
}

fn amount() -> Vec<Value> {
    vec![
        json!({ "type": "number", "exclusiveMinimum": 0 }),
        json!({ "type": "string", "pattern": DECIMAL }),
    ]
}

/// Bounds are small whole numbers and fractions.
fn float(bound: Decimal) -> Value {
    match bound.to_i64().filter(|_| bound.is_integer()) {
        Some(whole) => json!(whole),
        None => json!(bound.to_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::KEYS;
    use super::*;

    #[test]
    fn every_key_has_its_words_and_every_default_its_json() {
        for key in KEYS.iter().chain(RULES).chain(CRITERIA) {
            let schema = key_schema(key);
            let optional = [
                "parameters",
                "price_scale",
                "quantity_scale",
                "name",
                "same_company",
                "criteria",
            ];
            assert!(
                schema["description"].is_string() || optional.contains(&key.name),
                "say in breakout.toml what {}.{} is for",
                key.section,
                key.name
            );
            if let Fallback::Value(_) = key.default {
                assert!(!schema["default"].is_null(), "{}.{}", key.section, key.name);
            }
        }
    }
}
