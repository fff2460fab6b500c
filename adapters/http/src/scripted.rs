//! A server on loopback that does what a script says, one act a connection.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with one connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Reads the request and answers with this status and JSON body.
    Answer(u16, String),
    /// Reads the request and writes these bytes, whatever they are, then closes.
    Bytes(Vec<u8>),
    /// Reads the request, promises a body of twice the length of this one, and closes after it.
    Half(String),
    /// Reads the request and never says anything; the connection stays open.
    Stall,
    /// Reads the request and resets the connection.
    Reset,
    /// Resets the connection without reading from it.
    Hangup,
    /// Reads the request, waits this long, and does the rest.
    Late(Duration, Box<Self>),
    /// Reads the request and answers with this body two times in a row.
    Twice(String),
    /// Reads the request and answers with a body that has no end.
    Endless,
}

/// A server that is running; it stops when this is dropped.
#[derive(Debug)]
pub struct ScriptedServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl ScriptedServer {
    /// Starts a server with one act a connection; after the last it hangs up.
    ///
    /// # Errors
    /// When no port of the loopback address can be had.
    pub async fn start(script: impl IntoIterator<Item = Act>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let mut script: VecDeque<Act> = script.into_iter().collect();
        let heard = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let act = script.pop_front().unwrap_or(Act::Hangup);
                let heard = Arc::clone(&heard);
                open.push(AbortOnDrop(tokio::spawn(play(stream, act, heard))));
            }
        });
        Ok(Self {
            address,
            requests,
            task,
        })
    }

    /// Its address, such as `http://127.0.0.1:40123`.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every whole request that was read, head and body as they came.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.requests).clone()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn play(mut stream: TcpStream, act: Act, heard: Arc<Mutex<Vec<String>>>) {
    // A client that leaves ends the act; whether it came to its end is the test's question.
    let _ = perform(&mut stream, act, &heard).await;
}

async fn perform(
    stream: &mut TcpStream,
    act: Act,
    heard: &Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    if matches!(act, Act::Hangup) {
        return stream.set_zero_linger();
    }
    let request = read_request(stream).await?;
    lock(heard).push(request);
    let act = match act {
        Act::Late(wait, act) => {
            tokio::time::sleep(wait).await;
            *act
        }
        act => act,
    };
    match act {
        Act::Answer(status, body) => {
            let head = head(status, body.len());
            stream.write_all((head + &body).as_bytes()).await?;
        }
        Act::Bytes(bytes) => stream.write_all(&bytes).await?,
        Act::Half(body) => {
            let head = head(200, body.len() * 2);
            stream.write_all((head + &body).as_bytes()).await?;
        }
        Act::Twice(body) => {
            let whole = head(200, body.len()) + &body;
            stream.write_all(whole.repeat(2).as_bytes()).await?;
        }
        Act::Endless => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                        transfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            let chunk = format!("400\r\n{}\r\n", " ".repeat(1024));
            loop {
                stream.write_all(chunk.as_bytes()).await?;
            }
        }
        Act::Reset => stream.set_zero_linger()?,
        Act::Stall => std::future::pending().await,
        Act::Hangup | Act::Late(..) => {}
    }
    stream.flush().await
}

fn head(status: u16, length: usize) -> String {
    format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: application/json\r\n\
         retry-after: 7\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// Head and body of one request.
async fn read_request(stream: &mut TcpStream) -> io::Result<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let ours = name.eq_ignore_ascii_case("content-length");
                ours.then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Ok(text);
            }
        }
        let mut some = [0; 4096];
        let n = stream.read(&mut some).await?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read.extend_from_slice(&some[..n]);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
