//! Sign-ins that an account's owner should hear of (AUTH-28, LOG-2): from a country that they have not come from before, or from a
//! network and with a client that are both new.
//!
//! What was seen of an account is at ("acc", "seen", account, kind, name): when last. It is looked at and written together with
//! the login log, and the mail that tells of it goes into the outbox in the same transaction, so each is told of once. The
//! first sign-in of an account, and the first whose country is known, tell nothing.

use std::net::IpAddr;

use hongyan_directory::AccountRecord;
use hongyan_kv::{RangeQuery, Transaction, Tuple};
use hongyan_notice::{Notice, Recipient, Text, write};
use hongyan_types::{AccountId, Address, Timestamp};

use crate::login_log::LoginEntry;
use crate::place::Place;
use crate::{Access, AccessError};

const KIND: &str = "account.unusual-login";
/// Countries, networks and clients of an account that are remembered, each; the one seen least lately makes room.
const SEEN_MAX: usize = 64;
/// Time after which a further sight is noted.
const NOTED_MILLIS: i64 = 86_400_000;
const COUNTRY: &str = "country";
const NETWORK: &str = "network";
const CLIENT: &str = "client";

/// A sign-in that succeeded, with what may have to be told of it: made once, before the transaction that may be tried again.
#[derive(Clone)]
pub(crate) struct Sight {
    account: AccountId,
    at_millis: i64,
    /// What is known of where from, and by what: kind and name.
    marks: Vec<(&'static str, String)>,
    notices: Vec<Notice>,
}

/// The network that an address is of, as providers give them out: a /24, or a /48.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{a}.{b}.{c}")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}")
        }
    }
}

/// A client without its versions: those change all the time.
fn family(client: &str) -> String {
    let letters = client.chars().filter(|c| !c.is_ascii_digit() && *c != '.');
    letters.take(100).collect()
}

fn texts(entry: &LoginEntry, account: &AccountRecord, place: &Place) -> (Text, Text) {
    let (english, chinese) = match place {
        Place::Known { english, chinese, .. } => (english.as_str(), chinese.as_str()),
        Place::Internal | Place::Unknown => ("unknown", "未知"),
    };
    let client = if entry.client.is_empty() {
        entry.protocol.label()
    } else {
        &entry.client
    };
    let (address, peer) = (&account.address, entry.peer);
    let at = utc(entry.at);
    let english = Text::new(
        &format!("Unusual sign-in to {address}"),
        &format!(
            "Somebody has signed in to {address} from where you have not come from before.\n\n\
             Time: {at} UTC\nPlace: {english}\nAddress: {peer}\nClient: {client}\n\n\
             If it was you, there is nothing to do. If not, change your password now, end all sessions, and look through your \
             app passwords, filters and forwarding.\n"
        ),
    );
    let chinese = Text::new(
        &format!("{address} 的异常登录提醒"),
        &format!(
            "您的账号 {address} 刚刚在一个以前未使用过的地点登录。\n\n\
             时间：{at} UTC\n地点：{chinese}\n地址：{peer}\n客户端：{client}\n\n\
             如果是您本人操作，请忽略此邮件；如果不是，请立即修改密码、结束所有会话，并检查客户端密码、收信规则和转发设置。\n"
        ),
    );
    (english, chinese)
}

/// A time as people write it: civil date from days (the calendar repeats every 400 years).
pub(crate) fn utc(at: Timestamp) -> String {
    let secs = at.millis.div_euclid(1_000);
    let (days, left) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..=9 => (year + era * 400, month + 3),
        _ => (year + era * 400 + 1, month - 9),
    };
    format!(
        "{year:04}-{month:02}-{date:02} {:02}:{:02}",
        left / 3_600,
        left % 3_600 / 60
    )
}

impl Access {
    /// What may have to be told of a sign-in; nothing of those that failed or came from this very network.
    pub(crate) async fn sight(&self, entry: &LoginEntry) -> Result<Option<Sight>, AccessError> {
        let place = self.place(entry.peer);
        if entry.result != "ok" || place == Place::Internal {
            return Ok(None);
        }
        let Some(account) = self.0.directory.account(entry.account).await? else {
            return Ok(None);
        };
        let mut marks = vec![(NETWORK, network(entry.peer))];
        if let Place::Known { country, .. } = &place
            && !country.is_empty()
        {
            marks.push((COUNTRY, country.clone()));
        }
        if !entry.client.is_empty() {
            marks.push((CLIENT, family(&entry.client)));
        }
        let mut to = vec![Recipient::Member(account.id)];
        if let Ok(address) = Address::try_from(account.profile.private_address.as_str()) {
            to.push(Recipient::Outside {
                tenant: account.tenant,
                address,
                about: Some(account.id),
            });
        }
        let (english, chinese) = texts(entry, &account, &place);
        let notice = |to| Notice {
            at: entry.at,
            ..Notice::new(&self.0.env, to, KIND, english.clone(), chinese.clone())
        };
        Ok(Some(Sight {
            account: entry.account,
            at_millis: entry.at.millis,
            marks,
            notices: to.into_iter().map(notice).collect(),
        }))
    }
}

/// Everything seen of an account of one kind: when last, and by which name.
async fn seen(transaction: &mut Transaction, prefix: &Tuple) -> hongyan_kv::Result<Vec<(i64, bytes::Bytes)>> {
    let mut found = Vec::new();
    for pair in transaction.get_range_all(RangeQuery::all(prefix.range())).await? {
        let millis = <[u8; 8]>::try_from(&pair.value[..]).map_or(0, i64::from_be_bytes);
        found.push((millis, pair.key));
    }
    Ok(found)
}

/// Where what an account was seen with before is kept.
pub(crate) fn marks_of(account: AccountId) -> Tuple {
    Tuple::new().string("acc").string("seen").int(account.0)
}

/// Notes a sign-in in the transaction that writes it to the log; says whether it is unusual, and has its owner told then.
pub(crate) async fn observe(transaction: &mut Transaction, sight: &Sight) -> hongyan_kv::Result<bool> {
    let (mut is_first, mut new) = (true, Vec::new());
    for (kind, name) in &sight.marks {
        let prefix = marks_of(sight.account).string(kind);
        let key = prefix.clone().string(name).pack();
        let mut known = seen(transaction, &prefix).await?;
        // What kind of thing is known for the first time is no news.
        is_first &= known.is_empty();
        let before = known.iter().find(|(_, known)| *known == key).map(|(millis, _)| *millis);
        match before {
            None if !known.is_empty() => new.push(*kind),
            _ => {}
        }
        if before.is_none_or(|millis| sight.at_millis.saturating_sub(millis) >= NOTED_MILLIS) {
            transaction.set(key, sight.at_millis.to_be_bytes().to_vec());
        }
        if before.is_none() && known.len() >= SEEN_MAX {
            known.sort_unstable();
            if let Some((_, oldest)) = known.first() {
                transaction.clear(oldest);
            }
        }
    }
    let is_elsewhere = new.contains(&COUNTRY);
    let is_stranger = new.contains(&NETWORK) && new.contains(&CLIENT);
    let is_unusual = !is_first && (is_elsewhere || is_stranger);
    if is_unusual {
        for notice in &sight.notices {
            write(transaction, notice);
        }
    }
    Ok(is_unusual)
}

#[cfg(test)]
#[path = "unusual_test.rs"]
mod tests;
