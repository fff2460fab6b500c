//! Criteria of a screen: complete, within bounds, never changed; and who is the same company.

use std::collections::BTreeSet;

use ballast_domain::ErrorKind;
use ballast_domain::screening::{Companies, Criteria, CriteriaTable, Criterion, Region, Tier};
use rust_decimal::Decimal;

fn criteria(upside: i64) -> Criteria {
    Criteria::new([
        (Criterion::MinUpside, Decimal::from(upside)),
        (Criterion::MinBuyPercentage, Decimal::from(65)),
        (Criterion::MinExret, Decimal::from(4)),
        (Criterion::MaxPefPetRatio, Decimal::new(11, 1)),
    ])
    .unwrap()
}

fn places() -> impl Iterator<Item = (Region, Tier)> {
    let places = Region::ALL.map(|region| Tier::ALL.map(|tier| (region, tier)));
    places.into_iter().flatten()
}

/// CFG-05: all fifteen are required, and each that is not there is named.
#[test]
fn cfg_05_a_table_without_one_of_fifteen_is_refused() {
    assert_eq!(places().count(), 15);
    for gone in places() {
        let rest = places().filter(|place| *place != gone);
        let errors = CriteriaTable::new(rest.map(|place| (place, criteria(5)))).unwrap_err();
        assert_eq!(errors.len(), 1);
        let expected = format!("missing criteria for {}/{}", gone.0, gone.1);
        assert_eq!(errors[0].message, expected);
        assert_eq!(*errors[0].kind, ErrorKind::ConfigurationMissing);
    }
    assert_eq!(CriteriaTable::new([]).unwrap_err().len(), 15);
    let hk_small = (Region::Hk, Tier::Small);
    assert_eq!(
        CriteriaTable::missing(hk_small.0, hk_small.1).message,
        "missing criteria for HK/SMALL"
    );
}

/// CFG-12: a region and a tier are a value or a text, in any case; what is none is an error that names
/// those there are.
#[test]
fn cfg_12_criteria_are_found_by_value_or_by_name() {
    let all = places().enumerate();
    let all = all.map(|(n, place)| (place, criteria(i64::try_from(n).unwrap())));
    let table = CriteriaTable::new(all).unwrap();
    for (n, (region, tier)) in places().enumerate() {
        let expected = criteria(i64::try_from(n).unwrap());
        assert_eq!(*table.get(region, tier).unwrap(), expected);
        assert_eq!(*table.get(region.name(), tier.name()).unwrap(), expected);
        let (loud, spaced) = (region.to_string(), format!(" {tier} "));
        assert_eq!(
            *table.get(loud.as_str(), spaced.as_str()).unwrap(),
            expected
        );
        assert_eq!(*table.get(region, tier.name()).unwrap(), expected);
    }
    let unknown = table.get("jp", Tier::Mega).unwrap_err();
    assert_eq!(unknown.message, "there is no region 'jp'");
    assert_eq!(
        unknown.hint.as_deref(),
        Some("the regions are us, eu and hk")
    );
    let unknown = table.get(Region::Us, "nano").unwrap_err();
    assert_eq!(*unknown.kind, ErrorKind::Configuration);
    assert!(unknown.hint.unwrap().contains("micro"));
}

/// CFG-08: a change is checked, gives other criteria and leaves these; there is no other way to change
/// them.
#[test]
fn cfg_08_a_change_is_checked_and_changes_nothing_in_place() {
    let before = criteria(5);
    let kept = before.clone();
    for (criterion, value) in [
        (Criterion::MinUpside, Decimal::from(101)),
        (Criterion::MinBuyPercentage, Decimal::from(-1)),
        (Criterion::MinPefPetRatio, Decimal::from(2)),
    ] {
        let refused = before.with(criterion, value).unwrap_err();
        assert_eq!(*refused.kind, ErrorKind::Configuration, "{refused}");
        let named = ("criterion".to_owned(), criterion.name().to_owned());
        assert!(refused.context.contains(&named), "{refused}");
    }
    let after = before.with(Criterion::MinUpside, Decimal::TEN).unwrap();
    assert_eq!(after.get(Criterion::MinUpside), Some(Decimal::TEN));
    assert_eq!(before, kept);
    assert_eq!(before.get(Criterion::MinPefPetRatio), None);
}

/// DAT-19: who holds one listing of a company buys none of the others; the rest is bought as before.
#[test]
fn dat_19_a_holding_is_a_holding_under_every_symbol() {
    let list = |symbols: &[&str]| symbols.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    let lists = [list(&["NVO", "NOVO-B.CO"]), list(&["BABA", "9988.HK"])];
    let companies = Companies::new(lists.iter().map(Vec::as_slice)).unwrap();
    let candidates = list(&["NOVO-B.CO", "9988.HK", "AAPL", "NVO"]);
    let bought = |held: &[&str]| {
        let held: BTreeSet<String> = held.iter().map(|s| (*s).to_owned()).collect();
        companies.new_names(&candidates, &held).join(" ")
    };
    assert_eq!(bought(&["NVO"]), "9988.HK AAPL");
    assert_eq!(bought(&["NOVO-B.CO", "AAPL"]), "9988.HK");
    assert_eq!(bought(&["BABA"]), "NOVO-B.CO AAPL NVO");
    assert_eq!(bought(&["IBM"]), "NOVO-B.CO 9988.HK AAPL NVO");
    for wrong in [
        vec![list(&["NVO"])],
        vec![list(&["A", "B"]), list(&["B", "C"])],
    ] {
        let e = Companies::new(wrong.iter().map(Vec::as_slice)).unwrap_err();
        assert_eq!(*e.kind, ErrorKind::Configuration, "{e}");
    }
}
