//! Sync: what changed in folders, both ways ([MS-ASCMD] §2.2.1.21).
//!
//! A device that shows the key before the last one has not had the last answer: it goes on from where it then was, and what it
//! did is not done again.

use std::time::Duration;

use axum::response::Response;
use hongyan_activesync::command::sync::{
    SyncChange, SyncCollection, SyncCollectionResponse, SyncCommand, SyncOptions, SyncRequest, SyncResponse,
    SyncStatus, SyncWait,
};
use hongyan_activesync::page::air_sync as page;
use hongyan_activesync::{Element, wbxml};
use hongyan_mailbox::{FolderId, FolderView, Vanished};
use hongyan_types::{Uid, UidSet};

use crate::answer::{Found, body, empty, later};
use crate::asking::{Asking, message_name, read_folder};
use crate::devices;
use crate::mail::{email_data, state};
use crate::position::{Look, Plan, Position, Told};
use crate::record::{self, CollectionRecord, Key, WishesRecord};
use crate::sync_changes::{Applied, apply};

/// Changes in an answer, where the device says nothing.
const WINDOW: usize = 100;
/// Keys begin with it.
const BEGIN: &str = "0";
const DAY_MILLIS: i64 = 86_400_000;
const HOUR_MILLIS: i64 = 3_600_000;
/// The class of mails.
const EMAIL: &str = "Email";

/// One folder of a request.
struct Asked {
    collection: SyncCollection,
    window: usize,
}

/// What one folder is answered, and whether there is anything to it.
struct Answered {
    collection: SyncCollectionResponse,
    has_news: bool,
}

/// The oldest that a device wants. To the hour, so that not each answer moves it.
fn oldest(wishes: &WishesRecord, now_millis: i64) -> Option<i64> {
    let now = now_millis.div_euclid(HOUR_MILLIS) * HOUR_MILLIS;
    let days = wishes.options().filter.days();
    days.map(|days| now - i64::from(days) * DAY_MILLIS)
}

/// What a device wants, which holds until it says something else.
pub(crate) fn wishes(options: &[SyncOptions], before: Option<&WishesRecord>) -> WishesRecord {
    let of_mails = |options: &&SyncOptions| options.class.as_deref().is_none_or(|class| class == EMAIL);
    match (options.iter().find(of_mails), before) {
        (Some(options), _) => WishesRecord::of(options),
        (None, Some(before)) => before.clone(),
        (None, None) => WishesRecord::of(&SyncOptions::default()),
    }
}

/// What is answered of a folder before there is more to say.
fn collection(asked: &Asked, sync_key: String, status: SyncStatus) -> SyncCollectionResponse {
    SyncCollectionResponse {
        sync_key,
        collection_id: asked.collection.collection_id.clone(),
        status,
        more_available: false,
        responses: Vec::new(),
        commands: Vec::new(),
    }
}

/// How long the device lets an answer without news wait; `Err` with what is allowed instead.
fn waiting(asking: &Asking<'_>, wait: Option<SyncWait>) -> Result<Option<Duration>, SyncResponse> {
    let Some(wait) = wait else { return Ok(None) };
    let wanted = Duration::from_secs(wait.secs().into());
    let limits = &asking.service.settings;
    let bounded = wanted.clamp(limits.wait_min, limits.wait_max);
    if bounded == wanted {
        return Ok(Some(wanted));
    }
    let secs = u32::try_from(bounded.as_secs()).unwrap_or(u32::MAX);
    Err(SyncResponse::Refused {
        status: SyncStatus::InvalidWait,
        limit: Some(wait.limit(secs)),
    })
}

