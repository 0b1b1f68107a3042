//! One session: moves bytes between the connection and the protocol machine, hands each command to its file, and keeps
//! the maildrop's lock.

use std::sync::Arc;
use std::time::Duration;

use hongyan_access::{AccessError, Revocation, ScramAttempt, SessionPermit, SessionWatch};
use hongyan_directory::Language;
use hongyan_listener::Connection;
use hongyan_mailbox::{Acting, Client, LockMaildrop, MailboxEntity, MailboxError, MailboxId, MessageEntry};
use hongyan_pop3::server::{self, Command, CommandId};
use hongyan_pop3::{MessageNumber, Reply, ResponseCode};
use hongyan_router::Ask;
use hongyan_sasl::Mechanism;
use hongyan_types::Instant;

use crate::maildrop::Maildrop;
use crate::metrics::Metrics;
use crate::service::Parts;
use crate::{dele, list, rset, stat, uidl};

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
    /// A SASL exchange under way.
    pub(crate) exchange: Option<hongyan_sasl::Server>,
    /// Whose keys that exchange has asked for.
    pub(crate) scram: Option<ScramAttempt>,
    /// Why the token was not taken that the client is being told of.
    pub(crate) refused: Option<AccessError>,
    maildrop: Option<Maildrop>,
    permit: Option<SessionPermit>,
    /// This session's name for the lock.
    lock: u64,
    locked_at: Instant,
    output: Vec<u8>,
}

/// Writes a message's line of a listing.
type PutLine = fn(&Maildrop, MessageNumber, &MessageEntry, &mut String);

enum Woken {
    Received,
    Closed,
    Timeout,
    RenewLock,
    Shutdown,
    Revoked(Revocation),
}

impl Session {
    pub(crate) fn new(parts: Arc<Parts>, metrics: Metrics, connection: Connection) -> Self {
        let settings = &parts.settings;
        let is_loopback = connection.peer().ip().to_canonical().is_loopback();
        let options = server::Options {
            host: parts.host.clone(),
            tls: connection.tls().is_some(),
            stls: connection.can_start_tls(),
            clear_passwords: settings.clear_passwords || (is_loopback && settings.clear_passwords_on_loopback),
            mechanisms: Mechanism::ALL.to_vec(),
            limits: settings.limits.clone(),
        };
        let now = instant(&parts);
        Self {
            machine: server::Session::new(options, now),
            lock: parts.env.random_u64(),
            locked_at: now,
            parts,
            metrics,
            connection,
            exchange: None,
            scram: None,
            refused: None,
            maildrop: None,
            permit: None,
            output: Vec::new(),
        }
    }

    /// Serves the connection to its end.
    pub(crate) async fn run(mut self) {
        // An ended connection needs no further word.
        let _ = self.serve().await;
        self.release().await;
    }

    /// Lets go of the maildrop.
    pub(crate) async fn release(&mut self) {
        if let Some(maildrop) = self.maildrop.take() {
            // Should this fail, the lock ends by itself.
            let _ = self.lock_maildrop(maildrop.mailbox, Duration::ZERO).await;
        }
        self.permit = None;
    }

    async fn serve(&mut self) -> Result<(), Ended> {
        loop {
            while let Some((id, command)) = self.machine.poll_command(self.now()) {
                if let Some(reason) = self.watch().and_then(SessionWatch::revocation) {
                    self.revoke(reason);
                    break;
                }
                self.command(id, command).await?;
                self.send_if_more_than(SEND_OCTETS).await?;
            }
            if self.send_if_more_than(0).await? {
                // Sent output makes room for the commands that waited behind it.
                continue;
            }
            if self.machine.is_closing() {
                self.release().await;
                return self.connection.close().await.map_err(|_| Ended);
            }
            self.wait().await?;
        }
    }

