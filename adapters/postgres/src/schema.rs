//! The tables of a journal, and whether what is there is one this program may use.

use ballast_journal::STATE;
use ballast_journal::refusal::damaged;
use ballast_ports::{Error, ErrorKind, Result};
use tokio_postgres::Row;

use crate::refusal::unreadable;
use crate::session::{Session, schema_of};

/// Number of the schema below.
const SCHEMA: i64 = 1;
/// What a journal says it is.
const APPLICATION: &str = "ballast journal";

/// The tables, in the order they are made. Text is compared by its bytes, whatever the database's
/// language is.
const TABLES: &[&str] = &[
    "CREATE TABLE about (id int8 PRIMARY KEY CHECK (id = 1), application text NOT NULL, \
     schema int8 NOT NULL, account text NOT NULL)",
    "CREATE TABLE writer (id int8 PRIMARY KEY CHECK (id = 1), epoch int8 NOT NULL, \
     number int8 NOT NULL)",
    "CREATE TABLE links (number int8 PRIMARY KEY CHECK (number > 0), epoch int8 NOT NULL, \
     note text NOT NULL, last_batch int8 NOT NULL, last_record int8 NOT NULL, \
     hash bytea NOT NULL CHECK (octet_length(hash) = 32))",
    "CREATE TABLE batches (seq int8 PRIMARY KEY CHECK (seq > 0), link int8 NOT NULL, \
     digest int8 NOT NULL, last_record int8 NOT NULL)",
    "CREATE TABLE records (seq int8 PRIMARY KEY CHECK (seq > 0), batch int8 NOT NULL, \
     kind text NOT NULL, body bytea NOT NULL, \
     checksum bytea NOT NULL CHECK (octet_length(checksum) = 16), once text COLLATE \"C\")",
    "CREATE UNIQUE INDEX recorded_once ON records (once) WHERE once IS NOT NULL",
    "CREATE TABLE overview (topic text COLLATE \"C\" NOT NULL, key text COLLATE \"C\" NOT NULL, \
     value text NOT NULL, PRIMARY KEY (topic, key))",
    "CREATE TABLE snapshots (batch int8 PRIMARY KEY CHECK (batch > 0), link int8 NOT NULL, \
     state bytea NOT NULL)",
];

/// What the server says of those tables: columns, constraints, indices, and that there is nothing
/// else that could change a row or leave one out.
const SHAPE: &str = include_str!("shape.txt");

/// Asks for [`SHAPE`], a line a row.
const ASK_SHAPE: &str = "WITH mine AS (SELECT c.* FROM pg_class c JOIN pg_namespace n \
       ON n.oid = c.relnamespace WHERE n.nspname = $1) \
     SELECT 'relation ' || relname || ' ' || relkind::text || relpersistence::text || \
       CASE WHEN relrowsecurity THEN ' row security' ELSE '' END AS line \
       FROM mine WHERE relkind <> 'i' \
     UNION ALL SELECT 'column ' || relname || ' ' || attnum || ' ' || attname || ' ' || \
       format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END || \
       coalesce((SELECT ' collate ' || collname FROM pg_collation o WHERE o.oid = attcollation), '') || \
       CASE WHEN atthasdef THEN ' default' ELSE '' END \
       FROM mine JOIN pg_attribute a ON a.attrelid = mine.oid \
       WHERE relkind <> 'i' AND attnum > 0 AND NOT attisdropped \
     UNION ALL SELECT 'constraint ' || relname || ' ' || pg_get_constraintdef(k.oid) \
       FROM mine JOIN pg_constraint k ON k.conrelid = mine.oid WHERE contype <> 'n' \
     UNION ALL SELECT 'index ' || t.relname || ' ' || mine.relname || ' unique ' || indisunique || \
       ' valid ' || (indisvalid AND indisready AND indislive) || ' on ' || \
       array_to_string(ARRAY(SELECT pg_get_indexdef(indexrelid, n, true) \
         FROM generate_series(1, indnatts) n), ',') || \
       coalesce(' where ' || pg_get_expr(indpred, indrelid, true), '') \
       FROM mine JOIN pg_index x ON x.indexrelid = mine.oid JOIN pg_class t ON t.oid = x.indrelid \
     UNION ALL SELECT 'trigger ' || relname || ' ' || tgname \
       FROM mine JOIN pg_trigger g ON g.tgrelid = mine.oid \
     UNION ALL SELECT 'rule ' || relname || ' ' || rulename \
       FROM mine JOIN pg_rewrite w ON w.ev_class = mine.oid \
     UNION ALL SELECT 'child ' || relname || ' ' || inhrelid::text \
       FROM mine JOIN pg_inherits h ON h.inhparent = mine.oid \
     UNION ALL SELECT 'policy ' || relname || ' ' || polname \
       FROM mine JOIN pg_policy p ON p.polrelid = mine.oid";

