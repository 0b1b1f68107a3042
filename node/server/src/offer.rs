//! What is offered to the world, as the configuration has it.

use anyhow::{Context, Result};
use hongyan_config::Config;
use hongyan_http_discovery::{Door, Offer, RegionalHost, Service, StsMode, StsPolicy};
use hongyan_types::Domain;

use crate::settings;

/// What says that a service is not told of.
const NONE: &str = "none";

/// The services, hosts and policies that the configuration tells of.
pub(crate) fn offer(config: &Config) -> Result<Offer> {
    let (listen, public) = (&config.listen, &config.public);
    let services = [
        (Service::Imap, "imap", &listen.imap, &public.imap),
        (Service::Imaps, "imaps", &listen.imaps, &public.imaps),
        (Service::Pop3, "pop3", &listen.pop3, &public.pop3),
        (Service::Pop3s, "pop3s", &listen.pop3s, &public.pop3s),
        (
            Service::Submission,
            "submission",
            &listen.submission,
            &public.submission,
        ),
        (
            Service::Submissions,
            "submissions",
            &listen.submissions,
            &public.submissions,
        ),
        (Service::Https, "https", &listen.https, &public.https),
        (Service::Ldap, "ldap", &listen.ldap, &public.ldap),
        (Service::Ldaps, "ldaps", &listen.ldaps, &public.ldaps),
    ];
    let mut doors = Vec::new();
    for (service, name, listen, public) in services {
        if let Some((host, port)) = place(config, name, listen, public)? {
            doors.push(Door { service, host, port });
        }
    }
    Ok(Offer {
        doors,
        regional_hosts: regional_hosts(config)?,
        mail_hosts: mail_hosts(config)?,
        spf_include: match public.spf_include.as_str() {
            "" => None,
            text => Some(domain("spf_include", text)?),
        },
        sts: StsPolicy {
            mode: match public.mta_sts.as_str() {
                "enforce" => StsMode::Enforce,
                "testing" => StsMode::Testing,
                _ => StsMode::None,
            },
            age_secs_max: public.mta_sts_secs,
        },
    })
}

/// Where browsers find this installation; passkeys belong to it.
pub(crate) fn web_origin(config: &Config) -> String {
    // What is wrong with the settings is told where the ports are opened.
    let found = place(config, "https", &config.listen.https, &config.public.https);
    match found.ok().flatten() {
        Some((host, 443)) => format!("https://{host}"),
        Some((host, port)) => format!("https://{host}:{port}"),
        None => format!("https://{}", config.node.host_name),
    }
}

fn domain(setting: &str, text: &str) -> Result<Domain> {
    Domain::try_from(text).with_context(|| format!("setting public.{setting}: {text}"))
}

fn mail_hosts(config: &Config) -> Result<Vec<Domain>> {
    let named = &config.public.mail_hosts;
    if named.is_empty() {
        return Ok(vec![settings::host_name(config)?]);
    }
    named.iter().map(|text| domain("mail_hosts", text)).collect()
}

/// ACC-16: a host, and behind a space what people call the place.
fn regional_hosts(config: &Config) -> Result<Vec<RegionalHost>> {
    let read = |text: &String| {
        let (host, place) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        Ok(RegionalHost {
            host: domain("regional_hosts", host)?,
            place: place.trim().to_owned(),
        })
    };
    config.public.regional_hosts.iter().map(read).collect()
}

