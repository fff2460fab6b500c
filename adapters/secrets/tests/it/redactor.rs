//! Text on its way out loses its secrets, however it is cut and written.

use std::io::Write as _;

use ballast_ports::Secret;
use ballast_secrets::Redactor;

fn hiding(values: &[&str]) -> Redactor {
    let redactor = Redactor::default();
    for value in values {
        redactor.hide(&Secret::new((*value).to_owned(), None).unwrap());
    }
    redactor
}

/// A secret is found as it is, in JSON and in an address, and where one holds another.
#[test]
fn each_form_of_a_secret_is_hidden() {
    let redactor = hiding(&["canary/5f+\"d\"", "canary-1", "canary-1-longer"]);
    for (text, expected) in [
        ("refused: canary/5f+\"d\" at acme", "refused: *** at acme"),
        ("{\"key\":\"canary/5f+\\\"d\\\"\"}", "{\"key\":\"***\"}"),
        (
            "https://x/?k=canary%2F5f%2B%22d%22&t=1",
            "https://x/?k=***&t=1",
        ),
        ("canary-1-longer canary-1", "*** ***"),
        ("nothing to hide", "nothing to hide"),
    ] {
        assert_eq!(redactor.redact(text), expected);
    }
    assert!(!format!("{redactor:?}").contains("canary"));
}

/// However a text is cut into pieces, no piece of a secret leaves.
#[test]
fn a_secret_in_pieces_is_hidden_too() {
    let text = "first canary-5fd1c1 line\nsecond canary-5fd1c1";
    let redactor = hiding(&["canary-5fd1c1"]);
    for cut in 1..text.len() {
        let mut out = Vec::new();
        let mut guarded = redactor.guard(&mut out);
        guarded.write_all(&text.as_bytes()[..cut]).unwrap();
        guarded.write_all(&text.as_bytes()[cut..]).unwrap();
        drop(guarded);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "first *** line\nsecond ***",
            "cut at {cut}"
        );
    }
}
