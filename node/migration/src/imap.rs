//! An IMAP source: signed in, folders listed, messages read, and nothing changed (EXAMINE, BODY.PEEK). Whatever it says, what
//! is held of it and how long it may go on are bounded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hongyan_blob::BlobStore;
use hongyan_imap::{Client, ClientEvent, ClientLimits, Fetched, Listed, Namespaces, ServerData, ServerStatus};
use hongyan_mailbox::{MessageWriter, NewMessage};
use hongyan_sasl::{Client as Sasl, Credentials, Mechanism, Secret};
use hongyan_types::TenantId;

use crate::dial::{Dialer, Line};
use crate::failure::{Failure, refused, shown};
use crate::{Delegation, Source, Tls};

/// Literals beside mails that are held.
const LITERAL_OCTETS_MAX: u64 = 64 * 1_024;

/// Who signs in, and as whom.
pub(crate) struct SignIn<'s> {
    /// The account that is read.
    pub(crate) login: &'s str,
    /// Its password, or the administrator's.
    pub(crate) password: &'s Secret,
    /// The administrator, and how the account is named then.
    pub(crate) delegated: Option<(&'s str, Delegation)>,
}

impl SignIn<'_> {
    /// The name that signs in, and the one that it acts as.
    pub(crate) fn names(&self) -> (String, Option<String>) {
        let local = self.login.split('@').next().unwrap_or(self.login);
        match self.delegated {
            None => (self.login.to_owned(), None),
            Some((admin, Delegation::Authzid)) => (admin.to_owned(), Some(self.login.to_owned())),
            Some((admin, Delegation::Backslash)) => (format!("{admin}\\{local}"), None),
            Some((admin, Delegation::Star)) => (format!("{}*{admin}", self.login), None),
        }
    }
}

/// A folder that is open for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Examined {
    pub(crate) messages: u32,
    pub(crate) uid_validity: u32,
}

/// A mail as it came.
pub(crate) enum Body {
    Whole(NewMessage),
    /// It is longer than a message may be.
    TooLong(u64),
}

pub(crate) struct ImapSource {
    dialer: Dialer,
    source: Source,
    line: Option<Line>,
    client: Client,
    capabilities: Vec<String>,
    /// Messages in the open folder.
    messages: u32,
    /// Sequence numbers that went since somebody looked.
    pub(crate) expunged: Vec<u32>,
    answer_octets: u64,
    answer_octets_max: u64,
}

impl ImapSource {
    /// Connects and signs in.
    pub(crate) async fn open(dialer: &Dialer, source: &Source, sign_in: &SignIn<'_>) -> Result<Self, Failure> {
        let line = dialer.connect(source).await?;
        let mut imap = Self {
            dialer: dialer.clone(),
            source: source.clone(),
            line: Some(line),
            client: Self::client(dialer),
            capabilities: Vec::new(),
            messages: 0,
            expunged: Vec::new(),
            answer_octets: 0,
            answer_octets_max: dialer.options.answer_octets_max,
        };
        let is_signed_in = imap.greeted().await?;
        imap.ask_capabilities().await?;
        if source.tls == Tls::Upgrade {
            imap.start_tls().await?;
            imap.ask_capabilities().await?;
        }
        if !is_signed_in {
            imap.sign_in(sign_in).await?;
            imap.ask_capabilities().await?;
        }
        if imap.can("ID") {
            // Some providers open no folder for who does not say what they are.
            imap.run("ID (\"name\" \"Hongyan\")", &[], |_| Ok(())).await?;
        }
        Ok(imap)
    }

    fn client(dialer: &Dialer) -> Client {
        Client::with_limits(ClientLimits {
            response_octets_max: dialer.options.response_octets_max,
            literal_held_octets_max: LITERAL_OCTETS_MAX,
        })
    }

    fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|known| known == capability)
    }

    fn broken(&self, what: &str) -> Failure {
        Failure::Broken(format!("{} keeps to no IMAP: {what}", self.source.host))
    }

    async fn event(&mut self) -> Result<ClientEvent, Failure> {
        loop {
            match self.client.poll_event() {
                Some(ClientEvent::Broken(reason)) => return Err(self.broken(reason)),
                Some(event) => return Ok(event),
                None => {}
            }
            let mut output = Vec::new();
            self.client.poll_output(&mut output);
            let line = self.line.as_mut().ok_or(Failure::Stopped)?;
            line.write(&output).await?;
            let octets = line.read().await?;
            self.answer_octets += octets.len() as u64;
            self.client.receive(octets);
            if self.answer_octets > self.answer_octets_max {
                return Err(self.broken("it answers without end"));
            }
        }
    }

    async fn greeted(&mut self) -> Result<bool, Failure> {
        let ClientEvent::Untagged(greeting) = self.event().await? else {
            return Err(self.broken("it has no greeting"));
        };
        match ServerData::parse(&greeting) {
            Some(ServerData::Status(status)) if status.is_ok() => Ok(false),
            Some(ServerData::Status(status)) if status.condition == "PREAUTH" => Ok(true),
            Some(ServerData::Status(status)) => Err(Failure::Slow(shown(&status.text))),
            _ => Err(self.broken("it has no greeting")),
        }
    }

    /// Sends a command and hears what is said until its end.
    async fn run(
        &mut self,
        command: &str,
        literals: &[&[u8]],
        mut heard: impl FnMut(ServerData) -> Result<(), Failure>,
    ) -> Result<ServerStatus, Failure> {
        self.begin_answer(0);
        let tag = self.client.command(command, literals);
        loop {
            match self.event().await? {
                ClientEvent::Untagged(response) => match self.data(&response)? {
                    Some(data) => heard(data)?,
                    None => continue,
                },
                ClientEvent::Tagged(end, rest) if end == tag => return self.status(&rest),
                ClientEvent::Tagged(..) => return Err(self.broken("it ends commands that nobody began")),
                ClientEvent::Continue(_) => return Err(self.broken("it asks for more than there is")),
                ClientEvent::Literal { octets } => self.check_announced(octets)?,
                ClientEvent::Data(_) | ClientEvent::Broken(_) => {}
            }
        }
    }

    /// What is announced has to fit into the answer.
    fn check_announced(&self, octets: u64) -> Result<(), Failure> {
        if octets > self.answer_octets_max {
            return Err(self.broken("it answers without end"));
        }
        Ok(())
    }

    fn begin_answer(&mut self, more_octets: u64) {
        self.answer_octets = 0;
        self.answer_octets_max = self.dialer.options.answer_octets_max.saturating_add(more_octets);
    }

    /// What an untagged response says, once what concerns the connection is noted.
    fn data(&mut self, response: &[u8]) -> Result<Option<ServerData>, Failure> {
        let data = ServerData::parse(response);
        match &data {
            Some(ServerData::Status(status)) if status.condition == "BYE" => {
                return Err(Failure::Slow(format!(
                    "{} says good-bye: {}",
                    self.source.host,
                    shown(&status.text)
                )));
            }
            Some(ServerData::Capability(names)) => self.capabilities.clone_from(names),
            Some(ServerData::Exists(count)) => self.messages = *count,
            Some(ServerData::Expunged(number)) => {
                self.messages = self.messages.saturating_sub(1);
                self.expunged.push(*number);
            }
            _ => {}
        }
        Ok(data)
    }

    fn status(&self, rest: &str) -> Result<ServerStatus, Failure> {
        ServerStatus::parse(rest).ok_or_else(|| self.broken("it ends a command without a result"))
    }

    async fn ask_capabilities(&mut self) -> Result<(), Failure> {
        let status = self.run("CAPABILITY", &[], |_| Ok(())).await?;
        if status.is_ok() {
            Ok(())
        } else {
            Err(self.broken("it has no CAPABILITY"))
        }
    }

    async fn start_tls(&mut self) -> Result<(), Failure> {
        if !self.can("STARTTLS") {
            return Err(Failure::Broken(format!("{} does not offer STARTTLS", self.source.host)));
        }
        let status = self.run("STARTTLS", &[], |_| Ok(())).await?;
        if !status.is_ok() {
            return Err(Failure::Slow(format!(
                "{} refuses STARTTLS: {}",
                self.source.host,
                shown(&status.text)
            )));
        }
        if self.client.has_unread() {
            return Err(self.broken("it speaks between STARTTLS and TLS"));
        }
        let line = self.line.take().ok_or(Failure::Stopped)?;
        self.line = Some(line.secured().await?);
        self.client = Self::client(&self.dialer);
        Ok(())
    }

    async fn sign_in(&mut self, sign_in: &SignIn<'_>) -> Result<(), Failure> {
        let (name, acts_as) = sign_in.names();
        let is_delegated = sign_in.delegated.is_some();
        let preferred = match self.source.tls {
            Tls::None => [Mechanism::ScramSha256, Mechanism::Plain],
            Tls::Implicit | Tls::Upgrade => [Mechanism::Plain, Mechanism::ScramSha256],
        };
        let offered = |mechanism: &Mechanism| self.can(&format!("AUTH={}", mechanism.name()));
        let mechanism = match acts_as {
            Some(_) => Some(Mechanism::Plain),
            None => preferred.into_iter().find(offered),
        };
        let status = match mechanism {
            Some(mechanism) => {
                let credentials = Credentials {
                    authzid: acts_as,
                    authcid: name,
                    password: sign_in.password.clone(),
                };
                self.authenticate(mechanism, credentials).await?
            }
            None if self.can("LOGINDISABLED") => {
                return Err(Failure::Broken(format!(
                    "{} offers no way to sign in",
                    self.source.host
                )));
            }
            None => {
                let literals = [name.as_bytes(), sign_in.password.reveal().as_bytes()];
                self.run("LOGIN {} {}", &literals, |_| Ok(())).await?
            }
        };
        if status.is_ok() {
            return Ok(());
        }
        Err(refused(status.code.as_deref(), &status.text, is_delegated))
    }

    async fn authenticate(&mut self, mechanism: Mechanism, credentials: Credentials) -> Result<ServerStatus, Failure> {
        let mut random = [0; 18];
        self.dialer.env.fill_random(&mut random);
        let mut sasl =
            Sasl::start(mechanism, credentials, None, random).map_err(|error| Failure::Broken(error.to_string()))?;
        self.begin_answer(0);
        let tag = self.client.command(&format!("AUTHENTICATE {}", mechanism.name()), &[]);
        let mut is_first = true;
        loop {
            match self.event().await? {
                ClientEvent::Continue(challenge) => {
                    let initial = if is_first { sasl.initial() } else { None };
                    is_first = false;
                    let challenge = STANDARD.decode(challenge).unwrap_or_default();
                    let response = initial.map_or_else(|| sasl.respond(&challenge), Ok);
                    match response {
                        Ok(response) => self.client.line(&STANDARD.encode(response)),
                        Err(_) => self.client.line("*"),
                    }
                }
                ClientEvent::Untagged(response) => {
                    self.data(&response)?;
                }
                ClientEvent::Tagged(end, rest) if end == tag => {
                    let status = self.status(&rest)?;
                    if status.is_ok() && sasl.succeeded().is_err() {
                        return Err(self.broken("it does not know the password itself"));
                    }
                    return Ok(status);
                }
                _ => return Err(self.broken("it answers out of turn")),
            }
        }
    }

    /// All folders, and where they are.
    pub(crate) async fn folders(&mut self) -> Result<(Vec<Listed>, Namespaces), Failure> {
        let mut namespaces = Namespaces::default();
        if self.can("NAMESPACE") {
            let status = self.run("NAMESPACE", &[], |data| {
                if let ServerData::Namespace(found) = data {
                    namespaces = found;
                }
                Ok(())
            });
            status.await?;
        }
        let (max, host) = (self.dialer.options.folders_max, self.source.host.clone());
        let mut folders = Vec::new();
        let command = if self.can("SPECIAL-USE") && self.can("LIST-EXTENDED") {
            "LIST \"\" \"*\" RETURN (SPECIAL-USE)"
        } else {
            "LIST \"\" \"*\""
        };
        let status = self.run(command, &[], |data| {
            if let ServerData::List(folder) = data {
                folders.push(folder);
            }
            if folders.len() > max {
                return Err(Failure::Broken(format!(
                    "{host} lists more folders than folders_max ({max})"
                )));
            }
            Ok(())
        });
        let status = status.await?;
        if !status.is_ok() {
            return Err(Failure::Slow(format!(
                "folders are not listed: {}",
                shown(&status.text)
            )));
        }
        Ok((folders, namespaces))
    }

    /// How many messages a folder has, without opening it; `None` when the source does not say.
    pub(crate) async fn count(&mut self, name: &[u8]) -> Result<Option<u64>, Failure> {
        let (mut messages, literals) = (None, [name]);
        let status = self.run("STATUS {} (MESSAGES)", &literals, |data| {
            if let ServerData::Messages(count) = data {
                messages = count;
            }
            Ok(())
        });
        status.await?;
        Ok(messages)
    }

    /// Opens a folder for reading; its own words when the source does not let us.
    pub(crate) async fn examine(&mut self, name: &[u8]) -> Result<Result<Examined, String>, Failure> {
        self.messages = 0;
        self.expunged.clear();
        let (mut uid_validity, literals) = (0, [name]);
        let status = self.run("EXAMINE {}", &literals, |data| {
            if let ServerData::Status(status) = data {
                uid_validity = status.number("UIDVALIDITY").unwrap_or(uid_validity);
            }
            Ok(())
        });
        let status = status.await?;
        if !status.is_ok() {
            return Ok(Err(shown(&status.text)));
        }
        let max = self.dialer.options.messages_per_folder_max;
        if self.messages > max {
            let count = self.messages;
            return Ok(Err(format!(
                "it has {count} messages, more than messages_per_folder_max ({max})"
            )));
        }
        Ok(Ok(Examined {
            messages: self.messages,
            uid_validity,
        }))
    }

    /// Messages of the open folder now.
    pub(crate) fn messages(&self) -> u32 {
        self.messages
    }

    /// The UID of a message by its number.
    pub(crate) async fn uid_of(&mut self, number: u32) -> Result<Option<u32>, Failure> {
        let (mut uid, command) = (None, format!("FETCH {number} (UID)"));
        let status = self.run(&command, &[], |data| {
            if let ServerData::Fetch(fetched) = data
                && fetched.number == number
            {
                uid = fetched.uid.or(uid);
            }
            Ok(())
        });
        status.await?;
        Ok(uid)
    }

    /// What there is to know of some messages before they are read, by number, in the order of their UIDs.
    pub(crate) async fn look(&mut self, first: u32, last: u32) -> Result<Vec<Fetched>, Failure> {
        self.client.hold_literals(LITERAL_OCTETS_MAX);
        let mut found: Vec<Fetched> = Vec::new();
        let command = format!(
            "FETCH {first}:{last} (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE)])"
        );
        let most = usize::try_from(last - first + 1).unwrap_or(usize::MAX);
        let status = self.run(&command, &[], |data| {
            match data {
                ServerData::Fetch(fetched) if fetched.uid.is_some() && (first..=last).contains(&fetched.number) => {
                    found.push(fetched);
                }
                _ => {}
            }
            if found.len() > 2 * most {
                return Err(Failure::Broken(
                    "the source tells of more messages than it was asked for".to_owned(),
                ));
            }
            Ok(())
        });
        let status = status.await?;
        if !status.is_ok() && found.is_empty() {
            return Err(Failure::Slow(format!(
                "messages are not shown: {}",
                shown(&status.text)
            )));
        }
        found.sort_by_key(|fetched| fetched.uid);
        found.dedup_by_key(|fetched| fetched.uid);
        Ok(found)
    }

    /// Reads messages. Those that are missing in the answer the source did not give; its words are beside.
    pub(crate) async fn bodies(
        &mut self,
        (blobs, tenant): (&BlobStore, TenantId),
        uids: &[u32],
        octets: u64,
    ) -> Result<(Vec<(u32, Body)>, String), Failure> {
        self.client.hold_literals(0);
        // Some servers only guess at sizes.
        self.begin_answer(octets.saturating_mul(2));
        let list: Vec<String> = uids.iter().map(u32::to_string).collect();
        let tag = self
            .client
            .command(&format!("UID FETCH {} (UID BODY.PEEK[])", list.join(",")), &[]);
        let max = self.dialer.options.message_octets_max;
        let (mut found, mut writer, mut length) = (Vec::new(), None, None);
        loop {
            match self.event().await? {
                ClientEvent::Literal { octets } => {
                    self.check_announced(octets)?;
                    if length.replace(octets).is_some() {
                        return Err(self.broken("it sends two bodies as one"));
                    }
                    writer = (octets <= max).then(|| MessageWriter::new(blobs, tenant));
                }
                ClientEvent::Data(octets) => {
                    if let Some(writer) = &mut writer {
                        writer.push(&octets).await.map_err(store)?;
                    }
                }
                ClientEvent::Untagged(response) => {
                    let (length, writer) = (length.take(), writer.take());
                    let Some(ServerData::Fetch(fetched)) = self.data(&response)? else {
                        continue;
                    };
                    let Some(uid) = fetched.uid.filter(|uid| uids.contains(uid)) else {
                        continue;
                    };
                    let body = match (writer, length, fetched.body) {
                        (Some(writer), ..) => Body::Whole(writer.finish().await.map_err(store)?),
                        (None, Some(octets), _) => Body::TooLong(octets),
                        (None, None, Some(body)) if !body.is_empty() => {
                            let mut writer = MessageWriter::new(blobs, tenant);
                            writer.push(&body).await.map_err(store)?;
                            Body::Whole(writer.finish().await.map_err(store)?)
                        }
                        _ => continue,
                    };
                    if !found.iter().any(|(known, _)| *known == uid) {
                        found.push((uid, body));
                    }
                }
                ClientEvent::Tagged(end, rest) if end == tag => {
                    self.client.hold_literals(LITERAL_OCTETS_MAX);
                    let status = self.status(&rest)?;
                    let words = if status.is_ok() {
                        "it is not given".to_owned()
                    } else {
                        shown(&status.text)
                    };
                    return Ok((found, words));
                }
                _ => return Err(self.broken("it answers out of turn")),
            }
        }
    }

    /// Says good-bye, and does not wait for long.
    pub(crate) async fn close(mut self) {
        self.client.command("LOGOUT", &[]);
        let mut output = Vec::new();
        self.client.poll_output(&mut output);
        if let Some(line) = &mut self.line {
            let _ = line.write(&output).await;
        }
    }
}

pub(crate) fn store(error: hongyan_blob::BlobError) -> Failure {
    Failure::Target(error.to_string())
}
