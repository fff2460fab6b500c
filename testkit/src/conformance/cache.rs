//! The contract of [`Cache`], as behaviours.

use std::sync::Arc;

use ballast_domain::time::{Span, Timestamp};
use ballast_ports::{Cache, ErrorKind, Freshness, Lifetime};

use crate::builders::day;

/// A cache under test: empty, and bounded.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The cache.
    pub cache: Arc<dyn Cache>,
    /// Its bound: 4 to 64 entries.
    pub max_entries: usize,
}

macro_rules! suite {
    ($d:tt $($behaviour:ident)+) => {
        /// The name of every behaviour.
        pub const BEHAVIOURS: &[&str] = &[$(stringify!($behaviour)),+];

        /// Runs one behaviour by name. Panics on a violation and on an unknown name.
        pub async fn run(behaviour: &str, subject: &Subject) {
            match behaviour {
                $(stringify!($behaviour) => $behaviour(subject).await,)+
                _ => panic!("there is no behaviour '{behaviour}'"),
            }
        }

        /// Makes one `#[tokio::test]` of each behaviour of the cache contract. The argument is an
        /// expression that gives a fresh [`Subject`]($crate::conformance::cache::Subject).
        #[macro_export]
        macro_rules! cache_conformance {
            ($d subject:expr) => {
                $(
                    #[tokio::test]
                    async fn $behaviour() {
                        $crate::conformance::cache::$behaviour(&$d subject).await;
                    }
                )+
            };
        }
    };
}

suite! { $
    what_was_put_comes_back
    nothing_is_a_miss_and_an_empty_value_is_none
    each_entry_has_its_own_lifetime_and_outlives_it
    a_later_value_replaces_the_earlier_one
    removing_twice_is_removing_once
    an_empty_key_is_rejected
    any_text_is_a_key_of_its_own
    the_least_recently_used_goes_first
    equal_values_have_equal_checksums
}

fn hour() -> Lifetime {
    Lifetime::starting(day(0), Span::from_seconds(3_600))
}

async fn put(subject: &Subject, key: &str, value: &[u8]) {
    let done = subject.cache.put(key, value.to_vec(), hour()).await;
    done.unwrap_or_else(|e| panic!("{key}: {}", e.chain()));
}

async fn value(subject: &Subject, key: &str) -> Option<Vec<u8>> {
    let entry = subject.cache.get(key).await;
    let entry = entry.unwrap_or_else(|e| panic!("{key}: {}", e.chain()));
    entry.map(|entry| entry.value)
}

/// Value and lifetime, of every size from nothing to a megabyte.
pub async fn what_was_put_comes_back(subject: &Subject) {
    for size in [1, 255, 256, 4_096, 1 << 20] {
        let bytes: Vec<u8> = (0..=250_u8).cycle().take(size).collect();
        put(subject, "key", &bytes).await;
        let entry = subject.cache.get("key").await.expect("it is there");
        let entry = entry.expect("it is there");
        assert!(entry.value == bytes, "{size} bytes changed");
        assert_eq!(entry.lifetime, hour());
    }
}

/// Only the absence of an entry is a miss.
pub async fn nothing_is_a_miss_and_an_empty_value_is_none(subject: &Subject) {
    assert_eq!(value(subject, "key").await, None);
    put(subject, "key", b"").await;
    assert_eq!(value(subject, "key").await, Some(Vec::new()));
    assert_eq!(value(subject, "another").await, None);
}