    async fn wait(&mut self) -> Result<(), Ended> {
        let now = self.now();
        let idle = self.machine.poll_timeout().map(|due| due.since(now));
        let renew = self.maildrop.is_some().then(|| self.renew_due().since(now));
        let span = idle.into_iter().chain(renew).min().unwrap_or(Duration::MAX);
        let env = self.parts.env.clone();
        let shutdown = self.connection.shutdown();
        let watch = self.permit.as_ref().map(SessionPermit::watch);
        let machine = &mut self.machine;
        let woken = tokio::select! {
            biased;
            reason = SessionWatch::revoked_if_any(watch) => Woken::Revoked(reason),
            received = self.connection.receive(|bytes| machine.receive(now, bytes)) => match received {
                Ok(0) | Err(_) => Woken::Closed,
                Ok(_) => Woken::Received,
            },
            () = env.sleep(span) => if renew == Some(span) { Woken::RenewLock } else { Woken::Timeout },
            () = shutdown.requested() => Woken::Shutdown,
        };
        match woken {
            Woken::Received => self.renew_lock_if_due().await,
            Woken::RenewLock => self.renew_lock_if_due().await,
            Woken::Timeout => {
                self.machine.handle_timeout(self.now());
                Ok(())
            }
            Woken::Shutdown => {
                self.machine.close("[SYS/TEMP] shutting down");
                Ok(())
            }
            Woken::Revoked(reason) => {
                self.revoke(reason);
                Ok(())
            }
            Woken::Closed => Err(Ended),
        }
    }

    fn watch(&self) -> Option<&SessionWatch> {
        self.permit.as_ref().map(SessionPermit::watch)
    }

    /// Says why the session ends; what is marked stays.
    fn revoke(&mut self, reason: Revocation) {
        // RFC 3206 §4: AUTH when signing in again would fail alike.
        let code = if reason.is_lasting() {
            ResponseCode::Auth
        } else {
            ResponseCode::SysTemp
        };
        self.machine.close(&format!("[{code}] {}", reason.text()));
    }

