//! A folder of secrets and the environment: what is given, and what is refused unseen.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ballast_ports::{Error, ErrorKind, SecretName, Secrets};
use ballast_secrets::{EnvironmentSecrets, FolderSecrets};

const CANARY: &str = "canary-5fd1c1-\"quoted\"";

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn name() -> SecretName {
    SecretName::new("acme_key").unwrap()
}

/// A folder as it should be, with one secret.
fn folder() -> (tempfile::TempDir, FolderSecrets) {
    let folder = tempfile::tempdir().unwrap();
    chmod(folder.path(), 0o700);
    let file = folder.path().join("acme_key");
    fs::write(&file, format!("{CANARY}\n")).unwrap();
    chmod(&file, 0o600);
    let secrets = FolderSecrets::new(folder.path());
    (folder, secrets)
}

fn refused(error: &Error, kind: ErrorKind, said: &str) {
    assert_eq!(error.kind, kind, "{error}");
    let all = format!("{error:?} {}", error.chain());
    assert!(all.contains(said), "{all}");
    assert!(!all.contains("canary"), "{all}");
    assert!(error.advice().is_some(), "{all}");
}

#[tokio::test]
async fn a_file_of_its_owner_is_given_without_its_line_end() {
    let (_folder, secrets) = folder();
    let secret = secrets.secret(&name()).await.unwrap();
    assert_eq!(secret.expose(), CANARY);
    assert!(secret.issued_at().is_some());
    let stored = secrets.stored().unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].name, "acme_key");
    assert_eq!(stored[0].state.as_ref().ok(), secret.issued_at().as_ref());
}

/// F-SEC-08: each way in which somebody else could read or replace a secret is refused with the command
/// that repairs it, and repairing it is enough.
#[tokio::test]
async fn whatever_others_can_read_or_replace_is_refused() {
    for mode in [0o640, 0o604, 0o644, 0o666, 0o700, 0o601] {
        let (folder, secrets) = folder();
        let file = folder.path().join("acme_key");
        chmod(&file, mode);
        let error = secrets.secret(&name()).await.unwrap_err();
        refused(&error, ErrorKind::Unauthenticated, "chmod 600");
        assert!(secrets.stored().unwrap()[0].state.is_err(), "{mode:o}");
        chmod(&file, 0o600);
        secrets.secret(&name()).await.unwrap();
    }
    for mode in [0o755, 0o711, 0o770, 0o702] {
        let (folder, secrets) = folder();
        chmod(folder.path(), mode);
        let error = secrets.secret(&name()).await.unwrap_err();
        refused(&error, ErrorKind::Unauthenticated, "chmod 700");
        assert!(secrets.stored().is_err());
    }
}

/// Only the superuser can give a file away, so only then is this more than a word.
#[tokio::test]
async fn a_file_of_somebody_else_is_refused() {
    let (folder, secrets) = folder();
    let file = folder.path().join("acme_key");
    if std::os::unix::fs::chown(&file, Some(12_345), None).is_err() {
        eprintln!("SKIPPED: only the superuser can give a file away");
        return;
    }
    let error = secrets.secret(&name()).await.unwrap_err();
    refused(
        &error,
        ErrorKind::Unauthenticated,
        "belongs to somebody else",
    );
}

#[tokio::test]
async fn what_is_no_secret_is_refused() {
    let (folder, secrets) = folder();
    let file = folder.path().join("acme_key");
    for (bytes, kind, said) in [
        (&b""[..], ErrorKind::InvalidData, "at least 8"),
        (b"canary\n", ErrorKind::InvalidData, "at least 8"),
        (b"canary-1\ncanary-2\n", ErrorKind::InvalidData, "control"),
        (b"canary-\xff\xfe-x", ErrorKind::InvalidData, "no text"),
        (&[b'c'; 20_000], ErrorKind::Unauthenticated, "16 KiB"),
    ] {
        fs::write(&file, bytes).unwrap();
        refused(&secrets.secret(&name()).await.unwrap_err(), kind, said);
    }
    fs::remove_file(&file).unwrap();
    refused(
        &secrets.secret(&name()).await.unwrap_err(),
        ErrorKind::NotFound,
        "no secret acme_key",
    );
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, CANARY).unwrap();
    chmod(&elsewhere, 0o600);
    symlink(&elsewhere, &file).unwrap();
    let error = secrets.secret(&name()).await.unwrap_err();
    refused(&error, ErrorKind::Unauthenticated, "no plain file");
    let nowhere = FolderSecrets::new(folder.path().join("nowhere"));
    let error = nowhere.secret(&name()).await.unwrap_err();
    refused(&error, ErrorKind::NotFound, "mkdir -m 700");
}

/// SEC-10: production takes nothing from the environment and looks at none of it.
#[tokio::test]
async fn sec_10_production_refuses_the_environment() {
    let looked = Arc::new(AtomicU32::new(0));
    let lookup = || {
        let looked = Arc::clone(&looked);
        move |variable: &str| {
            looked.fetch_add(1, Ordering::SeqCst);
            (variable == "BALLAST_SECRET_ACME_KEY").then(|| CANARY.into())
        }
    };
    let error = EnvironmentSecrets::new("BALLAST_SECRET_", true, lookup()).unwrap_err();
    refused(&error, ErrorKind::Unauthenticated, "production");
    let secrets = EnvironmentSecrets::new("BALLAST_SECRET_", false, lookup()).unwrap();
    assert_eq!(
        looked.load(Ordering::SeqCst),
        0,
        "nothing is looked up before it is needed"
    );
    assert_eq!(secrets.secret(&name()).await.unwrap().expose(), CANARY);
    let other = SecretName::new("other").unwrap();
    let error = secrets.secret(&other).await.unwrap_err();
    refused(&error, ErrorKind::NotFound, "BALLAST_SECRET_OTHER");
    assert!(!format!("{secrets:?}").contains("canary"));
}
