//! Connections in TLS, and relay hosts that want to know who sends.

use hongyan_relay::{RelayHost, RelayTls};
use hongyan_sasl::Secret;

use crate::bench::bench_run;
use crate::server::Tls;
use crate::to;

#[test]
fn tls_is_used_when_offered_whoever_signed_the_certificate() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench.log.lock().tls = Tls::Offered;
            bench.send(to("b.test"), &["x@b.test"]).await;
            bench.until(<[_]>::is_empty).await;
            let seen = bench.log.lock();
            assert_eq!((seen.messages.len(), seen.secured), (1, 1));
        },
    );
}

#[test]
fn a_handshake_that_fails_is_no_reason_not_to_send() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench.log.lock().tls = Tls::Broken;
            bench.send(to("b.test"), &["x@b.test"]).await;
            bench.until(<[_]>::is_empty).await;
            let seen = bench.log.lock();
            assert_eq!((seen.messages.len(), seen.secured, seen.connections), (1, 0, 2));
        },
    );
}

fn relay_host(port: u16, tls: RelayTls) -> Option<RelayHost> {
    Some(RelayHost {
        host: "127.0.0.1".to_owned(),
        port,
        tls,
        credentials: Some(("me".to_owned(), Secret::new("secret"))),
    })
}

#[test]
fn a_relay_host_takes_mail_for_every_domain_from_who_signed_in() {
    bench_run(
        |settings, _| settings.relay_host = relay_host(settings.port, RelayTls::Opportunistic),
        |mut bench| async move {
            bench.log.lock().tls = Tls::Offered;
            for domain in ["b.test", "missing.test"] {
                bench.send(to(domain), &[&format!("x@{domain}")]).await;
                bench.until(<[_]>::is_empty).await;
            }
            let seen = bench.log.lock();
            assert_eq!(
                (seen.messages.len(), seen.connections),
                (2, 1),
                "one connection serves all domains"
            );
            assert_eq!(seen.auth, ["AUTH PLAIN AG1lAHNlY3JldA=="]);
        },
    );
}

#[test]
fn a_password_never_leaves_in_clear() {
    bench_run(
        |settings, _| settings.relay_host = relay_host(settings.port, RelayTls::Opportunistic),
        |mut bench| async move {
            bench.send(to("b.test"), &["x@b.test"]).await;
            let entries = bench
                .until(|entries| entries.len() == 1 && entries[0].attempts >= 1)
                .await;
            let last = entries[0].recipients[0].last.clone().expect("a last word");
            assert_eq!(last.status, "4.7.5");
            assert!(bench.log.lock().auth.is_empty());
        },
    );
}

#[test]
fn a_relay_host_with_a_wrong_certificate_gets_nothing() {
    bench_run(
        |settings, _| settings.relay_host = relay_host(settings.port, RelayTls::Required),
        |mut bench| async move {
            bench.log.lock().tls = Tls::Offered;
            bench.send(to("b.test"), &["x@b.test"]).await;
            let entries = bench
                .until(|entries| entries.len() == 1 && entries[0].attempts >= 1)
                .await;
            let last = entries[0].recipients[0].last.clone().expect("a last word");
            assert_eq!(last.status, "4.7.5", "{last:?}");
            let seen = bench.log.lock();
            assert!(seen.auth.is_empty() && seen.messages.is_empty());
        },
    );
}
