//! Time-based one-time passwords (RFC 6238): SHA-1, six digits, as authenticator apps know them (AUTH-15).
//!
//! Pure: which code belongs to which moment, and which moments a code may belong to. That a code is taken once is the
//! business of `second_factor.rs`.

use ring::hmac;

/// Digits of a code.
pub(crate) const DIGITS: usize = 6;
/// Octets of a new secret: as long as the hash (RFC 4226 §4, R6).
pub(crate) const SECRET_OCTETS: usize = 20;

/// One authenticator app's key.
pub(crate) struct Totp<'s> {
    pub(crate) secret: &'s [u8],
    pub(crate) period_secs: u32,
}

impl Totp<'_> {
    fn period_millis(&self) -> i64 {
        i64::from(self.period_secs.max(1)) * 1_000
    }

    /// The step of time that `millis` lies in (RFC 6238 §4.2).
    pub(crate) fn step(&self, millis: i64) -> i64 {
        millis.div_euclid(self.period_millis())
    }

    /// The code of a step: HOTP with the step as counter (RFC 4226 §5.3).
    pub(crate) fn code(&self, step: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.secret);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let octets = tag.as_ref();
        let offset = usize::from(octets.last().copied().unwrap_or(0) & 0x0F);
        let part = octets.iter().skip(offset).take(4);
        let number = part.fold(0_u32, |number, octet| number << 8 | u32::from(*octet));
        (number & 0x7FFF_FFFF) % 1_000_000
    }

    /// The steps within `drift_millis` of now whose code `code` is, the one nearest to now first. All are looked at, so that
    /// the time tells nothing.
    pub(crate) fn steps_of(&self, code: u32, now_millis: i64, drift_millis: i64) -> Vec<i64> {
        let first = self.step(now_millis.saturating_sub(drift_millis));
        let last = self.step(now_millis.saturating_add(drift_millis));
        let now = self.step(now_millis);
        let mut steps: Vec<i64> = (first..=last).filter(|step| self.code(*step) == code).collect();
        steps.sort_unstable_by_key(|step| (step.abs_diff(now), *step));
        steps
    }
}

/// A code as typed: six digits, spaces between them or not.
pub(crate) fn read(typed: &str) -> Option<u32> {
    let digits: String = typed.chars().filter(|c| *c != ' ').collect();
    let is_code = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
    is_code.then(|| digits.parse().ok()).flatten()
}

/// Base32 without padding (RFC 4648 §6), as authenticator apps take secrets.
pub(crate) fn base32(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::new();
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for octet in octets {
        buffer = buffer << 8 | u32::from(*octet);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits) & 31) as usize]));
    }
    text
}

/// What a QR code shows an authenticator app (the otpauth URI of Google's Key Uri Format).
pub(crate) fn uri(issuer: &str, account: &str, totp: &Totp<'_>) -> String {
    let (issuer, account) = (encode(issuer), encode(account));
    let (secret, period) = (base32(totp.secret), totp.period_secs);
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={period}"
    )
}

/// RFC 3986 §2.1
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            encoded.push_str(&format!("%{octet:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: Totp<'static> = Totp {
        secret: b"12345678901234567890",
        period_secs: 30,
    };

    #[test]
    fn codes_of_rfc_4226_and_rfc_6238() {
        let hotp = [
            755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489,
        ];
        for (step, expect) in (0..).zip(hotp) {
            assert_eq!(RFC.code(step), expect, "{step}");
        }
        // RFC 6238 appendix B, the last six of its eight digits.
        for (secs, expect) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (2_000_000_000, 279_037),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(RFC.code(RFC.step(secs * 1_000)), expect, "{secs}");
        }
    }

    #[test]
    fn auth_17_a_clock_may_be_off_by_the_drift_and_no_more() {
        let now = 1_234_567_890_000;
        let check = |off_secs: i64, expect: bool| {
            let code = RFC.code(RFC.step(now + off_secs * 1_000));
            assert_eq!(!RFC.steps_of(code, now, 120_000).is_empty(), expect, "{off_secs}");
        };
        for off in [-120, -60, 0, 30, 120] {
            check(off, true);
        }
        for off in [-181, -600, 181, 3_600] {
            check(off, false);
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        for (typed, expect) in [
            ("123456", Some(123_456)),
            (" 012 345 ", Some(12_345)),
            ("12345", None),
            ("1234567", None),
            ("12345a", None),
            ("+12345", None),
            ("１２３４５６", None),
            ("", None),
        ] {
            assert_eq!(read(typed), expect, "{typed}");
        }
    }

    #[test]
    fn secrets_are_shown_in_base32() {
        for (octets, expect) in [("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foobar", "MZXW6YTBOI")] {
            assert_eq!(base32(octets.as_bytes()), expect);
        }
        let uri = uri("Acme & Co", "anna@example.test", &RFC);
        assert_eq!(
            uri,
            "otpauth://totp/Acme%20%26%20Co:anna%40example.test?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Acme%20%26%20Co&algorithm=SHA1&digits=6&period=30"
        );
    }
}
