//! No state shared behind the caller's back, and no value without a type.

use super::Finding;
use crate::repository::SourceFile;
use crate::rust_source;

/// Statics that may change after start, with the reason.
const LISTED: &[(&str, &str)] = &[];

/// The rooms whose crates run side by side in one process.
const ROOMS: &[&str] = &["domain/", "ports/", "adapters/", "app/"];

/// Two programs in one process share nothing: no mutable or lazily filled static, no thread local.
pub(super) fn no_shared_state(files: &[SourceFile]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files {
        let listed = LISTED.iter().any(|(path, _)| *path == file.path);
        if listed || !ROOMS.iter().any(|room| file.path.starts_with(room)) {
            continue;
        }
        let code = file.production_code();
        for (n, text) in code.lines().enumerate() {
            let item = text.trim_start();
            let shared = item.starts_with("thread_local!")
                || item.starts_with("lazy_static")
                || declared_static(&code, n).is_some_and(|declared| is_mutable(&declared));
            if shared {
                found.push(Finding::new(
                    &file.path,
                    n + 1,
                    "shared state: put it into a value that app/wiring makes and passes on",
                ));
            }
        }
    }
    found
}

/// The declaration up to its value, when a static starts on line `n` of `code`.
fn declared_static(code: &str, n: usize) -> Option<String> {
    let first = code.lines().nth(n)?.trim_start();
    let item = match first.strip_prefix("pub") {
        // `pub static`, `pub(crate) static`, `pub(in path) static`
        Some(rest) => match rest.strip_prefix('(') {
            Some(scope) => scope.split_once(')')?.1.trim_start(),
            None => rest.trim_start(),
        },
        None => first,
    };
    if !item.starts_with("static ") {
        return None;
    }
    let rest = code.lines().skip(n).collect::<Vec<_>>().join("\n");
    let end = rest.find(['=', ';']).unwrap_or(rest.len());
    Some(rest[..end].to_owned())
}

fn is_mutable(declaration: &str) -> bool {
    const CELLS: &[&str] = &[
        "Mutex", "RwLock", "Atomic", "Once", "Lazy", "Cell", "ArcSwap",
    ];
    rust_source::has_word(&declaration.replace('\n', " "), "static mut")
        || CELLS.iter().any(|cell| declaration.contains(cell))
}

/// Nothing hides behind a value of unknown type.
pub(super) fn no_any(files: &[SourceFile]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(|file| {
            rust_source::lines_with_word(&file.production_code(), "dyn Any")
                .into_iter()
                .map(|line| {
                    Finding::new(
                        &file.path,
                        line,
                        "a value without a type: use an enum or a generic",
                    )
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ARC-07: a global that can change is refused, a constant table is not.
    #[test]
    fn arc_07_a_global_that_can_change_is_refused() {
        for (text, refused) in [
            ("static mut N: u32 = 0;", true),
            (
                "pub static CONFIG: OnceLock<Config> = OnceLock::new();",
                true,
            ),
            (
                "pub(crate) static T: LazyLock<\n    Table,\n> = LazyLock::new(make);",
                true,
            ),
            (
                "static SEEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());",
                true,
            ),
            ("    static N: AtomicU64 = AtomicU64::new(0);", true),
            ("lazy_static! { static ref X: u8 = 1; }", true),
            ("thread_local! { static X: u8 = 1; }", true),
            ("static NAMES: [&str; 2] = [a(Mutex), b];", false),
            ("struct Cache { once: OnceLock<u8> }", false),
            ("fn f(x: &'static Mutex<u8>) {}", false),
            ("const N: u32 = 1;", false),
        ] {
            for (path, here) in [("domain/src/x.rs", true), ("xtask/src/x.rs", false)] {
                let found = no_shared_state(&[SourceFile::new(path, text)]);
                assert_eq!(!found.is_empty(), refused && here, "{path} {text}");
            }
        }
        let found = no_shared_state(&[SourceFile::new("app/src/x.rs", "\nstatic mut N: u8 = 0;")]);
        assert_eq!(
            found[0].to_string(),
            "app/src/x.rs:2: shared state: put it into a value that app/wiring makes and passes on"
        );
    }

    /// ARC-08: a value behind `dyn Any` is refused.
    #[test]
    fn arc_08_a_value_without_type_is_refused() {
        for (text, refused) in [
            ("fn f() -> Box<dyn Any> {}", true),
            ("fn f(x: &(dyn Any + Send)) {}", true),
            ("fn f(x: &dyn AnyBroker) {}", false),
        ] {
            let found = no_any(&[SourceFile::new("app/src/x.rs", text)]);
            assert_eq!(!found.is_empty(), refused, "{text}");
        }
    }
}
