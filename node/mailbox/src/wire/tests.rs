//! What version 1 says, byte by byte, and that whatever is written is read.

use std::sync::Arc;
use std::time::Duration;

use hongyan_blob::NewBlob;
use hongyan_router::Ask;
use hongyan_types::{Flag, Keyword, ModSeq, Octets, SystemFlags, Timestamp, Uid, UidSet, UidValidity};
use proptest::prelude::*;

use bytes::Bytes;
use hongyan_actor::{Gather, WireError};
use hongyan_transport::codec;

use super::{Gathered, read_reply, read_request, reply, request, view, write_reply, write_request};
use crate::request::{Body, Reply, Request};
use crate::view::{Known, Mark};
use crate::*;

const GOLDEN: &str = include_str!("golden_v1.txt");

/// A reply of one piece.
fn write_whole(reply: &Reply, mark: Option<Mark>) -> Result<Bytes, WireError> {
    let (only, parts) = write_reply(reply, mark)?;
    assert!(parts.is_none());
    Ok(only)
}

fn path(text: &str) -> FolderPath {
    FolderPath::try_from(text).unwrap()
}

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

fn uids(bits: u32) -> UidSet {
    let mut uids = UidSet::new();
    (0..32)
        .filter(|bit| bits >> bit & 1 == 1)
        .for_each(|bit| uids.insert(uid(bit * 7 + 1)));
    uids
}

fn flags(bits: u8) -> Vec<Flag> {
    ["\\Seen", "\\Deleted", "$One", "two", "Three"]
        .iter()
        .enumerate()
        .filter(|(bit, _)| bits >> bit & 1 == 1)
        .map(|(_, name)| Flag::try_from(*name).unwrap())
        .collect()
}

fn message(text: &str) -> NewMessage {
    // A blob of tenant 7 with one stored piece.
    let mut travel = [&b"\x01\x00\x01\x84\x07\x58\x20"[..], &[0xAB; 32]].concat();
    travel.extend_from_slice(&[0x18, u8::try_from(text.len()).unwrap(), 0x82, 0, 0x81, 0x42, 0, b'x']);
    NewMessage {
        blob: NewBlob::from_travel(&travel).unwrap(),
        structure: Arc::new(hongyan_message::parse(text.as_bytes())),
    }
}

fn append(bits: u8) -> AppendMessage {
    AppendMessage {
        message: message("Subject: hi\r\nMessage-ID: <1@x>\r\n\r\nhi\r\n"),
        flags: flags(bits),
        internal_date: (bits & 1 == 1).then_some(Timestamp { millis: -5 }),
    }
}

fn entry(number: u32, keyword: Option<u32>) -> MessageEntry {
    MessageEntry {
        uid: uid(number),
        email: EmailId(u64::from(number) + 1),
        thread: ThreadId(1),
        modseq: ModSeq(u64::from(number)),
        flags: SystemFlags::from_bits(5),
        keywords: KeywordSet::new(keyword.into_iter().map(KeywordId).collect()),
        octets: Octets(300),
        internal_date: Timestamp { millis: -1 },
        save_date: Timestamp {
            millis: 1_767_225_600_000,
        },
    }
}

/// A view of `messages` messages, every fifth UID, of which the first has a keyword.
fn view_of(messages: u32) -> FolderView {
    let mut keywords = KeywordTable::default();
    keywords.add(Keyword::try_from("$One").unwrap());
    let mut view = FolderView::empty(FolderId(3), UidValidity::new(9).unwrap(), Arc::new(keywords));
    for number in 0..messages {
        view.push(entry(number * 5 + 1, (number == 0).then_some(0)));
    }
    let last = ModSeq(u64::from(view.uid_next));
    (view.modseq, view.highest_modseq, view.as_of) = (last, last, last);
    view
}

fn info() -> FolderInfo {
    FolderInfo {
        id: FolderId(3),
        path: Arc::new(path("Work/中")),
        special_use: Some(SpecialUse::Junk),
        subscribed: true,
        has_children: false,
        uid_validity: UidValidity::new(9).unwrap(),
        uid_next: 300,
        highest_modseq: ModSeq(12),
        messages: 4,
        unseen: 3,
        deleted: 2,
        octets: 1,
    }
}

