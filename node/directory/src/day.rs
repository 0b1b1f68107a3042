//! Days as people write them.

use hongyan_types::Timestamp;

/// The day of a moment in UTC, `2026-11-21` (Hinnant's days to civil).
pub(crate) fn day(at: Timestamp) -> String {
    let days = at.secs().div_euclid(24 * 3600) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let check = |secs: i64, expect: &str| assert_eq!(day(Timestamp::from_secs(secs)), expect);
        check(0, "1970-01-01");
        check(-1, "1969-12-31");
        check(951_782_400, "2000-02-29");
        check(951_868_800, "2000-03-01");
        check(1_795_305_599, "2026-11-21");
        check(4_107_542_399, "2100-02-28");
    }
}
