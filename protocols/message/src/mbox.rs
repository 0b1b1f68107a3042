//! Mails out of a file: one alone, or many as mbox has them (RFC 4155), read as it comes and in bounded memory.
//!
//! A mail of an mbox begins at a line `From `, which names a time, at the start of the file or behind an empty line. `>From ` of a
//! text is made `From ` again. Lines end with CRLF in what comes out, however they end in the file.

use hongyan_types::Timestamp;

use crate::date;

/// Octets of a line that are held to see what it is; of a longer one the rest is text.
const LINE_HELD_OCTETS_MAX: usize = 4_096;

/// A `>` that is one of more is text.
const QUOTES_MAX: usize = 64;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A mail begins.
    Begin {
        /// When it came, as far as the file says so.
        received: Option<Timestamp>,
    },
    /// The next octets of it.
    Data(Vec<u8>),
    /// It ends.
    End,
}

/// Takes a file apart.
#[derive(Debug)]
pub struct Splitter {
    is_mbox: bool,
    line: Vec<u8>,
    /// The line was so long that its beginning is out already.
    is_inside_line: bool,
    is_begun: bool,
    /// An empty line that belongs to the mail unless another begins.
    owes_empty_line: bool,
}

impl Splitter {
    /// Many mails.
    #[must_use]
    pub fn mbox() -> Self {
        Self {
            is_mbox: true,
            line: Vec::new(),
            is_inside_line: false,
            is_begun: false,
            owes_empty_line: false,
        }
    }
    /// One mail, whatever its lines are.
    #[must_use]
    pub fn single() -> Self {
        Self {
            is_mbox: false,
            ..Self::mbox()
        }
    }

