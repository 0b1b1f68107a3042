//! One connection: calls and streams side by side, and what they may hold in memory.
//!
//! The side that dialled begins calls and streams, the other side answers. `reader` and `writer` are its two tasks;
//! everything they share is here, under one lock that is never held across a wait.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hongyan_env::Env;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot, watch};

use super::metrics::Metrics;
use super::options::TransportOptions;
use super::outgoing::Outgoing;
use crate::frame::{Frame, RefuseReason};
use crate::stream::{Arrival, Outlet, Stream, StreamEnd, WINDOW_OCTETS, cost};
use crate::{CallError, NodeId, ServiceId};

pub(super) struct Connection {
    pub peer: NodeId,
    /// Whether this side dialled.
    pub is_ours: bool,
    pub env: Env,
    pub options: Arc<TransportOptions>,
    pub metrics: Metrics,
    state: Mutex<State>,
    /// Something waits to be written.
    pub written: Notify,
    /// Why it ended, once it has.
    ended: watch::Sender<Option<String>>,
    used_micros: AtomicU64,
}

#[derive(Default)]
struct State {
    outgoing: Outgoing,
    last_stream: u64,
    calls: HashMap<u64, oneshot::Sender<Result<Bytes, CallError>>>,
    /// Calls in service that may be given up.
    revocable: HashMap<u64, oneshot::Sender<()>>,
    streams: HashMap<u64, Flow>,
    assemblies: HashMap<u64, Assembly>,
    /// Octets of payloads under assembly or in service.
    inbound_octets: usize,
    served: usize,
    is_ended: bool,
}

/// One stream, seen from its connection.
struct Flow {
    end: StreamEnd,
    /// What the other side may still send.
    window: u32,
    has_ended_in: bool,
    has_ended_out: bool,
}

/// A payload of which parts are missing.
struct Assembly {
    total: usize,
    octets: BytesMut,
    call: Option<(ServiceId, u64)>,
}

/// A call that has arrived whole.
pub(super) struct Arrived {
    pub stream: u64,
    pub service: ServiceId,
    pub within: Duration,
    pub payload: Bytes,
}