/// One of each, made from a number.
fn requests(bits: u32) -> Vec<(&'static str, Request)> {
    let small = (bits & 31) as u8;
    let to = [
        FolderRef::Id(FolderId(bits)),
        FolderRef::Path(path("a/b")),
        FolderRef::Use(SpecialUse::ALL[bits as usize % 5]),
    ][bits as usize % 3]
        .clone();
    let (folder, since) = (FolderId(bits), ModSeq(u64::from(bits) << 8));
    let copy = CopyMessages {
        from: folder,
        uids: uids(bits),
        to: to.clone(),
    };
    let moving = MoveMessages {
        from: folder,
        uids: uids(bits),
        to: to.clone(),
    };
    let deliver = Deliver {
        message: message("Subject: hi\r\n\r\nhi\r\n"),
        folder: to.clone(),
        flags: flags(small),
        internal_date: None,
        delivery_id: (bits & 1 == 0).then_some(DeliveryId([7; 16])),
        ignore_quota: bits & 2 == 0,
    };
    let store = StoreFlags {
        folder,
        uids: uids(bits),
        action: [FlagAction::Add, FlagAction::Remove, FlagAction::Set][bits as usize % 3],
        flags: flags(small),
        unchanged_since: (bits & 4 == 0).then_some(since),
    };
    let expunge = Expunge {
        folder,
        uids: (bits & 8 == 0).then(|| uids(bits)),
        deleted_only: bits & 1 == 0,
    };
    let limits = QuotaLimits {
        octets_max: u64::from(bits),
        messages_max: 5,
        warning_percent: small,
    };
    let create = CreateFolder {
        path: path("new"),
        special_use: (bits & 1 == 1).then_some(SpecialUse::Archive),
    };
    let lock = LockMaildrop {
        session: u64::from(bits) << 20,
        span: Duration::from_secs(60),
    };
    let rename = RenameFolder {
        from: path("a"),
        to: path("b/c"),
    };
    let replace = Replace {
        folder,
        uid: uid(bits.max(1)),
        to: to.clone(),
        message: append(small),
    };
    let several = Append {
        folder: to.clone(),
        messages: vec![append(small), append(!small)],
    };
    let subscribe = SubscribeFolder {
        path: path("a"),
        subscribed: bits & 1 == 0,
    };
    let order = OrderFolder {
        folder,
        order: (bits & 1 == 0).then_some(bits),
    };
    let restore = Restore {
        purged: PurgedId {
            at: Timestamp {
                millis: 1_767_225_600_000,
            },
            email: EmailId(u64::from(bits)),
        },
        folder: to.clone(),
    };
    let recall = Recall {
        message_id: "1@x".to_owned(),
        from: "a@x".to_owned(),
        takes_read: bits & 1 == 0,
        notice: message("Subject: hi\r\n\r\nhi\r\n"),
    };
    let open = OpenFolder { folder: to.clone() };
    vec![
        ("Append", several.into_request()),
        ("CopyMessages", copy.into_request()),
        ("CreateFolder", create.into_request()),
        ("DeleteFolder", DeleteFolder { folder: to }.into_request()),
        ("Deliver", deliver.into_request()),
        ("Erase", Erase.into_request()),
        ("Expunge", expunge.clone().into_request()),
        ("Expunge.knowing", expunge.knowing(&view_of(3)).into_request()),
        ("GetQuota", GetQuota.into_request()),
        ("ListFolders", ListFolders.into_request()),
        ("LockMaildrop", lock.into_request()),
        ("MoveMessages", moving.knowing(&view_of(2)).into_request()),
        ("OpenFolder", open.clone().into_request()),
        ("OpenFolder.knowing", open.knowing(&view_of(1)).into_request()),
        ("FolderOrders", FolderOrders.into_request()),
        ("OrderFolder", order.into_request()),
        ("Recall", recall.into_request()),
        ("RenameFolder", rename.into_request()),
        ("Replace", replace.into_request()),
        ("Restore", restore.into_request()),
        ("SetQuota", SetQuota { limits }.into_request()),
        ("StoreFlags", store.knowing(&view_of(9)).into_request()),
        ("SubscribeFolder", subscribe.into_request()),
        ("TouchFolder", TouchFolder { folder }.into_request()),
        ("Vanished", Vanished { folder, since }.into_request()),
    ]
}