    /// The next octets of the file; what they mean goes to the end of `events`.
    pub fn push(&mut self, octets: &[u8], events: &mut Vec<Event>) {
        let mut out = Vec::new();
        let mut rest = octets;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).map(|at| at.saturating_add(1));
            let (part, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            rest = after;
            self.line.extend_from_slice(part);
            if end.is_some() {
                self.take_line(&mut out, events);
            } else if self.line.len() > LINE_HELD_OCTETS_MAX {
                self.take_part(&mut out, events);
            }
        }
        flush(&mut out, events);
    }

    /// The end of the file.
    pub fn finish(mut self, events: &mut Vec<Event>) {
        let mut out = Vec::new();
        if !self.line.is_empty() {
            self.line.push(b'\n');
            self.take_line(&mut out, events);
        }
        flush(&mut out, events);
        if self.is_begun {
            events.push(Event::End);
        }
    }

    /// A line that is whole, or the end of a long one.
    fn take_line(&mut self, out: &mut Vec<u8>, events: &mut Vec<Event>) {
        let whole = std::mem::take(&mut self.line);
        let line = whole.strip_suffix(b"\n").unwrap_or(&whole);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if !std::mem::take(&mut self.is_inside_line) {
            let is_long = whole.len().saturating_sub(1) > LINE_HELD_OCTETS_MAX;
            if !is_long && self.begins_mail(line) {
                self.owes_empty_line = false;
                self.begin(received(line), out, events);
                return;
            }
            self.pay_empty_line(out);
            self.begin_if_none(out, events);
            if line.is_empty() && self.is_mbox {
                self.owes_empty_line = true;
                return;
            }
        }
        out.extend_from_slice(self.unquoted(line));
        out.extend_from_slice(b"\r\n");
    }

    /// The beginning, or the middle, of a long line. A CR at its end may belong to the line's end.
    fn take_part(&mut self, out: &mut Vec<u8>, events: &mut Vec<Event>) {
        let mut part = std::mem::take(&mut self.line);
        if part.last() == Some(&b'\r') {
            part.pop();
            self.line.push(b'\r');
        }
        if !self.is_inside_line {
            self.pay_empty_line(out);
            self.begin_if_none(out, events);
            self.is_inside_line = true;
            let from = part.len().saturating_sub(self.unquoted(&part).len());
            out.extend_from_slice(part.get(from..).unwrap_or_default());
            return;
        }
        out.extend_from_slice(&part);
    }

    fn unquoted<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        let bare = line.iter().position(|octet| *octet != b'>').unwrap_or(line.len());
        let is_quoted = self.is_mbox
            && (1..=QUOTES_MAX).contains(&bare)
            && line.get(bare..).is_some_and(|rest| rest.starts_with(b"From "));
        if is_quoted { line.get(1..).unwrap_or(line) } else { line }
    }

    fn begins_mail(&self, line: &[u8]) -> bool {
        if !line.starts_with(b"From ") {
            return false;
        }
        match (self.is_mbox, self.is_begun) {
            // Some write one above a single mail too.
            (_, false) => true,
            (false, true) => false,
            (true, true) => self.owes_empty_line && received(line).is_some(),
        }
    }

    fn begin(&mut self, received: Option<Timestamp>, out: &mut Vec<u8>, events: &mut Vec<Event>) {
        flush(out, events);
        if self.is_begun {
            events.push(Event::End);
        }
        self.is_begun = true;
        events.push(Event::Begin { received });
    }

    fn begin_if_none(&mut self, out: &mut Vec<u8>, events: &mut Vec<Event>) {
        if !self.is_begun {
            self.begin(None, out, events);
        }
    }

    fn pay_empty_line(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.owes_empty_line) {
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn flush(out: &mut Vec<u8>, events: &mut Vec<Event>) {
    if !out.is_empty() {
        events.push(Event::Data(std::mem::take(out)));
    }
}

/// The time in `From anna@example.com Thu Jan  1 10:00:00 2026`.
fn received(line: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, rest) = text.strip_prefix("From ")?.trim_start().split_once(' ')?;
    Some(date::parse(rest)?.timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mails with their times, when the file comes in pieces of so many octets.
    fn mails(splitter: fn() -> Splitter, file: &[u8], piece: usize) -> Vec<(Option<i64>, String)> {
        let (mut splitter, mut events) = (splitter(), Vec::new());
        for part in file.chunks(piece) {
            splitter.push(part, &mut events);
        }
        splitter.finish(&mut events);
        let mut mails: Vec<(Option<i64>, Vec<u8>)> = Vec::new();
        let mut is_open = false;
        for event in events {
            match event {
                Event::Begin { received } => {
                    assert!(!is_open);
                    is_open = true;
                    mails.push((received.map(Timestamp::secs), Vec::new()));
                }
                Event::Data(octets) => mails.last_mut().unwrap().1.extend_from_slice(&octets),
                Event::End => is_open = false,
            }
        }
        assert!(!is_open, "every mail ends");
        let text = |octets: Vec<u8>| String::from_utf8_lossy(&octets).into_owned();
        mails.into_iter().map(|(at, octets)| (at, text(octets))).collect()
    }

    fn check(splitter: fn() -> Splitter, file: &str, expect: &[(Option<i64>, &str)]) {
        for piece in [1, 2, 7, file.len().max(1)] {
            let found = mails(splitter, file.as_bytes(), piece);
            let found: Vec<_> = found.iter().map(|(at, text)| (*at, text.as_str())).collect();
            assert_eq!(found, expect, "pieces of {piece}");
        }
    }

    #[test]
    fn mig_13_an_mbox_has_many_mails() {
        check(
            Splitter::mbox,
            "From a@b Thu Jan  1 10:00:00 2026\nSubject: one\n\n>From here\n>>From there\n\nFrom now on\n\n\n\
             From c@d Thu Jan  1 11:00:00 2026\r\nSubject: two\r\n\r\nlast",
            &[
                (
                    Some(1_767_261_600),
                    "Subject: one\r\n\r\nFrom here\r\n>From there\r\n\r\nFrom now on\r\n\r\n",
                ),
                (Some(1_767_265_200), "Subject: two\r\n\r\nlast\r\n"),
            ],
        );
        check(Splitter::mbox, "", &[]);
    }

    #[test]
    fn mig_13_a_single_mail_is_one_whatever_is_in_it() {
        check(
            Splitter::single,
            "Subject: x\n\nText\n\nFrom a@b Thu Jan  1 10:00:00 2026\n>From\rx\n",
            &[(
                None,
                "Subject: x\r\n\r\nText\r\n\r\nFrom a@b Thu Jan  1 10:00:00 2026\r\n>From\rx\r\n",
            )],
        );
    }

    #[test]
    fn mig_13_long_lines_are_not_held() {
        let long = "x".repeat(3 * LINE_HELD_OCTETS_MAX);
        let file = format!("Subject: x\n\n{long}\r\nend\n");
        check(
            Splitter::mbox,
            &file,
            &[(None, &format!("Subject: x\r\n\r\n{long}\r\nend\r\n"))],
        );
    }
}
