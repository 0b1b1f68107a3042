//! One pass over a message, in pieces of any size, with bounded memory: lines are found, never kept; what is kept is the
//! field being read, a line that may be a boundary, the start of the first text, and the structure so far.
//!
//! A line ends with LF or CRLF; a bare CR is content. A delimiter is a line that is exactly `--boundary` or
//! `--boundary--` with white space after it (RFC 2046 §5.1.1), of the innermost part that has that boundary.

use crate::limits::Limits;
use crate::open_part::{Budget, Field, Open, State};
use crate::structure::{Content, Embedded, Part, Structure};
use crate::{header, text};
use bytes::Bytes;

/// Reads a message; see the module's head.
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    /// Octets consumed.
    offset: u64,
    /// Line feeds consumed.
    line_feeds: u64,
    /// The last four octets consumed.
    tail: [u8; 4],
    /// Open parts, outermost first.
    stack: Vec<Open>,
    is_header: bool,
    /// Whether the next octet begins a line.
    is_line_start: bool,
    /// The start of an unfinished line that must be seen whole.
    held: Vec<u8>,
    /// Inside of a header line whose rest is ignored.
    is_overlong: bool,
    field: Option<(Field, Vec<u8>)>,
    part_count: usize,
    budget: Budget,
    previews: Previews,
    done: Option<Open>,
}

#[derive(Debug, Default)]
struct Previews {
    plain: Option<Preview>,
    html: Option<Preview>,
}

#[derive(Debug)]
struct Preview {
    media: crate::MediaType,
    encoding: crate::Encoding,
    raw: Vec<u8>,
    /// Depth of the stack while its part is open.
    depth: usize,
    is_open: bool,
}

fn octets(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The structure of a message that is at hand.
#[must_use]
pub fn parse(message: &[u8]) -> Structure {
    let mut scanner = Scanner::new(Limits::default());
    scanner.push(message);
    scanner.finish()
}

/// The structure of a message whose pieces are at hand.
#[must_use]
pub fn parse_pieces<'a>(pieces: impl IntoIterator<Item = &'a Bytes>) -> Structure {
    let mut scanner = Scanner::new(Limits::default());
    for piece in pieces {
        scanner.push(piece);
    }
    scanner.finish()
}

