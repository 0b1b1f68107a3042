//! Outbound delivery against servers that behave and servers that do not, all on 127.0.0.0/8.

mod bench;
mod server;
mod tls;

use std::time::Duration;

use hongyan_queue::{Destination, RecipientState, ReportKind};

use bench::{ARBITERS, bench_run};

fn to(domain: &str) -> Destination {
    Destination::Domain(domain.to_owned())
}

#[test]
fn a_message_leaves_without_our_return_path_and_connections_are_reused() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            for _ in 0..3 {
                bench.send(to("b.test"), &["x@b.test"]).await;
                bench.until(<[_]>::is_empty).await;
            }
            let seen = bench.log.lock();
            assert_eq!(seen.connections, 1);
            assert_eq!(seen.messages.len(), 3);
            assert_eq!(seen.messages[0].1, "Subject: 1\r\n\r\n..dot\r\n.\r\n");
            assert!(bench.reports.lock().is_empty());
        },
    );
}

#[test]
fn recipients_have_their_own_outcomes() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench
                .send(to("b.test"), &["x@b.test", "no@b.test", "later@b.test"])
                .await;
            let entries = bench
                .until(|entries| entries.len() == 1 && entries[0].attempts >= 1)
                .await;
            let states: Vec<_> = entries[0].recipients.iter().map(|recipient| recipient.state).collect();
            assert_eq!(
                states,
                [
                    RecipientState::Delivered,
                    RecipientState::Bounced,
                    RecipientState::Pending
                ]
            );
            let last = entries[0].recipients[1].last.clone().expect("a last word");
            assert_eq!((last.code, &*last.status, &*last.host), (550, "5.1.1", "mx.b.test"));
            bench.until(|entries| entries[0].attempts >= 2).await;
            assert_eq!(
                *bench.reports.lock(),
                [(ReportKind::Failure, vec!["no@b.test".to_owned()])]
            );
            assert_eq!(bench.log.lock().messages.len(), 1, "x was not sent to twice");
        },
    );
}

#[test]
fn later_then_taken() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench.log.lock().verdicts.extend(["451 4.3.0 busy", "close"]);
            bench.send(to("b.test"), &["x@b.test"]).await;
            bench.until(<[_]>::is_empty).await;
            let seen = bench.log.lock();
            assert!(seen.verdicts.is_empty(), "both failures happened");
            assert_eq!(seen.messages.len(), 1);
        },
    );
}

#[test]
fn connections_to_a_destination_are_bounded() {
    bench_run(
        |settings, _| settings.destination_connections_max = 2,
        |mut bench| async move {
            for _ in 0..12 {
                bench.send(to("b.test"), &["x@b.test"]).await;
            }
            bench.until(<[_]>::is_empty).await;
            let seen = bench.log.lock();
            assert_eq!(seen.messages.len(), 12);
            assert_eq!(seen.open_max, 2);
        },
    );
}

#[test]
fn the_next_host_is_tried_when_the_first_is_away() {
    bench_run(
        |_, zone| {
            zone.add_mx("c.test", 5, "away.c.test");
            zone.add_mx("c.test", 10, "mx.b.test");
            zone.add_address("away.c.test", "127.0.0.99".parse().expect("address"));
        },
        |mut bench| async move {
            bench.send(to("c.test"), &["x@c.test"]).await;
            bench.until(<[_]>::is_empty).await;
            assert_eq!(bench.log.lock().messages.len(), 1);
        },
    );
}

#[test]
fn without_dns_mail_stays_visible_with_its_reason() {
    bench_run(
        |_, zone| {
            zone.set_failure(
                "d.test",
                Some(hongyan_env::DnsError::Temporary("no servers".to_owned())),
            )
        },
        |mut bench| async move {
            bench.send(to("d.test"), &["x@d.test"]).await;
            bench.send(to("nowhere.test"), &["x@nowhere.test"]).await;
            let entries = bench
                .until(|entries| entries.len() == 1 && entries[0].attempts >= 1)
                .await;
            let last = entries[0].recipients[0].last.clone().expect("a last word");
            assert_eq!(last.status, "4.4.3");
            assert!(last.text.contains("d.test"), "{last:?}");
            let failed = (ReportKind::Failure, vec!["x@nowhere.test".to_owned()]);
            assert_eq!(*bench.reports.lock(), [failed]);
        },
    );
}

#[test]
fn a_mailbox_of_ours_is_served_through_its_seam() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench.send(Destination::Local, &["x@a.test"]).await;
            bench.until(<[_]>::is_empty).await;
            assert_eq!(bench.log.lock().connections, 0);
        },
    );
}

#[test]
fn work_is_spread_over_the_arbiters() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            for _ in 0..2 * ARBITERS {
                bench.send(Destination::Local, &["x@a.test"]).await;
            }
            bench.until(<[_]>::is_empty).await;
            assert_eq!(bench.threads.lock().len(), ARBITERS);
        },
    );
}

