//! Reads frames and hands them on; notices when the other side is silent for too long.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::connection::{Connection, Violation};
use super::serving::Serving;
use super::tls::explain;
use crate::frame::{Frame, Parser, RefuseReason};

/// How much is read at once, at most.
const READ_OCTETS: usize = 32 << 10;

/// Reads until the connection ends.
pub(super) async fn read_all(
    connection: Arc<Connection>,
    serving: Option<Arc<Serving>>,
    mut parser: Parser,
    mut socket: impl AsyncRead + Unpin,
) {
    let reading = async {
        loop {
            loop {
                match parser.next_frame() {
                    Ok(Some(frame)) => {
                        if let Err(violation) = take(&connection, serving.as_ref(), frame) {
                            connection.metrics.violations.inc();
                            return violation.to_string();
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        connection.metrics.violations.inc();
                        return error.to_string();
                    }
                }
            }
            if let Some(reason) = fill(&connection, &mut parser, &mut socket).await {
                return reason;
            }
        }
    };
    let reason = tokio::select! {
        biased;
        reason = connection.ended() => reason,
        reason = reading => reason,
    };
    connection.end(&reason);
}

/// Reads some more; the reason when there is no more.
async fn fill(connection: &Connection, parser: &mut Parser, socket: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let (env, options) = (&connection.env, &connection.options);
    let silent_since = env.now_micros();
    loop {
        let buffer = parser.buffer();
        buffer.reserve(READ_OCTETS);
        match env.timeout(options.ping_every, socket.read_buf(buffer)).await {
            Some(Ok(0)) => return Some("the other node has closed the connection".to_owned()),
            Some(Ok(octets)) => {
                connection.metrics.received_octets.inc_by(octets as u64);
                return None;
            }
            Some(Err(error)) => return Some(explain(&error)),
            None => {}
        }
        let now = env.now_micros();
        if u128::from(now - silent_since) >= options.dead_after.as_micros() {
            connection.metrics.dead.inc();
            return Some("the other node is silent".to_owned());
        }
        if connection.is_ours && connection.is_idle(options.idle) {
            return Some("idle".to_owned());
        }
        connection.send(Frame::Ping(now));
    }
}

fn take(connection: &Arc<Connection>, serving: Option<&Arc<Serving>>, frame: Frame) -> Result<(), Violation> {
    match (frame, serving) {
        (
            Frame::Call {
                stream,
                service,
                within_micros,
                total,
                payload,
            },
            Some(serving),
        ) => {
            if let Some(call) = connection.take_call((stream, service, within_micros), total, payload)? {
                serving.call(connection, call);
            }
        }
        (Frame::Part { stream, payload }, serving) => {
            if let (Some(call), Some(serving)) = (connection.take_part(stream, &payload)?, serving) {
                serving.call(connection, call);
            }
        }
        (
            Frame::Open {
                stream,
                service,
                payload,
            },
            Some(serving),
        ) => match connection.take_open(stream)? {
            Some(opened) => serving.stream(connection, stream, service, payload, opened),
            None => connection.answer(Frame::Refuse {
                stream,
                reason: RefuseReason::Overloaded,
            })?,
        },
        (Frame::Reply { stream, total, payload }, None) => connection.take_reply(stream, total, payload),
        (Frame::Refuse { stream, reason }, None) => connection.take_refusal(stream, reason),
        (Frame::Data { stream, payload }, _) => connection.take_data(stream, payload)?,
        (Frame::Credit { stream, octets }, _) => connection.take_credit(stream, octets)?,
        (Frame::End { stream }, _) => connection.take_end(stream),
        (Frame::Reset { stream }, _) => connection.take_reset(stream),
        (Frame::Ping(number), _) => connection.answer(Frame::Pong(number))?,
        (Frame::Pong(_) | Frame::Skipped(_), _) => {}
        (Frame::Hello(_) | Frame::Reject(_), _) => return Err(Violation("it greets twice")),
        (Frame::Call { .. } | Frame::Open { .. }, None) => {
            return Err(Violation("it calls on a connection it has accepted"));
        }
        (Frame::Reply { .. } | Frame::Refuse { .. }, Some(_)) => return Err(Violation("it answers what nobody asked")),
    }
    Ok(())
}
