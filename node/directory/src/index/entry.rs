//! One member as the index keeps it: what it is listed by and what it is found by.

use hongyan_types::AccountId;
use memchr::memmem::Finder;
use unicode_normalization::UnicodeNormalization;

use super::pinyin;
use super::query::MemberOrder;
use crate::visibility::Shown;
use crate::{AccountKind, AccountRecord, AccountState, DepartmentId, Seat, TagId};

/// Between two texts that a member is found by; nobody can ask for it.
const BETWEEN: char = '\n';
/// Parts of what a member is found by: addresses, name, alias, title, phones, employee id. Some see all, others not each.
const PARTS: usize = 6;
/// Which of the parts is the alias.
const ALIAS: usize = 2;

/// A member or shared mailbox.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: AccountId,
    /// What administrators' lists are ordered by: the name as it is pronounced.
    pub(crate) order: Box<str>,
    /// All that it is found by, folded, part behind part.
    text: Box<str>,
    /// Where each part ends, in octets.
    ends: [u32; PARTS],
    /// Whether it has a name, and an alias.
    has_names: (bool, bool),
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
        let mut text = Text::default();
        for address in account.addresses() {
            text.add(&fold(&address.to_string()));
            if address.domain.as_str().contains("xn--") {
                text.add(&fold(&address.domain.to_unicode()));
            }
        }
        text.end_part();
        text.add(&name);
        text.add_readings(&spoken);
        // Most are part of the name already.
        for part in [&profile.family_name, &profile.given_name] {
            let part = fold(part);
            if !name.contains(&part) {
                text.add(&part);
                text.add_readings(&pinyin::readings(&part));
            }
        }
        text.end_part();
        text.add(&nickname);
        text.add_readings(&pinyin::readings(&nickname));
        text.end_part();
        text.add(&fold(&profile.title));
        text.end_part();
        text.add(&fold(&profile.mobile));
        text.add(&fold(&profile.landline));
        let digits = phone_digits(&profile.landline);
        if digits != profile.landline {
            text.add(&digits);
        }
        text.end_part();
        text.add(&fold(&profile.employee_id));
        text.end_part();
        let written = written(account, &text.text);
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
            text: text.text.into(),
            ends: text.ends,
            has_names: (!account.display_name.is_empty(), !profile.nickname.is_empty()),
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

    /// Where it is in lists of that order.
    pub(crate) fn place(&self, by: MemberOrder) -> (&str, AccountId) {
        let order = match self.is_elsewhere(by) {
            true => self.alias_order(),
            false => &self.order,
        };
        (order, self.id)
    }

    /// Whether its place in lists of that order is another than in those by [`MemberOrder::Name`].
    pub(crate) fn is_elsewhere(&self, by: MemberOrder) -> bool {
        let (has_name, has_alias) = self.has_names;
        match by {
            MemberOrder::Name => false,
            MemberOrder::ShownName => !has_name && has_alias,
            MemberOrder::ShownAlias => has_alias,
        }
    }

    /// The alias as it is pronounced, which is the second text of its part, or as it is written, the first.
    fn alias_order(&self) -> &str {
        let part = &self.text[self.ends[ALIAS - 1] as usize..self.ends[ALIAS] as usize];
        let mut texts = part.split_terminator(BETWEEN);
        let written = texts.next().unwrap_or_default();
        texts.next().unwrap_or(written)
    }

    /// Whether a text is in what the member is found by: by all of it, or by what is `shown`.
    pub(crate) fn has(&self, wanted: &Finder<'_>, shown: Option<Shown>) -> bool {
        let is_in = |text: &str| wanted.find(text.as_bytes()).is_some();
        let Some(shown) = shown else {
            return is_in(&self.text);
        };
        let (name, alias) = shown.names(self.has_names.0, self.has_names.1);
        // Nobody is shown an employee id.
        let parts = [true, name, alias, shown.title, shown.phones, false];
        let mut begin = 0;
        self.ends.iter().zip(parts).any(|(end, is_shown)| {
            let end = *end as usize;
            let part = &self.text[std::mem::replace(&mut begin, end)..end];
            is_shown && is_in(part)
        })
    }
}

/// What a member is found by, as it is put together.
#[derive(Default)]
struct Text {
    text: String,
    ends: [u32; PARTS],
    ended: usize,
}

impl Text {
    fn add(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.push_str(text);
            self.text.push(BETWEEN);
        }
    }
    fn add_readings(&mut self, readings: &[pinyin::Reading]) {
        for reading in readings {
            self.add(&reading.full);
            self.add(&reading.initials);
        }
    }
    fn end_part(&mut self) {
        self.ends[self.ended] = u32::try_from(self.text.len()).expect("names and addresses are bounded");
        self.ended += 1;
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