/// An entry says whether it is fresh, and is there long after it is not.
pub async fn each_entry_has_its_own_lifetime_and_outlives_it(subject: &Subject) {
    let now = |seconds: i64| day(0) + Span::from_seconds(seconds);
    for (key, ttl) in [("short", 10), ("long", 1_000)] {
        let lifetime = Lifetime::starting(day(0), Span::from_seconds(ttl));
        let done = subject.cache.put(key, vec![1], lifetime).await;
        done.expect("there is room");
    }
    for (key, at, fresh) in [
        ("short", 10, true),
        ("short", 11, false),
        ("long", 11, true),
        ("long", 1_000, true),
        ("long", 1_001, false),
        ("short", 1_000_000, false),
    ] {
        let entry = subject.cache.get(key).await.expect("readable");
        let freshness = entry.expect("it stays").freshness(now(at));
        assert_eq!(freshness == Freshness::Fresh, fresh, "{key} at {at}");
    }
    let ends = [Timestamp::MIN, Timestamp::MAX];
    let [stored_at, expires_at] = ends;
    let lifetime = Lifetime {
        stored_at,
        expires_at,
    };
    let done = subject.cache.put("ever", vec![1], lifetime).await;
    done.expect("any time is a time");
    let entry = subject.cache.get("ever").await.expect("readable");
    assert_eq!(entry.expect("it is there").lifetime, lifetime);
}

/// One entry a key.
pub async fn a_later_value_replaces_the_earlier_one(subject: &Subject) {
    put(subject, "key", b"a longer first value").await;
    put(subject, "key", b"second").await;
    assert_eq!(value(subject, "key").await.as_deref(), Some(&b"second"[..]));
}

/// The second time nothing is there.
pub async fn removing_twice_is_removing_once(subject: &Subject) {
    put(subject, "key", b"value").await;
    put(subject, "other", b"value").await;
    assert!(subject.cache.remove("key").await.expect("removable"));
    assert!(!subject.cache.remove("key").await.expect("removable"));
    assert_eq!(value(subject, "key").await, None);
    assert!(value(subject, "other").await.is_some());
}

/// `Rejected`, with advice.
pub async fn an_empty_key_is_rejected(subject: &Subject) {
    let refused = subject.cache.put("", vec![1], hour()).await;
    let error = refused.expect_err("an empty key was taken");
    assert_eq!(error.kind, ErrorKind::Rejected, "{error}");
    assert!(error.advice().is_some(), "{error}");
    assert_eq!(value(subject, "").await, None);
}

/// Keys that a file system or a careless hash would mix up are apart.
pub async fn any_text_is_a_key_of_its_own(subject: &Subject) {
    let long = "k".repeat(5_000);
    let longer = format!("{long}k");
    let groups: [&[&str]; 3] = [
        &["a", "A", "a ", "../a"],
        &["a/b", "a\\b", "a%2Fb", "CON"],
        &["a\nb", "é", &long, &longer],
    ];
    for keys in groups {
        for key in keys {
            put(subject, key, key.as_bytes()).await;
        }
        for key in keys {
            let found = value(subject, key).await;
            assert_eq!(found.as_deref(), Some(key.as_bytes()), "{key:?}");
        }
    }
}

/// A `get` is a use, and so is a `put`.
pub async fn the_least_recently_used_goes_first(subject: &Subject) {
    let key = |n: usize| format!("k{n}");
    for n in 0..subject.max_entries {
        put(subject, &key(n), &[1]).await;
    }
    assert!(value(subject, &key(0)).await.is_some());
    put(subject, &key(1), &[2]).await;
    put(subject, "one more", &[3]).await;
    assert_eq!(value(subject, &key(2)).await, None, "the oldest use goes");
    for kept in [key(0), key(1), key(3), "one more".to_owned()] {
        assert!(value(subject, &kept).await.is_some(), "{kept} went");
    }
}

/// A checksum is of the value alone.
pub async fn equal_values_have_equal_checksums(subject: &Subject) {
    put(subject, "a", b"same").await;
    put(subject, "b", b"same").await;
    put(subject, "c", b"other").await;
    let mut sums = Vec::new();
    for key in ["a", "b", "c"] {
        let entry = subject.cache.get(key).await.expect("readable");
        sums.push(entry.expect("it is there").checksum);
    }
    assert_eq!(sums[0], sums[1]);
    assert_ne!(sums[0], sums[2]);
}
