//! Which names a domain shall have a certificate for.
//!
//! Those that are published as names of services here, as far as the domain's owner has pointed them here: one that
//! points elsewhere would fail, and take the others' certificate with it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hongyan_env::{Dns, DnsError};
use hongyan_http_discovery::{Offer, Value, Zone, records_to_publish};
use hongyan_types::Domain;

/// The names that a domain may have here.
fn possible(domain: &Domain, offer: &Offer) -> Vec<String> {
    records_to_publish(domain, &Zone::default(), offer)
        .into_iter()
        .filter(|record| matches!(record.value, Value::Cname(_)))
        .map(|record| record.name)
        .collect()
}

async fn addresses(dns: &dyn Dns, name: &str) -> Result<BTreeSet<IpAddr>, DnsError> {
    let (four, six) = (dns.a(name).await, dns.aaaa(name).await);
    let mut found = BTreeSet::new();
    let nothing = |error| match error {
        DnsError::NoSuchName | DnsError::InvalidName => Ok(()),
        error => Err(error),
    };
    match four {
        Ok(answer) => found.extend(answer.records.into_iter().map(IpAddr::V4)),
        Err(error) => nothing(error)?,
    }
    match six {
        Ok(answer) => found.extend(answer.records.into_iter().map(IpAddr::V6)),
        Err(error) => nothing(error)?,
    }
    Ok(found)
}

/// The addresses of all hosts that the offer names.
pub(crate) async fn here(offer: &Offer, dns: &dyn Dns) -> Result<BTreeSet<IpAddr>, DnsError> {
    let hosts: BTreeSet<_> = offer.doors.iter().map(|door| door.host.as_str()).collect();
    let mut here = BTreeSet::new();
    for host in hosts {
        here.extend(addresses(dns, host).await?);
    }
    Ok(here)
}

/// The names of a domain that lead `here`: with all their addresses, since the authority may take any.
pub(crate) async fn names(
    domain: &Domain,
    offer: &Offer,
    here: &BTreeSet<IpAddr>,
    dns: &dyn Dns,
) -> Result<Vec<String>, DnsError> {
    let mut names = Vec::new();
    for name in possible(domain, offer) {
        let found = addresses(dns, &name).await?;
        if !found.is_empty() && found.is_subset(here) {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use hongyan_env::{Env, ZoneDns};
    use hongyan_http_discovery::{Door, Service, StsMode, StsPolicy};
    use std::sync::Arc;

    use super::*;

    #[test]
    fn names_that_lead_here_are_wanted() {
        let host = Domain::try_from("mx.host.test").unwrap();
        let offer = Offer {
            doors: [(Service::Https, 443), (Service::Imaps, 993)]
                .map(|(service, port)| Door {
                    service,
                    host: host.clone(),
                    port,
                })
                .into(),
            regional_hosts: Vec::new(),
            mail_hosts: vec![host],
            spf_include: None,
            sts: StsPolicy {
                mode: StsMode::Testing,
                age_secs_max: 86_400,
            },
        };
        let dns = ZoneDns::default();
        let address = |last: u8| IpAddr::from([192, 0, 2, last]);
        for (name, last) in [
            ("mx.host.test", 1),
            ("autoconfig.a.test", 1),
            ("imap.a.test", 1),
            ("autodiscover.a.test", 7),
            ("mta-sts.a.test", 1),
            ("mta-sts.a.test", 7),
            ("smtp.a.test", 1),
        ] {
            dns.add_address(name, address(last));
        }
        let (env, _) = Env::manual_with_dns(1, Arc::new(dns));
        let domain = Domain::try_from("a.test").unwrap();
        hongyan_actor::run(0, async move {
            let dns = env.dns();
            let here = here(&offer, dns.as_ref()).await.unwrap();
            let names = names(&domain, &offer, &here, dns.as_ref()).await.unwrap();
            // There is no submission here, so `smtp` is no name of ours.
            assert_eq!(names, ["autoconfig.a.test", "imap.a.test"]);
        });
    }
}
