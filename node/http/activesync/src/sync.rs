//! Sync: what changed in folders, both ways ([MS-ASCMD] §2.2.1.21).
//!
//! A device that shows the key before the last one has not had the last answer: it goes on from where it then was, and what it
//! did is not done again.

use std::time::Duration;

use axum::response::Response;
use hongyan_activesync::page::{air_sync as page, air_sync_base};
use hongyan_activesync::{Element, wbxml};
use hongyan_mailbox::{FolderId, FolderView, Vanished};
use hongyan_types::UidSet;

use crate::answer::{Found, body, empty, later, refused};
use crate::asking::{Asking, folder_name, read_folder};
use crate::devices;
use crate::mail::{application_data, state};
use crate::position::{Look, Plan, Position, Told};
use crate::record::{self, BodyWishRecord, CollectionRecord, Key, WishesRecord};
use crate::sync_changes::{Applied, apply};

/// [MS-ASCMD] §2.2.3.177.17.
const SUCCESS: u8 = 1;
const INVALID_KEY: u8 = 3;
const PROTOCOL_ERROR: u16 = 4;
const HIERARCHY_CHANGED: u8 = 12;
const EMPTY_REQUEST: u16 = 13;
const BAD_WAIT: u8 = 14;
const TOO_MANY_COLLECTIONS: u8 = 15;

/// Changes in an answer, where the device says nothing.
const WINDOW: usize = 100;
/// Keys begin with it.
const BEGIN: &str = "0";
const DAY_MILLIS: i64 = 86_400_000;
const HOUR_MILLIS: i64 = 3_600_000;
/// A conflict is decided for the server, where the device says nothing ([MS-ASCMD] §2.2.3.35).
const SERVER_WINS: u8 = 1;

/// One folder of a request.
struct Asked<'t> {
    element: &'t Element,
    id: &'t str,
    key: &'t str,
    window: usize,
    wants_changes: bool,
}

/// What one folder is answered, and whether there is anything to it.
struct Answered {
    element: Element,
    has_news: bool,
}

/// Days that a filter reaches back ([MS-ASCMD] §2.2.3.68.2).
fn filter_days(filter: u8) -> Option<i64> {
    Some(match filter {
        1 => 1,
        2 => 3,
        3 => 7,
        4 => 14,
        5 => 30,
        _ => return None,
    })
}

/// The oldest that a device wants. To the hour, so that not each answer moves it.
fn oldest(wishes: &WishesRecord, now_millis: i64) -> Option<i64> {
    let now = now_millis.div_euclid(HOUR_MILLIS) * HOUR_MILLIS;
    filter_days(wishes.filter).map(|days| now - days * DAY_MILLIS)
}

fn number<T: std::str::FromStr>(element: &Element, tag: hongyan_activesync::Tag) -> Option<T> {
    element.text_of(tag)?.trim().parse().ok()
}

/// What a device wants of bodies.
pub(crate) fn read_bodies(options: &Element) -> Vec<BodyWishRecord> {
    let wishes = options.children(air_sync_base::BODY_PREFERENCE).filter_map(|wish| {
        Some(BodyWishRecord {
            kind: number(wish, air_sync_base::TYPE)?,
            truncation: number(wish, air_sync_base::TRUNCATION_SIZE),
            all_or_none: number(wish, air_sync_base::ALL_OR_NONE) == Some(1_u8),
            preview: number(wish, air_sync_base::PREVIEW),
        })
    });
    // There are four forms.
    wishes.take(4).collect()
}

/// What a device wants, which holds until it says something else.
fn read_wishes(element: &Element, before: Option<&WishesRecord>) -> WishesRecord {
    let Some(options) = element.child(page::OPTIONS) else {
        let first = WishesRecord {
            conflict: SERVER_WINS,
            ..WishesRecord::default()
        };
        return before.cloned().unwrap_or(first);
    };
    WishesRecord {
        filter: number(options, page::FILTER_TYPE).unwrap_or(0),
        conflict: number(options, page::CONFLICT).unwrap_or(SERVER_WINS),
        mime: number(options, page::MIME_SUPPORT).unwrap_or(0),
        bodies: read_bodies(options),
    }
}

fn collection(id: &str, key: &str, status: u8) -> Element {
    Element::new(page::COLLECTION)
        .text(page::SYNC_KEY, key)
        .text(page::COLLECTION_ID, id)
        .number(page::STATUS, status)
}

