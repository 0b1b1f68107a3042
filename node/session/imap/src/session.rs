//! One connection: reads, hands commands to their files, sends. While it waits it holds no buffers.

use std::sync::Arc;
use std::time::Duration;

use hongyan_access::{Revocation, SessionWatch};
use hongyan_imap as imap;
use hongyan_imap::{Command, CommandId, Reply, State, Status};
use hongyan_listener::Connection;
use hongyan_sasl::Mechanism;
use hongyan_types::Instant;
use tokio::sync::Semaphore;

use crate::account::Account;
use crate::command::{Appending, Exchange};
use crate::metrics::Metrics;
use crate::notices::Allowed;
use crate::select_state::Selected;
use crate::stop::{Answer, Stop};
use crate::{ImapServices, ImapSettings, LoginWithoutTls};

/// A larger buffer is given back before the session waits.
const SEND_KEPT_OCTETS_MAX: usize = 1_024;

/// How often a session that waits looks whether the mailbox of others that it is in is still open.
const LOOK_PERIOD: Duration = Duration::from_millis(500);

/// A session.
pub(crate) struct Session {
    pub(crate) services: Arc<ImapServices>,
    pub(crate) settings: Arc<ImapSettings>,
    pub(crate) metrics: Metrics,
    pub(crate) connection: Connection,
    pub(crate) imap: imap::Session,
    pub(crate) account: Option<Account>,
    /// What the client called itself before it signed in.
    pub(crate) client: Option<Box<str>>,
    pub(crate) selected: Option<Box<Selected>>,
    pub(crate) exchange: Option<Box<Exchange>>,
    pub(crate) appending: Option<Box<Appending>>,
    /// Places for batches of messages in memory before their turn, of all sessions.
    pub(crate) read_ahead: Arc<Semaphore>,
    send: Vec<u8>,
    began: u64,
}

/// What a command's handling leads to.
pub(crate) enum Outcome {
    /// The command is finished.
    Done(Status),
    /// The command goes on with a later step, or has been answered.
    Pending,
}

impl From<Status> for Outcome {
    fn from(status: Status) -> Self {
        Self::Done(status)
    }
}

