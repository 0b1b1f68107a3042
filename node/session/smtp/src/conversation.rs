//! One connection from greeting to close: bytes to the protocol session, commands to their files, replies back.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hongyan_access::{Revocation, SessionPermit, SessionWatch};
use hongyan_directory::AccountRecord;
use hongyan_listener::Connection;
use hongyan_smtp::server::{Command, CommandId, Options, Session};
use hongyan_smtp::{Enhanced, Limits, Reply};
use hongyan_types::Instant;

use crate::SmtpService;
use crate::envelope::Envelope;
use crate::future_release::longest_hold;
use crate::message::Incoming;
use crate::sign_in::SignIn;

/// Output kept between replies; a longer one was an exception and is given back.
const OUTPUT_OCTETS_KEPT: usize = 4096;

/// State of one connection.
pub(crate) struct Conversation {
    pub(crate) service: Arc<SmtpService>,
    pub(crate) connection: Connection,
    pub(crate) session: Session,
    /// What the client called itself, and whether with EHLO.
    pub(crate) hello: Option<(String, bool)>,
    pub(crate) account: Option<Arc<AccountRecord>>,
    pub(crate) permit: Option<SessionPermit>,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) envelope: Option<Envelope>,
    pub(crate) incoming: Option<Incoming>,
}

/// What woke the conversation.
enum Woken {
    Received(io::Result<usize>),
    Timeout,
    Shutdown,
    Revoked(Revocation),
}

impl Conversation {
    pub(crate) fn new(service: Arc<SmtpService>, connection: Connection) -> Self {
        let settings = &service.settings;
        let options = Options {
            mode: settings.mode,
            host_name: settings.host_name.to_string(),
            tls: connection.tls().is_some(),
            starttls: connection.can_start_tls(),
            mechanisms_tls: settings.mechanisms(true),
            mechanisms_clear: settings.mechanisms(false),
            limits: Limits {
                future_release: longest_hold(settings.delayed_send_max, service.services.env.wall_millis()),
                ..settings.limits.clone()
            },
        };
        let now = Instant {
            micros: service.services.env.now_micros(),
        };
        Self {
            session: Session::new(options, now),
            service,
            connection,
            hello: None,
            account: None,
            permit: None,
            sign_in: None,
            envelope: None,
            incoming: None,
        }
    }

    /// Serves to the end. Whatever ends it early drops what was not yet promised.
    pub(crate) async fn run(mut self) {
        if let Err(error) = self.serve().await {
            tracing::debug!(event = "smtp_connection_lost", service = self.service.settings.name(), %error);
        }
        // The session is over, however long the client takes to hang up.
        self.permit = None;
        let _ = self.connection.close().await;
    }

    fn watch(&self) -> Option<&SessionWatch> {
        self.permit.as_ref().map(SessionPermit::watch)
    }

    /// Ends what the account was doing, a message on its way in included: nothing of it is kept.
    fn revoke(&mut self, reason: Revocation) {
        self.incoming = None;
        self.session.close(Reply::new(421, Enhanced(4, 7, 0), reason.text()));
    }

    /// Sends, unless the client takes too long to hear that it must go.
    async fn send(&mut self, output: &[u8]) -> io::Result<()> {
        let watch = self.permit.as_ref().map(SessionPermit::watch);
        let sent = SessionWatch::work(watch, self.connection.send(output)).await;
        sent.unwrap_or_else(|| Err(io::ErrorKind::ConnectionAborted.into()))
    }

    async fn serve(&mut self) -> io::Result<()> {
        let mut output = Vec::new();
        loop {
            while let Some((id, command)) = self.session.poll_command() {
                if let Some(reason) = self.watch().and_then(SessionWatch::revocation) {
                    self.revoke(reason);
                    break;
                }
                self.command(id, command).await;
            }
            if self.session.poll_output(&mut output) {
                self.send(&output).await?;
                output.clear();
                if !self.session.is_closing() && !self.session.wants_handshake() {
                    continue;
                }
            }
            if self.session.is_closing() {
                return Ok(());
            }
            if self.session.wants_handshake() {
                self.connection.start_tls().await.map_err(io::Error::other)?;
                self.forget();
                self.session.tls_established(self.now());
                continue;
            }
            output.shrink_to(OUTPUT_OCTETS_KEPT);
            self.session.shrink();
            self.wait().await?;
        }
    }

