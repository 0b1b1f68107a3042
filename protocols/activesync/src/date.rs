//! Dates of items ([MS-ASDTYPE] §2.3), always in UTC: `2026-01-02T03:04:05.678Z`, in calendars and absences also without the
//! signs between, `20260102T030405Z`.

use std::fmt;

use hongyan_message::rfc3339;
use hongyan_types::Timestamp;

/// Seconds since the epoch, as a date without its zone.
struct Utc(i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc3339::write_local(f, self.0)
    }
}

/// Writes a moment, to the millisecond.
pub(crate) fn write(moment: Timestamp) -> String {
    format!("{}.{:03}Z", Utc(moment.secs()), moment.millis.rem_euclid(1_000))
}

/// Reads a moment, in either form.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.contains('-') {
        return rfc3339::parse(text).map(|(moment, _)| moment);
    }
    let (date, time) = text.split_once('T')?;
    if !(date.is_ascii() && time.is_ascii() && date.len() == 8 && time.len() >= 6) {
        return None;
    }
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    let (hour, minute, rest) = (time.get(..2)?, time.get(2..4)?, time.get(4..)?);
    rfc3339::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{rest}")).map(|(moment, _)| moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_there_and_back() {
        let moment = Timestamp {
            millis: 1_767_323_045_678,
        };
        assert_eq!(write(moment), "2026-01-02T03:04:05.678Z");
        assert_eq!(read(&write(moment)), Some(moment));
        let whole = Some(Timestamp::from_secs(moment.secs()));
        assert_eq!(read("20260102T030405Z"), whole);
        assert_eq!(read("2026-01-02T03:04:05Z"), whole);
        assert_eq!(read("20260102T030405.678Z"), Some(moment));
        for wrong in [
            "",
            "20260102",
            "20261302T030405Z",
            "2026010T030405Z",
            "20260102T0304Z",
            "\u{e9}\u{e9}\u{e9}\u{e9}T030405Z",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