/// The other side does what the protocol forbids.
#[derive(Debug, thiserror::Error)]
#[error("the other node breaks the protocol: {0}")]
pub(super) struct Violation(pub &'static str);

impl Connection {
    pub(super) fn new(
        env: Env,
        options: Arc<TransportOptions>,
        metrics: Metrics,
        (peer, is_ours): (NodeId, bool),
    ) -> Arc<Self> {
        let direction = if is_ours { "out" } else { "in" };
        metrics.connections.with_label_values(&[direction]).inc();
        Arc::new(Self {
            peer,
            is_ours,
            used_micros: AtomicU64::new(env.now_micros()),
            env,
            options,
            metrics,
            state: Mutex::default(),
            written: Notify::new(),
            ended: watch::Sender::new(None),
        })
    }
    pub(super) fn is_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }
    /// Resolves when it has ended, with the reason.
    pub(super) async fn ended(&self) -> String {
        let mut ended = self.ended.subscribe();
        // The sender lives as long as `self`.
        match ended.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(_) => String::new(),
        }
    }
    /// Ends it: calls fail as unreachable, streams break.
    pub(super) fn end(&self, reason: &str) {
        let (calls, streams) = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.is_ended, true) {
                return;
            }
            state.assemblies.clear();
            state.outgoing = Outgoing::default();
            (std::mem::take(&mut state.calls), std::mem::take(&mut state.streams))
        };
        for (_, call) in calls {
            // Who gave up meanwhile needs no answer.
            let _ = call.send(Err(CallError::Unreachable));
        }
        for (_, flow) in streams {
            flow.end.credit.close();
        }
        self.ended.send_replace(Some(reason.to_owned()));
        self.written.notify_one();
    }
    /// Whether nothing has been under way for `idle`.
    pub(super) fn is_idle(&self, idle: Duration) -> bool {
        let state = self.state.lock();
        let since = self
            .env
            .now_micros()
            .saturating_sub(self.used_micros.load(Ordering::Relaxed));
        state.calls.is_empty() && state.streams.is_empty() && u128::from(since) >= idle.as_micros()
    }
    fn touch(&self) {
        self.used_micros.store(self.env.now_micros(), Ordering::Relaxed);
    }
    /// Moves the next octets to write into `out`; whether the connection goes on.
    pub(super) fn take_outgoing(&self, out: &mut BytesMut) -> bool {
        let mut state = self.state.lock();
        state.outgoing.take(out);
        !state.is_ended
    }
    /// Sends what the other side has provoked. It may not do that faster than it reads.
    pub(super) fn answer(&self, frame: Frame) -> Result<(), Violation> {
        if self.state.lock().outgoing.octets() > self.options.outbound_octets_max.saturating_mul(2) {
            return Err(Violation("it asks and does not read the answers"));
        }
        self.send(frame);
        Ok(())
    }
    pub(super) fn send(&self, frame: Frame) {
        {
            let mut state = self.state.lock();
            if state.is_ended {
                return;
            }
            state.outgoing.push(frame);
        }
        self.written.notify_one();
    }

    /// Calls; the reply comes through the receiver, which closes when the connection ends.
    pub(super) fn call(
        self: &Arc<Self>,
        service: ServiceId,
        payload: Bytes,
        within: Duration,
    ) -> Result<PendingCall, CallError> {
        self.touch();
        let (sender, receiver) = oneshot::channel();
        let stream = {
            let mut state = self.state.lock();
            if state.is_ended {
                return Err(CallError::Unreachable);
            }
            if state.calls.len() >= self.options.calls_max || state.outgoing.octets() > self.options.outbound_octets_max
            {
                return Err(CallError::Overloaded);
            }
            state.last_stream += 1;
            let stream = state.last_stream;
            state.calls.insert(stream, sender);
            let within_micros = u64::try_from(within.as_micros()).unwrap_or(u64::MAX);
            state.outgoing.push_payload(payload, |total, payload| Frame::Call {
                stream,
                service,
                within_micros,
                total,
                payload,
            });
            stream
        };
        self.written.notify_one();
        Ok(PendingCall {
            connection: Arc::clone(self),
            stream,
            receiver,
        })
    }
    /// Opens a stream.
    pub(super) fn open(self: &Arc<Self>, service: ServiceId, payload: Bytes) -> Result<Stream, CallError> {
        self.touch();
        let stream = {
            let mut state = self.state.lock();
            if state.is_ended {
                return Err(CallError::Unreachable);
            }
            if state.streams.len() >= self.options.streams_max {
                return Err(CallError::Overloaded);
            }
            state.last_stream += 1;
            let id = state.last_stream;
            let stream = self.insert_stream(&mut state, id);
            state.outgoing.push(Frame::Open {
                stream: id,
                service,
                payload,
            });
            stream
        };
        self.written.notify_one();
        Ok(stream)
    }
    fn insert_stream(self: &Arc<Self>, state: &mut State, id: u64) -> Stream {
        let (stream, end) = Stream::new(Arc::new(Way {
            connection: Arc::clone(self),
            stream: id,
        }));
        state.streams.insert(
            id,
            Flow {
                end,
                window: WINDOW_OCTETS,
                has_ended_in: false,
                has_ended_out: false,
            },
        );
        stream
    }

    /// Begins to take in a call; `None` when parts are missing or it was refused.
    pub(super) fn take_call(
        &self,
        (stream, service, within_micros): (u64, ServiceId, u64),
        total: u32,
        payload: Bytes,
    ) -> Result<Option<Arrived>, Violation> {
        let mut state = self.state.lock();
        if stream <= state.last_stream {
            return Err(Violation("a stream number comes twice"));
        }
        state.last_stream = stream;
        let total = total as usize;
        let refusal = if total > self.options.payload_octets_max {
            Some(RefuseReason::TooLarge)
        } else if state.served + state.assemblies.len() >= self.options.served_max
            || state.inbound_octets + total > self.options.inbound_octets_max
            || state.outgoing.octets() > self.options.outbound_octets_max
        {
            Some(RefuseReason::Overloaded)
        } else {
            None
        };
        if let Some(reason) = refusal {
            // Its parts will be for no assembly, and so skipped.
            drop(state);
            self.answer(Frame::Refuse { stream, reason })?;
            return Ok(None);
        }
        state.inbound_octets += total;
        if payload.len() == total {
            state.served += 1;
            return Ok(Some(Arrived {
                stream,
                service,
                within: Duration::from_micros(within_micros),
                payload,
            }));
        }
        state.assemblies.insert(
            stream,
            Assembly {
                total,
                octets: BytesMut::from(&payload[..]),
                call: Some((service, within_micros)),
            },
        );
        Ok(None)
    }
    /// Adds to a payload; a call that is whole now comes back.
    pub(super) fn take_part(&self, stream: u64, payload: &Bytes) -> Result<Option<Arrived>, Violation> {
        let mut state = self.state.lock();
        let Some(assembly) = state.assemblies.get_mut(&stream) else {
            return Ok(None);
        };
        if payload.is_empty() || assembly.octets.len() + payload.len() > assembly.total {
            return Err(Violation("the parts of a payload do not add up"));
        }
        assembly.octets.extend_from_slice(payload);
        if assembly.octets.len() < assembly.total {
            return Ok(None);
        }
        let Some(assembly) = state.assemblies.remove(&stream) else {
            return Ok(None);
        };
        let payload = assembly.octets.freeze();
        let Some((service, within_micros)) = assembly.call else {
            let call = state.calls.remove(&stream);
            drop(state);
            if let Some(call) = call {
                let _ = call.send(Ok(payload));
            }
            return Ok(None);
        };
        state.served += 1;
        Ok(Some(Arrived {
            stream,
            service,
            within: Duration::from_micros(within_micros),
            payload,
        }))
    }
    /// What resolves when the caller of `stream`, which is about to be served, has given up.
    pub(super) fn revocable(&self, stream: u64) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.state.lock().revocable.insert(stream, sender);
        receiver
    }
    /// Answers a call that was served; `octets` was its payload.
    pub(super) fn reply(&self, stream: u64, octets: usize, reply: Result<Bytes, RefuseReason>) {
        {
            let mut state = self.state.lock();
            state.served -= 1;
            state.inbound_octets -= octets;
            state.revocable.remove(&stream);
            if state.is_ended {
                return;
            }
            match reply {
                Ok(payload) if payload.len() > self.options.payload_octets_max => {
                    let reason = RefuseReason::TooLarge;
                    state.outgoing.push(Frame::Refuse { stream, reason });
                }
                Ok(payload) => {
                    state
                        .outgoing
                        .push_payload(payload, |total, payload| Frame::Reply { stream, total, payload })
                }
                Err(reason) => state.outgoing.push(Frame::Refuse { stream, reason }),
            }
        }
        self.written.notify_one();
    }
    /// Takes in the beginning of a reply.
    pub(super) fn take_reply(&self, stream: u64, total: u32, payload: Bytes) {
        let total = total as usize;
        let mut state = self.state.lock();
        if !state.calls.contains_key(&stream) {
            return;
        }
        let reply = if total > self.options.payload_octets_max {
            Err(CallError::TooLarge)
        } else if payload.len() == total {
            Ok(payload)
        } else {
            let octets = BytesMut::from(&payload[..]);
            let call = None;
            state.assemblies.insert(stream, Assembly { total, octets, call });
            return;
        };
        let call = state.calls.remove(&stream);
        drop(state);
        if let Some(call) = call {
            let _ = call.send(reply);
        }
    }
    pub(super) fn take_refusal(&self, stream: u64, reason: RefuseReason) {
        let error = match reason {
            RefuseReason::NoService => CallError::Refused,
            RefuseReason::Overloaded => CallError::Overloaded,
            RefuseReason::TooLarge => CallError::TooLarge,
            RefuseReason::Failed => CallError::Unreachable,
        };
        let call = self.state.lock().calls.remove(&stream);
        match call {
            // Who gave up meanwhile needs no answer.
            Some(call) => drop(call.send(Err(error))),
            None => self.take_reset(stream),
        }
    }

    /// Takes in a new stream of the other side.
    pub(super) fn take_open(self: &Arc<Self>, id: u64) -> Result<Option<Stream>, Violation> {
        let mut state = self.state.lock();
        if id <= state.last_stream {
            return Err(Violation("a stream number comes twice"));
        }
        state.last_stream = id;
        if state.streams.len() >= self.options.streams_max {
            return Ok(None);
        }
        Ok(Some(self.insert_stream(&mut state, id)))
    }
    pub(super) fn take_data(&self, stream: u64, payload: Bytes) -> Result<(), Violation> {
        let mut state = self.state.lock();
        let Some(flow) = state.streams.get_mut(&stream) else {
            return Ok(());
        };
        let left = flow.window.checked_sub(cost(&payload));
        flow.window = left.ok_or(Violation("a stream exceeds its credit"))?;
        if flow.has_ended_in {
            return Err(Violation("a stream goes on after its end"));
        }
        // A receiver that is gone has reset the stream.
        let _ = flow.end.arrivals.send(Arrival::Data(payload));
        Ok(())
    }
    pub(super) fn take_credit(&self, stream: u64, octets: u32) -> Result<(), Violation> {
        let state = self.state.lock();
        let Some(flow) = state.streams.get(&stream) else {
            return Ok(());
        };
        let after = flow.end.credit.available_permits().saturating_add(octets as usize);
        if after > WINDOW_OCTETS as usize {
            return Err(Violation("a stream is granted more than its window"));
        }
        flow.end.credit.add_permits(octets as usize);
        Ok(())
    }
    pub(super) fn take_end(&self, stream: u64) {
        let mut state = self.state.lock();
        let Some(flow) = state.streams.get_mut(&stream) else {
            return;
        };
        flow.has_ended_in = true;
        let _ = flow.end.arrivals.send(Arrival::End);
        if flow.has_ended_out {
            state.streams.remove(&stream);
            self.touch();
        }
    }
    pub(super) fn take_reset(&self, stream: u64) {
        let (flow, call) = {
            let mut state = self.state.lock();
            (state.streams.remove(&stream), state.revocable.remove(&stream))
        };
        if let Some(call) = call {
            // One that has just been answered needs no word.
            let _ = call.send(());
        }
        if let Some(flow) = flow {
            flow.end.credit.close();
            self.touch();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let direction = if self.is_ours { "out" } else { "in" };
        self.metrics.connections.with_label_values(&[direction]).dec();
    }
}

