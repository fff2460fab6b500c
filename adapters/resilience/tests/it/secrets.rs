//! Secrets behind retry and timeout.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ballast_ports::{Error, ErrorKind, Result, Secret, SecretName, Secrets};
use ballast_resilience::{Jitter, Retry, RetryPolicy, Timeout};

use crate::notices::{Notices, paused};

/// Fails so many times, then answers; hangs before its answer for as long as it is told.
#[derive(Debug)]
struct Scripted {
    calls: AtomicU32,
    failures: u32,
    kind: ErrorKind,
    takes: Duration,
}

impl Scripted {
    fn new(failures: u32, kind: ErrorKind, takes: Duration) -> Arc<Self> {
        Arc::new(Self {
            calls: AtomicU32::new(0),
            failures,
            kind,
            takes,
        })
    }
}

#[async_trait]
impl Secrets for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    async fn secret(&self, _: &SecretName) -> Result<Secret> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        if call < self.failures {
            return Err(Error::new(self.kind, "secret", "the store is away"));
        }
        Secret::new("canary-5fd1c1".to_owned(), None)
    }
}

fn name() -> SecretName {
    SecretName::new("acme_key").unwrap()
}

fn retried(source: &Arc<Scripted>) -> Retry<Timeout<Scripted>> {
    let policy = RetryPolicy {
        jitter: Jitter::None,
        ..RetryPolicy::default()
    };
    let timed = Timeout::new(source.clone(), Duration::from_secs(5)).unwrap();
    Retry::new(
        Arc::new(timed),
        "secrets",
        policy,
        &Notices::default().reporter(),
    )
    .unwrap()
}

/// SEC-12: a store that is away for a moment costs a wait; one that says no is believed at once.
#[test]
fn sec_12_secrets_are_looked_up_again_after_errors_that_may_pass() {
    paused(async {
        for (failures, kind, calls, found) in [
            (0, ErrorKind::Unavailable, 1, true),
            (2, ErrorKind::Unavailable, 3, true),
            (3, ErrorKind::Unavailable, 3, false),
            (1, ErrorKind::NotFound, 1, false),
            (1, ErrorKind::Unauthenticated, 1, false),
        ] {
            let source = Scripted::new(failures, kind, Duration::ZERO);
            let answer = retried(&source).secret(&name()).await;
            assert_eq!(answer.is_ok(), found, "{failures} {kind}");
            assert_eq!(
                source.calls.load(Ordering::SeqCst),
                calls,
                "{failures} {kind}"
            );
        }
        let slow = Scripted::new(0, ErrorKind::Unavailable, Duration::from_secs(60));
        let error = retried(&slow).secret(&name()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(slow.calls.load(Ordering::SeqCst), 3);
    });
}
