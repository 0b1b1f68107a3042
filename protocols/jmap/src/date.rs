//! Dates as JMAP writes them (RFC 8620 §1.4): RFC 3339 with capital letters, no fraction when it is zero.

use std::fmt;

use hongyan_message::{Civil, SentDate};
use hongyan_types::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DAY_SECS: i64 = 86_400;

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

fn write_local(f: &mut fmt::Formatter<'_>, secs: i64) -> fmt::Result {
    let day = Civil::from_days_since_epoch(secs.div_euclid(DAY_SECS));
    let rest = secs.rem_euclid(DAY_SECS);
    let (year, month) = (day.year.clamp(0, 9_999), day.month);
    write!(
        f,
        "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}",
        day.day,
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}

/// Reads an RFC 3339 date with `T` and `Z` in capitals.
fn parse(text: &str) -> Option<(Timestamp, i16)> {
    let (date, rest) = text.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let time_octets = rest.find(['Z', '+', '-', '.']).unwrap_or(rest.len());
    let (time, rest) = rest.split_at_checked(time_octets)?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let (millis, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, zone) = fraction.split_at_checked(digits)?;
            let three: String = digits.chars().chain("000".chars()).take(3).collect();
            (three.parse::<i64>().ok().filter(|_| !digits.is_empty())?, zone)
        }
    };
    let zone_minutes = match zone {
        "Z" => 0,
        zone => {
            let sign = match zone.chars().next()? {
                '+' => 1,
                '-' => -1,
                _ => return None,
            };
            let [hours, minutes] = numbers(zone.get(1..)?, ':', [2, 2])?;
            (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))?
        }
    };
    let civil = Civil {
        year: i32::try_from(year).ok()?,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
    };
    // A leap second counts as the second before it.
    if !civil.is_valid() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let local = civil.days_since_epoch() * DAY_SECS + hour * 3_600 + minute * 60 + second.min(59);
    let timestamp = Timestamp {
        millis: (local - zone_minutes * 60) * 1_000 + millis,
    };
    Some((timestamp, i16::try_from(zone_minutes).ok()?))
}

fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; N];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| is_number)?;
    }
    parts.next().is_none().then_some(numbers)
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