/// The folders that are asked for, and how long for news of them; `Err` with what is answered instead.
fn asked(asking: &Asking<'_>, request: SyncRequest) -> Result<(Vec<Asked>, Option<Duration>), SyncResponse> {
    let refused = |status, limit| Err(SyncResponse::Refused { status, limit });
    if request.partial {
        // What the last one said is not kept: the device says all of it.
        return refused(SyncStatus::RequestIncomplete, None);
    }
    if request.collections.is_empty() {
        return refused(SyncStatus::ProtocolError, None);
    }
    let limits = &asking.service.settings;
    if request.collections.len() > limits.collections_max {
        let max = u32::try_from(limits.collections_max).unwrap_or(u32::MAX);
        return refused(SyncStatus::TooManyCollections, Some(max));
    }
    let wait = waiting(asking, request.wait)?;
    let of_all = request.window_size.map_or(usize::MAX, usize::from);
    let asked = request.collections.into_iter().map(|collection| Asked {
        window: collection
            .window_size
            .map_or(WINDOW, usize::from)
            .min(of_all)
            .min(limits.window_max),
        collection,
    });
    Ok((asked.collect(), wait))
}

pub(crate) async fn sync(asking: &Asking<'_>, tree: Option<&Element>) -> Found<Response> {
    let request = match tree {
        Some(tree) => SyncRequest::read(tree, asking.version)?,
        // Without a body it is the last one again.
        None => SyncRequest {
            partial: true,
            ..SyncRequest::default()
        },
    };
    let (asked, wait) = match asked(asking, request) {
        Ok(asked) => asked,
        Err(refused) => return Ok(body(&refused.write())),
    };
    let mut hints = asking.service.services.router.subscribe(&asking.mailbox);
    let env = asking.service.services.env.clone();
    let look = async {
        loop {
            let answered = answer_all(asking, &asked).await?;
            let has_news = answered.as_ref().is_none_or(|all| all.iter().any(|one| one.has_news));
            if has_news || wait.is_none() {
                return Found::Ok(answered);
            }
            hints.changed().await;
        }
    };
    let answered = match wait {
        None => Some(look.await?),
        Some(wait) => env.timeout(wait, asking.unless_cut(look)).await.transpose()?,
    };
    let Some(answered) = answered else {
        return Ok(empty());
    };
    // Two requests of one device crossed each other.
    let Some(answered) = answered else { return Ok(later()) };
    let told = answered.into_iter().filter(|one| one.has_news);
    let told: Vec<SyncCollectionResponse> = told.map(|one| one.collection).collect();
    if told.is_empty() {
        return Ok(empty());
    }
    Ok(body(&SyncResponse::Collections(told).write()))
}

