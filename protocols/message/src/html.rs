//! The text of HTML, for search and preview: tags, comments, scripts and styles go, entities become characters, blocks
//! become lines. It makes nothing safe to show; that is the web client's work.

/// The longest entity that is looked up.
const ENTITY_OCTETS_MAX: usize = 32;
/// The longest tag name that is told apart.
const TAG_OCTETS_MAX: usize = 12;

/// Takes the text out of HTML; pieces may be cut anywhere between characters.
#[derive(Debug, Default)]
pub struct HtmlText {
    state: State,
    /// The element whose content is no markup and is skipped.
    raw: Option<&'static str>,
    /// Between `<head>` and its end, or the start of the body.
    is_head: bool,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Text,
    /// After `<`, with what has been read of the name.
    TagName(String),
    /// Inside of a tag behind its name, and the quote that is open.
    Tag(Option<char>),
    /// Inside of `<!--`, with the number of hyphens read in a row.
    Comment(u8),
    Entity(String),
}

const RAW: [&str; 3] = ["script", "style", "title"];
const BLOCKS: [&str; 22] = [
    "p",
    "br",
    "div",
    "tr",
    "li",
    "ul",
    "ol",
    "table",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "td",
    "th",
    "blockquote",
    "pre",
    "body",
    "section",
    "article",
];

