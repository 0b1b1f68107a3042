//! Dates of IMAP (RFC 9051 §9: date, date-time), by hand: FETCH writes one for every message.

use hongyan_types::Timestamp;

use crate::parser::{Parsed, Parser};
use crate::{Output, Refusal};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAY_SECS: i64 = 86_400;

/// A calendar day as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Days since 1970-01-01; negative before.
    pub days: i64,
}

impl Date {
    /// The day `moment` falls on in UTC.
    #[must_use]
    pub fn of(moment: Timestamp) -> Self {
        Self {
            days: moment.secs().div_euclid(DAY_SECS),
        }
    }

    fn from_civil(year: i64, month: i64, day: i64) -> Option<Self> {
        if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
            return None;
        }
        // Years start in March so that the leap day is the last one.
        let shifted = if month <= 2 { year - 1 } else { year };
        let era = shifted.div_euclid(400);
        let year_of_era = shifted.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(Self {
            days: era * 146_097 + day_of_era - 719_468,
        })
    }

    /// Year, month (1-12), day.
    fn civil(self) -> (i64, i64, i64) {
        let shifted = self.days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_shifted + 2) / 5 + 1;
        let month = if month_shifted < 10 {
            month_shifted + 3
        } else {
            month_shifted - 9
        };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        (year, month, day)
    }

    /// `date = date-text / DQUOTE date-text DQUOTE` with date-text `1-Feb-1994`.
    pub(crate) fn parse(parser: &mut Parser<'_>) -> Parsed<Self> {
        let quoted = parser.skip(b'"');
        let date = day_month_year(parser)?;
        if quoted {
            parser.expect(b'"', "Expected the end of a date")?;
        }
        Ok(date)
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn small_number(parser: &mut Parser<'_>, digits_max: usize) -> Parsed<i64> {
    let mut ahead = *parser;
    if ahead.take_while(|byte| byte.is_ascii_digit()).len() > digits_max {
        return Err(Refusal::bad("Bad date"));
    }
    parser.number().map(i64::from).map_err(|_| Refusal::bad("Bad date"))
}

fn day_month_year(parser: &mut Parser<'_>) -> Parsed<Date> {
    let bad = || Refusal::bad("Bad date");
    let _ = parser.skip(b' ');
    let day = small_number(parser, 2)?;
    parser.expect(b'-', "Bad date")?;
    let name = parser.take(3).ok_or_else(bad)?;
    let month = MONTHS
        .iter()
        .zip(1..)
        .find(|(month, _)| month.as_bytes().eq_ignore_ascii_case(name))
        .map(|(_, number)| number)
        .ok_or_else(bad)?;
    parser.expect(b'-', "Bad date")?;
    let year = small_number(parser, 4)?;
    Date::from_civil(year, month, day).ok_or_else(bad)
}

/// `date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE`.
pub(crate) fn parse_date_time(parser: &mut Parser<'_>) -> Parsed<Timestamp> {
    let bad = || Refusal::bad("Bad date");
    parser.expect(b'"', "Expected a date")?;
    let date = day_month_year(parser)?;
    parser.space()?;
    let hour = small_number(parser, 2)?;
    parser.expect(b':', "Bad time")?;
    let minute = small_number(parser, 2)?;
    parser.expect(b':', "Bad time")?;
    let second = small_number(parser, 2)?;
    parser.space()?;
    let west = match parser.take(1) {
        Some(b"+") => 1,
        Some(b"-") => -1,
        _ => return Err(bad()),
    };
    let zone = small_number(parser, 4)?;
    parser.expect(b'"', "Expected the end of a date")?;
    if hour > 23 || minute > 59 || second > 60 || zone % 100 > 59 {
        return Err(bad());
    }
    let offset = west * ((zone / 100) * 3_600 + (zone % 100) * 60);
    Ok(Timestamp::from_secs(
        date.days * DAY_SECS + hour * 3_600 + minute * 60 + second - offset,
    ))
}

fn digit(value: i64) -> u8 {
    b'0'.wrapping_add(u8::try_from(value % 10).unwrap_or(0))
}

/// Writes `"17-Jul-1996 02:44:25 +0000"`, always in UTC.
pub fn write_date_time(out: &mut Output, moment: Timestamp) {
    let secs = moment.secs();
    let (year, month, day) = Date::of(moment).civil();
    let time = secs.rem_euclid(DAY_SECS);
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    let year = year.clamp(0, 9_999);
    let month = usize::try_from(month - 1)
        .ok()
        .and_then(|month| MONTHS.get(month))
        .map_or(*b"Jan", |name| {
            let mut letters = [0; 3];
            letters.copy_from_slice(name.as_bytes());
            letters
        });
    let [m0, m1, m2] = month;
    out.raw(&[
        b'"',
        if day < 10 { b' ' } else { digit(day / 10) },
        digit(day),
        b'-',
        m0,
        m1,
        m2,
        b'-',
        digit(year / 1000),
        digit(year / 100),
        digit(year / 10),
        digit(year),
        b' ',
        digit(hour / 10),
        digit(hour),
        b':',
        digit(minute / 10),
        digit(minute),
        b':',
        digit(second / 10),
        digit(second),
        b' ',
        b'+',
        b'0',
        b'0',
        b'0',
        b'0',
        b'"',
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn date_time_round_trips() {
        for secs in [0, 1, 951_782_400, 1_582_934_400, 4_102_444_799, -86_400, 1_763_700_000] {
            let mut out = Output::default();
            write_date_time(&mut out, Timestamp::from_secs(secs));
            let limits = Limits::default();
            let written = out.waiting().to_vec();
            let mut parser = Parser::new(&written, &limits, false);
            assert_eq!(parse_date_time(&mut parser).unwrap(), Timestamp::from_secs(secs));
        }
    }

    #[test]
    fn known_date_time() {
        let limits = Limits::default();
        let mut parser = Parser::new(b"\"17-Jul-1996 02:44:25 -0700\"", &limits, false);
        assert_eq!(parse_date_time(&mut parser).unwrap(), Timestamp::from_secs(837_596_665));
        for wrong in [
            "\"31-Feb-1996 02:44:25 -0700\"",
            "\"1-Jul-1996 24:44:25 -0700\"",
            "\"1-Jul-99999 1:4:2 +0\"",
        ] {
            let mut parser = Parser::new(wrong.as_bytes(), &limits, false);
            assert!(parse_date_time(&mut parser).is_err(), "{wrong}");
        }
    }
}
