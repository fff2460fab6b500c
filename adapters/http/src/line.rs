//! One connection for one exchange.

use std::pin::pin;
use std::time::Duration;

use ballast_domain::kernel::Redeemed;
use ballast_ports::{Error, Result};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::Answer;
use super::classify::{broken, no_connection, too_large, too_late};
use super::settings::TransportSettings;

/// A connection on which nothing was written yet. It is used once.
///
/// Nothing of it runs by itself: dropping it, or a call on it, closes the connection.
#[derive(Debug)]
pub struct Line {
    sender: http1::SendRequest<Full<Bytes>>,
    connection: http1::Connection<TokioIo<TcpStream>, Full<Bytes>>,
    operation: &'static str,
    largest_body: usize,
    order_deadline: Duration,
}

impl Line {
    /// Connects. Not a byte is written.
    pub(crate) async fn open(
        operation: &'static str,
        settings: &TransportSettings,
    ) -> Result<Self> {
        let failed = || no_connection(operation, &settings.authority);
        let connecting = TcpStream::connect(&settings.authority);
        let stream = match timeout(settings.connect_deadline, connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(cause)) => return Err(failed().caused_by(cause)),
            Err(late) => return Err(failed().caused_by(late)),
        };
        // An order is one small write: it does not wait for more.
        stream
            .set_nodelay(true)
            .map_err(|cause| failed().caused_by(cause))?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|cause| failed().caused_by(cause))?;
        Ok(Self {
            sender,
            connection,
            operation,
            largest_body: settings.largest_body,
            order_deadline: settings.order_deadline,
        })
    }

    /// Writes an order, once. The spent permit is the price of calling it, and no error gives it
    /// back: each one means that the outcome is unknown.
    ///
    /// # Errors
    /// `Unavailable` when no whole answer came in time or the connection broke, `InvalidData` when
    /// what came is no answer. None of them proves that the order is not at the venue.
    pub async fn send_once(
        self,
        order: Redeemed,
        request: hyper::Request<Full<Bytes>>,
    ) -> Result<Answer> {
        let deadline = self.order_deadline;
        let client_id = order.intent().client_id;
        self.exchange(request, deadline)
            .await
            .map_err(|e| e.context("client_id", client_id))
    }

    /// Writes one request and reads its whole answer, within `deadline`.
    pub(crate) async fn exchange(
        self,
        request: hyper::Request<Full<Bytes>>,
        deadline: Duration,
    ) -> Result<Answer> {
        let operation = self.operation;
        let answered = timeout(deadline, self.converse(request)).await;
        answered.unwrap_or_else(|_| Err(too_late(operation, deadline)))
    }

    async fn converse(mut self, request: hyper::Request<Full<Bytes>>) -> Result<Answer> {
        let (operation, largest) = (self.operation, self.largest_body);
        let talk = async move {
            let response = self.sender.send_request(request).await;
            let response = response.map_err(|cause| broken(operation, cause))?;
            let (head, body) = response.into_parts();
            let body = read_body(operation, body, largest).await?;
            Ok::<_, Error>(Answer::new(head.status, head.headers, body))
        };
        // The connection moves the bytes; the talk ends when they are there or can never be.
        let mut connection = pin!(self.connection);
        let mut talk = pin!(talk);
        let mut open = true;
        loop {
            tokio::select! {
                answer = &mut talk => return answer,
                _ = &mut connection, if open => open = false,
            }
        }
    }
}

/// The whole body, if it is not larger than `largest` bytes.
async fn read_body(operation: &'static str, mut body: Incoming, largest: usize) -> Result<Bytes> {
    if body.size_hint().lower() > largest as u64 {
        return Err(too_large(operation, largest));
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|cause| broken(operation, cause))?;
        if let Some(data) = frame.data_ref() {
            if whole.len() + data.len() > largest {
                return Err(too_large(operation, largest));
            }
            whole.extend_from_slice(data);
        }
    }
    Ok(whole.freeze())
}
