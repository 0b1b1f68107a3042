//! Generated mail: the same for the same number, of all sizes and shapes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A small, fixed pseudo-random sequence (xorshift): tests need variety, not chance.
pub struct Sequence(u64);

impl Sequence {
    /// The sequence of that number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound
    }
}

const WORDS: [&str; 16] = [
    "wild", "goose", "letter", "carries", "north", "wind", "over", "river", "evening", "lamp", "sends", "words",
    "across", "snow", "home", "returns",
];

/// Mail `number` from `from` to `to`, with a Message-ID that names it. Ends with CRLF; no line exceeds 998 octets.
#[must_use]
pub fn mail(number: u32, from: &str, to: &str) -> Vec<u8> {
    let mut sequence = Sequence::new(u64::from(number));
    let header = format!(
        "From: {from}\r\nTo: {to}\r\nSubject: number {number}\r\nDate: Sat, 21 Nov 2026 10:00:{:02} +0000\r\n\
         Message-ID: <{number}@generated.test>\r\nMIME-Version: 1.0\r\n",
        number % 60
    );
    let text = text(&mut sequence);
    let mut mail = header.into_bytes();
    match number % 4 {
        0 => mail.extend(format!("Content-Type: text/plain; charset=utf-8\r\n\r\n{text}").into_bytes()),
        1 => mail.extend(
            format!("Content-Type: text/plain; charset=utf-8\r\n\r\n.\r\n..\r\nFrom dot\r\n{text}鸿雁\r\n")
                .into_bytes(),
        ),
        2 => mail.extend(multipart(&mut sequence, &text, number)),
        _ => mail.extend(format!("\r\n{text}").into_bytes()),
    }
    mail
}

fn text(sequence: &mut Sequence) -> String {
    let mut text = String::new();
    for _ in 0..=sequence.below(60) {
        for _ in 0..10 {
            let word = usize::try_from(sequence.below(16)).unwrap_or(0);
            text.push_str(WORDS[word]);
            text.push(' ');
        }
        text.push_str("\r\n");
    }
    text
}

fn multipart(sequence: &mut Sequence, text: &str, number: u32) -> Vec<u8> {
    let octets: Vec<u8> = (0..sequence.below(40_000))
        .map(|_| sequence.next_u64().to_le_bytes()[0])
        .collect();
    let encoded = STANDARD.encode(octets);
    let lines: Vec<_> = encoded.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
    format!(
        "Content-Type: multipart/mixed; boundary=\"=_{number}\"\r\n\r\n--=_{number}\r\n\
         Content-Type: text/plain\r\n\r\n{text}\r\n--=_{number}\r\n\
         Content-Type: application/octet-stream; name=data.bin\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--=_{number}--\r\n",
        lines.join("\r\n")
    )
    .into_bytes()
}
