//! Dates as JMAP writes them (RFC 8620 §1.4): RFC 3339 with capital letters, no fraction when it is zero.

use std::fmt;

use hongyan_message::SentDate;
use hongyan_message::rfc3339::{parse, write_local};
use hongyan_types::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC: `2014-10-30T06:12:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct UtcDate(pub Timestamp);

/// A moment with the zone it was written in: `2014-10-30T14:12:00+08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub SentDate);

impl fmt::Display for UtcDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_local(f, self.0.secs())?;
        match self.0.millis.rem_euclid(1_000) {
            0 => f.write_str("Z"),
            millis => {
                let digits = format!("{millis:03}");
                write!(f, ".{}Z", digits.trim_end_matches('0'))
            }
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = i64::from(self.0.zone_minutes);
        write_local(f, self.0.timestamp.secs().saturating_add(zone * 60))?;
        if zone == 0 {
            return f.write_str("Z");
        }
        let sign = if zone < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", zone.abs() / 60, zone.abs() % 60)
    }
}

/// The text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Date is written as 2014-10-30T14:12:00+08:00")]
pub struct DateError;

impl TryFrom<&str> for Date {
    type Error = DateError;
    fn try_from(text: &str) -> Result<Self, DateError> {
        let (timestamp, zone_minutes) = parse(text).ok_or(DateError)?;
        Ok(Self(SentDate {
            timestamp,
            zone_minutes,
        }))
    }
}

impl Serialize for UtcDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match parse(&text) {
            Some((timestamp, 0)) if text.ends_with('Z') => Ok(Self(timestamp)),
            _ => Err(D::Error::custom("a UTCDate is written as 2014-10-30T06:12:00Z")),
        }
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?.as_str()).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_rfc_8620_section_1_4() {
        let utc: UtcDate = serde_json::from_str("\"2014-10-30T06:12:00Z\"").unwrap();
        let date: Date = serde_json::from_str("\"2014-10-30T14:12:00+08:00\"").unwrap();
        assert_eq!(utc.0, date.0.timestamp);
        assert_eq!(utc.to_string(), "2014-10-30T06:12:00Z");
        assert_eq!(date.to_string(), "2014-10-30T14:12:00+08:00");
    }

    #[test]
    fn fractions_are_kept_and_zero_fractions_are_not_written() {
        let check = |text: &str, written: &str| {
            let date: UtcDate = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            assert_eq!(date.to_string(), written);
        };
        check("2014-10-30T06:12:00.000Z", "2014-10-30T06:12:00Z");
        check("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.25Z");
    }

    #[test]
    fn other_forms_are_refused() {
        for wrong in [
            "2014-10-30t06:12:00Z",
            "2014-10-30T06:12:00z",
            "2014-10-30T06:12:00+00:00",
            "2014-02-30T06:12:00Z",
            "2014-10-30T06:12Z",
            "2014-10-30T06:12:00.Z",
            "2014-10-30",
            "",
        ] {
            let read = serde_json::from_str::<UtcDate>(&format!("\"{wrong}\""));
            assert!(read.is_err(), "{wrong}");
        }
    }
}
