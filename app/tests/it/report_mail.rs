//! `report mail`: a run as a letter on standard output.

use ballast::exit::Exit;

use crate::fake::{FakeEngine, Plant, ballast, finished};

/// TST-10: the real summary of a run fills the letter, and mail programs can read it.
#[test]
fn tst_10_a_run_becomes_a_letter() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let run = finished(&engine, home.path(), &[]);
    let run = run.to_str().unwrap();
    let mail = ["report", "mail", run, "--to", "Desk <desk@example.com>"];
    let used = ballast(&engine, home.path(), &mail);
    assert_eq!(used.exit, Exit::Ok, "{used:?}");
    let (head, body) = used.out.split_once("\r\n\r\n").unwrap();
    for header in [
        "From: <ballast@localhost>",
        "To: \"Desk\" <desk@example.com>",
        "Subject: Ballast: ",
        "Date: ",
        "Message-ID: <",
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative;",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
    assert!(body.contains("text/plain") && body.contains("text/html"));
    assert!(used.out.lines().all(|l| l.len() <= 998));
    assert_eq!(ballast(&engine, home.path(), &mail).out, used.out);

    let json = [&mail[..], &["--json"]].concat();
    let used = ballast(&engine, home.path(), &json);
    let value: serde_json::Value = serde_json::from_str(&used.out).unwrap();
    let text = value["text"].as_str().unwrap();
    assert!(
        text.contains("Sharpe ratio:") && text.contains(run),
        "{text}"
    );
}

#[test]
fn an_address_that_is_none_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let engine = FakeEngine::new(Plant::Nothing);
    let run = finished(&engine, home.path(), &[]);
    for to in [
        "desk",
        "a@b\r\nBcc: c@d",
        "",
        "@b",
        "a@",
        "a b@c",
        "Desk <a@b>, c@d",
    ] {
        let mail = ["report", "mail", run.to_str().unwrap(), "--to", to];
        let used = ballast(&engine, home.path(), &mail);
        assert_eq!(used.exit, Exit::Usage, "{to:?} {used:?}");
        assert!(used.err.contains("is no mail address"), "{used:?}");
    }
}
