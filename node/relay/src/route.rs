//! Where mail for a destination goes: RFC 5321 §5.1, RFC 7505.

use std::net::{IpAddr, SocketAddr};

use hongyan_env::{Dns, DnsError};
use hongyan_queue::{Attempt, Outcome};

use crate::settings::RelaySettings;

/// A host to try, with one of its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
}

/// Why there is nowhere to go: what every recipient gets.
pub(crate) fn nowhere(temporary: bool, status: &str, text: String) -> Outcome {
    let attempt = Attempt {
        status: status.to_owned(),
        text,
        ..Attempt::default()
    };
    if temporary {
        Outcome::Deferred(attempt)
    } else {
        Outcome::Bounced(attempt)
    }
}

/// The hosts for `domain` (A-labels, or an address literal in brackets), best first, at most `hosts_max`. `random` orders
/// hosts of equal preference.
pub(crate) async fn targets(
    dns: &dyn Dns,
    settings: &RelaySettings,
    domain: &str,
    random: u64,
) -> Result<Vec<Target>, Outcome> {
    if let Some(relay) = &settings.relay_host {
        return addresses(dns, &relay.host, relay.port, settings.hosts_max).await;
    }
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let digits = literal.strip_prefix("IPv6:").unwrap_or(literal);
        let address: IpAddr = digits
            .parse()
            .map_err(|_| nowhere(false, "5.1.2", format!("[{literal}] is not an address")))?;
        return Ok(vec![Target {
            host: domain.to_owned(),
            address: SocketAddr::new(address, settings.port),
        }]);
    }
    let exchangers = match dns.mx(domain).await {
        Ok(answer) => answer.records,
        Err(error) => return Err(refusal(domain, &error)),
    };
    if exchangers.is_empty() {
        // RFC 5321 §5.1: without MX records the domain is its own exchanger.
        return addresses(dns, domain, settings.port, settings.hosts_max).await;
    }
    if exchangers.iter().all(|record| record.exchange == ".") {
        // RFC 7505 §4.
        return Err(nowhere(
            false,
            "5.1.10",
            format!("{domain} does not accept mail (null MX)"),
        ));
    }
    let mut exchangers: Vec<_> = exchangers.into_iter().filter(|record| record.exchange != ".").collect();
    exchangers.sort_by_key(|record| (record.preference, spread(&record.exchange, random)));
    if let Some(ours) = exchangers
        .iter()
        .find(|record| record.exchange.eq_ignore_ascii_case(&settings.host_name))
    {
        // RFC 5321 §5.1: only hosts preferred to ourselves may be tried, or mail goes round in circles.
        let ours = ours.preference;
        exchangers.retain(|record| record.preference < ours);
        if exchangers.is_empty() {
            let text = format!("the mail exchanger of {domain} is this server, which does not serve it");
            return Err(nowhere(false, "5.4.6", text));
        }
    }
    let mut targets = Vec::new();
    let mut last = None;
    for exchanger in exchangers {
        match addresses(dns, &exchanger.exchange, settings.port, settings.hosts_max).await {
            Ok(found) => targets.extend(found),
            Err(outcome) => last = Some(hopeful(last, outcome)),
        }
        if targets.len() >= settings.hosts_max {
            targets.truncate(settings.hosts_max);
            return Ok(targets);
        }
    }
    match (targets.is_empty(), last) {
        (false, _) => Ok(targets),
        (true, Some(outcome)) => Err(outcome),
        (true, None) => Err(nowhere(
            false,
            "5.4.4",
            format!("the mail exchangers of {domain} have no address"),
        )),
    }
}

/// Of two hosts' failures, the one that stands for both: while one may recover, nothing is lost for good.
pub(crate) fn hopeful(before: Option<Outcome>, now: Outcome) -> Outcome {
    match before {
        Some(before @ Outcome::Deferred(_)) if matches!(now, Outcome::Bounced(_)) => before,
        _ => now,
    }
}

