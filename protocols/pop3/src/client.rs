//! The client's session, for migration, tests and load: requests may be pipelined, answers come in their order.
//!
//! Bodies are held ([`Session::poll_response`]) or handed out as they come ([`Session::poll_event`]): one or the other.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use memchr::memchr;

use crate::ResponseCode;
use crate::body::BodyReader;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// `+OK` or not.
    pub is_ok: bool,
    /// The response code of an `-ERR`.
    pub code: Option<ResponseCode>,
    /// The text of the first line, without the code.
    pub text: String,
    /// The decoded data of a `+ ` line: the exchange goes on.
    pub challenge: Option<Vec<u8>>,
    /// The body of a multi-line answer, its doubled dots made single.
    pub body: Option<Vec<u8>>,
}

/// What the server says, bodies as they come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An answer. A body follows when the command asked for one and the answer is `+OK`.
    Response(Response),
    /// The next octets of the body, its doubled dots made single.
    Data(Vec<u8>),
    /// The end of the body.
    End,
    /// A line is longer than allowed. Nothing follows.
    Broken(&'static str),
}

/// One connection, from its greeting on.
#[derive(Debug)]
pub struct Session {
    input: BytesMut,
    output: Vec<u8>,
    /// Whether each outstanding answer is multi-line, in order.
    expected: VecDeque<bool>,
    body: Option<(Response, Vec<u8>)>,
    /// A body that is handed out as it comes.
    streamed: Option<BodyReader>,
    line_octets_max: usize,
    broken: bool,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            input: BytesMut::new(),
            output: Vec::new(),
            expected: VecDeque::from([false]),
            body: None,
            streamed: None,
            line_octets_max: usize::MAX,
            broken: false,
        }
    }
}

impl Session {
    /// One whose server may say lines of so many octets; bodies are another matter.
    #[must_use]
    pub fn with_line_octets_max(line_octets_max: usize) -> Self {
        Self {
            line_octets_max,
            ..Self::default()
        }
    }
    /// Forgets the greeting: a new stream begins, which has none, as after STLS.
    pub fn restart(&mut self) {
        self.expected.clear();
    }
    /// Whether the server has said anything that was not looked at: it must not have before TLS begins (RFC 2595 §4).
    #[must_use]
    pub fn has_unread(&self) -> bool {
        !self.input.is_empty()
    }
    /// What comes next, a body piece by piece.
    pub fn poll_event(&mut self) -> Option<Event> {
        if self.broken {
            return None;
        }
        if let Some(body) = &mut self.streamed {
            let mut data = Vec::new();
            let taken = body.push(&self.input, &mut data);
            let _ = self.input.split_to(taken.min(self.input.len()));
            if !data.is_empty() {
                return Some(Event::Data(data));
            }
            if body.is_ended() {
                self.streamed = None;
                return Some(Event::End);
            }
            return None;
        }
        let Some(end) = memchr(b'\n', &self.input) else {
            return (self.input.len() > self.line_octets_max).then(|| self.break_off());
        };
        if end > self.line_octets_max {
            return Some(self.break_off());
        }
        let line = self.input.split_to(end.saturating_add(1));
        let multi_line = self.expected.pop_front().unwrap_or(false);
        let response = parse(line.trim_ascii_end());
        if multi_line && response.is_ok {
            self.streamed = Some(BodyReader::default());
        }
        Some(Event::Response(response))
    }
    fn break_off(&mut self) -> Event {
        self.broken = true;
        self.input = BytesMut::new();
        Event::Broken("a line is longer than line_octets_max")
    }
    /// Sends one command line, without its CRLF; what is answered with several lines is known by keyword.
    pub fn send(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        let keyword = words.next().unwrap_or_default().to_ascii_uppercase();
        let multi_line = match keyword.as_str() {
            "RETR" | "TOP" | "CAPA" => true,
            "LIST" | "UIDL" | "AUTH" => words.next().is_none(),
            _ => false,
        };
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        self.expected.push_back(multi_line);
    }
    /// Answers a challenge.
    pub fn send_response(&mut self, data: &[u8]) {
        self.output.extend_from_slice(STANDARD.encode(data).as_bytes());
        self.output.extend_from_slice(b"\r\n");
        self.expected.push_back(false);
    }
    /// Takes bytes that arrived.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
    }
    /// Moves what is to be sent to `out`; whether there was anything.
    pub fn poll_output(&mut self, out: &mut Vec<u8>) -> bool {
        let any = !self.output.is_empty();
        out.append(&mut self.output);
        any
    }
    /// The next answer, the greeting first.
    pub fn poll_response(&mut self) -> Option<Response> {
        loop {
            let end = memchr(b'\n', &self.input)?.saturating_add(1);
            let line = self.input.split_to(end);
            if let Some((_, body)) = &mut self.body {
                if line.as_ref() == b".\r\n" {
                    return self.body.take().map(|(response, body)| Response {
                        body: Some(body),
                        ..response
                    });
                }
                body.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
                continue;
            }
            let multi_line = self.expected.pop_front().unwrap_or(false);
            let response = parse(line.trim_ascii_end());
            if !(multi_line && response.is_ok) {
                return Some(response);
            }
            self.body = Some((response, Vec::new()));
        }
    }
}

fn parse(line: &[u8]) -> Response {
    let text = |rest: &[u8]| String::from_utf8_lossy(rest.trim_ascii_start()).into_owned();
    let mut response = Response {
        is_ok: false,
        code: None,
        text: String::new(),
        challenge: None,
        body: None,
    };
    if let Some(rest) = line.strip_prefix(b"+OK") {
        response.is_ok = true;
        response.text = text(rest);
    } else if let Some(rest) = line.strip_prefix(b"-ERR") {
        let whole = text(rest);
        let (code, rest) = ResponseCode::split(&whole);
        (response.code, response.text) = (code, rest.to_owned());
    } else if let Some(rest) = line.strip_prefix(b"+") {
        response.challenge = STANDARD.decode(rest.trim_ascii()).ok();
    } else {
        response.text = text(line);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(session: &mut Session, input: &[u8], piece: usize) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        for part in input.chunks(piece) {
            session.receive(part);
            while let Some(event) = session.poll_event() {
                match (events.last_mut(), event) {
                    (Some(Event::Data(all)), Event::Data(more)) => all.extend_from_slice(&more),
                    (_, event) => events.push(event),
                }
            }
        }
        events
    }

    #[test]
    fn bodies_are_handed_out_as_they_come() {
        let input = b"+OK hello\r\n+OK 9 octets\r\nA: b\r\n\r\n..c\r\n.\r\n-ERR no\r\n";
        for piece in [1, 2, 5, input.len()] {
            let mut session = Session::with_line_octets_max(100);
            session.send("RETR 1");
            session.send("RETR 2");
            let found = events(&mut session, input, piece);
            assert_eq!(found.len(), 5, "{found:?}");
            assert_eq!(found[2], Event::Data(b"A: b\r\n\r\n.c\r\n".to_vec()));
            assert_eq!(found[3], Event::End);
            assert!(matches!(&found[4], Event::Response(response) if !response.is_ok));
        }
    }

    #[test]
    fn an_endless_line_breaks_the_connection() {
        let mut session = Session::with_line_octets_max(100);
        let broken = Event::Broken("a line is longer than line_octets_max");
        assert_eq!(events(&mut session, &[b'x'; 1000], 50), [broken]);
    }
}
