//! Dates of mail: RFC 5322 §3.3 with the obsolete forms of §4.3 and what real senders write; civil calendar arithmetic.

use hongyan_types::Timestamp;
use std::fmt;

/// A moment with the zone it was written in: SEARCH SENTON looks at the day of the sender (RFC 9051 §6.4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SentDate {
    /// The moment, whole seconds.
    pub timestamp: Timestamp,
    /// Minutes east of UTC, of the zone it was written in; 0 when unknown.
    pub zone_minutes: i16,
}

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Civil {
    /// The year.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// English month names, as dates of mail and IMAP write them.
pub const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const DAY_SECS: i64 = 86_400;

impl Civil {
    /// Days since 1970-01-01, negative before it.
    #[must_use]
    pub fn days_since_epoch(self) -> i64 {
        // Years begin in March, so that the leap day is the last of its year.
        let month = i64::from(self.month);
        let year = i64::from(self.year) - i64::from(month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (month + 9).rem_euclid(12);
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }

    /// The day that is `days` after 1970-01-01.
    #[must_use]
    pub fn from_days_since_epoch(days: i64) -> Self {
        let shifted = days.saturating_add(719_468);
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = (month_from_march + 2).rem_euclid(12) + 1;
        let year = era
            .saturating_mul(400)
            .saturating_add(year_of_era + i64::from(month <= 2));
        Self {
            year: i32::try_from(year).unwrap_or(if year < 0 { i32::MIN } else { i32::MAX }),
            month: u8::try_from(month).unwrap_or(1),
            day: u8::try_from(day).unwrap_or(1),
        }
    }

    /// Whether the month has that day.
    #[must_use]
    pub fn is_valid(self) -> bool {
        (1..=12).contains(&self.month) && self.day >= 1 && Self::from_days_since_epoch(self.days_since_epoch()) == self
    }
}

impl SentDate {
    /// The day in the zone it was written in.
    #[must_use]
    pub fn civil(self) -> Civil {
        Civil::from_days_since_epoch(self.local_secs().div_euclid(DAY_SECS))
    }

    fn local_secs(self) -> i64 {
        self.timestamp.secs().saturating_add(i64::from(self.zone_minutes) * 60)
    }
}

/// Writes the `date-time` of RFC 5322 §3.3: `Tue, 15 Nov 1994 08:12:31 +0000`.
impl fmt::Display for SentDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.local_secs().div_euclid(DAY_SECS);
        let secs = self.local_secs().rem_euclid(DAY_SECS);
        let civil = Civil::from_days_since_epoch(days);
        let weekday = usize::try_from((days + 3).rem_euclid(7)).unwrap_or(0);
        let month = usize::from(civil.month.saturating_sub(1));
        let zone = i32::from(self.zone_minutes);
        let sign = if zone < 0 { '-' } else { '+' };
        write!(
            f,
            "{}, {} {} {:04} {:02}:{:02}:{:02} {sign}{:02}{:02}",
            WEEKDAYS.get(weekday).unwrap_or(&"Mon"),
            civil.day,
            MONTHS.get(month).unwrap_or(&"Jan"),
            civil.year,
            secs / 3_600,
            secs / 60 % 60,
            secs % 60,
            zone.abs() / 60,
            zone.abs() % 60,
        )
    }
}

/// The month that begins with these three letters, 1 to 12.
#[must_use]
pub fn month_number(name: &str) -> Option<u8> {
    let start = name.get(..3)?;
    let at = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(start))?;
    u8::try_from(at).ok()?.checked_add(1)
}

/// Reads a `Date` field: RFC 5322 with comments, obsolete zones and years, a missing weekday or seconds, and the
/// order `Nov 15 08:12:31 1994` of `asctime`. `None` for what names no moment.
#[must_use]
pub fn parse(text: &str) -> Option<SentDate> {
    let cleaned = join_colons(&without_comments(text.get(..200).unwrap_or(text)));
    let mut words: Vec<&str> = cleaned
        .split([' ', '\t', '\r', '\n', ','])
        .filter(|word| !word.is_empty())
        .take(12)
        .collect();
    if words
        .first()
        .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()) && month_of(word).is_none())
    {
        words.remove(0);
    }
    // 15-Nov-1994, as some write it.
    let dashed: Vec<&str> = words
        .first()
        .filter(|word| word.matches('-').count() == 2)
        .map(|word| word.split('-').collect())
        .unwrap_or_default();
    if !dashed.is_empty() {
        words.splice(0..1, dashed);
    }
    let mut fields = Fields::default();
    for word in words {
        fields.take(word);
    }
    fields.resolve()
}

fn month_of(word: &str) -> Option<u8> {
    word.bytes()
        .all(|b| b.is_ascii_alphabetic() || b == b'.')
        .then(|| month_number(word))
        .flatten()
}

/// Takes out the white space around colons, which RFC 5322 §4.3 allowed.
fn join_colons(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    for (at, piece) in text.split(':').enumerate() {
        if at > 0 {
            joined.truncate(joined.trim_end().len());
            joined.push(':');
            joined.push_str(piece.trim_start());
        } else {
            joined.push_str(piece);
        }
    }
    joined
}

