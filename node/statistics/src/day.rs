//! A day of an organisation's clock.

use std::fmt;

use hongyan_types::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A day, counted from 1970-01-01 of the organisation's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u64);

/// It is no day, or no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DayError {
    /// Not like 2026-11-21, or before 1970.
    #[error("{0} is no day such as 2026-11-21")]
    Day(String),
    /// Not in the database of time zones.
    #[error("{0} is no time zone such as Asia/Shanghai")]
    Zone(String),
}

fn epoch() -> Date {
    Date::constant(1970, 1, 1)
}

impl Day {
    /// The day that it is at `at` in the time zone `zone`.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn at(at: Timestamp, zone: &str) -> Result<Self, DayError> {
        let unknown = || DayError::Zone(zone.to_owned());
        let zone = TimeZone::get(zone).map_err(|_| unknown())?;
        let moment = jiff::Timestamp::from_millisecond(at.millis).map_err(|_| unknown())?;
        Self::of(zone.to_datetime(moment).date()).ok_or_else(|| DayError::Day(at.millis.to_string()))
    }
    fn of(date: Date) -> Option<Self> {
        let days = (date - epoch()).get_days();
        u64::try_from(days).ok().map(Self)
    }
    /// The day written as year, month and day.
    ///
    /// # Errors
    /// When it is not written so.
    pub fn read(text: &str) -> Result<Self, DayError> {
        let invalid = || DayError::Day(text.to_owned());
        let date: Date = text.parse().map_err(|_| invalid())?;
        Self::of(date).filter(|_| text.len() == 10).ok_or_else(invalid)
    }
    /// So many days earlier.
    #[must_use]
    pub fn before(self, days: u64) -> Self {
        Self(self.0.saturating_sub(days))
    }
    /// So many days later.
    #[must_use]
    pub fn after(self, days: u64) -> Self {
        Self(self.0.saturating_add(days))
    }
}

/// A moment on the clock of the time zone `zone`, to the second; on that of UTC where there is no such zone.
#[must_use]
pub fn moment(at: Timestamp, zone: &str) -> String {
    let Ok(moment) = jiff::Timestamp::from_millisecond(at.millis) else {
        return at.millis.to_string();
    };
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let moment = moment.to_zoned(zone);
    moment.strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = i64::try_from(self.0).unwrap_or(i64::MAX).min(4_000_000);
        let span = jiff::Span::new().try_days(days);
        match span.and_then(|span| epoch().checked_add(span)) {
            Ok(date) => date.fmt(f),
            Err(_) => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_a_moment_is_that_of_the_organisation_s_clock() {
        let at = Timestamp {
            millis: 1_795_305_600_000,
        };
        assert_eq!(moment(at, "Asia/Shanghai"), "2026-11-22 08:00:00 +08:00");
        assert_eq!(moment(at, "Nowhere"), "2026-11-22 00:00:00 +00:00");
    }

    #[test]
    fn stat_the_day_is_that_of_the_organisation_s_clock() {
        let at = Timestamp {
            millis: 1_795_305_600_000,
        };
        let day = |zone: &str| Day::at(at, zone).map(|day| day.to_string());
        assert_eq!(day("UTC").unwrap(), "2026-11-22");
        assert_eq!(day("Asia/Shanghai").unwrap(), "2026-11-22");
        assert_eq!(day("America/New_York").unwrap(), "2026-11-21");
        assert!(day("Nowhere/At_All").is_err());
        assert_eq!(Day::read("2026-11-22").unwrap(), Day::at(at, "UTC").unwrap());
        assert_eq!(Day::read("2026-11-22").unwrap().before(22).to_string(), "2026-10-31");
        for wrong in ["2026-13-01", "22.11.2026", "1969-12-31", "", "2026-11-22T00:00"] {
            assert!(Day::read(wrong).is_err(), "{wrong}");
        }
    }
}