/// One of each, and every refusal.
fn replies() -> Vec<(String, Reply)> {
    let appended = AppendReply {
        folder: FolderId(3),
        uid_validity: UidValidity::new(9).unwrap(),
        uids: vec![uid(4), uid(5)],
        emails: vec![EmailId(6), EmailId(7)],
    };
    let copied = CopyMessagesReply {
        to: FolderId(3),
        uid_validity: UidValidity::new(9).unwrap(),
        uids: vec![(uid(1), uid(400))],
    };
    let delivered = DeliverReply {
        folder: FolderId(1),
        uid_validity: UidValidity::new(9).unwrap(),
        uid: uid(4),
        email: EmailId(7),
        is_repeat: true,
    };
    let quota = Quota {
        limits: QuotaLimits {
            octets_max: 1000,
            messages_max: 0,
            warning_percent: 80,
        },
        octets: 5,
        messages: 6,
    };
    let expunged = ExpungeReply {
        expunged: uids(0b1011),
        modseq: ModSeq(12),
        view: view_of(2),
    };
    let listed = ListFoldersReply {
        folders: Arc::new(vec![info()]),
        subscribed_missing: vec![path("gone")],
        modseq: ModSeq(12),
    };
    let moved = MoveMessagesReply {
        moved: copied.clone(),
        view: view_of(0),
    };
    let opened = OpenFolderReply {
        info: info(),
        view: view_of(2),
    };
    let stored = StoreFlagsReply {
        modified: uids(1),
        view: view_of(1),
    };
    let named: Vec<(&str, Reply)> = vec![
        ("Append", Reply::Append(appended.clone())),
        ("CopyMessages", Reply::CopyMessages(copied)),
        (
            "CreateFolder",
            Reply::CreateFolder(CreateFolderReply { folder: info() }),
        ),
        ("DeleteFolder", Reply::DeleteFolder(DeleteFolderReply)),
        ("Deliver", Reply::Deliver(delivered)),
        ("Erase", Reply::Erase(EraseReply)),
        ("Expunge", Reply::Expunge(expunged)),
        ("GetQuota", Reply::GetQuota(GetQuotaReply { quota })),
        ("ListFolders", Reply::ListFolders(listed)),
        ("LockMaildrop", Reply::LockMaildrop(LockMaildropReply)),
        ("MoveMessages", Reply::MoveMessages(moved)),
        ("OpenFolder", Reply::OpenFolder(opened)),
        (
            "FolderOrders",
            Reply::FolderOrders(FolderOrdersReply {
                orders: vec![(FolderId(3), 7)],
            }),
        ),
        ("OrderFolder", Reply::OrderFolder(OrderFolderReply)),
        ("Recall", Reply::Recall(RecallReply { was_read: true })),
        ("RenameFolder", Reply::RenameFolder(RenameFolderReply)),
        (
            "Replace",
            Reply::Replace(ReplaceReply {
                appended: appended.clone(),
            }),
        ),
        (
            "Restore",
            Reply::Restore(RestoreReply {
                message: appended.clone(),
            }),
        ),
        ("SetQuota", Reply::SetQuota(SetQuotaReply)),
        ("StoreFlags", Reply::StoreFlags(stored)),
        ("SubscribeFolder", Reply::SubscribeFolder(SubscribeFolderReply)),
        ("TouchFolder", Reply::TouchFolder(TouchFolderReply)),
        ("Vanished", Reply::Vanished(VanishedReply { uids: Some(uids(6)) })),
    ];
    let mut replies: Vec<(String, Reply)> = named
        .into_iter()
        .map(|(name, reply)| (name.to_owned(), reply))
        .collect();
    for error in refusals() {
        replies.push((format!("Refused {error:?}"), Reply::Refused(error)));
    }
    replies
}

