//! One member as the index keeps it: what it is listed by and what it is found by.

use unicode_normalization::UnicodeNormalization;

use hongyan_types::AccountId;

use super::pinyin;
use crate::{AccountKind, AccountRecord, AccountState, DepartmentId, Seat, TagId};

/// Between two texts that a member is found by; nobody can ask for it.
const BETWEEN: char = '\n';

/// A member or shared mailbox.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: AccountId,
    /// What lists are ordered by: the name as it is pronounced.
    pub(crate) order: Box<str>,
    /// All that it is found by, folded.
    pub(crate) text: Box<str>,
    /// What of names and addresses in small letters, as they are written, is not in `text` already.
    pub(crate) written: Box<str>,
    /// An address outside, in small letters; it is not searched in, but asked for whole.
    pub(crate) private_address: Option<Box<str>>,
    pub(crate) departments: Box<[DepartmentId]>,
    pub(crate) tags: Box<[TagId]>,
    pub(crate) kind: AccountKind,
    pub(crate) state: AccountState,
    pub(crate) seat: Seat,
    pub(crate) administrator: bool,
}

impl Entry {
    pub(crate) fn new(account: &AccountRecord) -> Self {
        let name = fold(&account.display_name);
        let spoken = pinyin::readings(&name);
        let profile = &account.profile;
        let nickname = fold(&profile.nickname);
        let mut text = String::new();
        let mut add = |part: &str| {
            if !part.is_empty() {
                text.push_str(part);
                text.push(BETWEEN);
            }
        };
        add(&name);
        add(&nickname);
        for address in account.addresses() {
            add(&fold(&address.to_string()));
            if address.domain.as_str().contains("xn--") {
                add(&fold(&address.domain.to_unicode()));
            }
        }
        for reading in spoken.iter().chain(&pinyin::readings(&nickname)) {
            add(&reading.full);
            add(&reading.initials);
        }
        for part in [&profile.employee_id, &profile.mobile, &profile.landline, &profile.title] {
            add(&fold(part));
        }
        let digits = phone_digits(&profile.landline);
        if digits != profile.landline {
            add(&digits);
        }
        // Most are part of the name already.
        for part in [&profile.family_name, &profile.given_name] {
            let part = fold(part);
            if !name.contains(&part) {
                add(&part);
                for reading in pinyin::readings(&part) {
                    add(&reading.full);
                    add(&reading.initials);
                }
            }
        }
        let written = written(account, &text);
        let order = match spoken.first() {
            Some(reading) => &reading.full,
            None => &name,
        };
        let order = if order.is_empty() {
            fold(&account.address.to_string())
        } else {
            order.clone()
        };
        Self {
            id: account.id,
            order: order.into(),
            text: text.into(),
            written: written.into(),
            private_address: match profile.private_address.as_str() {
                "" => None,
                address => Some(address.to_lowercase().into()),
            },
            departments: account.departments.clone().into(),
            tags: account.tags.clone().into(),
            kind: account.kind,
            state: account.state,
            seat: account.seat,
            administrator: account.role.is_some(),
        }
    }

    pub(crate) fn place(&self) -> (&str, AccountId) {
        (&self.order, self.id)
    }
}

/// A phone number without what people put between its digits (RFC 4517 §4.2.29: spaces and hyphens do not count).
#[must_use]
pub fn phone_digits(number: &str) -> String {
    fold(number).chars().filter(|sign| !matches!(sign, ' ' | '-')).collect()
}

/// How a text is found by its sound: pinyin and its initials, in each way it may be read. Nothing without Chinese characters.
#[must_use]
pub fn spellings(text: &str) -> Vec<String> {
    let readings = pinyin::readings(&fold(text)).into_iter();
    readings.flat_map(|reading| [reading.full, reading.initials]).collect()
}

fn written(account: &AccountRecord, text: &str) -> String {
    let mut written = String::new();
    let profile = &account.profile;
    let names = [
        &account.display_name,
        &profile.nickname,
        &profile.family_name,
        &profile.given_name,
        &profile.private_address,
    ];
    let names = names.into_iter().map(|name| name.to_lowercase());
    let addresses = account.addresses().map(|address| address.to_string().to_lowercase());
    for part in names.chain(addresses) {
        if !text.contains(&part) && !written.contains(&part) {
            written.push_str(&part);
            written.push(BETWEEN);
        }
    }
    written
}

/// Text as it is compared: full and half width, composed and not, capital and small are one.
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfkc()
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'ü' { 'v' } else { c })
        .collect()
}
