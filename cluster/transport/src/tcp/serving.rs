//! Runs the services for what other nodes call.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;
use tokio::runtime::Handle;

use super::connection::{Arrived, Connection};
use crate::frame::{Frame, RefuseReason};
use crate::{Service, ServiceId, Stream};

pub(super) struct Serving {
    services: RwLock<BTreeMap<ServiceId, Arc<dyn Service>>>,
    runtime: Handle,
}

impl Serving {
    pub(super) fn new(runtime: Handle) -> Self {
        Self {
            services: RwLock::default(),
            runtime,
        }
    }
    pub(super) fn add(&self, id: ServiceId, service: Arc<dyn Service>) {
        self.services.write().insert(id, service);
    }
    pub(super) fn find(&self, id: ServiceId) -> Option<Arc<dyn Service>> {
        self.services.read().get(&id).cloned()
    }
    /// Serves a call in a task of its own.
    pub(super) fn call(&self, connection: &Arc<Connection>, call: Arrived) {
        let mut answer = Answer {
            octets: call.payload.len(),
            connection: Arc::clone(connection),
            stream: call.stream,
            service: call.service,
            is_sent: false,
        };
        let Some(service) = self.find(call.service) else {
            answer.send(Err(RefuseReason::NoService));
            return;
        };
        let connection = Arc::clone(connection);
        let revoked = service.is_revocable().then(|| connection.revocable(call.stream));
        self.runtime.spawn(async move {
            let allowed = call.within + connection.options.service_grace;
            let reply = service.call(connection.peer, call.payload, call.within);
            let given_up = async {
                let is_given_up = match revoked {
                    Some(revoked) => revoked.await.is_ok(),
                    None => false,
                };
                if !is_given_up {
                    std::future::pending::<()>().await;
                }
            };
            let reply = connection.env.timeout(allowed, async {
                tokio::select! {
                    biased;
                    () = given_up => None,
                    reply = reply => Some(reply),
                }
            });
            match reply.await.flatten() {
                Some(reply) => answer.send(Ok(reply)),
                None => answer.send(Err(RefuseReason::Failed)),
            }
        });
    }
    /// Serves a stream in a task of its own.
    pub(super) fn stream(
        &self,
        connection: &Arc<Connection>,
        id: u64,
        service: ServiceId,
        payload: Bytes,
        stream: Stream,
    ) {
        let Some(service) = self.find(service) else {
            connection.send(Frame::Refuse {
                stream: id,
                reason: RefuseReason::NoService,
            });
            return;
        };
        let peer = connection.peer;
        self.runtime
            .spawn(async move { service.stream(peer, payload, stream).await });
    }
}

/// The answer to one call. A service that panics drops it, and the caller need not wait for its deadline.
struct Answer {
    connection: Arc<Connection>,
    stream: u64,
    service: ServiceId,
    octets: usize,
    is_sent: bool,
}

impl Answer {
    fn send(&mut self, reply: Result<Bytes, RefuseReason>) {
        self.is_sent = true;
        let result = match reply {
            Ok(_) => "ok",
            Err(RefuseReason::NoService) => "no_service",
            Err(_) => "failed",
        };
        let service = self.service.0.to_string();
        self.connection
            .metrics
            .served
            .with_label_values(&[&service, result])
            .inc();
        self.connection.reply(self.stream, self.octets, reply);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.is_sent {
            self.send(Err(RefuseReason::Failed));
        }
    }
}
