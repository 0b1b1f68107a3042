//! A POP3 source: signed in, messages listed and read, none deleted. Whatever it says, what is held of it is bounded.

use hongyan_mailbox::{MessageWriter, NewMessage};
use hongyan_pop3::client::{Event, Response, Session};

use crate::dial::{Dialer, Line};
use crate::failure::{Failure, refused, shown};
use crate::imap::{SignIn, store};
use crate::{Source, Tls};

/// Longest line of an answer or a listing.
const LINE_OCTETS_MAX: usize = 2_048;
/// Octets of a message's line in a listing, at most.
const LISTED_OCTETS: u64 = 100;

/// A message of the maildrop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) number: u32,
    /// Its UIDL.
    pub(crate) name: Vec<u8>,
    pub(crate) octets: Option<u64>,
}

/// What came of a message.
pub(crate) enum Read {
    Whole(Box<NewMessage>),
    TooLong(u64),
    Refused(String),
}

pub(crate) struct Pop3Source {
    dialer: Dialer,
    source: Source,
    line: Option<Line>,
    session: Session,
}

impl Pop3Source {
    /// Connects and signs in.
    pub(crate) async fn open(dialer: &Dialer, source: &Source, sign_in: &SignIn<'_>) -> Result<Self, Failure> {
        let line = dialer.connect(source).await?;
        let mut pop3 = Self {
            dialer: dialer.clone(),
            source: source.clone(),
            line: Some(line),
            session: Session::with_line_octets_max(LINE_OCTETS_MAX),
        };
        let greeting = pop3.response().await?;
        if !greeting.is_ok {
            return Err(Failure::Slow(shown(&greeting.text)));
        }
        if source.tls == Tls::Upgrade {
            pop3.start_tls().await?;
        }
        pop3.sign_in(sign_in).await?;
        Ok(pop3)
    }

    fn broken(&self, what: &str) -> Failure {
        Failure::Broken(format!("{} keeps to no POP3: {what}", self.source.host))
    }

    async fn event(&mut self) -> Result<Event, Failure> {
        loop {
            match self.session.poll_event() {
                Some(Event::Broken(reason)) => return Err(self.broken(reason)),
                Some(event) => return Ok(event),
                None => {}
            }
            let mut output = Vec::new();
            self.session.poll_output(&mut output);
            let line = self.line.as_mut().ok_or(Failure::Stopped)?;
            line.write(&output).await?;
            let octets = line.read().await?;
            self.session.receive(octets);
        }
    }

    async fn response(&mut self) -> Result<Response, Failure> {
        match self.event().await? {
            Event::Response(response) => Ok(response),
            _ => Err(self.broken("it answers out of turn")),
        }
    }

    async fn ask(&mut self, line: &str) -> Result<Response, Failure> {
        self.session.send(line);
        self.response().await
    }

    async fn start_tls(&mut self) -> Result<(), Failure> {
        let response = self.ask("STLS").await?;
        if !response.is_ok {
            let reason = shown(&response.text);
            return Err(Failure::Broken(format!(
                "{} does not offer STLS: {reason}",
                self.source.host
            )));
        }
        if self.session.has_unread() {
            return Err(self.broken("it speaks between STLS and TLS"));
        }
        let line = self.line.take().ok_or(Failure::Stopped)?;
        self.line = Some(line.secured().await?);
        self.session = Session::with_line_octets_max(LINE_OCTETS_MAX);
        self.session.restart();
        Ok(())
    }

    async fn sign_in(&mut self, sign_in: &SignIn<'_>) -> Result<(), Failure> {
        let (name, _) = sign_in.names();
        let mut response = self.ask(&format!("USER {name}")).await?;
        if response.is_ok {
            response = self.ask(&format!("PASS {}", sign_in.password.reveal())).await?;
        }
        if response.is_ok {
            return Ok(());
        }
        let code = response.code.map(|code| code.to_string());
        Err(refused(code.as_deref(), &response.text, sign_in.delegated.is_some()))
    }

