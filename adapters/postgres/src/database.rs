//! Which database, said without a password.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ballast_journal::STATE;
use ballast_ports::{Error, ErrorKind, Result, Secret};
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// A server that has not answered by then will not.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// The password of the database's user; `None` where the server asks for none.
pub type Password = Option<Arc<Secret>>;

/// A database of a PostgreSQL server on this machine.
#[derive(Clone)]
pub struct Database {
    text: String,
    config: Config,
    password: Password,
}

impl fmt::Debug for Database {
    /// The text has no password, and nothing prints the one that is used.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.text).finish()
    }
}

impl PartialEq for Database {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Database {
    /// The database that `text` names, as `postgresql://USER@127.0.0.1:5432/NAME` or
    /// `host=/run/postgresql user=USER dbname=NAME`.
    ///
    /// # Errors
    /// `Config` for a text that is none, that holds a password, or that names a server this program
    /// would reach over a network: there is no encryption here. The text is not repeated, for it may
    /// hold what must not be printed.
    pub fn new(text: &str, password: Password) -> Result<Self> {
        let refuse = |message: &str, hint: &str| {
            Err(Error::new(ErrorKind::Config, STATE, message).hint(hint))
        };
        let Ok(config) = text.parse::<Config>() else {
            return refuse("the database has no address that can be read", FORMS);
        };
        if config.get_password().is_some() {
            return refuse(
                "the address of the database holds a password",
                "take it out, have a new one set, and keep that as the secret postgres_password",
            );
        }
        let (hosts, addresses) = (config.get_hosts(), config.get_hostaddrs());
        if hosts.len().max(addresses.len()) != 1 || config.get_ports().len() > 1 {
            return refuse(
                "the records live on one server, and the address names none or several",
                "name one host; after a failover start again with the new one",
            );
        }
        let is_here =
            hosts.iter().all(is_this_machine) && addresses.iter().all(IpAddr::is_loopback);
        if !is_here {
            return refuse(
                "the database is on another machine, and connections are not encrypted",
                "use a Unix socket (host=/run/postgresql) or 127.0.0.1, with an encrypted tunnel \
                 such as `ssh -N -L 5432:/run/postgresql/.s.PGSQL.5432 HOST` to a server elsewhere",
            );
        }
        if config.get_dbname().is_none() {
            return refuse("the address names no database", FORMS);
        }
        Ok(Self {
            text: text.to_owned(),
            config,
            password,
        })
    }

    /// The address, which has no password in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The password, for whoever has to keep it out of what a server says.
    pub(crate) fn password(&self) -> Password {
        self.password.clone()
    }

    /// The same, for a moment.
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.password.as_deref()
    }

    /// How to reach it, with the password, as `program`.
    pub(crate) fn config(&self, program: &str) -> Config {
        let mut config = self.config.clone();
        config
            .application_name(program)
            .connect_timeout(CONNECT_WITHIN)
            .keepalives_idle(Duration::from_secs(5));
        if let Some(password) = &self.password {
            config.password(password.expose());
        }
        config
    }
}

const FORMS: &str = "write postgresql://USER@127.0.0.1:5432/NAME, or \
                     host=/run/postgresql user=USER dbname=NAME";

fn is_this_machine(host: &Host) -> bool {
    match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let e = Database::new(text, None).unwrap_err();
        assert_eq!((e.kind, e.operation), (ErrorKind::Config, STATE), "{text}");
        assert!(e.advice().is_some(), "{text}: no hint in {e}");
        format!("{e:?} {}", e.chain())
    }

    #[test]
    fn an_address_names_one_database_on_this_machine() {
        for text in [
            "postgresql://ballast@127.0.0.1:5432/trading",
            "postgres://ballast@[::1]/trading",
            "postgresql://localhost/trading",
            "host=/run/postgresql user=ballast dbname=trading",
            "host=localhost hostaddr=127.0.0.1 dbname=trading",
        ] {
            assert_eq!(Database::new(text, None).unwrap().text(), text);
        }
        for (text, says) in [
            ("", "names none or several"),
            ("what is this", "no address that can be read"),
            ("postgresql://a@127.0.0.1,127.0.0.2/b", "none or several"),
            ("postgresql://a@10.0.0.1/b", "not encrypted"),
            ("postgresql://a@db.example.com/b", "not encrypted"),
            ("host=localhost hostaddr=10.0.0.1 dbname=b", "not encrypted"),
            ("host=/run/postgresql user=a", "names no database"),
        ] {
            let said = refused(text);
            assert!(said.contains(says), "{text}: {said}");
        }
    }

    /// A password in the address is refused and repeated nowhere, and the one that is used prints
    /// nowhere.
    #[test]
    fn a_password_is_neither_taken_from_the_address_nor_printed() {
        for text in [
            "postgresql://a:canary-77@127.0.0.1/b",
            "host=/run/postgresql dbname=b password=canary-77",
            "host=/run/postgresql dbname=b password='canary-77",
        ] {
            let said = refused(text);
            assert!(!said.contains("canary"), "{said}");
        }
        let secret = Secret::new("canary-77".to_owned(), None).unwrap();
        let database = Database::new("postgresql://a@127.0.0.1/b", Some(Arc::new(secret))).unwrap();
        assert!(!format!("{database:?}").contains("canary"));
        assert!(!format!("{:?}", database.config("main")).contains("canary"));
    }
}