    /// Waits for input, the session's deadline or the end of the node.
    async fn wait(&mut self) -> io::Result<()> {
        let env = self.service.services.env.clone();
        let patience = match self.session.poll_timeout() {
            Some(due) => due.since(self.now()),
            None => Duration::MAX,
        };
        let shutdown = self.connection.shutdown();
        // A message that is coming in is let through; its sender would else send it all again.
        let interruptible = self.incoming.is_none();
        let watch = self.permit.as_ref().map(SessionPermit::watch);
        let session = &mut self.session;
        let sink = |bytes: &[u8]| {
            session.receive(
                Instant {
                    micros: env.now_micros(),
                },
                bytes,
            );
        };
        let woken = tokio::select! {
            biased;
            reason = SessionWatch::revoked_if_any(watch) => Woken::Revoked(reason),
            received = self.connection.receive(sink) => Woken::Received(received),
            () = shutdown.requested(), if interruptible => Woken::Shutdown,
            () = env.sleep(patience) => Woken::Timeout,
        };
        match woken {
            Woken::Received(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
            Woken::Received(received) => received.map(|_| ()),
            Woken::Timeout => {
                self.session.handle_timeout(self.now());
                Ok(())
            }
            Woken::Shutdown => {
                self.session.close(GOING_DOWN);
                Ok(())
            }
            Woken::Revoked(reason) => {
                self.revoke(reason);
                Ok(())
            }
        }
    }

    async fn command(&mut self, id: CommandId, command: Command) {
        let reply = match command {
            Command::Connect => self.greeting(),
            Command::Hello(hello) => {
                let extended = hello.kind != hongyan_smtp::HelloKind::Helo;
                self.envelope = None;
                let text = format!("{} greets {}", self.service.settings.host_name, hello.name);
                self.hello = Some((hello.name, extended));
                Reply::bare(250, text)
            }
            Command::StartTls => Reply::fixed(220, Enhanced(2, 0, 0), "Ready to start TLS"),
            Command::Auth(auth) => self.auth(auth).await,
            Command::AuthResponse(response) => self.auth_response(&response).await,
            Command::Mail(mail) => self.mail(mail).await,
            Command::Rcpt(rcpt) => self.rcpt(rcpt).await,
            Command::MessageStart => self.message_start(),
            Command::Chunk(bytes) => return self.chunk(bytes).await,
            Command::MessageEnd => {
                let replies = self.message_end().await;
                self.session.reply_each(self.now(), id, replies);
                return;
            }
            Command::MessageAbort => {
                self.incoming = None;
                return;
            }
            Command::Reset | Command::Quit => {
                self.incoming = None;
                self.envelope = None;
                return;
            }
            Command::Verify(_) => {
                Reply::fixed(252, Enhanced(2, 5, 0), "Cannot verify, but will take a message and try")
            }
            Command::Expand(_) => Reply::fixed(502, Enhanced(5, 5, 1), "Lists are not shown"),
        };
        self.session.reply(self.now(), id, reply);
    }

    fn greeting(&self) -> Reply {
        let protocol = match self.service.settings.mode {
            hongyan_smtp::server::Mode::Lmtp => "LMTP",
            _ => "ESMTP",
        };
        Reply::bare(220, format!("{} {protocol} Hongyan", self.service.settings.host_name))
    }

    /// RFC 3207 §4.2: what was learnt in clear does not count inside TLS.
    fn forget(&mut self) {
        self.hello = None;
        self.account = None;
        self.permit = None;
        self.sign_in = None;
        self.envelope = None;
        self.incoming = None;
    }

    pub(crate) fn now(&self) -> Instant {
        Instant {
            micros: self.service.services.env.now_micros(),
        }
    }
}

const GOING_DOWN: Reply = Reply::fixed(421, Enhanced(4, 3, 2), "Going down, try again later");
