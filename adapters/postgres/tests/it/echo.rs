//! A server that repeats the password it was given, in everything it says.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;

use ballast_ports::{Cache as _, Error, Secret};
use ballast_postgres::{Database, Options, PostgresCache, PostgresJournal, SharedCacheBounds};

const CANARY: &str = "canary \"77\" password";

/// Reads a message without a letter (the first) or with one; what follows its length.
fn message(stream: &mut TcpStream, letters: usize) -> Vec<u8> {
    let mut head = vec![0; letters + 4];
    stream.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes(head[letters..].try_into().unwrap());
    let mut rest = vec![0; length as usize - 4];
    stream.read_exact(&mut rest).unwrap();
    rest
}

/// Asks for the password in clear text and repeats it as message, detail, hint and place of an error
/// with the code `sqlstate`.
fn echoing(sqlstate: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            message(&mut stream, 0);
            stream.write_all(b"R\0\0\0\x08\0\0\0\x03").unwrap();
            let given = message(&mut stream, 1);
            let given = String::from_utf8(given).unwrap();
            let given = given.trim_end_matches('\0');
            assert_eq!(given, CANARY, "the server is given the password");
            let mut said = Vec::new();
            for (field, text) in [
                ('S', "FATAL".to_owned()),
                ('V', "FATAL".to_owned()),
                ('C', sqlstate.to_owned()),
                ('M', format!("no: {given}")),
                ('D', format!("detail: {given}")),
                ('H', given.to_owned()),
                ('W', given.to_owned()),
            ] {
                said.push(u8::try_from(field).unwrap());
                said.extend(text.as_bytes());
                said.push(0);
            }
            said.push(0);
            let length = u32::try_from(said.len() + 4).unwrap();
            stream.write_all(b"E").unwrap();
            stream.write_all(&length.to_be_bytes()).unwrap();
            stream.write_all(&said).unwrap();
        }
    });
    format!("postgresql://ballast@127.0.0.1:{port}/ballast")
}

fn everything(e: &Error) -> String {
    let domain = format!("{:?} {}", e.to_domain(), e.to_domain());
    format!("{e} {e:?} {} {:?} {domain}", e.chain(), e.advice())
}

/// SEC-08: a server that repeats the password it was given does not get it into an error of ours.
#[tokio::test]
async fn sec_08_a_password_that_a_server_repeats_is_taken_out_of_the_error() {
    let folder = tempfile::tempdir().unwrap();
    for sqlstate in ["28P01", "3D000", "57P03", "XX000", "42501"] {
        let secret = Arc::new(Secret::new(CANARY.to_owned(), None).unwrap());
        let database = Database::new(&echoing(sqlstate), Some(secret)).unwrap();
        let bounds = SharedCacheBounds::new(NonZeroUsize::MIN);
        let cache = PostgresCache::new(database.clone(), bounds);
        let from_cache = cache.get("key").await.unwrap_err();
        let options = Options::new(database, folder.path(), "main", "a test");
        let from_journal = PostgresJournal::open(options).await.unwrap_err();
        for said in [everything(&from_cache), everything(&from_journal)] {
            assert!(said.contains("no: ***"), "{sqlstate}: {said}");
            assert!(!said.contains("canary"), "{sqlstate}: {said}");
        }
    }
}
