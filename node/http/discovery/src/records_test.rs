use super::*;
use crate::offer::{Door, StsPolicy};

fn name(text: &str) -> Domain {
    Domain::try_from(text).unwrap()
}

fn offer(host: &str, services: &[(Service, u16)]) -> Offer {
    Offer {
        doors: services
            .iter()
            .map(|(service, port)| Door {
                service: *service,
                host: name(host),
                port: *port,
            })
            .collect(),
        regional_hosts: Vec::new(),
        mail_hosts: vec![name(host)],
        spf_include: None,
        sts: StsPolicy {
            mode: StsMode::Testing,
            age_secs_max: 604_800,
        },
    }
}

fn lines(records: &[Record]) -> Vec<String> {
    let line = |record: &Record| format!("{} {} {}", record.name, record.value.kind(), record.value);
    records.iter().map(line).collect()
}

const ALL: &[(Service, u16)] = &[
    (Service::Imap, 143),
    (Service::Imaps, 993),
    (Service::Pop3s, 995),
    (Service::Submission, 587),
    (Service::Submissions, 465),
    (Service::Https, 443),
];

#[test]
fn dom_5_6_7_all_records_of_a_domain() {
    let zone = Zone {
        ownership: Some(Ownership {
            text: "hongyan-verification=abc".to_owned(),
            label: "hongyan-abc".to_owned(),
        }),
        dkim: vec![Dkim {
            selector: "s1".to_owned(),
            text: "v=DKIM1; k=ed25519; p=AAAA".to_owned(),
        }],
        spf: SpfEnd::Soft,
    };
    let mut offer = offer("mx.example.org", ALL);
    offer.mail_hosts.push(name("mx2.host.test"));
    let id = sts::record(&offer);
    let expect = [
        "example.org MX 10 mx.example.org.",
        "example.org MX 50 mx2.host.test.",
        "example.org TXT \"v=spf1 mx ~all\"",
        "mx.example.org TXT \"v=spf1 a -all\"",
        "s1._domainkey.example.org TXT \"v=DKIM1; k=ed25519; p=AAAA\"",
        "_dmarc.example.org TXT \"v=DMARC1; p=none; rua=mailto:postmaster@example.org\"",
        &format!("_mta-sts.example.org TXT \"{id}\""),
        "mta-sts.example.org CNAME mx.example.org.",
        "_smtp._tls.example.org TXT \"v=TLSRPTv1; rua=mailto:postmaster@example.org\"",
        "_imaps._tcp.example.org SRV 0 1 993 mx.example.org.",
        "_imap._tcp.example.org SRV 0 0 0 .",
        "_submissions._tcp.example.org SRV 0 1 465 mx.example.org.",
        "_submission._tcp.example.org SRV 0 0 0 .",
        "_pop3s._tcp.example.org SRV 0 1 995 mx.example.org.",
        "_pop3._tcp.example.org SRV 0 0 0 .",
        "_jmap._tcp.example.org SRV 0 1 443 mx.example.org.",
        "_autodiscover._tcp.example.org SRV 0 1 443 mx.example.org.",
        "autoconfig.example.org CNAME mx.example.org.",
        "autodiscover.example.org CNAME mx.example.org.",
        "imap.example.org CNAME mx.example.org.",
        "smtp.example.org CNAME mx.example.org.",
        "pop.example.org CNAME mx.example.org.",
    ];
    let found = lines(&records_to_publish(&name("example.org"), &zone, &offer));
    assert_eq!(found[0], "_hongyan.example.org TXT \"hongyan-verification=abc\"");
    assert_eq!(found[1], "hongyan-abc.example.org CNAME mx.example.org.");
    assert_eq!(found[2..], expect);
}

#[test]
fn acc_20_a_directory_is_found_where_there_is_one() {
    let offer = offer("mx.example.org", &[(Service::Ldap, 389), (Service::Ldaps, 636)]);
    let found = lines(&records_to_publish(&name("customer.test"), &Zone::default(), &offer));
    let of_ldap: Vec<_> = found.iter().filter(|line| line.contains("_ldap")).collect();
    let expect = [
        "_ldap._tcp.customer.test SRV 0 1 389 mx.example.org.",
        "_ldaps._tcp.customer.test SRV 0 1 636 mx.example.org.",
    ];
    assert_eq!(of_ldap, expect);
}

#[test]
fn what_is_not_offered_is_not_promised() {
    let offer = offer("mx.example.org", &[(Service::Imap, 1143)]);
    let found = lines(&records_to_publish(&name("customer.test"), &Zone::default(), &offer));
    let expect = [
        "customer.test MX 10 mx.example.org.",
        "customer.test TXT \"v=spf1 mx ~all\"",
        "_dmarc.customer.test TXT \"v=DMARC1; p=none; rua=mailto:postmaster@customer.test\"",
        "_imap._tcp.customer.test SRV 0 1 1143 mx.example.org.",
        "_submission._tcp.customer.test SRV 0 0 0 .",
        "_pop3._tcp.customer.test SRV 0 0 0 .",
        "imap.customer.test CNAME mx.example.org.",
    ];
    assert_eq!(found, expect);
}

#[test]
fn a_host_is_no_alias_of_itself_and_the_spf_record_ends_as_wished() {
    let mut offer = offer("imap.example.org", ALL);
    offer.spf_include = Some(name("spf.operator.test"));
    let zone = Zone {
        spf: SpfEnd::Hard,
        ..Zone::default()
    };
    let found = lines(&records_to_publish(&name("example.org"), &zone, &offer));
    let is_there = |line: &str| found.iter().any(|found| found == line);
    assert!(is_there("example.org TXT \"v=spf1 include:spf.operator.test -all\""));
    assert!(is_there("smtp.example.org CNAME imap.example.org."));
    assert!(!found.iter().any(|line| line.starts_with("imap.example.org CNAME")));
}

#[test]
fn the_id_changes_with_the_policy() {
    let first = offer("mx.example.org", ALL);
    let mut second = first.clone();
    second.sts.mode = StsMode::Enforce;
    assert_eq!(sts::record(&first), sts::record(&first.clone()));
    assert_ne!(sts::record(&first), sts::record(&second));
}

#[test]
fn long_text_is_cut_into_strings() {
    let text = format!("p=\"{}", "A".repeat(300));
    let shown = Value::Txt(text).to_string();
    assert_eq!(shown, format!("\"p=\\\"{}\" \"{}\"", "A".repeat(252), "A".repeat(48)));
}

#[test]
fn records_are_lines_of_a_zone_file() {
    let records = records_to_publish(&name("example.org"), &Zone::default(), &offer("mx.example.org", ALL));
    let zone = zone_file(&records);
    let line = "example.org.                       3600 IN MX    10 mx.example.org.\n";
    assert!(zone.starts_with(line), "{zone}");
}
