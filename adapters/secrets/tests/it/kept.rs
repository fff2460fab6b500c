//! Secrets are asked for when they are needed, kept for a while, renewed by force, and grow old.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{ErrorKind, Result, Secret, SecretName, Secrets};
use ballast_secrets::{AgePolicy, KeptSecrets, OldSecret, Redactor};
use ballast_testkit::fakes::FakeClock;

/// Gives another secret at each call.
#[derive(Debug)]
struct Counting {
    calls: AtomicU32,
    issued_at: Timestamp,
}

#[async_trait]
impl Secrets for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    async fn secret(&self, _: &SecretName) -> Result<Secret> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        Secret::new(format!("canary-{call}"), Some(self.issued_at))
    }
}

const DAY: i64 = 86_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

struct Setup {
    secrets: KeptSecrets<Counting>,
    source: Arc<Counting>,
    clock: Arc<FakeClock>,
    old: Arc<Mutex<Vec<OldSecret>>>,
    redactor: Redactor,
}

fn setup() -> Setup {
    let source = Arc::new(Counting {
        calls: AtomicU32::new(0),
        issued_at: at(0),
    });
    let clock = Arc::new(FakeClock::new(at(DAY)));
    let (old, redactor) = (Arc::new(Mutex::new(Vec::new())), Redactor::default());
    let told = Arc::clone(&old);
    let policy = AgePolicy {
        keep_for: Span::from_seconds(60),
        warn_after: Span::from_seconds(90 * DAY),
        refuse_after: Some(Span::from_seconds(180 * DAY)),
    };
    let secrets = KeptSecrets::new(
        source.clone(),
        policy,
        clock.clone(),
        &redactor,
        move |secret| {
            told.lock().unwrap().push(secret.clone());
        },
    );
    Setup {
        secrets,
        source,
        clock,
        old,
        redactor,
    }
}

fn name() -> SecretName {
    SecretName::new("acme_key").unwrap()
}

/// SEC-07: within its time a secret is asked for once, after it again, and by force at once.
#[tokio::test]
async fn sec_07_a_secret_is_kept_for_its_time_and_renewed_by_force() {
    let setup = setup();
    let calls = || setup.source.calls.load(Ordering::SeqCst);
    assert_eq!(calls(), 0);
    for (second, expected) in [
        (0, 1),
        (1, 1),
        (60, 1),
        (61, 2),
        (61, 2),
        (121, 2),
        (122, 3),
    ] {
        setup.clock.set(at(DAY + second));
        let secret = setup.secrets.secret(&name()).await.unwrap();
        assert_eq!(
            (calls(), secret.expose()),
            (expected, &*format!("canary-{expected}"))
        );
    }
    assert_eq!(
        setup.secrets.refresh(&name()).await.unwrap().expose(),
        "canary-4"
    );
    assert_eq!(
        setup.secrets.secret(&name()).await.unwrap().expose(),
        "canary-4"
    );
}

/// SEC-09: older than one limit it is told of, older than the other refused; both limits are strict.
#[tokio::test]
async fn sec_09_an_old_secret_is_told_of_and_a_very_old_one_refused() {
    let setup = setup();
    for (age, told) in [(90 * DAY, 0), (90 * DAY + 1, 1), (180 * DAY, 2)] {
        setup.clock.set(at(age));
        setup.secrets.refresh(&name()).await.unwrap();
        assert_eq!(setup.old.lock().unwrap().len(), told, "{age}");
    }
    let last = setup.old.lock().unwrap().last().cloned().unwrap();
    assert_eq!(
        (last.name, last.age),
        (name(), Span::from_seconds(180 * DAY))
    );
    setup.clock.set(at(180 * DAY + 1));
    let error = setup.secrets.refresh(&name()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthenticated);
    assert!(error.to_string().contains("age in days = 180"), "{error}");
    // What was kept is not used in its place.
    assert!(setup.secrets.secret(&name()).await.is_err());
}

/// Whatever was fetched is hidden, the refused one too, and nothing prints what is kept.
#[tokio::test]
async fn what_was_fetched_is_hidden_from_text() {
    let setup = setup();
    setup.secrets.secret(&name()).await.unwrap();
    setup.clock.set(at(200 * DAY));
    setup.secrets.refresh(&name()).await.unwrap_err();
    let text = "keys canary-1 and canary-2, not canary-3";
    assert_eq!(
        setup.redactor.redact(text),
        "keys *** and ***, not canary-3"
    );
    assert!(!format!("{:?}", setup.secrets).contains("canary"));
}
