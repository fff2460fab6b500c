//! Every value of every row is changed, every row taken away: refused, by the audit and by a start.

use std::fs;

use ballast_ports::{Error, ErrorKind};
use ballast_postgres::{PostgresJournal, STATE, accept};

use super::room::{Room, batches, server};

const TABLES: [&str; 7] = [
    "about",
    "writer",
    "links",
    "batches",
    "records",
    "overview",
    "snapshots",
];

fn taught(e: &Error, place: &str) {
    assert_eq!(e.operation, STATE, "{place}: {}", e.chain());
    assert!(
        matches!(
            e.kind,
            ErrorKind::InvalidData | ErrorKind::Unsupported | ErrorKind::Rejected
        ),
        "{place}: {}",
        e.chain()
    );
    assert!(e.advice().is_some(), "{place}: no hint in {e}");
}

async fn start_refused(room: &Room, place: &str) -> Error {
    match PostgresJournal::open(room.options()).await {
        Ok(_) => panic!("{place}: it was opened"),
        Err(e) => {
            taught(&e, place);
            e
        }
    }
}

/// Changes of a value that a person or a damaged disk makes.
fn changes(column: &str, of: &str) -> Vec<String> {
    match of {
        "bigint" => vec![
            format!("{column} = {column} # 1"),
            format!("{column} = {column} + 1000"),
            format!("{column} = -{column} - 1"),
        ],
        "bytea" => ["0", "octet_length({}) / 2", "octet_length({}) - 1"]
            .iter()
            .map(|place| place.replace("{}", column))
            .map(|p| format!("{column} = set_byte({column}, {p}, get_byte({column}, {p}) # 4)"))
            .collect(),
        "text" => vec![
            format!("{column} = {column} || ' '"),
            format!(
                "{column} = CASE WHEN {column} = '' OR {column} IS NULL THEN 'x' ELSE \
                 overlay({column} placing chr(ascii({column}) # 1) from 1 for 1) END"
            ),
            format!("{column} = replace({column}, 'a', 'b') || 'x'"),
        ],
        other => panic!("no change for a {other}"),
    }
}

/// No value can be changed and no row taken away unseen.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_value_of_every_row_may_be_changed_and_is_refused() {
    change_values(1).await;
}

/// The same in three ways each: another sign, another place.
#[tokio::test]
#[ignore = "takes minutes, on a PostgreSQL server: cargo xtask postgres --all"]
async fn exhaustive_values_may_be_changed_in_every_way() {
    change_values(3).await;
}

async fn change_values(ways: usize) {
    let room = Room::new();
    room.lived().await.close().await.unwrap();
    let (good, audit) = room.export().unwrap();
    for table in TABLES {
        room.sql(&format!(
            "CREATE TABLE public.\"{}_{table}\" AS TABLE {table}",
            room.account
        ));
    }
    let put_back = |table: &str| {
        room.sql(&format!(
            "TRUNCATE {table}; INSERT INTO {table} SELECT * FROM public.\"{}_{table}\"",
            room.account
        ));
    };
    let (mut values, mut refused, mut by_the_server, mut rows_gone) = (0, 0, 0, 0);
    for table in TABLES {
        let columns = room.sql(&format!(
            "SELECT attname || '/' || format_type(atttypid, NULL) FROM pg_attribute \
             WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
        ));
        let key = columns.lines().next().unwrap().split('/').next().unwrap();
        let key = if table == "overview" {
            "topic || key"
        } else {
            key
        };
        let keys = room.sql(&format!("SELECT {key} FROM {table} ORDER BY 1"));
        for row in keys.lines() {
            let this = format!("{key} = '{row}'");
            room.sql(&format!("DELETE FROM {table} WHERE {this}"));
            let place = format!("{table} without {this}");
            taught(&room.audit().expect_err(&place), &place);
            rows_gone += 1;
            put_back(table);
            for column in columns.lines() {
                let (column, of) = column.split_once('/').unwrap();
                values += 1;
                for change in changes(column, of).into_iter().take(ways) {
                    let place = format!("{table}: {change} where {this}");
                    // What a constraint forbids the server refuses; it is asked without them too.
                    let sql = format!(
                        "DO $$ BEGIN UPDATE {table} SET {change} WHERE {this} AND \
                         {column} IS DISTINCT FROM ({}); EXCEPTION WHEN integrity_constraint_violation \
                         THEN RAISE NOTICE 'refused'; END $$; \
                         SELECT count(*) FROM (TABLE {table} EXCEPT \
                         TABLE public.\"{}_{table}\") x",
                        change.split_once(" = ").unwrap().1,
                        room.account
                    );
                    if room.sql(&sql) == "0" {
                        by_the_server += 1;
                        continue;
                    }
                    taught(&room.audit().expect_err(&place), &place);
                    refused += 1;
                    put_back(table);
                }
            }
        }
        // A start looks as closely.
        room.sql(&format!("DELETE FROM {table}"));
        start_refused(&room, table).await;
        put_back(table);
    }
    let (text, again) = room.export().unwrap();
    assert!(text == good && again == audit, "it is whole again");
    println!(
        "{values} values: {refused} changes refused, {by_the_server} not taken by the server, \
         {rows_gone} rows gone and missed, 0 unnoticed"
    );
    assert!(refused > 80 && rows_gone > 20, "{refused} {rows_gone}");
}