    async fn command(&mut self, id: CommandId, command: Command) -> Result<(), Ended> {
        self.metrics.commands.with_label_values(&[name_of(&command)]).inc();
        let reply = match command {
            Command::StartTls => return self.start_tls().await,
            Command::Login { user, password } => self.login(&user, &password).await,
            Command::Auth(auth) => self.auth(auth).await,
            Command::AuthResponse(response) => self.auth_response(&response).await,
            Command::Quit => self.quit().await,
            Command::Retr(number) => return self.retrieve(id, number, true).await,
            Command::Top(number) => return self.retrieve(id, number, false).await,
            Command::List(None) => return self.listing(id, list::put_line).await,
            Command::Uidl(None) => return self.listing(id, uidl::put_line).await,
            Command::Stat => self.with_maildrop(|maildrop| stat::reply(maildrop)),
            Command::List(Some(number)) => self.with_maildrop(|maildrop| list::one(maildrop, number)),
            Command::Uidl(Some(number)) => self.with_maildrop(|maildrop| uidl::one(maildrop, number)),
            Command::Dele(number) => self.with_maildrop(|maildrop| dele::reply(maildrop, number)),
            Command::Rset => self.with_maildrop(rset::reply),
        };
        self.reply(id, reply);
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

    fn with_maildrop(&mut self, answer: impl FnOnce(&mut Maildrop) -> Reply) -> Reply {
        match &mut self.maildrop {
            Some(maildrop) => answer(maildrop),
            // The machine gives these commands only after sign-in.
            None => Reply::error("sign in first"),
        }
    }

    /// Sends a line for each message, in pieces.
    async fn listing(&mut self, id: CommandId, put_line: PutLine) -> Result<(), Ended> {
        self.reply(id, Reply::Begin("listing follows".to_owned()));
        // The maildrop steps aside meanwhile, so that its lines can be sent while it is walked.
        let Some(maildrop) = self.maildrop.take() else {
            return Err(Ended);
        };
        let mut sent = Ok(());
        let mut piece = String::new();
        for (number, entry) in maildrop.iter() {
            put_line(&maildrop, number, entry, &mut piece);
            if piece.len() >= SEND_OCTETS {
                sent = self.push(id, piece.as_bytes()).await.map(|_| ());
                piece.clear();
            }
            if sent.is_err() {
                break;
            }
        }
        if sent.is_ok() {
            sent = self.push(id, piece.as_bytes()).await.map(|_| ());
        }
        self.maildrop = Some(maildrop);
        self.finish(id);
        sent
    }

    /// Puts a piece of a body into the output and sends it when there is enough; whether more is wanted.
    pub(crate) async fn push(&mut self, id: CommandId, bytes: &[u8]) -> Result<bool, Ended> {
        let more = self.machine.push(id, bytes);
        self.send_if_more_than(SEND_OCTETS).await?;
        Ok(more)
    }
    pub(crate) fn finish(&mut self, id: CommandId) {
        self.machine.finish(self.now(), id);
    }
    pub(crate) fn reply(&mut self, id: CommandId, reply: Reply) {
        self.machine.reply(self.now(), id, reply);
    }

    async fn send_if_more_than(&mut self, octets: usize) -> Result<bool, Ended> {
        self.machine.poll_output(&mut self.output);
        if self.output.len() <= octets {
            return Ok(false);
        }
        let watch = self.permit.as_ref().map(SessionPermit::watch);
        let sent = SessionWatch::work(watch, self.connection.send(&self.output)).await;
        // A client that takes its time over a body is cut off within it.
        sent.ok_or(Ended)?.map_err(|_| Ended)?;
        self.output.clear();
        self.output.shrink_to(KEEP_OCTETS);
        Ok(true)
    }

    /// Asks the mailbox; whatever keeps it from answering is `Unavailable`.
    pub(crate) async fn ask<R, T>(&self, mailbox: MailboxId, request: R) -> Result<T, MailboxError>
    where
        R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        let within = self.parts.settings.mailbox_timeout;
        let request = Acting::new(request, None).through(Client::Pop3);
        match self.parts.router.ask(&mailbox, request, within).await {
            Ok(reply) => reply,
            Err(error) => {
                tracing::warn!(%error, ?mailbox, "mailbox does not answer");
                Err(MailboxError::Unavailable)
            }
        }
    }
    /// Takes, keeps or (with no span) gives back the maildrop's lock.
    pub(crate) async fn lock_maildrop(&mut self, mailbox: MailboxId, span: Duration) -> Result<(), MailboxError> {
        self.locked_at = self.now();
        let session = self.lock;
        self.ask(mailbox, LockMaildrop { session, span }).await.map(|_| ())
    }
    fn renew_due(&self) -> Instant {
        self.locked_at.after(self.parts.settings.lock_span / 3)
    }
    async fn renew_lock_if_due(&mut self) -> Result<(), Ended> {
        let due = self.renew_due() <= self.now();
        let Some(mailbox) = self.mailbox().filter(|_| due) else {
            return Ok(());
        };
        if self.lock_maildrop(mailbox, self.parts.settings.lock_span).await == Err(MailboxError::Locked) {
            // The lock was lost and another session has it: what this one shows and marks is no longer its own.
            self.maildrop = None;
            self.machine.close("[IN-USE] the maildrop was taken over");
        }
        Ok(())
    }

    pub(crate) fn signed_in(&mut self, maildrop: Maildrop, permit: SessionPermit, language: Option<Language>) {
        if let Some(language) = language {
            self.machine.prefer_language(language.tag());
        }
        (self.maildrop, self.permit) = (Some(maildrop), Some(permit));
    }
    /// Whether the client has said UTF8.
    pub(crate) fn takes_utf8(&self) -> bool {
        self.machine.utf8()
    }
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
    pub(crate) fn maildrop(&self) -> Option<&Maildrop> {
        self.maildrop.as_ref()
    }
    pub(crate) fn mailbox(&self) -> Option<MailboxId> {
        self.maildrop.as_ref().map(|maildrop| maildrop.mailbox)
    }
    fn now(&self) -> Instant {
        instant(&self.parts)
    }
}

fn instant(parts: &Parts) -> Instant {
    Instant {
        micros: parts.env.now_micros(),
    }
}

fn name_of(command: &Command) -> &'static str {
    match command {
        Command::StartTls => "stls",
        Command::Login { .. } => "pass",
        Command::Auth(_) | Command::AuthResponse(_) => "auth",
        Command::Stat => "stat",
        Command::List(_) => "list",
        Command::Uidl(_) => "uidl",
        Command::Retr(_) => "retr",
        Command::Top(_) => "top",
        Command::Dele(_) => "dele",
        Command::Rset => "rset",
        Command::Quit => "quit",
    }
}