impl HtmlText {
    /// Appends the text of `html` to `out`.
    pub fn push(&mut self, html: &str, out: &mut String) {
        let mut rest = html;
        while !rest.is_empty() {
            if matches!(self.state, State::Text) {
                let end = memchr::memchr2(b'<', b'&', rest.as_bytes()).unwrap_or(rest.len());
                let (text, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
                self.put(text, out);
                rest = tail;
            } else if matches!(self.state, State::Tag(None)) {
                let end = rest.find(['>', '"', '\'']).unwrap_or(rest.len());
                rest = rest.get(end..).unwrap_or("");
            }
            let mut chars = rest.chars();
            if let Some(c) = chars.next() {
                self.take(c, out);
                rest = chars.as_str();
            }
        }
    }

    /// Appends what the end of the text gives.
    pub fn finish(&mut self, out: &mut String) {
        match std::mem::take(&mut self.state) {
            State::Entity(name) => self.end_entity(&name, false, out),
            State::TagName(name) if name.is_empty() => self.put("<", out),
            _ => {}
        }
    }

    fn put(&self, text: &str, out: &mut String) {
        if self.raw.is_none() && !self.is_head {
            out.push_str(text);
        }
    }

    fn take(&mut self, c: char, out: &mut String) {
        match &mut self.state {
            State::Text => {
                self.state = if c == '<' {
                    State::TagName(String::new())
                } else {
                    State::Entity(String::new())
                };
            }
            State::TagName(name) => {
                let name = std::mem::take(name);
                self.take_tag_name(name, c, out);
            }
            State::Tag(quote) => match (quote.is_some(), c) {
                (false, '>') => self.state = State::Text,
                (false, '"' | '\'') => *quote = Some(c),
                (true, c) if *quote == Some(c) => *quote = None,
                // Nobody means an attribute that long: the quote was stray.
                _ => {}
            },
            State::Comment(hyphens) => match c {
                '>' if *hyphens >= 2 => self.state = State::Text,
                '-' => *hyphens = hyphens.saturating_add(1),
                _ => *hyphens = 0,
            },
            State::Entity(name) => {
                if c == ';' {
                    let name = std::mem::take(name);
                    self.state = State::Text;
                    self.end_entity(&name, true, out);
                } else if (c.is_ascii_alphanumeric() || c == '#') && name.len() < ENTITY_OCTETS_MAX {
                    name.push(c);
                } else {
                    let name = std::mem::take(name);
                    self.state = State::Text;
                    self.end_entity(&name, false, out);
                    self.take_again(c, out);
                }
            }
        }
    }

    /// Looks at `c` as text.
    fn take_again(&mut self, c: char, out: &mut String) {
        match c {
            '<' | '&' => self.take(c, out),
            c => {
                let mut buf = [0; 4];
                self.put(c.encode_utf8(&mut buf), out);
            }
        }
    }

    fn take_tag_name(&mut self, mut name: String, c: char, out: &mut String) {
        let is_start = name.is_empty();
        if is_start && !(c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
            self.state = State::Text;
            self.put("<", out);
            self.take_again(c, out);
            return;
        }
        let is_name = c.is_ascii_alphanumeric() || (is_start && c != '>') || c == '-';
        if is_name && name.len() <= TAG_OCTETS_MAX {
            name.push(c.to_ascii_lowercase());
            self.state = if name == "!--" {
                State::Comment(0)
            } else {
                State::TagName(name)
            };
            return;
        }
        self.end_tag_name(&name, out);
        if self.raw.is_some() && name.starts_with('/') || self.raw.is_some_and(|raw| raw != name) {
            // A comparison in a script, or text.
            self.state = State::Text;
            self.take_again(c, out);
            return;
        }
        self.state = match c {
            '>' => State::Text,
            '"' | '\'' => State::Tag(Some(c)),
            _ => State::Tag(None),
        };
    }

    fn end_tag_name(&mut self, name: &str, out: &mut String) {
        let (is_end, bare) = match name.strip_prefix('/') {
            Some(bare) => (true, bare),
            None => (false, name),
        };
        if let Some(raw) = self.raw {
            if is_end && raw == bare {
                self.raw = None;
            }
            return;
        }
        match bare {
            "head" => self.is_head = !is_end,
            // Mailers forget </head>.
            "body" => self.is_head = false,
            _ if !is_end => self.raw = RAW.into_iter().find(|tag| *tag == bare),
            _ => {}
        }
        if BLOCKS.contains(&bare) {
            self.put("\n", out);
        }
    }

    fn end_entity(&self, name: &str, is_closed: bool, out: &mut String) {
        if let Some(c) = entity(name) {
            let mut buf = [0; 4];
            self.put(c.encode_utf8(&mut buf), out);
        } else {
            self.put("&", out);
            self.put(name, out);
            if is_closed {
                self.put(";", out);
            }
        }
    }
}

/// The text of HTML that is all there.
#[must_use]
pub fn text(html: &str) -> String {
    let mut out = String::with_capacity(html.len() / 2);
    let mut reader = HtmlText::default();
    reader.push(html, &mut out);
    reader.finish(&mut out);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let value = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(value).filter(|c| *c != '\0');
    }
    Some(match name {
        "amp" | "AMP" => '&',
        "lt" | "LT" => '<',
        "gt" | "GT" => '>',
        "quot" | "QUOT" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "hellip" => '…',
        "mdash" => '—',
        "ndash" => '–',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "sbquo" => '‚',
        "bdquo" => '„',
        "laquo" => '«',
        "raquo" => '»',
        "bull" => '•',
        "middot" => '·',
        "euro" => '€',
        "pound" => '£',
        "yen" => '¥',
        "cent" => '¢',
        "sect" => '§',
        "deg" => '°',
        "times" => '×',
        "zwnj" => '\u{200c}',
        "zwj" => '\u{200d}',
        "shy" => '\u{ad}',
        "ensp" => '\u{2002}',
        "emsp" => '\u{2003}',
        "thinsp" => '\u{2009}',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "ecirc" => 'ê',
        "agrave" => 'à',
        "aacute" => 'á',
        "acirc" => 'â',
        "ccedil" => 'ç',
        "iacute" => 'í',
        "oacute" => 'ó',
        "uacute" => 'ú',
        "ntilde" => 'ñ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(html: &str, expect: &str) {
        assert_eq!(text(html), expect, "{html}");
    }

    #[test]
    fn takes_the_text() {
        check("a<b>c</b>d", "acd");
        check("<p>a</p><br/>b", "\na\n\nb");
        check("a &amp; b &lt;c&gt; &#20320;&#x597d; &nbsp;", "a & b <c> 你好 \u{a0}");
        check("AT&T &unknown; &", "AT&T &unknown; &");
        check("x<style>p{a:'<b>'}</style>y<script>if(a<b)\"</p>\"</script>z", "xyz");
        check("<head><title>t</title><meta x></head><body>b</body>", "\nb\n");
        check("<head><title>t</title><body>b", "\nb");
        check("a<!-- <p> -- > - -->b", "ab");
        check("a <3 b < c", "a <3 b < c");
        check("<a title='x>y' href=\"z>\">t</a>", "t");
        check("&#0;&#xfffffff;", "&#0;&#xfffffff;");
        check("<", "<");
        check("<!DOCTYPE html>a", "a");
    }

    proptest! {
        #[test]
        fn pieces_give_the_same(html in "[<>a-c/!&;#x\" '-]{0,60}|(<style>|</style>|&amp;|<p>|x)*", cut in 0usize..60) {
            let whole = text(&html);
            let (a, b) = html.split_at_checked(cut).unwrap_or((&html, ""));
            let mut out = String::new();
            let mut reader = HtmlText::default();
            reader.push(a, &mut out);
            reader.push(b, &mut out);
            reader.finish(&mut out);
            prop_assert_eq!(out, whole);
        }
    }
}
