//! A mailbox against a naive model of itself, over random histories with crashes and faults.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_mailbox::*;
use hongyan_memory::Faults;
use hongyan_types::{Flag, Uid, UidSet};
use proptest::prelude::*;

use crate::harness::{Bench, flags, with_mailbox};

const FLAGS: [&str; 5] = ["\\Seen", "\\Deleted", "\\Flagged", "$One", "$Two"];

#[derive(Debug, Clone)]
enum Operation {
    Deliver,
    Append(u8, u8),
    Store(u8, u64, u8, u8),
    Copy(u8, u64, u8),
    Move(u8, u64, u8),
    Expunge(u8, u64, bool),
    TakeOver,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let folder = 0..3u8;
    let operation = prop_oneof![
        3 => Just(Operation::Deliver),
        3 => (folder.clone(), any::<u8>()).prop_map(|(folder, flags)| Operation::Append(folder, flags)),
        4 => (folder.clone(), any::<u64>(), 0..3u8, any::<u8>())
            .prop_map(|(folder, uids, action, flags)| Operation::Store(folder, uids, action, flags)),
        2 => (folder.clone(), any::<u64>(), folder.clone()).prop_map(|(a, uids, b)| Operation::Copy(a, uids, b)),
        2 => (folder.clone(), any::<u64>(), folder.clone()).prop_map(|(a, uids, b)| Operation::Move(a, uids, b)),
        2 => (folder, any::<u64>(), any::<bool>())
            .prop_map(|(folder, uids, deleted)| Operation::Expunge(folder, uids, deleted)),
        1 => Just(Operation::TakeOver),
    ];
    proptest::collection::vec(operation, 1..50)
}

#[derive(Default, Clone)]
struct ModelFolder {
    last_uid: u32,
    messages: BTreeMap<u32, BTreeSet<String>>,
}

impl ModelFolder {
    fn add(&mut self, flags: BTreeSet<String>) {
        self.last_uid += 1;
        self.messages.insert(self.last_uid, flags);
    }
}

fn pick(bits: u64) -> UidSet {
    let mut uids = UidSet::new();
    // Few UIDs at random and long ranges both.
    for bit in (0..64).filter(|bit| bits >> bit & 1 == 1) {
        uids.insert(Uid::new(bit + 1).unwrap());
    }
    uids
}

fn names(bits: u8) -> Vec<&'static str> {
    (0..FLAGS.len())
        .filter(|bit| bits >> bit & 1 == 1)
        .map(|bit| FLAGS[bit])
        .collect()
}

fn folder(index: u8) -> FolderRef {
    match index {
        0 => FolderRef::INBOX,
        1 => SpecialUse::Archive.into(),
        _ => SpecialUse::Trash.into(),
    }
}

fn shown(view: &FolderView) -> BTreeMap<u32, BTreeSet<String>> {
    let flags = |entry: &MessageEntry| {
        let system = entry.flags.iter().map(|flag| Flag::System(flag).to_string());
        let keywords = entry
            .keywords
            .ids()
            .iter()
            .map(|id| view.keywords().name(*id).unwrap().to_string());
        system.chain(keywords).collect()
    };
    view.iter().map(|entry| (entry.uid.get(), flags(entry))).collect()
}