fn without_comments(text: &str) -> String {
    let mut depth: u32 = 0;
    text.chars()
        .filter(|c| match c {
            '(' => {
                depth = depth.saturating_add(1);
                false
            }
            ')' => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
        .collect()
}

#[derive(Default)]
struct Fields {
    day: Option<u8>,
    month: Option<u8>,
    year: Option<i32>,
    secs: Option<i64>,
    zone: Option<i16>,
}

impl Fields {
    fn take(&mut self, word: &str) {
        if word.contains(':') && self.secs.is_none() {
            // 08:12:31+0100 has its zone at its end.
            let split = word
                .find(['+', '-'])
                .filter(|at| *at > 0)
                .and_then(|at| word.split_at_checked(at));
            let (time, zone) = split.unwrap_or((word, ""));
            self.secs = time_of_day(time);
            if !zone.is_empty() {
                self.zone = zone_minutes(zone);
            }
        } else if let (None, Some(month)) = (self.month, month_of(word)) {
            self.month = Some(month);
        } else if word.eq_ignore_ascii_case("PM") {
            self.secs = self.secs.map(|s| if s < 43_200 { s + 43_200 } else { s });
        } else if self.secs.is_some() && self.zone.is_none() && is_zone(word) {
            self.zone = zone_minutes(word);
        } else if let Ok(number) = word.parse::<u16>() {
            if self.day.is_none() && word.len() <= 2 {
                self.day = u8::try_from(number).ok();
            } else if self.year.is_none() {
                self.year = Some(full_year(number, word.len()));
            }
        }
    }

    fn resolve(self) -> Option<SentDate> {
        let civil = Civil {
            year: self.year?,
            month: self.month?,
            day: self.day?,
        };
        if !civil.is_valid() {
            return None;
        }
        let zone_minutes = self.zone.unwrap_or(0);
        let local = civil.days_since_epoch() * DAY_SECS + self.secs.unwrap_or(0);
        Some(SentDate {
            timestamp: Timestamp::from_secs(local - i64::from(zone_minutes) * 60),
            zone_minutes,
        })
    }
}

// RFC 5322 §4.3: two and three digits.
fn full_year(number: u16, digits: usize) -> i32 {
    let number = i32::from(number);
    match digits {
        0..=2 if number < 50 => number + 2000,
        0..=3 => number + 1900,
        _ => number,
    }
}

fn time_of_day(text: &str) -> Option<i64> {
    let mut numbers = text.split(':').map(|part| {
        let whole = part.split('.').next().unwrap_or("");
        whole.parse::<u8>().ok()
    });
    let hour = numbers.next()??;
    let minute = numbers.next()??;
    let second = numbers.next().unwrap_or(Some(0)).unwrap_or(0);
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    Some(i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second))
}

fn is_zone(word: &str) -> bool {
    word.starts_with(['+', '-']) || word.bytes().all(|b| b.is_ascii_alphabetic())
}

fn zone_minutes(word: &str) -> Option<i16> {
    let named = |hours: i16| Some(hours * 60);
    if let Some(digits) = word.strip_prefix(['+', '-']) {
        let digits = digits.replace(':', "");
        let number = digits.parse::<i16>().ok().filter(|n| *n <= 9_959)?;
        let minutes = if digits.len() <= 2 {
            number * 60
        } else {
            number / 100 * 60 + number % 100
        };
        let minutes = if minutes > 24 * 60 { 0 } else { minutes };
        return Some(if word.starts_with('-') { -minutes } else { minutes });
    }
    match word.to_ascii_uppercase().as_str() {
        "EDT" => named(-4),
        "EST" | "CDT" => named(-5),
        "CST" | "MDT" => named(-6),
        "MST" | "PDT" => named(-7),
        "PST" => named(-8),
        "AM" | "PM" => None,
        // RFC 5322 §4.3: all others, the military ones too, say nothing.
        _ => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expect: Option<(i64, i16)>) {
        let got = parse(text).map(|date| (date.timestamp.secs(), date.zone_minutes));
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn reads_what_senders_write() {
        check("Fri, 21 Nov 1997 09:55:06 -0600", Some((880_127_706, -360)));
        check("21 Nov 97 09:55:06 GMT", Some((880_106_106, 0)));
        check(
            "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
            Some((880_127_706, -360)),
        );
        check(
            "Thu,\r\n 13 Feb 1969 23:32 -0330 (Newfoundland Time)",
            Some((-27_723_480, -210)),
        );
        check("Tue Nov 15 08:12:31 1994", Some((784_887_151, 0)));
        check("Tue Nov 15 08:12:31 EST 1994", Some((784_905_151, -300)));
        check("15-Nov-1994 08:12:31 +0800", Some((784_858_351, 480)));
        check("Mon, 1 Jan 2024 00:00:00 +08:00", Some((1_704_038_400, 480)));
        check("29 Feb 2023 00:00:00 +0000", None);
        check("Wed 29 May 2019 06:09:22 PM EDT", Some((1_559_167_762, -240)));
        check("0 Jan 2023 00:00:00 +0000", None);
        check("", None);
        check("yesterday", None);
        check("1 Jan 99999999 00:00:00 +0000", None);
    }

    #[test]
    fn writes_rfc_5322() {
        let date = parse("Tue, 15 Nov 1994 08:12:31 +0130").unwrap();
        assert_eq!(date.to_string(), "Tue, 15 Nov 1994 08:12:31 +0130");
        assert_eq!((date.civil().day, date.civil().month), (15, 11));
    }

    proptest! {
        #[test]
        fn written_form_reads_back(secs in -2_000_000_000i64..32_503_680_000, zone in -840i16..840) {
            let date = SentDate { timestamp: Timestamp::from_secs(secs), zone_minutes: zone };
            prop_assert_eq!(parse(&date.to_string()), Some(date));
        }
        #[test]
        fn days_there_and_back(days in -10_000_000i64..10_000_000) {
            prop_assert_eq!(Civil::from_days_since_epoch(days).days_since_epoch(), days);
        }
        #[test]
        fn never_panics(text in "\\PC*") { let _ = parse(&text); }
        #[test]
        fn near_dates_never_panic(text in "(Mon, |)[0-9+:. A-Za-z-]{0,40}") { let _ = parse(&text); }
    }
}
