//! What the build script finds out about the source.

#[path = "../../build.rs"]
#[expect(dead_code, reason = "only its question to git is tested")]
mod script;

/// REP-02: outside a repository there is no revision and no failure.
#[test]
fn rep_02_no_repository_no_revision() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(script::git(folder.path(), &["rev-parse", "HEAD"]), None);
}
