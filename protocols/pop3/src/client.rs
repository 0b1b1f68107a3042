//! The client's session, for tests and load: requests may be pipelined, answers come in their order.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use memchr::memchr;

use crate::ResponseCode;

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

/// One connection, from its greeting on.
#[derive(Debug)]
pub struct Session {
    input: BytesMut,
    output: Vec<u8>,
    /// Whether each outstanding answer is multi-line, in order.
    expected: VecDeque<bool>,
    body: Option<(Response, Vec<u8>)>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            input: BytesMut::new(),
            output: Vec::new(),
            expected: VecDeque::from([false]),
            body: None,
        }
    }
}

impl Session {
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
