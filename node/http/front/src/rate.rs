//! How often the admin API may be called, by one caller and from one address: a steady rate with some at once.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::PoisonError;

use axum::http::StatusCode;
use hongyan_access::permission::Actor;
use hongyan_types::Timestamp;

use crate::problem::Problem;

const MINUTE_MICROS: i64 = 60_000_000;
/// Of what is allowed in a minute so much may come at once: the sixth part.
const AT_ONCE_MICROS: i64 = MINUTE_MICROS / 6;
/// Callers that are remembered; whoever has not called lately is forgotten first.
const CALLERS_MAX: usize = 100_000;

/// Limits of calls of the admin API, on each node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiRates {
    /// Calls of one member, token or operator in a minute.
    pub caller_per_minute_max: u32,
    /// Calls from one address in a minute, signed in or not.
    pub address_per_minute_max: u32,
}

impl Default for ApiRates {
    fn default() -> Self {
        Self {
            caller_per_minute_max: 6_000,
            address_per_minute_max: 12_000,
        }
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Address(IpAddr),
    Caller(&'static str, u64),
}

/// Who has called when.
#[derive(Debug)]
pub(crate) struct Rates {
    limits: ApiRates,
    /// When each would have called last, had it kept to its rate, in microseconds since the Unix epoch.
    spent: Mutex<BTreeMap<Who, i64>>,
}

impl Rates {
    pub(crate) fn new(limits: ApiRates) -> Self {
        Self {
            limits,
            spent: Mutex::default(),
        }
    }
    /// One more call from an address.
    pub(crate) fn check_address(&self, address: IpAddr, now: Timestamp) -> Result<(), Problem> {
        let max = self.limits.address_per_minute_max;
        self.check(
            Who::Address(address.to_canonical()),
            ("api_address_requests_per_minute_max", max),
            now,
        )
    }
    /// One more call of someone.
    pub(crate) fn check_caller(&self, actor: &Actor, now: Timestamp) -> Result<(), Problem> {
        let author = actor.author();
        let who = Who::Caller(author.kind.label(), author.id.unwrap_or_default());
        let max = self.limits.caller_per_minute_max;
        self.check(who, ("api_requests_per_minute_max", max), now)
    }

    fn check(&self, who: Who, (limit, max): (&'static str, u32), now: Timestamp) -> Result<(), Problem> {
        let now = now.millis.saturating_mul(1_000);
        let apart = MINUTE_MICROS / i64::from(max.max(1));
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= CALLERS_MAX && !spent.contains_key(&who) {
            spent.retain(|_, last| *last > now);
            if spent.len() >= CALLERS_MAX {
                spent.clear();
            }
        }
        // A clock that was put back makes nobody wait longer than a full measure.
        let last = spent.get(&who).copied().unwrap_or(now);
        let last = last.clamp(now, now.saturating_add(AT_ONCE_MICROS.max(apart)));
        let early = last - now - (AT_ONCE_MICROS - apart).max(0);
        if early > 0 {
            spent.insert(who, last);
            let secs = u64::try_from(early.div_euclid(1_000_000) + 1).unwrap_or(1);
            let detail = format!("{limit} is {max}: try again in {secs} s");
            return Err(Problem {
                retry_secs: Some(secs),
                ..Problem::limit(StatusCode::TOO_MANY_REQUESTS, limit, detail)
            });
        }
        spent.insert(who, last + apart);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp { millis }
    }

    #[test]
    fn api_who_calls_too_often_is_told_how_long_to_wait() {
        let rates = Rates::new(ApiRates {
            caller_per_minute_max: 60,
            address_per_minute_max: 600,
        });
        let actor = Actor::socket();
        let mut taken = 0;
        let problem = loop {
            match rates.check_caller(&actor, at(1_000)) {
                Ok(()) => taken += 1,
                Err(problem) => break problem,
            }
        };
        assert_eq!(taken, 10, "the sixth part of a minute's at once");
        assert_eq!(
            (problem.status, problem.limit),
            (429, Some("api_requests_per_minute_max"))
        );
        let secs = i64::try_from(problem.retry_secs.unwrap()).unwrap();
        assert!((1..=2).contains(&secs), "{secs}");
        assert!(rates.check_caller(&actor, at(1_000 + secs * 1_000)).is_ok());
        // Then one a second.
        let mut taken = 0;
        for second in 10..70 {
            for _ in 0..5 {
                taken += usize::from(rates.check_caller(&actor, at(second * 1_000)).is_ok());
            }
        }
        assert!((60..=70).contains(&taken), "{taken}");
        // Others are not touched by it; a clock that goes back locks nobody out.
        let other = "192.0.2.1".parse().unwrap();
        assert!(rates.check_address(other, at(70_000)).is_ok());
        assert!(
            rates
                .check_address("::ffff:192.0.2.1".parse().unwrap(), at(70_000))
                .is_ok()
        );
        assert!(rates.check_caller(&actor, at(0)).is_err());
        assert!(rates.check_caller(&actor, at(11_000)).is_ok());
    }
}
