//! Messages that leave later (RFC 4865): what is announced, and what a client may ask for.

use std::fmt;
use std::time::Duration;

use hongyan_message::rfc3339;
use hongyan_smtp::{Enhanced, Hold, Mail, Reply};

use crate::conversation::Conversation;

/// A moment in UTC.
struct Utc(i64);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc3339::write_local(f, self.0.div_euclid(1_000))?;
        f.write_str("Z")
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// RFC 4865 §4: the longest time, and the last moment.
pub(crate) fn longest_hold(max: Duration, now_millis: i64) -> Option<String> {
    let until = Utc(now_millis.saturating_add(millis(max)));
    (!max.is_zero()).then(|| format!("{} {until}", max.as_secs()))
}

impl Conversation {
    /// When a message leaves; nothing for one that leaves at once.
    pub(crate) fn held_until(&self, mail: &Mail) -> Result<Option<i64>, Reply> {
        let Some(hold) = &mail.hold else { return Ok(None) };
        let max = self.service.settings.delayed_send_max;
        if max.is_zero() || self.account.is_none() {
            return Err(NOT_OFFERED);
        }
        let now = self.service.services.env.wall_millis();
        let until = match hold {
            Hold::For(secs) => now.saturating_add(i64::from(*secs) * 1_000),
            Hold::Until(date) => rfc3339::parse(date).ok_or(BAD_DATE)?.0.millis,
        };
        match until.saturating_sub(now) {
            ..0 => Err(PASSED),
            ahead if ahead > millis(max) => Err(TOO_LATE),
            _ => Ok(Some(until)),
        }
    }
}

const NOT_OFFERED: Reply = Reply::fixed(555, Enhanced(5, 5, 4), "FUTURERELEASE is not offered here");
const BAD_DATE: Reply = Reply::fixed(
    501,
    Enhanced(5, 5, 4),
    "HOLDUNTIL is a date such as 2027-10-01T08:00:00Z",
);
const PASSED: Reply = Reply::fixed(501, Enhanced(5, 5, 4), "The time to leave at has passed");
const TOO_LATE: Reply = Reply::fixed(501, Enhanced(5, 5, 4), "That is later than FUTURERELEASE allows");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4865_the_longest_time_and_the_last_moment_are_announced() {
        let day = Duration::from_secs(86_400);
        assert_eq!(longest_hold(day, 0).unwrap(), "86400 1970-01-02T00:00:00Z");
        assert_eq!(longest_hold(Duration::ZERO, 0), None);
    }
}