impl Scanner {
    /// A scanner at the start of a message.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let budget = Budget::new(limits.text_octets_max);
        Self {
            limits,
            offset: 0,
            line_feeds: 0,
            tail: [0; 4],
            stack: vec![Open::root()],
            is_header: true,
            is_line_start: true,
            held: Vec::new(),
            is_overlong: false,
            field: None,
            part_count: 1,
            budget,
            previews: Previews::default(),
            done: None,
        }
    }

    /// Octets seen so far.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.offset.saturating_add(octets(&self.held))
    }

    /// Reads the next octets of the message.
    pub fn push(&mut self, input: &[u8]) {
        let mut rest = input;
        while !rest.is_empty() {
            rest = if self.is_header {
                self.push_header(rest)
            } else {
                self.push_body(rest)
            };
        }
    }

    /// The end of the message.
    #[must_use]
    pub fn finish(mut self) -> Structure {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            if self.is_header {
                self.header_line(&held);
            } else if !self.delimiter(&held) {
                self.consume(&held);
            }
        }
        // A message in a message that has just begun has a header of nothing, and may hold another.
        while self.is_header {
            self.end_header();
        }
        self.close_to(0, false);
        self.into_structure()
    }

    fn into_structure(self) -> Structure {
        let Some(root) = self.done else {
            return Structure::default();
        };
        let preview = [self.previews.plain, self.previews.html]
            .into_iter()
            .flatten()
            .map(|source| {
                let max = self.limits.preview_chars_max;
                text::preview(&source.media, &source.encoding, &source.raw, max)
            })
            .find(|preview| !preview.is_empty());
        Structure {
            octets: self.offset,
            sent: root
                .envelope
                .as_ref()
                .and_then(|envelope| envelope.date.as_deref())
                .and_then(crate::date::parse),
            envelope: root.envelope.unwrap_or_default(),
            references: root.references,
            root: root.part,
            preview: preview.unwrap_or_default(),
            truncated: self.budget.is_exceeded(),
        }
    }

    // Header sections.

    /// Reads one line, or what there is of it.
    fn push_header<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr(b'\n', input);
        let (line, rest) = input
            .split_at_checked(end.map_or(input.len(), |at| at.saturating_add(1)))
            .unwrap_or((input, &[]));
        if self.is_overlong {
            self.consume(line);
            self.is_overlong = end.is_none();
            return rest;
        }
        if end.is_some() {
            if self.held.is_empty() {
                self.header_line(line);
            } else {
                let mut held = std::mem::take(&mut self.held);
                held.extend_from_slice(line);
                self.header_line(&held);
                held.clear();
                self.held = held;
            }
        } else {
            self.held.extend_from_slice(line);
            if self.held.len() >= self.limits.field_octets_max {
                let held = std::mem::take(&mut self.held);
                self.header_line(&held);
                // When it was no field it has become body, and the body goes on.
                self.is_overlong = self.is_header;
                self.is_line_start = false;
            }
        }
        rest
    }

    fn header_line(&mut self, line: &[u8]) {
        if self.delimiter(line) {
            return;
        }
        if matches!(line, b"\n" | b"\r\n") {
            self.consume(line);
            self.end_header();
        } else if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some((_, value)) = &mut self.field
                && value.len() < self.limits.field_octets_max
            {
                let room = self.limits.field_octets_max.saturating_sub(value.len());
                value.extend_from_slice(line.get(..room).unwrap_or(line));
            }
            self.consume(line);
        } else if line.starts_with(b"From ") {
            // The mark of an mbox file; no field.
            self.end_field();
            self.consume(line);
        } else if let Some((name, value)) = header::split_field(line) {
            self.end_field();
            self.field = Field::find(name).map(|field| (field, value.to_vec()));
            self.consume(line);
        } else {
            // Not a field: the body begins without a blank line.
            self.end_header();
            if self.is_header {
                // It holds a message, whose header begins with this line; it is no field there either.
                self.header_line(line);
            } else {
                self.consume(line);
                self.is_line_start = line.ends_with(b"\n");
            }
        }
    }

    fn end_field(&mut self) {
        if let (Some((field, value)), Some(open)) = (self.field.take(), self.stack.last_mut()) {
            open.set(field, &value, &mut self.budget);
        }
    }

    /// The header of the innermost part is complete: decides what its body is.
    fn end_header(&mut self) {
        self.end_field();
        self.is_header = false;
        self.is_line_start = true;
        let depth = self.stack.len();
        let is_deep = depth >= self.limits.depth_max;
        let is_full = self.part_count >= self.limits.parts_max;
        let Some(open) = self.stack.last_mut() else {
            return;
        };
        open.end_header(self.offset, self.line_feeds);
        open.decide(self.limits.boundary_octets_max, is_deep, is_full, &mut self.budget);
        if open.state == State::Message {
            self.part_count = self.part_count.saturating_add(1);
            self.stack.push(Open::embedded(self.offset));
            self.is_header = true;
            return;
        }
        if open.state == State::Leaf {
            let is_own = self.stack.iter().all(|open| open.state != State::Message);
            if let Some(open) = self.stack.last()
                && is_own
            {
                self.previews.start(&open.part, depth);
            }
        }
    }

    // Bodies.

    fn push_body<'a>(&mut self, input: &'a [u8]) -> &'a [u8] {
        let mut rest = input;
        if self.is_line_start || !self.held.is_empty() {
            match self.hold_delimiter(rest) {
                Held::More => return &[],
                Held::Delimiter(tail) => return tail,
                Held::Text(tail) => rest = tail,
            }
        }
        let end = memchr::memmem::find(rest, b"\n--");
        let (block, tail) = match end {
            Some(at) => rest.split_at_checked(at.saturating_add(1)),
            // A hyphen at the end of the input may begin a delimiter.
            None if rest.ends_with(b"\n-") => rest.split_at_checked(rest.len().saturating_sub(1)),
            None => None,
        }
        .unwrap_or((rest, &[]));
        self.consume(block);
        if !block.is_empty() {
            self.is_line_start = block.ends_with(b"\n");
        }
        tail
    }

    /// At the start of a line: sees whether it is a delimiter.
    fn hold_delimiter<'a>(&mut self, input: &'a [u8]) -> Held<'a> {
        let mut start = [0; 2];
        for (slot, byte) in start.iter_mut().zip(self.held.iter().chain(input)) {
            *slot = *byte;
        }
        let seen = self.held.len().saturating_add(input.len());
        if start != *b"--" && !(seen == 1 && start.starts_with(b"-")) {
            return self.release(input);
        }
        let end = memchr::memchr(b'\n', input).map(|at| at.saturating_add(1));
        let (line, tail) = input
            .split_at_checked(end.unwrap_or(input.len()))
            .unwrap_or((input, &[]));
        let line_octets_max = self.limits.boundary_octets_max.saturating_mul(2);
        if self.held.len().saturating_add(line.len()) > line_octets_max {
            return self.release(input);
        }
        self.held.extend_from_slice(line);
        if end.is_none() {
            return Held::More;
        }
        let held = std::mem::take(&mut self.held);
        if self.delimiter(&held) {
            return Held::Delimiter(tail);
        }
        self.consume(&held);
        self.is_line_start = true;
        self.reuse(held);
        // The next line may be one.
        if tail.is_empty() {
            return Held::More;
        }
        Held::Delimiter(tail)
    }

    fn release<'a>(&mut self, input: &'a [u8]) -> Held<'a> {
        self.is_line_start = false;
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.consume(&held);
            self.reuse(held);
        }
        Held::Text(input)
    }

    fn reuse(&mut self, mut held: Vec<u8>) {
        held.clear();
        self.held = held;
    }

    // Delimiters.

    /// Acts on `line` if it is a delimiter of an open multipart.
    fn delimiter(&mut self, line: &[u8]) -> bool {
        let Some(inner) = line.strip_prefix(b"--") else {
            return false;
        };
        let inner = inner.strip_suffix(b"\n").unwrap_or(inner);
        let inner = inner.strip_suffix(b"\r").unwrap_or(inner);
        let blanks = inner.iter().rev().take_while(|b| matches!(b, b' ' | b'\t'));
        let inner = inner.get(..inner.len().saturating_sub(blanks.count())).unwrap_or(inner);
        let closing = inner.strip_suffix(b"--");
        let top = self.stack.len().saturating_sub(1);
        // A part that has not begun yet gives way to those around it.
        let inside = |open: &Open| matches!(open.state, State::Inside);
        let found = self
            .stack
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, open)| inside(open))
            .chain(
                self.stack
                    .iter()
                    .enumerate()
                    .rev()
                    .take(1)
                    .filter(|(at, open)| *at == top && open.state == State::Preamble),
            )
            .find_map(|(at, open)| {
                if open.boundary == inner {
                    Some((at, false))
                } else if closing == Some(open.boundary.as_slice()) {
                    Some((at, true))
                } else {
                    None
                }
            });
        let Some((level, is_closing)) = found else {
            return false;
        };
        self.at_delimiter(level, is_closing, line);
        true
    }

    fn at_delimiter(&mut self, level: usize, is_closing: bool, line: &[u8]) {
        let is_untouched = self.is_header
            && level.saturating_add(2) == self.stack.len()
            && self.field.is_none()
            && self
                .stack
                .last()
                .is_some_and(|open| open.part.header_offset == self.offset);
        self.end_field();
        if is_untouched && !is_closing {
            // Two delimiters in a row make no empty part between them.
            self.consume(line);
            if let Some(open) = self.stack.last_mut() {
                open.part.header_offset = self.offset;
            }
            return;
        }
        while self.is_header {
            self.end_header();
        }
        self.close_to(level.saturating_add(1), true);
        self.consume(line);
        self.is_line_start = true;
        let Some(open) = self.stack.last_mut() else {
            return;
        };
        if is_closing {
            open.state = State::Epilogue;
            return;
        }
        let is_digest = open.part.media.is("multipart", "digest");
        let is_full = self.part_count >= self.limits.parts_max;
        // The part that reaches the limit holds the rest: its siblings' delimiters are its text.
        open.state = if is_full { State::Epilogue } else { State::Inside };
        self.part_count = self.part_count.saturating_add(1);
        self.stack.push(Open::child(self.offset, is_digest));
        if is_full {
            self.budget.exceed();
            self.end_header();
            if let Some(open) = self.stack.last_mut() {
                open.make_opaque();
            }
        } else {
            self.is_header = true;
        }
    }

    /// Closes parts until `depth` are open. `cut`: the line end before this place belongs to a delimiter.
    fn close_to(&mut self, depth: usize, mut cut: bool) {
        while self.stack.len() > depth {
            self.previews.close(self.stack.len());
            let Some(mut open) = self.stack.pop() else {
                return;
            };
            // A line end that is a part's blank line is no part of the delimiter, for those around it neither.
            cut &= open.close(self.offset, self.line_feeds, self.tail, cut);
            match self.stack.last_mut() {
                Some(parent) => attach(parent, open),
                None => self.done = Some(open),
            }
        }
    }

    /// Counts octets that are no delimiter, of the innermost part.
    fn consume(&mut self, block: &[u8]) {
        if block.is_empty() {
            return;
        }
        self.offset = self.offset.saturating_add(octets(block));
        let feeds = memchr::memchr_iter(b'\n', block).count();
        self.line_feeds = self.line_feeds.saturating_add(u64::try_from(feeds).unwrap_or(u64::MAX));
        self.remember_tail(block);
        if self.is_header {
            return;
        }
        if let Some(open) = self.stack.last_mut() {
            open.counter.push(block);
        }
        self.previews
            .take(block, self.stack.len(), self.limits.preview_source_octets_max);
    }

    fn remember_tail(&mut self, block: &[u8]) {
        if let Some(tail) = block.last_chunk::<4>() {
            self.tail = *tail;
            return;
        }
        for byte in block {
            let [_, b, c, d] = self.tail;
            self.tail = [b, c, d, *byte];
        }
    }
}