    /// The lines of a listing; none when the source does not have it.
    async fn listing(
        &mut self,
        command: &str,
        mut each: impl FnMut(&[u8]) -> Result<(), &'static str>,
    ) -> Result<bool, Failure> {
        if !self.ask(command).await?.is_ok {
            return Ok(false);
        }
        let octets_max = u64::from(self.dialer.options.messages_per_folder_max).saturating_mul(LISTED_OCTETS);
        let (mut rest, mut octets) = (Vec::new(), 0_u64);
        loop {
            match self.event().await? {
                Event::Data(data) => {
                    octets += data.len() as u64;
                    rest.extend_from_slice(&data);
                    while let Some(end) = rest.iter().position(|octet| *octet == b'\n') {
                        let line: Vec<u8> = rest.drain(..=end).collect();
                        each(line.trim_ascii()).map_err(|what| self.broken(what))?;
                    }
                    if rest.len() > LINE_OCTETS_MAX || octets > octets_max {
                        return Err(self.broken("it lists without end"));
                    }
                }
                Event::End => return Ok(true),
                _ => return Err(self.broken("it answers out of turn")),
            }
        }
    }

    /// All messages, by their number.
    pub(crate) async fn messages(&mut self) -> Result<Vec<Listed>, Failure> {
        let max = usize::try_from(self.dialer.options.messages_per_folder_max).unwrap_or(usize::MAX);
        let mut messages: Vec<Listed> = Vec::new();
        let has_names = self
            .listing("UIDL", |line| {
                let (number, name) = numbered(line).ok_or("a line of UIDL cannot be read")?;
                if messages.len() >= max {
                    return Err("it has more messages than messages_per_folder_max");
                }
                messages.push(Listed {
                    number,
                    name: name.to_vec(),
                    octets: None,
                });
                Ok(())
            })
            .await?;
        if !has_names {
            return Err(Failure::Broken(format!(
                "{} has no UIDL, by which messages are known again",
                self.source.host
            )));
        }
        messages.sort_by_key(|message| message.number);
        messages.dedup_by_key(|message| message.number);
        self.listing("LIST", |line| {
            let (number, size) = numbered(line).ok_or("a line of LIST cannot be read")?;
            let size = std::str::from_utf8(size).ok().and_then(|size| size.parse().ok());
            if let Ok(place) = messages.binary_search_by_key(&number, |message| message.number)
                && let Some(message) = messages.get_mut(place)
            {
                message.octets = size;
            }
            Ok(())
        })
        .await?;
        Ok(messages)
    }

    /// Reads a message into `writer`.
    pub(crate) async fn read(&mut self, message: &Listed, writer: MessageWriter) -> Result<Read, Failure> {
        let response = self.ask(&format!("RETR {}", message.number)).await?;
        if !response.is_ok {
            return Ok(Read::Refused(shown(&response.text)));
        }
        let max = self.dialer.options.message_octets_max;
        let (mut writer, mut octets) = (Some(writer), 0_u64);
        loop {
            match self.event().await? {
                Event::Data(data) => {
                    octets += data.len() as u64;
                    if octets > max {
                        writer = None;
                    }
                    if octets > max.saturating_mul(2) {
                        return Err(self.broken("it sends a message without end"));
                    }
                    if let Some(writer) = &mut writer {
                        writer.push(&data).await.map_err(store)?;
                    }
                }
                Event::End => break,
                _ => return Err(self.broken("it answers out of turn")),
            }
        }
        match writer {
            Some(writer) => Ok(Read::Whole(Box::new(writer.finish().await.map_err(store)?))),
            None => Ok(Read::TooLong(octets)),
        }
    }

    /// Says good-bye. Nothing was marked as deleted, so nothing is.
    pub(crate) async fn close(mut self) {
        self.session.send("QUIT");
        let mut output = Vec::new();
        self.session.poll_output(&mut output);
        if let Some(line) = &mut self.line {
            let _ = line.write(&output).await;
        }
    }
}

/// A number, and what follows it.
fn numbered(line: &[u8]) -> Option<(u32, &[u8])> {
    let end = line.iter().position(|octet| *octet == b' ')?;
    let (number, rest) = line.split_at_checked(end)?;
    let number = std::str::from_utf8(number).ok()?.parse().ok()?;
    Some((number, rest.trim_ascii()))
}
