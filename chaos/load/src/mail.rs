//! Mail to send: English-looking text, each one different, from one seed.

/// Sizes of mail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sizes {
    /// All of this size.
    Fixed(usize),
    /// Median 8 KB, mean 58 KB, at most 10 MB: what mailboxes hold.
    Mixed,
}

const MIXED_MEDIAN_OCTETS: f64 = 8_192.0;
/// Of the logarithm; the mean is exp(1.99² / 2) = 7.2 medians.
const MIXED_DEVIATION: f64 = 1.99;
const MIXED_OCTETS_MAX: usize = 10 * 1024 * 1024;

const WORDS: &str = "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they \
    which one you were her all she there would their we him been has when who will more no if out so said what up its about \
    into than them can only other new some could time these two may then do first any my now such like our over man me even \
    most made after also did many before must through back years where much your way well down should because each just those \
    people mr how too little state good very make world still own see men work long get here between both life being under \
    never day same another know while last might us great old year off come since against go came right used take three \
    meeting report project budget invoice schedule contract review customer office regards attached please thanks team \
    quarter delivery order account number question answer tomorrow morning afternoon monday tuesday friday";

/// A source of numbers that repeats from its seed (xorshift64*).
#[derive(Debug, Clone)]
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// Around 0 with deviation 1.
    fn normal(&mut self) -> f64 {
        let sum: f64 = (0..12).map(|_| (self.next() >> 11) as f64 / (1_u64 << 53) as f64).sum();
        sum - 6.0
    }
}

/// Writes mails.
pub struct Writer {
    numbers: Numbers,
    sizes: Sizes,
    /// Lines of text that bodies are cut from.
    text: Vec<u8>,
    count: u64,
    run: u64,
}

impl Writer {
    pub fn new(seed: u64, sizes: Sizes) -> Self {
        let mut numbers = Numbers::new(seed);
        let octets = match sizes {
            Sizes::Fixed(octets) => octets * 2 + 256 * 1024,
            Sizes::Mixed => MIXED_OCTETS_MAX + 256 * 1024,
        };
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let mut text = Vec::with_capacity(octets + 80);
        let mut column = 0;
        while text.len() < octets {
            let word = words[numbers.below(words.len())];
            if column + word.len() > 72 {
                text.extend_from_slice(b"\r\n");
                column = 0;
            } else if column > 0 {
                text.push(b' ');
            }
            text.extend_from_slice(word.as_bytes());
            column += word.len() + 1;
        }
        let run = numbers.next();
        Self {
            numbers,
            sizes,
            text,
            count: 0,
            run,
        }
    }

    fn octets(&mut self) -> usize {
        match self.sizes {
            Sizes::Fixed(octets) => octets,
            Sizes::Mixed => {
                let octets = MIXED_MEDIAN_OCTETS * (self.numbers.normal() * MIXED_DEVIATION).exp();
                (octets as usize).clamp(600, MIXED_OCTETS_MAX)
            }
        }
    }

    /// A mail with CRLF line ends, the last line ended; no line begins with a dot.
    pub fn write(&mut self, from: &str, to: &str) -> Vec<u8> {
        self.count += 1;
        let octets = self.octets();
        let (run, count) = (self.run, self.count);
        let mut mail = format!(
            "From: Sender {count} <{from}>\r\nTo: <{to}>\r\nSubject: Report {count} of the project\r\n\
             Date: Sat, 21 Nov 2026 08:00:00 +0000\r\nMessage-ID: <{run:x}.{count}@load.example.test>\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
             Number {count} of {run:x}\r\n"
        )
        .into_bytes();
        let room = octets.saturating_sub(mail.len() + 2);
        let start = self.numbers.below(self.text.len() - room);
        let start = start
            + memchr::memchr(b'\n', &self.text[start..]).map_or(0, |at| (at + 1).min(self.text.len() - room - start));
        mail.extend_from_slice(&self.text[start..start + room]);
        while mail.last().is_some_and(|b| matches!(b, b'\r' | b'\n')) {
            mail.pop();
        }
        mail.extend_from_slice(b"\r\n");
        mail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_have_their_size_and_differ() {
        let mut writer = Writer::new(7, Sizes::Fixed(8_192));
        let (a, b) = (writer.write("a@x", "b@x"), writer.write("a@x", "b@x"));
        assert_ne!(a, b);
        for mail in [a, b] {
            assert!(mail.len().abs_diff(8_192) < 8, "{}", mail.len());
            for line in mail.split_inclusive(|b| *b == b'\n') {
                assert!(line.ends_with(b"\r\n") && !line.starts_with(b"."));
            }
        }
    }

    #[test]
    fn mixed_sizes_have_their_median() {
        let mut writer = Writer::new(7, Sizes::Mixed);
        let mut sizes: Vec<usize> = (0..500).map(|_| writer.write("a@x", "b@x").len()).collect();
        sizes.sort_unstable();
        assert!((6_000..11_000).contains(&sizes[250]), "{}", sizes[250]);
    }
}