enum Held<'a> {
    /// All input is held back or consumed.
    More,
    /// A whole line has been dealt with; this follows.
    Delimiter(&'a [u8]),
    /// This is text.
    Text(&'a [u8]),
}

fn attach(parent: &mut Open, open: Open) {
    match parent.state {
        State::Message => {
            parent.part.content = Content::Message(Box::new(Embedded {
                envelope: open.envelope.unwrap_or_default(),
                root: open.part,
            }));
        }
        _ => match &mut parent.part.content {
            Content::Multipart(parts) => parts.push(open.part),
            content => *content = Content::Multipart(vec![open.part]),
        },
    }
}

impl Previews {
    fn start(&mut self, part: &Part, depth: usize) {
        let slot = match part.media.subtype.as_str() {
            "plain" => &mut self.plain,
            "html" => &mut self.html,
            _ => return,
        };
        let is_free = slot.as_ref().is_none_or(|preview| preview.raw.trim_ascii().is_empty());
        if part.media.kind == "text" && !part.is_attachment() && is_free {
            *slot = Some(Preview {
                media: part.media.clone(),
                encoding: part.encoding.clone(),
                raw: Vec::new(),
                depth,
                is_open: true,
            });
        }
    }

    fn take(&mut self, block: &[u8], depth: usize, octets_max: usize) {
        for preview in [&mut self.plain, &mut self.html].into_iter().flatten() {
            if preview.is_open && preview.depth == depth {
                let room = octets_max.saturating_sub(preview.raw.len());
                preview.raw.extend_from_slice(block.get(..room).unwrap_or(block));
            }
        }
    }

    fn close(&mut self, depth: usize) {
        for preview in [&mut self.plain, &mut self.html].into_iter().flatten() {
            if preview.depth == depth {
                preview.is_open = false;
            }
        }
    }
}

#[cfg(test)]
#[path = "scanner_test.rs"]
mod tests;