fn refusals() -> Vec<MailboxError> {
    use FolderPathError::{Control, Empty, Inside, TooDeep, TooLong};
    let names = [Empty, TooLong, TooDeep, Inside, Control].map(MailboxError::InvalidName);
    let others = [
        MailboxError::NoSuchFolder,
        MailboxError::FolderExists,
        MailboxError::TooManyFolders,
        MailboxError::SystemFolder,
        MailboxError::HasChildren,
        MailboxError::UseTaken,
        MailboxError::NoSuchMessage,
        MailboxError::OverQuota,
        MailboxError::TooManyKeywords,
        MailboxError::UidsExhausted,
        MailboxError::Locked,
        MailboxError::Unavailable,
        MailboxError::NoPermission,
    ];
    names.into_iter().chain(others).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn golden_bytes() {
    let mut written = String::new();
    for (name, request) in requests(0b1_0110) {
        written += &format!("> {name}\n{}\n", hex(&write_request(&request).unwrap()));
    }
    for (name, reply) in replies() {
        written += &format!("< {name}\n{}\n", hex(&write_whole(&reply, None).unwrap()));
    }
    assert_eq!(written, GOLDEN, "\n{written}");
}

#[test]
fn golden_bytes_are_read() {
    let mut lines = GOLDEN.lines();
    while let (Some(name), Some(bytes)) = (lines.next(), lines.next()) {
        let bytes = unhex(bytes);
        let again = match name.starts_with('>') {
            true => write_request(&read_request(&bytes).unwrap()).unwrap(),
            false => write_whole(&read_reply(&bytes, None).unwrap(), None).unwrap(),
        };
        assert_eq!(hex(&again), hex(&bytes), "{name}");
        // What is cut off is never taken for something else.
        let cut = &bytes[..bytes.len() - 1];
        assert!(
            if name.starts_with('>') {
                read_request(cut).is_err()
            } else {
                read_reply(cut, None).is_err()
            },
            "{name}"
        );
    }
}

/// Sends `newer` to whoever has `older`; gives it back with the octets that took.
fn travel(newer: &FolderView, older: Option<&FolderView>) -> (FolderView, usize) {
    let known = older.map(Known::from).unwrap_or_default();
    let reply = Reply::StoreFlags(StoreFlagsReply {
        modified: UidSet::new(),
        view: newer.clone(),
    });
    let (first, parts) = write_reply(&reply, known.mark).unwrap();
    let mut gathered = Gathered::default();
    let mut octets = 0;
    let parts = parts.into_iter().flatten().map(|part| codec::encode(&part).unwrap());
    for piece in std::iter::once(first).chain(parts) {
        assert!(piece.len() < 2 * view::PART_OCTETS, "{}", piece.len());
        octets += piece.len();
        gathered.push(piece).unwrap();
    }
    let read = reply::read(gathered.first.unwrap(), gathered.later, known.view.as_ref());
    let Ok(Reply::StoreFlags(read)) = read else {
        panic!("another reply")
    };
    read.view.check();
    let entries = |view: &FolderView| view.iter().cloned().collect::<Vec<_>>();
    assert_eq!(entries(&read.view), entries(newer));
    let marks = |view: &FolderView| (view.as_of, view.modseq, view.highest_modseq, view.uid_next, view.len());
    assert_eq!(marks(&read.view), marks(newer));
    assert_eq!(read.view.keywords.len(), newer.keywords.len());
    (read.view, octets)
}

#[test]
fn a_view_costs_what_changed_in_it() {
    let old = view_of(100_000);
    let (there, whole) = travel(&old, None);
    let mut new = old.clone();
    let at = ModSeq(new.as_of.0 + 1);
    new.update(&UidSet::from_range(uid(1), uid(1)), at, |entry| {
        entry.flags = SystemFlags::from_bits(1);
        entry.modseq = at;
    });
    new.remove(&UidSet::from_range(uid(500_000 - 4 - 1280), uid(500_000)), at);
    new.push(MessageEntry {
        modseq: at,
        ..entry(600_001, None)
    });
    new.remove(&UidSet::from_range(uid(200_001), uid(200_001)), at);
    (new.as_of, new.modseq, new.highest_modseq) = (at, at, at);
    let (followed, octets) = travel(&new, Some(&there));
    assert!(octets * 100 < whole, "{octets} of {whole}");
    let difference = there.difference(&followed);
    assert_eq!(difference, old.difference(&new));
    assert_eq!((difference.changed.len(), difference.added.len()), (1, 1));
    // Who hides some of it from its client still has the whole to build on.
    let hidden = there.without(&UidSet::from_range(uid(1), uid(100_000)));
    let (_, from_hidden) = travel(&new, Some(&hidden));
    assert_eq!(from_hidden, octets);
    // Nothing changed: nothing but the ranges.
    assert!(travel(&new, Some(&followed)).1 < 100);
}

/// What one call carries at most (`hongyan_transport::TransportOptions::payload_octets_max`).
const PAYLOAD_OCTETS: usize = 16 << 20;

#[test]
fn a_folder_larger_than_a_payload_travels_in_parts_and_then_only_what_changed() {
    let old = view_of(600_000);
    let (there, whole) = travel(&old, None);
    assert!(whole > PAYLOAD_OCTETS, "{whole}");
    let mut new = old.clone();
    let change = |new: &mut FolderView, uids: &UidSet| {
        let at = ModSeq(new.as_of.0 + 1);
        new.update(uids, at, |entry| entry.modseq = at);
        (new.as_of, new.modseq, new.highest_modseq) = (at, at, at);
    };
    change(&mut new, &UidSet::from_range(uid(2_000_001), uid(2_000_001)));
    let (followed, octets) = travel(&new, Some(&there));
    assert!(octets < 10_000, "{octets}");
    // A change of everything is as large as everything, and travels as that does.
    change(&mut new, &UidSet::from_range(uid(1), uid(4_000_000)));
    assert!(travel(&new, Some(&followed)).1 > PAYLOAD_OCTETS);
}

#[test]
fn a_long_append_travels_in_pieces() {
    let messages: Vec<_> = (0..2_000).map(|number| append((number % 7) as u8)).collect();
    let sent = Append {
        folder: FolderRef::Path(path("Work")),
        messages,
    };
    let sent = sent.into_request();
    let pieces = request::cut(&sent);
    assert!(pieces.len() > 1);
    let pieces: Vec<_> = pieces.iter().map(|piece| write_request(piece).unwrap()).collect();
    assert!(pieces.iter().all(|piece| piece.len() < 1 << 20));
    let joined = request::join(pieces.iter().map(|piece| read_request(piece))).unwrap();
    assert_eq!(
        hex(&write_request(&joined).unwrap()),
        hex(&write_request(&sent).unwrap())
    );
    let other = write_request(&GetQuota.into_request()).unwrap();
    assert!(request::join([&pieces[0], &other].into_iter().map(|piece| read_request(piece))).is_err());
}

#[test]
fn what_a_visitor_may_do_travels() {
    let rights = hongyan_types::FolderRights::read("lrs").unwrap();
    let permit = Arc::new(Permit::new([(FolderId(9), rights)]));
    let request = crate::Acting::new(ListFolders, Some(hongyan_types::AccountId(7)))
        .through(Client::Imap)
        .within(Some(Arc::clone(&permit)))
        .into_request();
    let bytes = write_request(&request).unwrap();
    assert_eq!(hex(&bytes), "030800010701010907");
    let read = read_request(&bytes).unwrap();
    assert_eq!((read.permit, read.client), (Some(permit), Client::Imap));
    assert!(request::older(&request, 1).is_none(), "there are no words without it");
}

#[test]
fn who_asks_in_a_mailbox_of_others_travels() {
    let person = Some(hongyan_types::AccountId(7));
    let request = crate::Acting::new(GetQuota, person).into_request();
    let bytes = write_request(&request).unwrap();
    assert_eq!(hex(&bytes), "01070007");
    assert_eq!(read_request(&bytes).unwrap().acting, person);
    let own = crate::Acting::new(GetQuota, None).into_request();
    let bytes = write_request(&own).unwrap();
    assert_eq!(
        bytes,
        write_request(&GetQuota.into_request()).unwrap(),
        "as it ever was"
    );
}

#[test]
fn log_7_through_what_mails_go_travels() {
    let expunge = || crate::Expunge {
        folder: crate::FolderId(3),
        uids: None,
        deleted_only: true,
    };
    let request = crate::Acting::new(expunge(), None)
        .through(crate::Client::Imap)
        .into_request();
    let bytes = write_request(&request).unwrap();
    assert_eq!(hex(&bytes), "0206030001000001");
    let read = read_request(&bytes).unwrap();
    assert_eq!((read.acting, read.client), (None, crate::Client::Imap));
    let looks = crate::Acting::new(GetQuota, None)
        .through(crate::Client::Imap)
        .into_request();
    assert_eq!(
        write_request(&looks).unwrap(),
        write_request(&GetQuota.into_request()).unwrap(),
        "as it ever was"
    );
}

/// The same request in the words of all releases, the latest first.
fn words(request: &Request) -> Vec<String> {
    let older = (0..).map_while(|age| request::older(request, age));
    older.map(|request| hex(&write_request(&request).unwrap())).collect()
}

#[test]
fn what_removes_mail_is_said_in_words_that_older_releases_read() {
    let expunge = || crate::Expunge {
        folder: crate::FolderId(3),
        uids: None,
        deleted_only: true,
    };
    let of = |person| {
        let person: Option<hongyan_types::AccountId> = person;
        crate::Acting::new(expunge(), person)
            .through(crate::Client::Imap)
            .into_request()
    };
    assert_eq!(
        words(&of(Some(hongyan_types::AccountId(7)))),
        ["020603000100010701", "01060300010007", "000603000100"]
    );
    assert_eq!(words(&of(None)), ["0206030001000001", "000603000100"]);
    assert_eq!(
        words(&GetQuota.into_request()),
        ["0007"].map(|words| format!("{words}00"))
    );
}

#[test]
fn a_view_of_another_life_is_not_built_on() {
    let old = view_of(10);
    let mut new = view_of(3);
    new.uid_validity = UidValidity::new(10).unwrap();
    assert_eq!(travel(&new, Some(&old)).0.len(), 3);
    // A view that is ahead of its owner's: an owner that lost nothing never has one, but none of it is trusted.
    assert_eq!(travel(&view_of(3), Some(&old)).0.len(), 3);
    let bytes = write_whole(
        &Reply::StoreFlags(StoreFlagsReply {
            modified: UidSet::new(),
            view: old.clone(),
        }),
        Known::from(&old).mark,
    );
    assert!(read_reply(&bytes.unwrap(), None).is_err(), "built on nothing");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_read(bits: u32) {
        for (name, request) in requests(bits) {
            let bytes = write_request(&request).unwrap();
            let read = read_request(&bytes).unwrap();
            prop_assert_eq!(hex(&write_request(&read).unwrap()), hex(&bytes), "{}", name);
            prop_assert_eq!(read.known.mark, request.known.mark);
            prop_assert!(std::mem::discriminant(&read.body) == std::mem::discriminant(&request.body));
            if let (Body::StoreFlags(read), Body::StoreFlags(sent)) = (&read.body, &request.body) {
                prop_assert_eq!(format!("{read:?}"), format!("{sent:?}"));
            }
        }
    }

    #[test]
    fn bytes_never_panic(bytes: Vec<u8>) {
        let _ = read_request(&bytes);
        let _ = read_reply(&bytes, Some(&view_of(3)));
    }

    #[test]
    fn views_are_followed(steps in proptest::collection::vec((0..3u8, 0..4000u32, 1..600u32), 1..20)) {
        let mut new = view_of(700);
        let mut known = travel(&new, None).0;
        for (kind, first, span) in steps {
            let at = ModSeq(new.as_of.0 + 1);
            let range = UidSet::from_range(uid(first + 1), uid(first + span));
            match kind {
                0 => new.remove(&range, at),
                1 => new.update(&range, at, |entry| entry.modseq = at),
                _ => {
                    let next = new.uid_next + span * 97;
                    new.push(MessageEntry { modseq: at, ..entry(next, None) });
                }
            }
            (new.as_of, new.modseq, new.highest_modseq) = (at, at, at);
            // Not every step is asked for.
            if first % 3 > 0 {
                known = travel(&new, Some(&known)).0;
            }
        }
        travel(&new, Some(&known));
    }
}
