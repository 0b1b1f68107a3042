//! Dates of other protocols that speak of mail (RFC 3339): `2014-10-30T14:12:00+08:00`.

use std::fmt;

use hongyan_types::Timestamp;

use crate::Civil;

const DAY_SECS: i64 = 86_400;

/// Writes a moment of a zone's own clock, in seconds since the epoch of that clock, without the zone.
///
/// # Errors
/// Those of `f`.
pub fn write_local(f: &mut fmt::Formatter<'_>, secs: i64) -> fmt::Result {
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

/// Reads a date with `T` and `Z` in capitals: the moment, and the zone's minutes before UTC.
#[must_use]
pub fn parse(text: &str) -> Option<(Timestamp, i16)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        struct Local(i64);
        impl fmt::Display for Local {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_local(f, self.0)
            }
        }
        let (at, zone) = parse("2014-10-30T14:12:00+08:00").unwrap();
        assert_eq!(
            (Local(at.secs()).to_string().as_str(), zone),
            ("2014-10-30T06:12:00", 480)
        );
        assert_eq!(parse("2014-10-30T06:12:00Z"), Some((at, 0)));
        assert_eq!(parse("2014-10-30 06:12:00Z"), None);
    }
}