impl Session {
    pub(crate) fn new(
        services: Arc<ImapServices>,
        settings: Arc<ImapSettings>,
        metrics: Metrics,
        read_ahead: Arc<Semaphore>,
        connection: Connection,
    ) -> Self {
        let protocol = Arc::new(protocol_settings(&settings, &connection));
        let now = Instant {
            micros: services.env.now_micros(),
        };
        Self {
            imap: imap::Session::new(protocol, now),
            services,
            settings,
            metrics,
            connection,
            account: None,
            client: None,
            selected: None,
            exchange: None,
            appending: None,
            read_ahead,
            send: Vec::new(),
            began: 0,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant {
            micros: self.services.env.now_micros(),
        }
    }

    /// Serves the connection to its end.
    pub(crate) async fn run(mut self) {
        loop {
            let watch = self.watch().cloned();
            // What a client that must go is in the middle of is cut off.
            let Some(turned) = SessionWatch::work(watch.as_ref(), self.turn()).await else {
                return;
            };
            if turned.is_err() || self.imap.is_closed() {
                // What was said last, such as BYE, may still reach the client.
                let flushed = SessionWatch::work(watch.as_ref(), self.flush()).await;
                self.account = None;
                if matches!(flushed, Some(Ok(()))) {
                    let _ = self.connection.close().await;
                }
                return;
            }
        }
    }

    fn watch(&self) -> Option<&SessionWatch> {
        self.account.as_ref().map(|account| account.permit.watch())
    }

    fn revoke(&mut self, reason: Revocation) {
        // RFC 5530 §3: what the same sign-in would be answered with.
        let code = if reason.is_lasting() {
            "AUTHORIZATIONFAILED"
        } else {
            "UNAVAILABLE"
        };
        self.imap.bye(&format!("[{code}] {}", reason.text()));
    }

    async fn turn(&mut self) -> Result<(), Stop> {
        while let Some((id, command)) = self.imap.poll_command() {
            if let Some(reason) = self.watch().and_then(SessionWatch::revocation) {
                self.revoke(reason);
                break;
            }
            // The handlers' memory is held while they work, not while the session waits.
            Box::pin(self.handle(id, command)).await?;
            self.flush_if_full().await?;
        }
        self.flush().await?;
        if self.imap.is_closed() {
            return Ok(());
        }
        self.imap.hibernate();
        if self.send.capacity() > SEND_KEPT_OCTETS_MAX {
            self.send = Vec::new();
        }
        self.wait().await
    }

    /// Waits for the client, for news while it idles, for a deadline, or for the node's end.
    async fn wait(&mut self) -> Result<(), Stop> {
        let now = self.now();
        let env = self.services.env.clone();
        let foreign = self.selected.as_ref().is_some_and(|selected| !selected.place.is_own());
        let span = self
            .imap
            .poll_timeout()
            .map_or(Duration::from_secs(3_600), |at| at.since(now));
        let idle = self.imap.is_idle();
        // A command that is coming in is let through; its client would else not know whether it was done.
        let interruptible = self.imap.is_between_commands();
        let shutdown = self.connection.shutdown();
        let watch = self.account.as_ref().map(|account| account.permit.watch());
        let hints = self
            .selected
            .as_mut()
            .filter(|_| idle)
            .map(|selected| &mut selected.hints);
        let imap = &mut self.imap;
        tokio::select! {
            biased;
            reason = SessionWatch::revoked_if_any(watch) => self.revoke(reason),
            received = self.connection.receive(|octets| {
                imap.receive(Instant { micros: env.now_micros() }, octets);
            }) => {
                if received? == 0 {
                    return Err(Stop::Gone);
                }
            }
            () = changed(hints) => self.notices(Allowed::All).await?,
            // Who idles in a mailbox of others hears when it is no longer open.
            () = env.sleep(LOOK_PERIOD), if foreign => self.check_open().await?,
            () = env.sleep(span) => {
                let now = self.now();
                self.imap.handle_timeout(now);
            }
            () = shutdown.requested(), if interruptible => self.imap.bye("[UNAVAILABLE] The server is going down"),
        }
        Ok(())
    }

    async fn handle(&mut self, id: CommandId, command: Command) -> Result<(), Stop> {
        let name = command.name();
        let allowed = allowed(&command);
        if !continues(&command) {
            self.began = self.services.env.now_micros();
            self.check_open().await?;
        }
        let outcome = self.dispatch(id, command).await;
        let status = match outcome {
            Ok(Outcome::Pending) => return Ok(()),
            Ok(Outcome::Done(status)) | Err(Stop::Refused(status)) => status,
            Err(Stop::Gone) => return Err(Stop::Gone),
        };
        self.notices(allowed).await?;
        let result = match status.condition {
            imap::Condition::Ok => "ok",
            imap::Condition::No => "no",
            imap::Condition::Bad => "bad",
        };
        self.imap.reply(id, Reply::Done(status));
        self.finished(name, result);
        Ok(())
    }

    pub(crate) fn finished(&self, name: &'static str, result: &'static str) {
        let micros = self.services.env.now_micros().saturating_sub(self.began);
        self.metrics.finished(name, result, Duration::from_micros(micros));
    }

    async fn dispatch(&mut self, id: CommandId, command: Command) -> Result<Outcome, Stop> {
        if changes(&command) && self.account.as_ref().is_some_and(|account| account.read_only) {
            let text = "This app password lets you look and change nothing";
            return Err(Status::no_with(imap::Code::NoPerm, text).into());
        }
        match command {
            Command::StartTls => return self.start_tls(id).await,
            Command::Authenticate(authenticate) => return self.authenticate(id, authenticate).await,
            Command::AuthenticateResponse(response) => return self.authenticate_response(id, response).await,
            Command::Login(login) => return self.login(id, login).await,
            Command::Logout => self.imap.logout(),
            Command::Compress => return self.compress(id).await,
            Command::Idle => self.idle().await?,
            Command::Append(append) => self.append(id, append).await?,
            Command::Replace(replace) => self.replace(id, replace).await?,
            Command::AppendNext(message) => self.append_next(id, &message)?,
            Command::AppendData(chunk) => self.append_data(&chunk).await?,
            Command::AppendMessageEnd => self.append_message_end().await?,
            Command::AppendAborted => self.appending = None,
            command => return self.dispatch_simple(command).await.map(Outcome::Done),
        }
        Ok(Outcome::Pending)
    }

    async fn dispatch_simple(&mut self, command: Command) -> Answer {
        match command {
            Command::Check => Ok(Status::ok("Check completed")),
            Command::Id(id) => self.id(&id),
            Command::Enable(enable) => self.enable(&enable),
            Command::Select(select) => self.select(select).await,
            Command::Create(create) => self.create(create).await,
            Command::Delete(name) => self.delete(&name).await,
            Command::Rename(rename) => self.rename(&rename).await,
            Command::Subscribe(name) => self.subscribe(&name, true).await,
            Command::Unsubscribe(name) => self.subscribe(&name, false).await,
            Command::List(list) => self.list(&list).await,
            Command::Lsub(lsub) => self.lsub(&lsub).await,
            Command::Namespace => self.namespace().await,
            Command::MyRights(name) => self.my_rights(&name).await,
            Command::GetAcl(name) => self.get_acl(&name).await,
            Command::ListRights(asked) => self.list_rights(&asked).await,
            Command::SetAcl(change) => self.set_acl(&change).await,
            Command::DeleteAcl(asked) => self.delete_acl(&asked).await,
            Command::Status(status) => self.status(&status).await,
            Command::AppendEnd => self.append_end().await,
            Command::IdleEnd(well_formed) => self.idle_end(well_formed),
            Command::GetQuota(root) => self.get_quota(&root).await,
            Command::GetQuotaRoot(name) => self.get_quota_root(&name).await,
            Command::SetQuota(_) => self.set_quota(),
            Command::Close => self.close().await,
            Command::Unselect => self.unselect(),
            Command::Expunge(set) => self.expunge(set.as_ref()).await,
            Command::Search(search) => self.search(&search).await,
            Command::Fetch(fetch) => self.fetch(fetch).await,
            Command::Store(store) => self.store(&store).await,
            Command::Copy(copy) => self.copy(&copy).await,
            Command::Move(copy) => self.move_messages(&copy).await,
            Command::Sort(sort) => self.sort(&sort).await,
            Command::Thread(thread) => self.thread(&thread).await,
            _ => Ok(Status::ok("Completed")),
        }
    }

    pub(crate) fn account(&self) -> Result<&Account, Stop> {
        self.account.as_ref().ok_or_else(|| Status::bad("Log in first").into())
    }

    pub(crate) fn selected(&self) -> Result<&Selected, Stop> {
        self.selected
            .as_deref()
            .ok_or_else(|| Status::bad("No mailbox is selected").into())
    }

    pub(crate) fn selected_mut(&mut self) -> Result<&mut Selected, Stop> {
        self.selected
            .as_deref_mut()
            .ok_or_else(|| Status::bad("No mailbox is selected").into())
    }

    /// Leaves the selected folder, if there is one.
    pub(crate) fn leave_folder(&mut self) {
        if self.selected.take().is_some() {
            self.imap.enter(State::Authenticated);
        }
    }

    /// Sends what waits once it is much: a client that never reads costs one buffer.
    pub(crate) async fn flush_if_full(&mut self) -> Result<(), Stop> {
        if self.imap.output().is_full() {
            self.flush().await?;
        }
        Ok(())
    }

    pub(crate) async fn flush(&mut self) -> Result<(), Stop> {
        self.send.clear();
        self.imap.poll_output(&mut self.send);
        if self.send.is_empty() {
            return Ok(());
        }
        let sent = self.connection.send(&self.send).await;
        self.send.clear();
        Ok(sent?)
    }

    /// The protocol's settings for the connection as it is now.
    pub(crate) fn protocol_settings(&self) -> imap::Settings {
        protocol_settings(&self.settings, &self.connection)
    }
}

async fn changed(hints: Option<&mut hongyan_router::Subscription>) {
    match hints {
        Some(hints) => {
            hints.changed().await;
        }
        None => std::future::pending().await,
    }
}

/// Steps of a command that began earlier.
fn continues(command: &Command) -> bool {
    matches!(
        command,
        Command::AuthenticateResponse(_)
            | Command::AppendData(_)
            | Command::AppendMessageEnd
            | Command::AppendNext(_)
            | Command::AppendEnd
            | Command::IdleEnd(_)
    )
}

/// Commands that change more than the session; of those on the selected folder itself the folder says that it is read-only.
fn changes(command: &Command) -> bool {
    matches!(
        command,
        Command::Append(_)
            | Command::Replace(_)
            | Command::Create(_)
            | Command::Delete(_)
            | Command::Rename(_)
            | Command::Subscribe(_)
            | Command::Unsubscribe(_)
            | Command::Copy(_)
            | Command::SetAcl(_)
            | Command::DeleteAcl(_)
    )
}

/// RFC 9051 §7.5.1: no EXPUNGE while a command in sequence numbers runs.
fn allowed(command: &Command) -> Allowed {
    let uid = match command {
        Command::Fetch(fetch) => fetch.uid,
        Command::Store(store) => store.uid,
        Command::Search(search) => search.uid,
        Command::Sort(sort) => sort.uid,
        Command::Thread(thread) => thread.uid,
        Command::Select(_) | Command::Close | Command::Unselect | Command::Logout => return Allowed::Nothing,
        _ => true,
    };
    if uid { Allowed::All } else { Allowed::NoExpunge }
}

fn protocol_settings(settings: &ImapSettings, connection: &Connection) -> imap::Settings {
    let secure = connection.tls().is_some();
    let password_allowed = secure
        || match settings.login_without_tls {
            LoginWithoutTls::Never => false,
            LoginWithoutTls::Loopback => connection.peer().ip().to_canonical().is_loopback(),
            LoginWithoutTls::Always => true,
        };
    let bound = connection
        .tls()
        .is_some_and(|tls| tls.exporter.is_some() || tls.server_end_point.is_some());
    let mechanisms = Mechanism::ALL
        .into_iter()
        .filter(|mechanism| match mechanism {
            Mechanism::ScramSha256Plus => bound,
            mechanism => password_allowed || !mechanism.sends_password(),
        })
        .map(|mechanism| mechanism.name().to_owned())
        .collect();
    imap::Settings {
        limits: settings.limits.clone(),
        greeting: settings.greeting.clone(),
        mechanisms,
        starttls: connection.can_start_tls(),
        login_disabled: !password_allowed,
    }
}
