//! One connection to a directory, within limits: it is believed only as far as it answers what was asked.

use bytes::{Buf, BytesMut};
use hongyan_ldap_wire::client::{self as wire, Entry, Operation, Outcome, Response, SearchRequest};
use hongyan_ldap_wire::{Filter, ResultCode, frame};
use hongyan_sasl::Secret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{LdapError, LdapOptions};

/// Pages without an entry that may follow one another: those behind references have none.
const EMPTY_PAGES_MAX: usize = 16;

/// What is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Query<'q> {
    pub(crate) base: &'q str,
    pub(crate) filter: &'q Filter,
    pub(crate) attributes: &'q [String],
    /// No more than the first page.
    pub(crate) first_page: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) entries: Vec<Entry>,
    /// Whether there may be more: the search ended after its first page.
    pub(crate) more: bool,
}

/// A connection.
pub(crate) struct Connection<'o, S> {
    stream: S,
    options: &'o LdapOptions,
    buffer: BytesMut,
    last_id: u32,
    octets: usize,
}

fn hung_up(error: &dyn std::fmt::Display) -> LdapError {
    LdapError::HungUp(error.to_string())
}

fn expect(what: &'static str, outcome: Outcome) -> Result<(), LdapError> {
    match outcome.code {
        ResultCode::SUCCESS => Ok(()),
        code => Err(LdapError::Refused {
            what,
            code: code.0,
            name: code.name(),
            text: outcome
                .text
                .chars()
                .filter(|sign| !sign.is_control())
                .take(200)
                .collect(),
        }),
    }
}

impl<'o, S: AsyncRead + AsyncWrite + Unpin> Connection<'o, S> {
    pub(crate) fn new(stream: S, options: &'o LdapOptions) -> Self {
        Self {
            stream,
            options,
            buffer: BytesMut::new(),
            last_id: 0,
            octets: 0,
        }
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    async fn send(&mut self, octets: &[u8]) -> Result<(), LdapError> {
        let sent = self.stream.write_all(octets).await;
        sent.map_err(|error| hung_up(&error))?;
        self.stream.flush().await.map_err(|error| hung_up(&error))
    }

    /// The next answer to the last request.
    async fn receive(&mut self) -> Result<Response, LdapError> {
        let response = self.receive_any().await?;
        match response.id {
            id if id == self.last_id => Ok(response),
            // RFC 4511 §4.4.1: it says that it hangs up.
            0 => Err(LdapError::HungUp("it says so".to_owned())),
            _ => Err(LdapError::Unexpected("a request")),
        }
    }

    async fn receive_any(&mut self) -> Result<Response, LdapError> {
        let answer_max = self.options.answer_octets_max;
        loop {
            if let Some(whole) = frame(&self.buffer)? {
                if whole > answer_max {
                    return Err(LdapError::AnswerTooLong(answer_max));
                }
                if let Some(message) = self.buffer.get(..whole) {
                    let response = Response::read(message)?;
                    self.buffer.advance(whole);
                    return Ok(response);
                }
            }
            let read = self.stream.read_buf(&mut self.buffer).await;
            let count = read.map_err(|error| hung_up(&error))?;
            if count == 0 {
                return Err(LdapError::HungUp("without a word".to_owned()));
            }
            self.octets = self.octets.saturating_add(count);
            if self.octets > self.options.octets_max {
                return Err(LdapError::TooMuch(self.options.octets_max));
            }
        }
    }

    /// Asks for TLS, and gives the connection back for it.
    pub(crate) async fn start_tls(mut self) -> Result<S, LdapError> {
        let id = self.next_id();
        self.send(&wire::start_tls(id)).await?;
        match self.receive().await?.operation {
            Operation::Extended(outcome) => expect("STARTTLS", outcome)?,
            _ => return Err(LdapError::Unexpected("STARTTLS")),
        }
        // Whatever came before TLS may be anybody's.
        match self.buffer.is_empty() {
            true => Ok(self.stream),
            false => Err(LdapError::Unexpected("STARTTLS")),
        }
    }

    async fn bound(&mut self, name: &str, password: &Secret) -> Result<Outcome, LdapError> {
        let id = self.next_id();
        self.send(&wire::bind(id, name, password.reveal())).await?;
        match self.receive().await?.operation {
            Operation::Bound(outcome) => Ok(outcome),
            _ => Err(LdapError::Unexpected("a bind")),
        }
    }

    /// Signs in.
    pub(crate) async fn bind(&mut self, name: &str, password: &Secret) -> Result<(), LdapError> {
        let outcome = self.bound(name, password).await?;
        expect("the bind", outcome)
    }

    /// Whether that is the password of that name.
    pub(crate) async fn proves(&mut self, name: &str, password: &Secret) -> Result<bool, LdapError> {
        // RFC 4513 §5.1.2: a bind without a password succeeds and proves nothing.
        if password.reveal().is_empty() || name.is_empty() {
            return Ok(false);
        }
        let outcome = self.bound(name, password).await?;
        match outcome.code {
            // No such object, invalid name, locked out, to be changed first: whatever it is, it is not proved.
            ResultCode(32 | 34 | 48 | 49 | 50 | 53) => Ok(false),
            _ => expect("the bind", outcome).map(|()| true),
        }
    }

    /// All that is looked for, page by page, or nothing.
    pub(crate) async fn search(&mut self, query: &Query<'_>) -> Result<Found, LdapError> {
        let (mut found, mut cookie, mut empty) = (Found::default(), Vec::new(), 0);
        loop {
            let before = found.entries.len();
            cookie = self.page(query, &cookie, &mut found.entries).await?;
            found.more = !cookie.is_empty();
            if !found.more || query.first_page {
                return Ok(found);
            }
            empty = if found.entries.len() == before { empty + 1 } else { 0 };
            if empty > EMPTY_PAGES_MAX {
                return Err(LdapError::Endless);
            }
        }
    }

    async fn page(&mut self, query: &Query<'_>, cookie: &[u8], entries: &mut Vec<Entry>) -> Result<Vec<u8>, LdapError> {
        let entries_max = self.options.entries_max;
        let request = SearchRequest {
            base: query.base,
            filter: query.filter,
            attributes: query.attributes,
            page: self.options.page_entries,
            cookie,
            within_secs: u32::try_from(self.options.read_within.as_secs()).unwrap_or(0),
        };
        let id = self.next_id();
        self.send(&wire::search(id, &request)).await?;
        loop {
            let response = self.receive().await?;
            match response.operation {
                Operation::Entry(_) if entries.len() >= entries_max => return Err(LdapError::TooMany(entries_max)),
                Operation::Entry(entry) => entries.push(entry),
                // RFC 4511 §4.5.3: what another server has is not this directory's.
                Operation::Reference => {}
                Operation::Searched(outcome) => {
                    expect("the search", outcome)?;
                    return Ok(response.cookie);
                }
                _ => return Err(LdapError::Unexpected("the search")),
            }
        }
    }

    /// Says that it is over; whether the directory hears it does not matter.
    pub(crate) async fn close(mut self) {
        let id = self.next_id();
        let _ = self.send(&wire::unbind(id)).await;
        let _ = self.stream.shutdown().await;
    }
}

#[cfg(test)]
#[path = "client_test.rs"]
mod tests;