/// How long the device lets an answer without news wait; `Err` with what is allowed instead.
fn wait(asking: &Asking<'_>, tree: &Element) -> Result<Option<Duration>, Element> {
    let minutes: Option<u64> = number(tree, page::WAIT);
    let secs = number::<u64>(tree, page::HEARTBEAT_INTERVAL).or(minutes.map(|minutes| minutes.saturating_mul(60)));
    let Some(wanted) = secs.map(Duration::from_secs) else {
        return Ok(None);
    };
    let limits = &asking.service.settings;
    let bounded = wanted.clamp(limits.wait_min, limits.wait_max);
    if bounded == wanted {
        return Ok(Some(wanted));
    }
    let limit = if minutes.is_some() {
        bounded.as_secs() / 60
    } else {
        bounded.as_secs()
    };
    Err(Element::new(page::SYNC)
        .number(page::STATUS, BAD_WAIT)
        .number(page::LIMIT, limit))
}

fn read_asked<'t>(asking: &Asking<'_>, tree: &'t Element) -> Option<Vec<Asked<'t>>> {
    let window_max = asking.service.settings.window_max;
    let window = |element: &Element| {
        let wanted: Option<usize> = number(element, page::WINDOW_SIZE);
        // [MS-ASCMD] §2.2.3.199: 0 is the most there is.
        wanted.map(|wanted| {
            if wanted == 0 {
                window_max
            } else {
                wanted.min(window_max)
            }
        })
    };
    let of_all = window(tree);
    let asked = tree
        .child(page::COLLECTIONS)?
        .children(page::COLLECTION)
        .map(|element| {
            let key = element.text_of(page::SYNC_KEY)?;
            let of_one = window(element).unwrap_or(WINDOW.min(window_max));
            let wants_changes = element.text_of(page::GET_CHANGES).map(str::trim);
            Some(Asked {
                element,
                id: element.text_of(page::COLLECTION_ID)?,
                key,
                window: of_all.map_or(of_one, |of_all| of_all.min(of_one)),
                wants_changes: wants_changes != Some("0") && key != BEGIN,
            })
        });
    let asked: Option<Vec<_>> = asked.collect();
    asked.filter(|asked| !asked.is_empty())
}

pub(crate) async fn sync(asking: &Asking<'_>, tree: Option<&Element>) -> Found<Response> {
    let command = asking.line.command;
    let Some(tree) = tree else {
        // What the last one said is not kept: the device says all of it.
        return Ok(refused(command, EMPTY_REQUEST));
    };
    if tree.tag != page::SYNC {
        return Ok(refused(command, PROTOCOL_ERROR));
    }
    if tree.has(page::PARTIAL) {
        return Ok(refused(command, EMPTY_REQUEST));
    }
    let Some(asked) = read_asked(asking, tree) else {
        return Ok(refused(command, PROTOCOL_ERROR));
    };
    let limits = &asking.service.settings;
    if asked.len() > limits.collections_max {
        let max = u64::try_from(limits.collections_max).unwrap_or(u64::MAX);
        let answer = Element::new(page::SYNC)
            .number(page::STATUS, TOO_MANY_COLLECTIONS)
            .number(page::LIMIT, max);
        return Ok(body(&answer));
    }
    let wait = match wait(asking, tree) {
        Ok(wait) => wait,
        Err(answer) => return Ok(body(&answer)),
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
        Some(wait) => env.timeout(wait, look).await.transpose()?,
    };
    let Some(answered) = answered else {
        return Ok(empty());
    };
    // Two requests of one device crossed each other.
    let Some(answered) = answered else { return Ok(later()) };
    let told: Vec<Element> = answered
        .into_iter()
        .filter(|one| one.has_news)
        .map(|one| one.element)
        .collect();
    if told.is_empty() {
        return Ok(empty());
    }
    Ok(body(
        &Element::new(page::SYNC).with(Element::new(page::COLLECTIONS).with_all(told)),
    ))
}

