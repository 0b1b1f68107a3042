//! Writes what waits, in batches.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::connection::Connection;
use super::tls::explain;

/// A write buffer that a burst has made larger than this is given back.
const KEPT_OCTETS: usize = 256 << 10;

pub(super) async fn write_all(connection: Arc<Connection>, mut socket: impl AsyncWrite + Unpin) {
    let mut out = BytesMut::new();
    loop {
        if !connection.take_outgoing(&mut out) {
            break;
        }
        if out.is_empty() {
            connection.written.notified().await;
            continue;
        }
        let octets = out.len() as u64;
        let write = async {
            socket.write_all(&out).await?;
            socket.flush().await
        };
        // A batch is small, so taking it has no excuse for lasting long.
        let write = connection.env.timeout(connection.options.dead_after, write);
        let written = tokio::select! {
            biased;
            written = write => written,
            _ = connection.ended() => break,
        };
        match written {
            Some(Ok(())) => connection.metrics.sent_octets.inc_by(octets),
            Some(Err(error)) => {
                connection.end(&explain(&error));
                break;
            }
            None => {
                connection.metrics.dead.inc();
                connection.end("the other node takes no data");
                break;
            }
        }
        out.clear();
        if out.capacity() > KEPT_OCTETS {
            out = BytesMut::new();
        }
    }
    // The other side notices the end by it, if it is there at all.
    let _ = connection
        .env
        .timeout(connection.options.ping_every, socket.shutdown())
        .await;
}