/// The addresses of `host`, IPv6 first.
async fn addresses(dns: &dyn Dns, host: &str, port: u16, hosts_max: usize) -> Result<Vec<Target>, Outcome> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![Target {
            host: host.to_owned(),
            address: SocketAddr::new(address, port),
        }]);
    }
    let (six, four) = (dns.aaaa(host).await, dns.a(host).await);
    let mut found: Vec<IpAddr> = Vec::new();
    let mut error = None;
    match six {
        Ok(answer) => found.extend(answer.records.into_iter().map(IpAddr::V6)),
        Err(failed) => error = Some(failed),
    }
    match four {
        Ok(answer) => found.extend(answer.records.into_iter().map(IpAddr::V4)),
        Err(failed) => error = Some(failed),
    }
    if found.is_empty() {
        return Err(match error {
            Some(error) => refusal(host, &error),
            None => nowhere(false, "5.4.4", format!("{host} has no address")),
        });
    }
    let target = |address| Target {
        host: host.to_owned(),
        address: SocketAddr::new(address, port),
    };
    Ok(found.into_iter().map(target).take(hosts_max).collect())
}

fn refusal(name: &str, error: &DnsError) -> Outcome {
    match error {
        DnsError::NoSuchName => nowhere(false, "5.1.2", format!("{name} does not exist")),
        DnsError::InvalidName => nowhere(false, "5.1.2", format!("{name} is not a domain name")),
        DnsError::Bogus | DnsError::Temporary(_) => {
            nowhere(true, "4.4.3", format!("looking up {name} failed: {error}"))
        }
    }
}

fn spread(host: &str, random: u64) -> u64 {
    host.bytes().fold(random, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use hongyan_env::{Security, ZoneDns};

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(future)
    }

    fn zone() -> ZoneDns {
        let zone = ZoneDns::new(Security::Insecure);
        zone.add_mx("a.test", 20, "mx2.a.test");
        zone.add_mx("a.test", 10, "mx1.a.test");
        zone.add_address("mx1.a.test", "192.0.2.1".parse().expect("address"));
        zone.add_address("mx1.a.test", "2001:db8::1".parse().expect("address"));
        zone.add_address("mx2.a.test", "192.0.2.2".parse().expect("address"));
        zone.add_address("implicit.test", "192.0.2.3".parse().expect("address"));
        zone.add_mx("null.test", 0, ".");
        zone.add_mx("broken.test", 0, "nothing.broken.test");
        zone.add_mx("loop.test", 10, "me.test");
        zone.add_mx("backup.test", 5, "mx2.a.test");
        zone.add_mx("backup.test", 10, "me.test");
        zone.add_mx("backup.test", 20, "mx1.a.test");
        zone.add_mx("half.test", 5, "failing.test");
        zone.add_mx("half.test", 10, "nothing.broken.test");
        zone.set_failure("failing.test", Some(DnsError::Temporary("SERVFAIL".to_owned())));
        zone
    }

    fn check(domain: &str, expect: &str) {
        let settings = RelaySettings::new("me.test");
        let got = match block_on(targets(&zone(), &settings, domain, 1)) {
            Ok(targets) => {
                let each = targets
                    .iter()
                    .map(|target| format!("{} {}", target.host, target.address));
                each.collect::<Vec<_>>().join(", ")
            }
            Err(Outcome::Bounced(attempt)) => format!("bounced {}", attempt.status),
            Err(Outcome::Deferred(attempt)) => format!("deferred {}", attempt.status),
            Err(Outcome::Delivered(_)) => "delivered".to_owned(),
        };
        assert_eq!(got, expect, "{domain}");
    }

    #[test]
    fn routes() {
        check(
            "a.test",
            "mx1.a.test [2001:db8::1]:25, mx1.a.test 192.0.2.1:25, mx2.a.test 192.0.2.2:25",
        );
        check("implicit.test", "implicit.test 192.0.2.3:25");
        check("null.test", "bounced 5.1.10");
        check("missing.test", "bounced 5.1.2");
        check("failing.test", "deferred 4.4.3");
        check("broken.test", "bounced 5.1.2");
        check("loop.test", "bounced 5.4.6");
        check("backup.test", "mx2.a.test 192.0.2.2:25");
        check("half.test", "deferred 4.4.3");
        check("[192.0.2.9]", "[192.0.2.9] 192.0.2.9:25");
        check("[IPv6:2001:db8::9]", "[IPv6:2001:db8::9] [2001:db8::9]:25");
        check("[x]", "bounced 5.1.2");
    }
}