async fn run(bench: &mut Bench, model: &mut [ModelFolder], operation: &Operation) {
    let set = |bits| names(bits).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    match *operation {
        Operation::Deliver => {
            bench.deliver("Subject: x\r\n\r\nx\r\n", None).await.unwrap();
            model[0].add(BTreeSet::new());
        }
        Operation::Append(to, bits) => {
            bench
                .append(folder(to), "Subject: y\r\n\r\ny\r\n", &names(bits))
                .await
                .unwrap();
            model[usize::from(to)].add(set(bits));
        }
        Operation::Store(at, bits, action, change) => {
            let action = [FlagAction::Add, FlagAction::Remove, FlagAction::Set][usize::from(action)];
            let request = StoreFlags {
                folder: bench.view(folder(at)).await.folder(),
                uids: pick(bits),
                action,
                flags: flags(&names(change)),
                unchanged_since: None,
            };
            bench.ask(request).await.unwrap();
            for uid in pick(bits).iter() {
                let Some(flags) = model[usize::from(at)].messages.get_mut(&uid.get()) else {
                    continue;
                };
                match action {
                    FlagAction::Add => flags.extend(set(change)),
                    FlagAction::Remove => *flags = &*flags - &set(change),
                    FlagAction::Set => *flags = set(change),
                }
            }
        }
        Operation::Copy(from, bits, to) | Operation::Move(from, bits, to) => {
            let source = bench.view(folder(from)).await.folder();
            let (uids, target) = (pick(bits), folder(to));
            let moves = matches!(operation, Operation::Move(..));
            if moves {
                let request = MoveMessages {
                    from: source,
                    uids,
                    to: target,
                };
                bench.ask(request).await.unwrap();
            } else {
                let request = CopyMessages {
                    from: source,
                    uids,
                    to: target,
                };
                bench.ask(request).await.unwrap();
            }
            // All are taken before any comes: a message that came by this very operation is not picked again.
            let messages = &mut model[usize::from(from)].messages;
            let take = |uid: Uid| match moves {
                true => messages.remove(&uid.get()),
                false => messages.get(&uid.get()).cloned(),
            };
            let taken: Vec<_> = pick(bits).iter().filter_map(take).collect();
            taken.into_iter().for_each(|flags| model[usize::from(to)].add(flags));
        }
        Operation::Expunge(at, bits, deleted_only) => {
            let request = Expunge {
                folder: bench.view(folder(at)).await.folder(),
                uids: Some(pick(bits)),
                deleted_only,
            };
            bench.ask(request).await.unwrap();
            let picked = pick(bits);
            model[usize::from(at)].messages.retain(|uid, flags| {
                !picked.contains(Uid::new(*uid).unwrap()) || (deleted_only && !flags.contains("\\Deleted"))
            });
        }
        Operation::TakeOver => bench.take_over().await,
    }
}

/// Applies a difference to what a session knew.
fn follow(known: &FolderView, now: &FolderView) {
    let difference = known.difference(now);
    let mut entries: BTreeMap<Uid, MessageEntry> = known.iter().map(|entry| (entry.uid, entry.clone())).collect();
    for uid in difference.vanished.iter() {
        assert!(entries.remove(&uid).is_some(), "only what was there vanishes");
    }
    for entry in difference.changed {
        assert!(entry.modseq > entries[&entry.uid].modseq, "modseq grows");
        entries.insert(entry.uid, entry);
    }
    for entry in difference.added {
        assert!(entry.uid.get() >= known.uid_next(), "new messages have new UIDs");
        entries.insert(entry.uid, entry);
    }
    let followed: Vec<_> = entries.into_values().collect();
    assert_eq!(followed, now.iter().cloned().collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_mailbox_behaves_as_its_model(operations in operations(), seed in 1..u64::MAX) {
        let options = MailboxOptions {
            checkpoint_commits: 6,
            copy_step_messages: 5,
            expunge_step_messages: 3,
            flag_step_messages: 4,
            ..MailboxOptions::default()
        };
        with_mailbox(options, async |mut bench| {
            let mut model = vec![ModelFolder::default(); 3];
            bench.view(FolderRef::INBOX).await;
            bench.is_far = seed % 2 == 0;
            bench.store.set_faults(Faults {
                seed,
                conflict_per_mille: 30,
                commit_too_old_per_mille: 10,
                read_too_old_per_mille: 5,
                unknown_applied_per_mille: 40,
                unknown_not_applied_per_mille: 40,
                ..Faults::default()
            });
            let mut known = Vec::new();
            for index in 0..3 {
                known.push(bench.view(folder(index)).await);
            }
            for operation in &operations {
                run(&mut bench, &mut model, operation).await;
                for index in 0..3u8 {
                    let (at, view) = (usize::from(index), bench.view(folder(index)).await);
                    assert_eq!(shown(&view), model[at].messages, "after {operation:?}");
                    assert_eq!(view.uid_next(), model[at].last_uid + 1);
                    assert!(view.modseq() >= known[at].modseq(), "modseq never goes back");
                    follow(&known[at], &view);
                    let open = OpenFolder { folder: folder(index) };
                    let followed = bench.node.ask_from_afar(open.knowing(&known[at])).await.unwrap().unwrap().view;
                    followed.check();
                    assert_eq!(known[at].difference(&followed), known[at].difference(&view));
                    for (position, entry) in (1..).zip(view.iter()) {
                        let seq = view.seq_of(entry.uid).unwrap();
                        assert_eq!((seq.get(), view.at(seq)), (position, Some(entry)));
                    }
                    known[at] = followed;
                }
            }
        });
    }
}
