use hongyan_mailbox::{Append, AppendMessage, FolderRef, MessageWriter, OpenFolder};
use hongyan_miniature::{Miniature, Options, WITHIN};
use hongyan_types::{Timestamp, Uid};

use super::*;

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

/// Inbox with mails of these ages in days.
async fn inbox(node: &Miniature, days: &[i64]) -> FolderView {
    for days in days {
        let mut writer = MessageWriter::new(&node.blobs, node.mailbox.tenant);
        writer.push(b"Subject: x\r\n\r\n").await.unwrap();
        let message = AppendMessage {
            message: writer.finish().await.unwrap(),
            flags: Vec::new(),
            internal_date: Some(Timestamp {
                millis: 1_000_000_000 - days * 1_000,
            }),
        };
        let request = Append {
            folder: FolderRef::INBOX,
            messages: vec![message],
        };
        node.router.ask(&node.mailbox, request, WITHIN).await.unwrap().unwrap();
    }
    let folder = FolderRef::INBOX;
    node.router
        .ask(&node.mailbox, OpenFolder { folder }, WITHIN)
        .await
        .unwrap()
        .unwrap()
        .view
}

fn plan(at: &Position, view: &FolderView, oldest_millis: Option<i64>, window: usize) -> Plan {
    let none = UidSet::new();
    at.plan(&Look {
        view,
        gone: &none,
        gone_later: None,
        oldest_millis,
        removed: &none,
        window,
    })
}

fn run(test: impl AsyncFnOnce(Miniature)) {
    hongyan_actor::run(1, async {
        test(Miniature::start(&Options::default()).await).await;
    });
}

#[test]
fn each_message_is_told_once_whatever_the_window() {
    run(async |node| {
        let view = inbox(&node, &[1, 9, 2, 8, 3, 7, 4]).await;
        for window in 1..9 {
            for oldest in [None, Some(1_000_000_000 - 5_000)] {
                let mut at = Position::begin(&view, oldest);
                let mut told = Vec::new();
                for _ in 0..20 {
                    let found = plan(&at, &view, oldest, window);
                    assert!(found.items.len() <= window);
                    told.extend(found.items);
                    at = found.next;
                    if !found.has_more {
                        break;
                    }
                }
                let wanted: Vec<Told> = match oldest {
                    None => (1..=7).rev().map(|number| Told::Add(uid(number))).collect(),
                    Some(_) => [7, 5, 3, 1].map(|number| Told::Add(uid(number))).to_vec(),
                };
                assert_eq!(told, wanted, "window {window}");
                let last = plan(&at, &view, oldest, window);
                assert!(last.items.is_empty() && !last.has_more);
            }
        }
    });
}

#[test]
fn the_filter_moves_in_steps_of_the_window() {
    run(async |node| {
        let view = inbox(&node, &[1, 9, 2, 8]).await;
        let all = plan(&Position::begin(&view, None), &view, None, 100).next;
        let less = Some(1_000_000_000 - 5_000);
        let first = plan(&all, &view, less, 1);
        assert_eq!((first.items, first.has_more), (vec![Told::SoftDelete(uid(2))], true));
        let second = plan(&first.next, &view, less, 1);
        assert_eq!((second.items, second.has_more), (vec![Told::SoftDelete(uid(4))], false));
        let back = plan(&second.next, &view, None, 1);
        assert_eq!((back.items, back.has_more), (vec![Told::Add(uid(4))], true));
        let back = plan(&back.next, &view, None, 1);
        assert_eq!((back.items, back.has_more), (vec![Told::Add(uid(2))], false));
        assert_eq!(back.next, all);
    });
}

#[test]
fn what_went_is_told_in_steps_and_what_goes_meanwhile_after_it() {
    run(async |node| {
        let view = inbox(&node, &[1, 1, 1, 1]).await;
        let all = plan(&Position::begin(&view, None), &view, None, 100).next;
        let none = UidSet::new();
        let look = |gone: &UidSet, later: Option<&UidSet>, at: &Position| {
            at.plan(&Look {
                view: &view,
                gone,
                gone_later: later,
                oldest_millis: None,
                removed: &none,
                window: 1,
            })
        };
        let (mut gone, mut later) = (UidSet::new(), UidSet::new());
        gone.insert(uid(2));
        gone.insert(uid(3));
        let mut at = all.clone();
        // The view is at the modseq of the first look; both went before it.
        at.gone = 0;
        let first = look(&gone, None, &at);
        assert_eq!(
            (first.items.as_slice(), first.has_more),
            (&[Told::Delete(uid(2))][..], true)
        );
        assert!(first.next.gone_until().is_some());
        // 1 went since, and lies below what was told.
        later.insert(uid(1));
        let second = look(&gone.union(&later), Some(&later), &first.next);
        assert_eq!(
            (second.items.as_slice(), second.has_more),
            (&[Told::Delete(uid(3))][..], true)
        );
        let third = look(&later, None, &second.next);
        assert_eq!(third.items, [Told::Delete(uid(1))]);
    });
}