/// What a database holds for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// Nothing.
    Empty,
    /// A journal of this schema.
    Journal,
}

/// Whether the account's schema is a journal this program may use, to the last column.
///
/// # Errors
/// `Unsupported` for an older or newer schema, `InvalidData` for anything else.
pub(crate) fn judge(session: &Session) -> Result<Content> {
    let schema = schema_of(&session.account)?;
    let rows = session.rows(ASK_SHAPE, &[&schema])?;
    let line = |row: &Row| row.try_get::<_, String>(0);
    let lines: std::result::Result<Vec<String>, _> = rows.iter().map(line).collect();
    let mut lines = lines.map_err(|e| unreadable("pg_catalog", e))?;
    lines.sort();
    let found: String = lines.iter().map(|line| format!("{line}\n")).collect();
    if found.is_empty() {
        return Ok(Content::Empty);
    }
    let is_ours = found.contains("relation about r")
        && found.contains(" application text")
        && found.contains(" schema bigint");
    if !is_ours {
        return Err(of_other_tables().context("schema", schema));
    }
    let about = "SELECT application, schema FROM about";
    let rows = session.rows(about, &[])?;
    let [row] = rows.as_slice() else {
        return Err(damaged("the journal does not say what it is").context("schema", schema));
    };
    let application: &str = row.try_get(0).map_err(|e| unreadable("about", e))?;
    let version: i64 = row.try_get(1).map_err(|e| unreadable("about", e))?;
    if application != APPLICATION {
        return Err(of_other_tables().context("schema", schema));
    }
    if version != SCHEMA {
        return Err(of_other_schema(version));
    }
    if found != SHAPE {
        let odd = found
            .lines()
            .find(|line| !SHAPE.lines().any(|l| l == *line));
        let missing = SHAPE
            .lines()
            .find(|line| !found.lines().any(|l| l == *line));
        return Err(damaged("the tables are not those of this schema")
            .context("there", odd.unwrap_or("nothing more"))
            .context("missing", missing.unwrap_or("nothing")));
    }
    Ok(Content::Journal)
}

fn of_other_tables() -> Error {
    damaged("the tables are not a journal of Ballast")
        .hint("check the database; if it is the journal, restore the newest backup")
}

fn of_other_schema(found: i64) -> Error {
    let (what, hint) = if found > SCHEMA {
        (
            "a newer program wrote this journal",
            "use the program that wrote it, or a newer one; this one must not touch it",
        )
    } else {
        (
            "the journal has an older schema than this program reads",
            "export it with the program that wrote it, and begin a new one from the venue's account",
        )
    };
    Error::new(ErrorKind::Unsupported, STATE, what)
        .context("schema", found)
        .context("this program's", SCHEMA)
        .hint(hint)
}

/// Writes the schema, in one transaction: it is there whole or not at all.
pub(crate) fn create(session: &Session) -> Result<()> {
    let schema = schema_of(&session.account)?;
    let exists = session.row("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema])?;
    session.run("BEGIN")?;
    if exists.is_none() {
        session.run(&format!("CREATE SCHEMA \"{schema}\""))?;
    }
    for table in TABLES {
        session.run(table)?;
    }
    session.change(
        "INSERT INTO about VALUES (1, $1, $2, $3)",
        &[&APPLICATION, &SCHEMA, &session.account],
    )?;
    session.change("INSERT INTO writer VALUES (1, 0, 0)", &[])?;
    session.run("COMMIT")
}

/// The account's name.
pub(crate) fn account(session: &Session) -> Result<String> {
    let row = session.row("SELECT account FROM about WHERE id = 1", &[])?;
    let row = row.ok_or_else(|| damaged("the journal does not say whose it is"))?;
    row.try_get(0).map_err(|e| unreadable("about", e))
}