/// `None` when another request of the device was faster.
async fn answer_all(asking: &Asking<'_>, asked: &[Asked]) -> Found<Option<Vec<Answered>>> {
    let mut octets = asking.service.settings.response_octets_max;
    let mut all = Vec::with_capacity(asked.len());
    for one in asked {
        match answer_one(asking, one, &mut octets).await? {
            Some(answered) => all.push(answered),
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}

fn told(collection: SyncCollectionResponse) -> Option<Answered> {
    Some(Answered {
        collection,
        has_news: true,
    })
}

async fn answer_one(asking: &Asking<'_>, asked: &Asked, octets: &mut usize) -> Found<Option<Answered>> {
    let gone = || {
        Ok(told(collection(
            asked,
            BEGIN.to_owned(),
            SyncStatus::FolderHierarchyChanged,
        )))
    };
    let Some(folder) = read_folder(&asked.collection.collection_id) else {
        return gone();
    };
    let Some(opened) = asking.open(folder).await? else {
        return gone();
    };
    let (account, device) = (asking.account.id, &asking.line.device_id);
    let mut transaction = asking.service.services.database.begin();
    let known = devices::collection(&mut transaction, account, device, folder).await?;
    if asked.collection.sync_key == BEGIN {
        let mut seed = [0; 4];
        asking.service.services.env.fill_random(&mut seed);
        let wishes = wishes(&asked.collection.options, None);
        let record = CollectionRecord {
            uid_validity: opened.view.uid_validity().get(),
            key: Key::begin(u32::from_be_bytes(seed)),
            position: Position::begin(&opened.view, oldest(&wishes, asking.now_millis())),
            before: None,
            done: Vec::new(),
            commands: 0,
            wishes,
        };
        transaction.set(record::collection(account, device, folder), record.encode());
        transaction.commit().await?;
        return Ok(told(collection(asked, record.key.text(), SyncStatus::Success)));
    }
    let Some(shown) = Shown::of(&asked.collection.sync_key, known, &opened.view) else {
        return Ok(told(collection(asked, BEGIN.to_owned(), SyncStatus::InvalidSyncKey)));
    };
    go_on(asking, asked, shown, opened.view, octets).await
}

/// Where a device stands that showed a key.
pub(crate) struct Shown {
    pub(crate) known: CollectionRecord,
    pub(crate) base: Position,
    next: Key,
    is_repeat: bool,
}

impl Shown {
    /// `None` for a key that is not the last one, nor the one before.
    pub(crate) fn of(key: &str, known: Option<CollectionRecord>, view: &FolderView) -> Option<Self> {
        let known = known.filter(|known| known.uid_validity == view.uid_validity().get())?;
        let key = Key::read(key)?;
        if key == known.key {
            return Some(Self {
                base: known.position.clone(),
                next: known.key.next(),
                is_repeat: false,
                known,
            });
        }
        let base = known.before.clone().filter(|_| key.next() == known.key)?;
        Some(Self {
            base,
            next: known.key,
            is_repeat: true,
            known,
        })
    }
}

/// Tells the commands of a request from others; 0 is none.
fn mark(commands: &[SyncCommand]) -> u64 {
    if commands.is_empty() {
        return 0;
    }
    let commands = Element::new(page::COMMANDS).with_all(commands.iter().map(SyncCommand::write));
    let hash = blake3::hash(&wbxml::encode(&commands));
    let mut octets = [0; 8];
    octets.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_be_bytes(octets).max(1)
}

async fn go_on(
    asking: &Asking<'_>,
    asked: &Asked,
    shown: Shown,
    view: FolderView,
    octets: &mut usize,
) -> Found<Option<Answered>> {
    let Shown {
        known,
        mut base,
        next,
        is_repeat,
    } = shown;
    let folder = view.folder();
    let wishes = wishes(&asked.collection.options, Some(&known.wishes));
    let options = wishes.options();
    let commands = &asked.collection.commands;
    let commands_mark = mark(commands);
    let again = (is_repeat && commands_mark == known.commands).then_some(known.done.as_slice());
    let applied = match commands.is_empty() {
        true => Applied::nothing(view),
        false => {
            let moves = asked.collection.deletes_as_moves;
            apply(asking, commands, (&mut base, &options, moves, again), view).await?
        }
    };
    let Applied {
        view,
        responses,
        done,
        removed,
    } = applied;
    let mut answer = SyncCollectionResponse {
        responses,
        ..collection(asked, next.text(), SyncStatus::Success)
    };
    let mut has_news = !commands.is_empty();
    let mut position = base.clone();
    if asked.collection.wants_changes() {
        let Some(plan) = plan(asking, &base, &view, &wishes, (&removed, asked.window)).await? else {
            return Ok(told(collection(asked, BEGIN.to_owned(), SyncStatus::InvalidSyncKey)));
        };
        let (changes, plan) = render(asking, plan, (&base, &view, &wishes, &removed), octets).await?;
        has_news |= !changes.is_empty() || plan.has_more;
        answer.more_available = plan.has_more;
        answer.commands = changes;
        position = plan.next;
    }
    if !has_news && wishes == known.wishes {
        // The key stays as it is; what the device has need not be noted.
        return Ok(Some(Answered {
            collection: answer,
            has_news: false,
        }));
    }
    let record = CollectionRecord {
        uid_validity: known.uid_validity,
        key: next,
        position,
        before: Some(base_before(is_repeat, &known)),
        done,
        commands: commands_mark,
        wishes,
    };
    let is_kept = keep(asking, folder, &known, &record).await?;
    Ok(is_kept.then_some(Answered {
        collection: answer,
        has_news: true,
    }))
}

/// Where the device was under the key that it showed.
fn base_before(is_repeat: bool, known: &CollectionRecord) -> Position {
    match &known.before {
        Some(before) if is_repeat => before.clone(),
        _ => known.position.clone(),
    }
}

/// Keeps where a device is, unless another request of it was faster.
async fn keep(
    asking: &Asking<'_>,
    folder: FolderId,
    known: &CollectionRecord,
    record: &CollectionRecord,
) -> Found<bool> {
    let (account, device) = (asking.account.id, &asking.line.device_id);
    let mut transaction = asking.service.services.database.begin();
    let now = devices::collection(&mut transaction, account, device, folder).await?;
    if now.as_ref() != Some(known) {
        return Ok(false);
    }
    transaction.set(record::collection(account, device, folder), record.encode());
    match transaction.commit().await {
        Ok(_) => Ok(true),
        Err(hongyan_kv::Error::Conflict) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What is to be told; `None` when nobody knows any more what went.
pub(crate) async fn plan(
    asking: &Asking<'_>,
    base: &Position,
    view: &FolderView,
    wishes: &WishesRecord,
    (removed, window): (&UidSet, usize),
) -> Found<Option<Plan>> {
    let folder = view.folder();
    let mut gone = UidSet::new();
    if view.modseq() > base.gone_since() {
        let since = base.gone_since();
        let Some(found) = asking.ask(Vanished { folder, since }).await?.uids else {
            return Ok(None);
        };
        gone = found;
    }
    let mut later = None;
    if let Some(since) = base.gone_until() {
        let Some(found) = asking.ask(Vanished { folder, since }).await?.uids else {
            return Ok(None);
        };
        later = Some(found);
    }
    Ok(Some(base.plan(&Look {
        view,
        gone: &gone,
        gone_later: later.as_ref(),
        oldest_millis: oldest(wishes, asking.now_millis()),
        removed,
        window,
    })))
}

/// Whether a device has something to hear of a folder.
pub(crate) async fn has_news(asking: &Asking<'_>, known: &CollectionRecord, view: &FolderView) -> Found<bool> {
    if known.uid_validity != view.uid_validity().get() {
        return Ok(true);
    }
    let none = UidSet::new();
    let found = plan(asking, &known.position, view, &known.wishes, (&none, 1)).await?;
    // That mail grows older is no reason to wake a device.
    let is_news = |item: &Told| !matches!(item, Told::SoftDelete(_));
    Ok(found.is_none_or(|plan| plan.items.iter().any(is_news)))
}

/// What a plan tells, as far as there is room for it, and the plan as far as it was told.
async fn render(
    asking: &Asking<'_>,
    plan: Plan,
    (base, view, wishes, removed): (&Position, &FolderView, &WishesRecord, &UidSet),
    octets: &mut usize,
) -> Found<(Vec<SyncChange>, Plan)> {
    let options = wishes.options();
    let name = |uid: Uid| message_name(view.folder(), uid);
    let mut changes = Vec::with_capacity(plan.items.len());
    for (at, item) in plan.items.iter().enumerate() {
        match item {
            Told::Delete(uid) => changes.push(SyncChange::Delete { server_id: name(*uid) }),
            Told::SoftDelete(uid) => changes.push(SyncChange::SoftDelete { server_id: name(*uid) }),
            Told::Change(uid) => changes.extend(view.get(*uid).map(|entry| SyncChange::Change {
                server_id: name(*uid),
                data: state(view, entry).write(asking.version),
            })),
            Told::Add(uid) => {
                let Some(entry) = view.get(*uid) else { continue };
                if *octets == 0 {
                    let told = up_to(asking, at, base, view, wishes, removed).await?;
                    return Ok((changes, told.unwrap_or(plan)));
                }
                // What went since is told as gone with the next answer.
                if let Some((data, size)) = email_data(asking, view, entry, &options).await? {
                    *octets = octets.saturating_sub(size);
                    changes.push(SyncChange::Add {
                        server_id: name(*uid),
                        data: data.write(asking.version),
                    });
                }
            }
        }
    }
    Ok((changes, plan))
}

/// The beginning of the plan: over the same view it is the same.
async fn up_to(
    asking: &Asking<'_>,
    window: usize,
    base: &Position,
    view: &FolderView,
    wishes: &WishesRecord,
    removed: &UidSet,
) -> Found<Option<Plan>> {
    plan(asking, base, view, wishes, (removed, window)).await
}
