//! One connection, asked from a thread of its own that waits for each answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use ballast_journal::STATE;
use ballast_ports::{Error, ErrorKind, Result};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

use crate::database::{Database, Password};
use crate::refusal::{Trouble, of_trouble};
use crate::server;

/// The server gives up a statement after 30 seconds; who has heard nothing by then is cut off.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// What each session says first. A commit is durable when it is answered, whatever the server's
/// default becomes later; a writer that is gone is noticed within seconds, so that its lock is free.
const MANNERS: &str = "SET synchronous_commit = on; \
    SET lock_timeout = '2s'; \
    SET statement_timeout = '30s'; \
    SET idle_in_transaction_session_timeout = '30s'; \
    SET client_connection_check_interval = '1s'; \
    SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
    SET client_min_messages = error; SET DateStyle = 'ISO'; SET standard_conforming_strings = on";

/// Waits between attempts to connect, at the start of a session. A server that is just starting, or has
/// no room for a moment, is there after them; nothing was asked of it yet, so asking again is safe.
const WAITS: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1_200)];

/// The most bytes of a name in PostgreSQL.
const LONGEST_NAME: usize = 63;

/// Parameters of a statement.
pub(crate) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection to the database of an account, and the thread's runtime that drives it.
pub(crate) struct Session {
    client: Client,
    driver: JoinHandle<()>,
    statements: RefCell<BTreeMap<&'static str, Statement>>,
    pub(crate) account: String,
    pub(crate) place: String,
    password: Password,
    // Last: what is above may need it to end.
    runtime: Runtime,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// The schema that holds the journal of `account`.
///
/// # Errors
/// `Config` when the name is too long for PostgreSQL, which would cut it silently.
pub(crate) fn schema_of(account: &str) -> Result<String> {
    let schema = format!("ballast_{account}");
    if schema.len() > LONGEST_NAME || schema.contains(['"', '\0']) {
        return Err(Error::new(
            ErrorKind::Config,
            STATE,
            "the account's name cannot be that of a schema",
        )
        .context("account", account)
        .hint("use at most 55 letters, digits, '-', '_' and '.'"));
    }
    Ok(schema)
}

impl Session {
    /// Connects, and refuses a server that promises too little.
    pub(crate) fn connect(database: &Database, account: &str) -> Result<Self> {
        let schema = schema_of(account)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|e| {
                Error::new(ErrorKind::Unavailable, STATE, "no connection can be made")
                    .caused_by(e)
                    .hint("raise the limits of this process")
            })?;
        let config = database.config(&format!("ballast journal {account}"));
        let mut waits = WAITS.into_iter();
        let (client, connection) = loop {
            let refused = match block_on(&runtime, config.connect(NoTls)) {
                Ok(connected) => break connected,
                Err(trouble) => {
                    of_trouble(trouble, "the database cannot be reached", database.secret())
                }
            };
            match waits
                .next()
                .filter(|_| refused.kind == ErrorKind::Unavailable)
            {
                Some(wait) => std::thread::sleep(wait),
                None => return Err(refused.context("database", database.text())),
            }
        };
        let driver = runtime.spawn(async move {
            // Its error is what the next answer says.
            let _ = connection.await;
        });
        let session = Self {
            client,
            driver,
            statements: RefCell::default(),
            account: account.to_owned(),
            place: format!("{}, schema {schema}", database.text()),
            password: database.password(),
            runtime,
        };
        server::check(&session).map_err(|e| e.context("database", database.text()))?;
        session.run(MANNERS)?;
        session.run(&format!("SET search_path = \"{schema}\""))?;
        Ok(session)
    }

    /// Runs statements without parameters or answers.
    pub(crate) fn run(&self, sql: &str) -> Result<()> {
        self.try_run(sql)
            .map_err(|trouble| self.told(trouble, "the journal's database failed"))
    }

    /// As [`Session::run`], with the trouble as it came.
    pub(crate) fn try_run(&self, sql: &str) -> std::result::Result<(), Trouble> {
        block_on(&self.runtime, self.client.batch_execute(sql))
    }

    /// The rows of a query.
    pub(crate) fn rows(&self, sql: &'static str, values: Values<'_>) -> Result<Vec<Row>> {
        self.try_rows(sql, values)
            .map_err(|trouble| self.told(trouble, "the journal cannot be read"))
    }

    /// Its row, if it has one.
    pub(crate) fn row(&self, sql: &'static str, values: Values<'_>) -> Result<Option<Row>> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    fn try_rows(
        &self,
        sql: &'static str,
        values: Values<'_>,
    ) -> std::result::Result<Vec<Row>, Trouble> {
        let statement = self.statement(sql)?;
        block_on(&self.runtime, self.client.query(&statement, values))
    }

    /// Changes rows; answers how many.
    pub(crate) fn change(&self, sql: &'static str, values: Values<'_>) -> Result<u64> {
        self.statement(sql)
            .and_then(|statement| block_on(&self.runtime, self.client.execute(&statement, values)))
            .map_err(|trouble| self.told(trouble, "records cannot be written"))
    }

    /// The server did not do `what`, without the password of this session.
    pub(crate) fn told(&self, trouble: Trouble, what: &str) -> Error {
        of_trouble(trouble, what, self.password.as_deref())
    }

    fn statement(&self, sql: &'static str) -> std::result::Result<Statement, Trouble> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = block_on(&self.runtime, self.client.prepare(sql))?;
        self.statements.borrow_mut().insert(sql, statement.clone());
        Ok(statement)
    }

    /// What `look` finds as of one instant; nothing is changed.
    pub(crate) fn at_one_instant<T>(&self, look: impl FnOnce() -> Result<T>) -> Result<T> {
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let found = look();
        let ended = self.run("ROLLBACK");
        let found = found?;
        ended?;
        Ok(found)
    }

    /// Says good-bye, so that the server lets go of the lock at once.
    pub(crate) fn close(self) {
        let Self {
            client,
            driver,
            statements,
            runtime,
            ..
        } = self;
        drop(statements);
        drop(client);
        // A server that does not answer is left alone: nothing is under way.
        let _ = runtime.block_on(async { tokio::time::timeout(ANSWER_WITHIN, driver).await });
    }
}

fn block_on<T>(
    runtime: &Runtime,
    answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
) -> std::result::Result<T, Trouble> {
    match runtime.block_on(async { tokio::time::timeout(ANSWER_WITHIN, answer).await }) {
        Ok(answer) => answer.map_err(Trouble::Failed),
        Err(_) => Err(Trouble::Silent),
    }
}
