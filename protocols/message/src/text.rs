//! The text of a part as people read it: transfer encoding undone, charset to UTF-8, HTML without tags. For SEARCH TEXT
//! and BODY, which read a part in pieces, and for the preview (RFC 8970).

use crate::charset::TextDecoder;
use crate::html::HtmlText;
use crate::structure::{Content, Encoding, MediaType, Part};
use crate::transfer::TransferDecoder;

/// Octets that are decoded at a time, so that a preview does not decode more than it shows.
const STEP_OCTETS: usize = 1_024;

/// Reads the text of one part; its body may come in any pieces.
pub struct TextReader {
    transfer: TransferDecoder,
    charset: TextDecoder,
    html: Option<HtmlText>,
    bytes: Vec<u8>,
    markup: String,
}

impl TextReader {
    /// A reader of `part`; `None` when it is no text that can be decoded.
    #[must_use]
    pub fn new(part: &Part) -> Option<Self> {
        let is_text = part.media.kind == "text" && part.content == Content::Leaf;
        is_text.then(|| Self::of(&part.media, &part.encoding))
    }

    fn of(media: &MediaType, encoding: &Encoding) -> Self {
        let is_html = media.subtype == "html";
        Self {
            transfer: TransferDecoder::new(encoding),
            charset: TextDecoder::new(media.param("charset")),
            html: is_html.then(HtmlText::default),
            bytes: Vec::new(),
            markup: String::new(),
        }
    }

    /// Appends to `out` the text that `raw`, the next octets of the body, gives.
    pub fn push(&mut self, raw: &[u8], out: &mut String) {
        self.bytes.clear();
        self.transfer.push(raw, &mut self.bytes);
        self.decode(false, out);
    }

    /// Appends what the end of the body gives.
    pub fn finish(&mut self, out: &mut String) {
        self.bytes.clear();
        self.transfer.finish(&mut self.bytes);
        self.decode(true, out);
    }

    fn decode(&mut self, is_last: bool, out: &mut String) {
        let Some(html) = &mut self.html else {
            self.charset.push(&self.bytes, out);
            if is_last {
                self.charset.finish(out);
            }
            return;
        };
        self.markup.clear();
        self.charset.push(&self.bytes, &mut self.markup);
        if is_last {
            self.charset.finish(&mut self.markup);
        }
        html.push(&self.markup, out);
        if is_last {
            html.finish(out);
        }
    }
}

/// The text of a part whose body is at hand; empty when it is no text.
#[must_use]
pub fn of_part(part: &Part, body: &[u8]) -> String {
    let mut out = String::new();
    if let Some(mut reader) = TextReader::new(part) {
        reader.push(body, &mut out);
        reader.finish(&mut out);
    }
    out
}

/// The first `chars_max` characters of the text that `raw` begins with, white space collapsed, nothing invisible.
pub(crate) fn preview(media: &MediaType, encoding: &Encoding, raw: &[u8], chars_max: usize) -> String {
    let mut reader = TextReader::of(media, encoding);
    let mut collector = Collector {
        out: String::new(),
        room: chars_max,
        is_gap: false,
    };
    let mut text = String::new();
    for piece in raw.chunks(STEP_OCTETS) {
        text.clear();
        reader.push(piece, &mut text);
        collector.take(&text);
        if collector.room == 0 {
            return collector.out;
        }
    }
    text.clear();
    reader.finish(&mut text);
    collector.take(&text);
    collector.out
}

struct Collector {
    out: String,
    room: usize,
    is_gap: bool,
}

impl Collector {
    fn take(&mut self, text: &str) {
        for c in text.chars() {
            if self.room == 0 {
                return;
            }
            if c.is_whitespace() {
                self.is_gap = true;
            } else if !is_invisible(c) {
                if std::mem::take(&mut self.is_gap) && !self.out.is_empty() {
                    self.out.push(' ');
                    self.room = self.room.saturating_sub(1);
                    if self.room == 0 {
                        return;
                    }
                }
                self.out.push(c);
                self.room = self.room.saturating_sub(1);
            }
        }
    }
}

/// What advertisers fill previews with, and control characters.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, charset: &str, encoding: Encoding, raw: &[u8], expect: &str) {
        let media = crate::media::media_type(&format!("{kind};charset={charset}")).unwrap();
        assert_eq!(preview(&media, &encoding, raw, 20), expect);
    }

    #[test]
    fn makes_previews() {
        use Encoding::{Base64, QuotedPrintable, SevenBit};
        check("text/plain", "utf-8", SevenBit, b" a \r\n\r\n b\0", "a b");
        check("text/plain", "gbk", Base64, b"1tDOxA==", "中文");
        check(
            "text/html",
            "utf-8",
            QuotedPrintable,
            b"<p>=E4=BD=\r\n=A0<b>b</b>&nbsp;&zwnj;c</p>",
            "你b c",
        );
        check("text/plain", "", SevenBit, &[b'x'; 5_000], &"x".repeat(20));
        check("text/plain", "", SevenBit, &[b' '; 5_000], "");
    }
}