/// `None` when another request of the device was faster.
async fn answer_all(asking: &Asking<'_>, asked: &[Asked<'_>]) -> Found<Option<Vec<Answered>>> {
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

fn told(element: Element) -> Option<Answered> {
    Some(Answered {
        element,
        has_news: true,
    })
}

async fn answer_one(asking: &Asking<'_>, asked: &Asked<'_>, octets: &mut usize) -> Found<Option<Answered>> {
    let gone = || Ok(told(collection(asked.id, BEGIN, HIERARCHY_CHANGED)));
    let Some(folder) = read_folder(asked.id) else {
        return gone();
    };
    let Some(opened) = asking.open(folder).await? else {
        return gone();
    };
    let (account, device) = (asking.account.id, &asking.line.device_id);
    let mut transaction = asking.service.services.database.begin();
    let known = devices::collection(&mut transaction, account, device, folder).await?;
    if asked.key == BEGIN {
        let mut seed = [0; 4];
        asking.service.services.env.fill_random(&mut seed);
        let wishes = read_wishes(asked.element, None);
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
        return Ok(told(collection(asked.id, &record.key.text(), SUCCESS)));
    }
    let Some(shown) = Shown::of(asked, known, &opened.view) else {
        return Ok(told(collection(asked.id, BEGIN, INVALID_KEY)));
    };
    go_on(asking, asked, shown, opened.view, octets).await
}

/// Where a device stands that showed a key.
struct Shown {
    known: CollectionRecord,
    base: Position,
    next: Key,
    is_repeat: bool,
}

impl Shown {
    /// `None` for a key that is not the last one, nor the one before.
    fn of(asked: &Asked<'_>, known: Option<CollectionRecord>, view: &FolderView) -> Option<Self> {
        let known = known.filter(|known| known.uid_validity == view.uid_validity().get())?;
        let key = Key::read(asked.key)?;
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
fn mark(commands: Option<&Element>) -> u64 {
    let Some(commands) = commands else { return 0 };
    let hash = blake3::hash(&wbxml::encode(commands));
    let mut octets = [0; 8];
    octets.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_be_bytes(octets).max(1)
}

async fn go_on(
    asking: &Asking<'_>,
    asked: &Asked<'_>,
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
    let wishes = read_wishes(asked.element, Some(&known.wishes));
    let commands = asked.element.child(page::COMMANDS);
    let commands_mark = mark(commands);
    let again = (is_repeat && commands_mark == known.commands).then_some(known.done.as_slice());
    let applied = match commands {
        None => Applied::nothing(view),
        Some(commands) => {
            let moves = asked.element.text_of(page::DELETES_AS_MOVES).map(str::trim) != Some("0");
            apply(asking, commands, (&mut base, &wishes, moves, again), view).await?
        }
    };
    let Applied {
        view,
        responses,
        done,
        removed,
    } = applied;
    let mut answer = collection(asked.id, &next.text(), SUCCESS);
    let mut has_news = commands.is_some();
    let mut position = base.clone();
    if asked.wants_changes {
        let Some(plan) = plan(asking, &base, &view, &wishes, (&removed, asked.window)).await? else {
            return Ok(told(collection(asked.id, BEGIN, INVALID_KEY)));
        };
        let (elements, plan) = render(asking, plan, (&base, &view, &wishes, &removed), octets).await?;
        has_news |= !elements.is_empty() || plan.has_more;
        answer = answer.flag_if(page::MORE_AVAILABLE, plan.has_more);
        if !elements.is_empty() {
            answer = answer.with(Element::new(page::COMMANDS).with_all(elements));
        }
        position = plan.next;
    }
    if !responses.is_empty() {
        answer = answer.with(Element::new(page::RESPONSES).with_all(responses));
    }
    if !has_news && wishes == known.wishes {
        // The key stays as it is; what the device has need not be noted.
        return Ok(Some(Answered {
            element: answer,
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
        element: answer,
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
async fn plan(
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

/// The elements of a plan, as far as there is room for them, and the plan as far as it was told.
async fn render(
    asking: &Asking<'_>,
    plan: Plan,
    (base, view, wishes, removed): (&Position, &FolderView, &WishesRecord, &UidSet),
    octets: &mut usize,
) -> Found<(Vec<Element>, Plan)> {
    let mut elements = Vec::with_capacity(plan.items.len());
    for (at, item) in plan.items.iter().enumerate() {
        let server_id = |uid: hongyan_types::Uid| format!("{}:{}", folder_name(view.folder()), uid.get());
        let bare = |tag, uid| Element::new(tag).text(page::SERVER_ID, server_id(uid));
        match item {
            Told::Delete(uid) => elements.push(bare(page::DELETE, *uid)),
            Told::SoftDelete(uid) => elements.push(bare(page::SOFT_DELETE, *uid)),
            Told::Change(uid) => {
                if let Some(entry) = view.get(*uid) {
                    let data = Element::new(page::APPLICATION_DATA).with_all(state(view, entry));
                    elements.push(bare(page::CHANGE, *uid).with(data));
                }
            }
            Told::Add(uid) => {
                let Some(entry) = view.get(*uid) else { continue };
                if *octets == 0 {
                    return Ok((
                        elements,
                        up_to(asking, at, base, view, wishes, removed).await?.unwrap_or(plan),
                    ));
                }
                // What went since is told as gone with the next answer.
                if let Some((data, size)) = application_data(asking, view, entry, wishes).await? {
                    *octets = octets.saturating_sub(size);
                    elements.push(bare(page::ADD, *uid).with(data));
                }
            }
        }
    }
    Ok((elements, plan))
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