#[test]
fn a_restart_repeats_nothing_that_was_confirmed() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench.send(to("b.test"), &["x@b.test", "later@b.test"]).await;
            bench
                .until(|entries| entries.len() == 1 && entries[0].attempts >= 1)
                .await;
            bench.restart().await;
            bench.until(|entries| entries[0].attempts >= 2).await;
            let seen = bench.log.lock();
            assert_eq!(seen.messages.len(), 1, "x was not sent to again");
        },
    );
}

#[test]
fn a_silent_destination_does_not_hold_up_another() {
    bench_run(
        |settings, zone| {
            settings.destination_connections_max = 1;
            settings.destination_waiting_max = 2;
            zone.add_address("silent.test", "127.0.0.98".parse().expect("address"));
        },
        |mut bench| async move {
            let silent = tokio::net::TcpListener::bind(("127.0.0.98", bench.port))
                .await
                .expect("listen");
            for _ in 0..4 {
                bench.send(to("silent.test"), &["x@silent.test"]).await;
            }
            bench.send(to("b.test"), &["x@b.test"]).await;
            let entries = bench.until(|entries| entries.len() == 4).await;
            assert!(entries.iter().all(|entry| entry.attempts == 0));
            let entries = bench
                .until(|entries| {
                    entries
                        .iter()
                        .filter(|entry| entry.due_millis > entry.accepted_millis)
                        .count()
                        == 2
                })
                .await;
            assert!(
                entries.iter().all(|entry| entry.attempts == 0),
                "put back is no attempt"
            );
            drop(silent);
        },
    );
}

#[test]
fn what_waits_for_a_dead_host_learns_it_from_the_first() {
    bench_run(
        |settings, zone| {
            settings.destination_connections_max = 1;
            settings.unreachable = Duration::from_secs(60);
            zone.add_address("dead.test", "127.0.0.97".parse().expect("address"));
        },
        |mut bench| async move {
            for _ in 0..3 {
                bench.send(to("dead.test"), &["x@dead.test"]).await;
            }
            let entries = bench
                .until(|entries| entries.len() == 3 && entries.iter().all(|entry| entry.attempts >= 1))
                .await;
            for entry in entries {
                let last = entry.recipients[0].last.clone().expect("a last word");
                assert_eq!((&*last.status, &*last.host), ("4.4.1", "dead.test"));
            }
        },
    );
}

#[test]
fn an_attempt_that_crashes_is_made_again_later() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench.send(Destination::Local, &["crash@a.test"]).await;
            bench.send(Destination::Local, &["x@a.test"]).await;
            let entries = bench
                .until(|entries| entries.len() == 1 && entries[0].due_millis > entries[0].accepted_millis + 60_000)
                .await;
            assert_eq!(entries[0].recipients[0].address, "crash@a.test");
        },
    );
}

#[test]
fn a_long_message_arrives_as_it_was_written() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            let text: String = (0..40_000).map(|n| format!("line {n} of a long message\r\n")).collect();
            bench.send_text(to("b.test"), &["x@b.test"], &text).await;
            bench.until(<[_]>::is_empty).await;
            let seen = bench.log.lock();
            assert!(seen.messages[0].1 == text.clone() + ".\r\n", "the message has changed");
        },
    );
}

#[test]
fn too_many_recipients_for_now_are_tried_again() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            bench.send(to("b.test"), &["x@b.test", "many@b.test"]).await;
            let entries = bench
                .until(|entries| entries.len() == 1 && entries[0].attempts >= 1)
                .await;
            let many = &entries[0].recipients[1];
            assert_eq!(many.state, RecipientState::Pending);
            assert_eq!(many.last.as_ref().expect("a last word").code, 552);
        },
    );
}

/// Has a message come to where its text is to be sent, and `change` happen there.
async fn change_before_data(bench: &mut bench::Bench, change: impl FnOnce(&mut Option<u64>)) {
    bench.log.lock().holds = true;
    bench.send(to("b.test"), &["x@b.test"]).await;
    while bench.log.lock().held == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    change(&mut bench.holders.standing.lock());
    bench.log.lock().holds = false;
    // Broken off, for the server cannot know that the text was not all.
    while bench.log.lock().open > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(bench.log.lock().messages.is_empty());
}

#[test]
fn who_was_taken_for_dead_does_not_send_what_another_may_send() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            change_before_data(&mut bench, |standing| *standing = Some(2)).await;
            // It works on, with what it is handed from now on, and leaves the other to whom has it.
            bench.send(to("b.test"), &["y@b.test"]).await;
            let entries = bench.until(|entries| entries.len() == 1).await;
            assert_eq!(entries[0].recipients[0].address, "x@b.test");
            assert_eq!(entries[0].attempts, 0);
            let seen = bench.log.lock();
            assert_eq!(seen.messages.len(), 1);
            assert!(seen.messages[0].0[0].contains("y@b.test"));
        },
    );
}

#[test]
fn who_is_not_sure_to_live_sends_nothing_until_it_is() {
    bench_run(
        |_, _| {},
        |mut bench| async move {
            change_before_data(&mut bench, |standing| *standing = None).await;
            assert_eq!(bench.entries().await.len(), 1);
            *bench.holders.standing.lock() = Some(1);
            bench.until(<[_]>::is_empty).await;
            assert_eq!(bench.log.lock().messages.len(), 1);
        },
    );
}
