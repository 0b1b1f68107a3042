//! One session: moves bytes between the connection and the protocol machine, and hands each request to its file.

use std::sync::Arc;
use std::time::Duration;

use hongyan_access::{Identity, Revocation, SessionPermit, SessionWatch};
use hongyan_directory::AccountRecord;
use hongyan_ldap_wire::server::{self, Command, CommandId, Reply};
use hongyan_ldap_wire::{Answer, Found, ResultCode};
use hongyan_listener::Connection;
use hongyan_types::Instant;

use crate::metrics::Metrics;
use crate::service::Parts;

/// Output that is gathered before it is sent.
const SEND_OCTETS: usize = 16 * 1024;
/// Room that a session keeps for output while it waits.
const KEEP_OCTETS: usize = 1024;

/// The session is over: the connection is gone, or can no longer be told anything.
#[derive(Debug)]
pub(crate) struct Ended;

/// A session.
pub(crate) struct Session {
    parts: Arc<Parts>,
    metrics: Metrics,
    connection: Connection,
    machine: server::Session,
    /// Who has signed in, and the place among the account's sessions.
    member: Option<(Identity, SessionPermit)>,
    output: Vec<u8>,
}

enum Woken {
    Received,
    Closed,
    Timeout,
    Shutdown,
    Revoked(Revocation),
}

impl Session {
    pub(crate) fn new(parts: Arc<Parts>, metrics: Metrics, connection: Connection) -> Self {
        let settings = &parts.settings;
        let options = server::Options {
            tls: connection.tls().is_some(),
            start_tls: connection.can_start_tls(),
            clear_passwords: settings.takes_clear_passwords(connection.peer().ip()),
            limits: settings.limits.clone(),
        };
        Self {
            machine: server::Session::new(options, instant(&parts)),
            parts,
            metrics,
            connection,
            member: None,
            output: Vec::new(),
        }
    }

    /// Serves the connection to its end.
    pub(crate) async fn run(mut self) {
        // An ended connection needs no further word.
        let _ = self.serve().await;
    }

    async fn serve(&mut self) -> Result<(), Ended> {
        loop {
            while let Some((id, command)) = self.machine.poll_command(self.now()) {
                if self.is_revoked() {
                    break;
                }
                self.command(id, command).await?;
                self.send_if_more_than(SEND_OCTETS).await?;
            }
            if self.send_if_more_than(0).await? {
                // Sent output makes room for the requests that waited behind it.
                continue;
            }
            if self.machine.is_closing() {
                self.member = None;
                return self.connection.close().await.map_err(|_| Ended);
            }
            self.wait().await?;
        }
    }

    async fn wait(&mut self) -> Result<(), Ended> {
        let now = self.now();
        let idle = self.machine.poll_timeout().map(|due| due.since(now));
        let span = idle.unwrap_or(Duration::MAX);
        let env = self.parts.env.clone();
        let shutdown = self.connection.shutdown();
        let watch = self.member.as_ref().map(|(_, permit)| permit.watch());
        let machine = &mut self.machine;
        let woken = tokio::select! {
            biased;
            reason = SessionWatch::revoked_if_any(watch) => Woken::Revoked(reason),
            received = self.connection.receive(|bytes| machine.receive(now, bytes)) => match received {
                Ok(0) | Err(_) => Woken::Closed,
                Ok(_) => Woken::Received,
            },
            () = env.sleep(span) => Woken::Timeout,
            () = shutdown.requested() => Woken::Shutdown,
        };
        match woken {
            Woken::Received => {}
            Woken::Timeout => self.machine.handle_timeout(self.now()),
            Woken::Shutdown => self.machine.close(ResultCode::UNAVAILABLE, "shutting down"),
            Woken::Revoked(reason) => self.revoke(reason),
            Woken::Closed => return Err(Ended),
        }
        Ok(())
    }

    /// Takes what has come while a request is worked on, so that it can be abandoned; whether it is to go on.
    pub(crate) async fn is_still_wanted(&mut self, id: CommandId) -> Result<bool, Ended> {
        let now = self.now();
        if self.machine.wants_input() {
            let machine = &mut self.machine;
            let received = tokio::select! {
                biased;
                received = self.connection.receive(|bytes| machine.receive(now, bytes)) => Some(received),
                () = std::future::ready(()) => None,
            };
            if matches!(received, Some(Ok(0) | Err(_))) {
                return Err(Ended);
            }
        }
        Ok(!self.is_revoked() && self.machine.is_wanted(id))
    }

    /// Ends the session if it must.
    fn is_revoked(&mut self) -> bool {
        let watch = self.member.as_ref().map(|(_, permit)| permit.watch());
        let reason = watch.and_then(SessionWatch::revocation);
        if let Some(reason) = reason {
            self.revoke(reason);
        }
        reason.is_some()
    }

    fn revoke(&mut self, reason: Revocation) {
        // RFC 4511 §4.4.1: 8 when what they were let in by is no longer good, 52 when they may come again.
        let code = if reason.is_lasting() {
            ResultCode::STRONGER_AUTH_REQUIRED
        } else {
            ResultCode::UNAVAILABLE
        };
        self.machine.close(code, reason.text());
    }

    async fn command(&mut self, id: CommandId, command: Command) -> Result<(), Ended> {
        self.metrics.requests.with_label_values(&[command.name()]).inc();
        let reply = match command {
            Command::StartTls => return self.start_tls().await,
            Command::Anonymous => {
                self.member = None;
                Reply::Done(Answer::success())
            }
            Command::Bind { name, password } => self.bind(&name, &password).await,
            Command::Plain(message) => self.plain(&message).await,
            Command::Search(search) => self.search(id, search).await?,
            Command::Compare(compare) => Reply::Done(self.compare(&compare).await),
        };
        self.machine.reply(self.now(), id, reply);
        Ok(())
    }

    async fn start_tls(&mut self) -> Result<(), Ended> {
        self.send_if_more_than(0).await?;
        self.connection.start_tls().await.map_err(|error| {
            tracing::debug!(%error, peer = %self.connection.peer(), "no TLS");
            Ended
        })?;
        self.machine.tls_established(self.now());
        Ok(())
    }

    /// Gives an entry to the client; whether more are wanted.
    pub(crate) async fn push(&mut self, id: CommandId, found: &Found) -> Result<bool, Ended> {
        let more = self.machine.push(id, found);
        self.metrics.entries.inc();
        self.send_if_more_than(SEND_OCTETS).await?;
        Ok(more)
    }

    async fn send_if_more_than(&mut self, octets: usize) -> Result<bool, Ended> {
        self.machine.poll_output(&mut self.output);
        if self.output.len() <= octets {
            return Ok(false);
        }
        let watch = self.member.as_ref().map(|(_, permit)| permit.watch());
        let sent = SessionWatch::work(watch, self.connection.send(&self.output)).await;
        // A client that takes its time over an answer is cut off within it.
        sent.ok_or(Ended)?.map_err(|_| Ended)?;
        self.output.clear();
        self.output.shrink_to(KEEP_OCTETS);
        Ok(true)
    }

    pub(crate) fn set_member(&mut self, member: Option<(Identity, SessionPermit)>) {
        self.member = member;
    }
    /// The member who asks.
    pub(crate) fn account(&self) -> Option<Arc<AccountRecord>> {
        self.member.as_ref().map(|(identity, _)| Arc::clone(&identity.account))
    }
    pub(crate) fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
    pub(crate) fn now(&self) -> Instant {
        instant(&self.parts)
    }
}

fn instant(parts: &Parts) -> Instant {
    Instant {
        micros: parts.env.now_micros(),
    }
}