/// What is not a row: a trigger, a column, an index that is gone, a table that a crash would empty.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn a_changed_schema_is_refused() {
    let room = Room::new();
    room.lived().await.close().await.unwrap();
    for (change, back) in [
        (
            "DROP INDEX recorded_once",
            "CREATE UNIQUE INDEX recorded_once ON records (once) WHERE once IS NOT NULL",
        ),
        (
            "ALTER TABLE records ADD COLUMN more text",
            "ALTER TABLE records DROP COLUMN more",
        ),
        (
            "ALTER TABLE batches SET UNLOGGED",
            "ALTER TABLE batches SET LOGGED",
        ),
        (
            "ALTER TABLE links ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE links DISABLE ROW LEVEL SECURITY",
        ),
        (
            "CREATE RULE quiet AS ON DELETE TO links DO INSTEAD NOTHING",
            "DROP RULE quiet ON links",
        ),
        ("CREATE TABLE other (x int)", "DROP TABLE other"),
        (
            "CREATE TRIGGER t BEFORE UPDATE ON writer FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "DROP TRIGGER t ON writer",
        ),
    ] {
        room.audit().unwrap();
        room.sql(change);
        let e = room.audit().expect_err(change);
        assert_eq!(e.kind, ErrorKind::InvalidData, "{change}: {e}");
        assert!(
            e.chain().contains("not those of this schema"),
            "{change}: {}",
            e.chain()
        );
        start_refused(&room, change).await;
        room.sql(back);
    }
    for (version, says) in [(2, "a newer program"), (0, "an older schema")] {
        room.sql(&format!("UPDATE about SET schema = {version}"));
        let e = start_refused(&room, says).await;
        assert_eq!(e.kind, ErrorKind::Unsupported);
        assert!(e.chain().contains(says), "{}", e.chain());
    }
    room.sql("UPDATE about SET schema = 1");
    room.open().await.close().await.unwrap();
}

/// A dump of the database goes with the anchor of its time; alone it is an old copy, and is refused.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask postgres"]
async fn an_old_database_is_refused_and_a_backup_with_its_anchor_is_not() {
    use ballast_ports::Journal as _;
    let room = Room::new();
    let journal = room.open().await;
    for batch in &batches()[..2] {
        journal.append(batch).await.unwrap();
    }
    // While it is open: the anchor first, so that the dump is never behind it.
    let anchor = fs::read(room.anchor()).unwrap();
    let dump = server().dump(&room.schema());
    journal.append(&batches()[2]).await.unwrap();
    journal.close().await.unwrap();
    let newest = fs::read(room.anchor()).unwrap();

    room.sql(&format!("DROP SCHEMA \"{}\" CASCADE", room.schema()));
    let e = start_refused(&room, "no database").await;
    assert!(e.chain().contains("the journal is gone"), "{}", e.chain());
    server().restore(&dump);
    let e = start_refused(&room, "an old database").await;
    assert!(
        e.chain().contains("acknowledged records are missing"),
        "{}",
        e.chain()
    );
    fs::write(room.anchor(), anchor).unwrap();
    let journal = room.open().await;
    assert_eq!(journal.opened_at().unwrap().seq, 2);
    journal.append(&batches()[2]).await.unwrap();
    journal.close().await.unwrap();

    // The anchor of the lost history belongs to another one now.
    fs::write(room.anchor(), newest).unwrap();
    start_refused(&room, "another history").await;
    fs::remove_file(room.anchor()).unwrap();
    let e = start_refused(&room, "no anchor").await;
    assert!(
        e.chain().contains("anchor of the journal is gone"),
        "{}",
        e.chain()
    );
    let audit = accept(
        room.path(),
        &room.account,
        None,
        "a test",
        "the venue agrees",
    )
    .unwrap();
    assert_eq!(audit.batches, 3);
    room.open().await.close().await.unwrap();
}