/// A call whose reply is awaited; dropping it forgets the call, and says so to who is asked.
pub(super) struct PendingCall {
    connection: Arc<Connection>,
    stream: u64,
    receiver: oneshot::Receiver<Result<Bytes, CallError>>,
}

impl PendingCall {
    pub(super) async fn reply(&mut self) -> Result<Bytes, CallError> {
        (&mut self.receiver).await.unwrap_or(Err(CallError::Unreachable))
    }
}

impl Drop for PendingCall {
    fn drop(&mut self) {
        let is_given_up = {
            let mut state = self.connection.state.lock();
            state.assemblies.remove(&self.stream);
            state.calls.remove(&self.stream).is_some() && !state.is_ended
        };
        if is_given_up {
            // Who is asked need not go on for nobody; a node that does not know this of calls takes no notice.
            self.connection.send(Frame::Reset { stream: self.stream });
        }
    }
}

/// How the ends of a stream reach the connection.
struct Way {
    connection: Arc<Connection>,
    stream: u64,
}

impl Outlet for Way {
    fn data(&self, piece: Bytes) {
        self.connection.send(Frame::Data {
            stream: self.stream,
            payload: piece,
        });
    }
    fn credit(&self, octets: u32) {
        if let Some(flow) = self.connection.state.lock().streams.get_mut(&self.stream) {
            flow.window = flow.window.saturating_add(octets);
        }
        self.connection.send(Frame::Credit {
            stream: self.stream,
            octets,
        });
    }
    fn end(&self) {
        {
            let mut state = self.connection.state.lock();
            let Some(flow) = state.streams.get_mut(&self.stream) else {
                return;
            };
            flow.has_ended_out = true;
            if flow.has_ended_in {
                state.streams.remove(&self.stream);
            }
        }
        self.connection.send(Frame::End { stream: self.stream });
    }
    fn reset(&self) {
        let flow = self.connection.state.lock().streams.remove(&self.stream);
        if let Some(flow) = flow {
            flow.end.credit.close();
            self.connection.send(Frame::Reset { stream: self.stream });
        }
    }
}
