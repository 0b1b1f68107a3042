//! The Basic Encoding Rules as far as LDAP uses them (RFC 4511 §5.1): lengths are definite, tags have one octet. Elements are
//! read one level at a time, so how deep an answer is nested costs nothing.

use crate::Malformed;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTETS: u8 = 0x04;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'o> {
    pub(crate) tag: u8,
    pub(crate) body: &'o [u8],
}

impl<'o> Element<'o> {
    /// The elements within.
    pub(crate) fn inside(self) -> Reader<'o> {
        Reader(self.body)
    }
    /// Text; what is not UTF-8 is replaced.
    pub(crate) fn text(self) -> String {
        String::from_utf8_lossy(self.body).into_owned()
    }
    /// A truth: whatever is not zero (RFC 4511 §5.1 has 0xff for it, others send 1).
    pub(crate) fn truth(self) -> Result<bool, Malformed> {
        match self.body {
            [octet] => Ok(*octet != 0),
            _ => Err(Malformed),
        }
    }
    /// A number that is not negative.
    pub(crate) fn number(self) -> Result<u32, Malformed> {
        let (first, _) = self.body.split_first().ok_or(Malformed)?;
        if *first >= 0x80 {
            return Err(Malformed);
        }
        let number = self.body.iter().try_fold(0_u32, |number, octet| {
            number.checked_mul(256)?.checked_add(u32::from(*octet))
        });
        number.ok_or(Malformed)
    }
}

/// Reads elements that stand one after another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'o>(pub(crate) &'o [u8]);

impl<'o> Reader<'o> {
    /// The next one; nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Element<'o>>, Malformed> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let Head { tag, head, body } = head(self.0)?.ok_or(Malformed)?;
        let whole = head.checked_add(body).ok_or(Malformed)?;
        let element = self.0.get(head..whole).ok_or(Malformed)?;
        self.0 = self.0.get(whole..).unwrap_or_default();
        Ok(Some(Element { tag, body: element }))
    }
    /// The next one, which must be of that tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Element<'o>, Malformed> {
        match self.next()? {
            Some(element) if element.tag == tag => Ok(element),
            _ => Err(Malformed),
        }
    }
}

struct Head {
    tag: u8,
    /// Octets of tag and length.
    head: usize,
    /// Octets of what follows.
    body: usize,
}

/// Tag and length of what begins here; nothing while they are not all there.
fn head(octets: &[u8]) -> Result<Option<Head>, Malformed> {
    let (Some(tag), Some(length)) = (octets.first().copied(), octets.get(1).copied()) else {
        return Ok(None);
    };
    if tag & 0x1f == 0x1f {
        return Err(Malformed);
    }
    if length < 0x80 {
        let body = usize::from(length);
        return Ok(Some(Head { tag, head: 2, body }));
    }
    // RFC 4511 §5.1: only the definite form.
    let count = usize::from(length & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(Malformed);
    }
    let Some(length) = octets.get(2..2 + count) else {
        return Ok(None);
    };
    let body = length
        .iter()
        .fold(0_u64, |length, octet| length << 8 | u64::from(*octet));
    let body = usize::try_from(body).map_err(|_| Malformed)?;
    Ok(Some(Head {
        tag,
        head: 2 + count,
        body,
    }))
}

/// Octets of the message that begins here, as soon as its head is there.
///
/// # Errors
/// What begins here is no message.
pub fn frame(octets: &[u8]) -> Result<Option<usize>, Malformed> {
    if octets.first().is_some_and(|tag| *tag != SEQUENCE) {
        return Err(Malformed);
    }
    let Some(Head { head, body, .. }) = head(octets)? else {
        return Ok(None);
    };
    head.checked_add(body).map(Some).ok_or(Malformed)
}

/// Writes one.
pub(crate) fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(body.len() + 6);
    octets.push(tag);
    match u8::try_from(body.len()) {
        Ok(length) if length < 0x80 => octets.push(length),
        _ => {
            // What we write is short of 4 GiB by far.
            let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
            octets.push(0x84);
            octets.extend_from_slice(&length);
        }
    }
    octets.extend_from_slice(body);
    octets
}

/// Writes one of several others.
pub(crate) fn joined(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    element(tag, &parts.concat())
}

/// A whole message (RFC 4511 §4.1.1).
pub(crate) fn message(id: u32, operation: Vec<u8>, controls: Option<Vec<u8>>) -> Vec<u8> {
    let mut parts = vec![number(INTEGER, id), operation];
    parts.extend(controls);
    joined(SEQUENCE, &parts)
}

/// Writes a number.
pub(crate) fn number(tag: u8, number: u32) -> Vec<u8> {
    let octets = number.to_be_bytes();
    let zeros = octets.iter().take(3).take_while(|octet| **octet == 0).count();
    let short = octets.get(zeros..).unwrap_or_default();
    let mut body = Vec::new();
    // The first bit would be the sign.
    if short.first().is_some_and(|first| *first >= 0x80) {
        body.push(0);
    }
    body.extend_from_slice(short);
    element(tag, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_there_and_back() {
        for (value, octets) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (65_536, &[2, 3, 1, 0, 0]),
            (u32::MAX, &[2, 5, 0, 255, 255, 255, 255]),
        ] {
            assert_eq!(number(INTEGER, value), octets);
            assert_eq!(Reader(octets).expect(INTEGER).unwrap().number(), Ok(value));
        }
        for wrong in [&[2, 0][..], &[2, 1, 0x80], &[2, 6, 0, 1, 0, 0, 0, 0]] {
            assert_eq!(Reader(wrong).expect(INTEGER).unwrap().number(), Err(Malformed));
        }
    }

    #[test]
    fn a_message_is_cut_as_soon_as_its_head_is_there() {
        assert_eq!(frame(&[]), Ok(None));
        assert_eq!(frame(&[0x30]), Ok(None));
        assert_eq!(frame(&[0x30, 0x82, 1]), Ok(None));
        assert_eq!(frame(&[0x30, 0x82, 1, 0]), Ok(Some(260)));
        assert_eq!(frame(&[0x30, 0x84, 255, 255, 255, 255]), Ok(Some(6 + 0xffff_ffff)));
        for wrong in [&[0x30, 0x80][..], &[0x30, 0x85], &[0x31], b"HTTP", &[0x30, 0xff]] {
            assert_eq!(frame(wrong), Err(Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn elements_end_where_they_say() {
        let mut reader = Reader(&[4, 1, b'a', 4, 2, b'b']);
        assert_eq!(reader.next(), Ok(Some(Element { tag: 4, body: b"a" })));
        assert_eq!(reader.next(), Err(Malformed));
        let long = element(OCTETS, &[7; 300]);
        assert_eq!(Reader(&long).expect(OCTETS).unwrap().body, [7; 300]);
        assert_eq!(Reader(&[0x1f, 1, 0]).next(), Err(Malformed));
    }
}
