//! The page of a small file, byte for byte, and files that make no page.

use super::*;

const METRICS: &str = include_str!("metrics.json");

/// OBS-12: the page of a metrics file is as pinned, from the first byte to the last.
#[test]
fn obs_12_the_page_is_as_pinned() {
    insta::assert_snapshot!(page(METRICS).unwrap());
}

#[test]
fn a_page_needs_nothing_from_outside_and_lets_no_text_become_markup() {
    let hostile = METRICS.replace("breakout", "<script>alert('x')</script>");
    let page = page(&hostile).unwrap();
    assert!(!page.contains("<script"));
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn what_wants_a_look_is_said_in_words() {
    assert!(
        page(METRICS)
            .unwrap()
            .contains("Worth a look:</strong> 2 failed fetches, 4 orders refused by risk.")
    );
    let well = METRICS
        .replace("\"errors\": 2", "\"errors\": 0")
        .replace("\"denied\": 4", "\"denied\": 0");
    assert!(page(&well).unwrap().contains("Nothing wants a look."));
}

#[test]
fn a_group_that_is_new_is_shown_all_the_same() {
    let more = METRICS.replace(
        "\"system\": {",
        "\"system\": { \"weather\": { \"rain_mb\": 1 },",
    );
    let page = page(&more).unwrap();
    assert!(page.contains("<h2>Weather") && page.contains("<dt>Rain</dt><dd>1.0 MiB</dd>"));
}

#[test]
fn what_is_no_metrics_file_is_refused_with_what_to_name() {
    for (text, why) in [
        ("time,cash\n", "this is no JSON"),
        ("{\"v\": 1}", "no figures under `system`"),
        (
            "{\"system\": {\"data\": 3}}",
            "group `data` holds no figures",
        ),
    ] {
        let refused = page(text).unwrap_err();
        assert!(
            refused.contains(why) && refused.contains("metrics.json of a run"),
            "{refused}"
        );
    }
    assert!(run(&[]).unwrap_err().contains("usage"));
    assert!(
        run(&["no/such.json"])
            .unwrap_err()
            .contains("no/such.json cannot be read")
    );
}