/// Where a service is found: nowhere when it is closed or kept quiet about.
fn place(config: &Config, name: &str, listen: &[String], public: &str) -> Result<Option<(Domain, u16)>> {
    let addresses = settings::addresses(name, listen)?;
    let Some(first) = addresses.first().filter(|_| public != NONE) else {
        return Ok(None);
    };
    let (host, port) = match public.rsplit_once(':') {
        Some((host, port)) => {
            let port = port.parse().ok().filter(|port| *port != 0);
            (
                host,
                port.with_context(|| format!("setting public.{name}: {public:?} has no port"))?,
            )
        }
        None => (public, first.port()),
    };
    let host = match host {
        "" => settings::host_name(config)?,
        text => domain(name, text)?,
    };
    Ok(Some((host, port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let text = format!("[node]\nhost_name = \"mx.example.test\"\n{text}");
        Config::parse(std::path::Path::new("x.toml"), &text).unwrap()
    }

    fn door(config: &Config, service: Service) -> Option<String> {
        let offer = offer(config).unwrap();
        offer.door(service).map(|door| format!("{}:{}", door.host, door.port))
    }

    #[test]
    fn acc_9_a_service_is_told_of_as_clients_reach_it() {
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(door(&config(text), Service::Imaps).as_deref(), expect, "{text}");
        };
        check("", Some("mx.example.test:993"));
        check("[listen]\nimaps = [\"127.0.0.1:10993\"]", Some("mx.example.test:10993"));
        check("[listen]\nimaps = []", None);
        check("[public]\nimaps = \"none\"", None);
        check("[public]\nimaps = \"imap.example.test\"", Some("imap.example.test:993"));
        check(
            "[public]\nimaps = \"imap.example.test:994\"",
            Some("imap.example.test:994"),
        );
        check("[public]\nimaps = \":994\"", Some("mx.example.test:994"));
    }

    #[test]
    fn auth_4_passkeys_belong_to_the_place_that_browsers_see() {
        let check = |text: &str, expect: &str| assert_eq!(web_origin(&config(text)), expect, "{text}");
        check("", "https://mx.example.test");
        check("[listen]\nhttps = [\"0.0.0.0:8443\"]", "https://mx.example.test:8443");
        check(
            "[public]\nhttps = \"mail.example.test:443\"",
            "https://mail.example.test",
        );
        check("[listen]\nhttps = []", "https://mx.example.test");
        check("[public]\nhttps = \"none\"", "https://mx.example.test");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expect) in [
            ("imaps = \"host:0\"", "public.imaps"),
            ("imaps = \"host:x\"", "public.imaps"),
            ("imaps = \"a b\"", "public.imaps"),
            ("mail_hosts = [\"\"]", "public.mail_hosts"),
            ("spf_include = \"a b\"", "public.spf_include"),
            ("regional_hosts = [\" \"]", "public.regional_hosts"),
        ] {
            let error = offer(&config(&format!("[public]\n{text}"))).unwrap_err();
            assert!(format!("{error:#}").contains(expect), "{error:#}");
        }
    }

    #[test]
    fn acc_16_members_abroad_have_other_names() {
        let config = config("[public]\nregional_hosts = [\"eu.example.test  Europe, all of it\", \"us.example.test\"]");
        let offer = offer(&config).unwrap();
        let regional = |at: usize| {
            (
                offer.regional_hosts[at].host.as_str(),
                offer.regional_hosts[at].place.as_str(),
            )
        };
        assert_eq!(regional(0), ("eu.example.test", "Europe, all of it"));
        assert_eq!(regional(1), ("us.example.test", ""));
        let doors = offer.regional_doors(Service::Imaps);
        let doors: Vec<_> = doors.map(|door| format!("{}:{}", door.host, door.port)).collect();
        assert_eq!(doors, ["eu.example.test:993", "us.example.test:993"]);
        assert_eq!(offer.regional_doors(Service::Https).count(), 0);
    }

    #[test]
    fn acc_20_the_directory_is_told_of_where_it_is_open() {
        assert_eq!(door(&config(""), Service::Ldaps), None);
        let open = "[listen]\nldaps = [\"0.0.0.0:636\"]\n[public]\nldaps = \"ldap.example.test\"";
        assert_eq!(
            door(&config(open), Service::Ldaps).as_deref(),
            Some("ldap.example.test:636")
        );
    }

    #[test]
    fn mail_comes_to_the_hosts_that_are_named() {
        let hosts = |text: &str| {
            let offer = offer(&config(text)).unwrap();
            offer.mail_hosts.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(hosts(""), ["mx.example.test"]);
        let two = "[public]\nmail_hosts = [\"mx1.example.test\", \"mx2.example.test\"]";
        assert_eq!(hosts(two), ["mx1.example.test", "mx2.example.test"]);
    }
}
