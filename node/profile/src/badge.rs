//! "Mail me" badges (SET-7): a picture that leads to a mail to a member, for pages of their own. There is one as long as the member wants
//! it, at a name that nobody guesses: the account with 128 random bits. What it shows is written here, as SVG.

use std::fmt::Write;

use bytes::Bytes;
use hongyan_audit::Event;
use hongyan_directory::{AccountRecord, Change, Language, TenantState, of_account};
use hongyan_kv::record::{self, RecordError, Schema};
use hongyan_types::AccountId;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::profiles::note;
use crate::{ProfileError, Profiles};

/// Random octets of a name.
const SECRET_OCTETS: usize = 16;
/// Characters of the member's name that a badge has room for.
const NAME_CHARACTERS_MAX: usize = 40;
/// Pixels a badge is high.
pub const BADGE_PIXELS: u32 = 32;

/// How a badge looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BadgeLook {
    /// The language of what it says.
    pub language: Language,
    /// Whether it says the member's name, as colleagues see it.
    pub shows_name: bool,
}

/// The badge of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// How it looks.
    pub look: BadgeLook,
    /// What leads to it: 48 hexadecimal digits, which are not to be guessed.
    pub name: String,
    /// What it says, one line.
    pub text: String,
}

impl Badge {
    fn new(account: &AccountRecord, kept: &Kept, shown_name: &str) -> Self {
        Self {
            look: kept.look,
            name: name(account.id, &kept.secret),
            text: text(kept.look, shown_name),
        }
    }

    /// The picture. It loads nothing and has no script.
    #[must_use]
    pub fn svg(&self) -> String {
        let text = escaped(&self.text);
        let room: u32 = self.text.chars().map(|c| if c.is_ascii() { 8 } else { 15 }).sum();
        let (width, height) = (room + 56, BADGE_PIXELS);
        // The text fits its room in whatever font there is.
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" aria-label=\"{text}\"><rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"#2257d6\"/>\
             <path d=\"M13 9.5h20v13H13zl10 7.5 10-7.5\" fill=\"none\" stroke=\"#fff\" stroke-width=\"1.8\" stroke-linejoin=\"round\"/>\
             <text x=\"43\" y=\"21\" font-family=\"system-ui,sans-serif\" font-size=\"15\" fill=\"#fff\" textLength=\"{room}\" \
             lengthAdjust=\"spacingAndGlyphs\">{text}</text></svg>\n"
        )
    }
}

/// What a badge says.
fn text(look: BadgeLook, shown_name: &str) -> String {
    let mut name: String = shown_name.chars().take(NAME_CHARACTERS_MAX).collect();
    if name.len() < shown_name.len() {
        name.push('…');
    }
    match (look.language, look.shows_name && !name.is_empty()) {
        (Language::English, false) => "Mail me".to_owned(),
        (Language::English, true) => format!("Mail {name}"),
        (Language::Chinese, false) => "给我写信".to_owned(),
        (Language::Chinese, true) => format!("给{name}写信"),
    }
}

/// Text within markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // No part of XML 1.0 (§2.2).
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

fn name(account: AccountId, secret: &[u8; SECRET_OCTETS]) -> String {
    let mut name = format!("{:016x}", account.0);
    for octet in secret {
        let _ = write!(name, "{octet:02x}");
    }
    name
}

/// The account of a name, and its secret.
fn read_name(name: &str) -> Option<(AccountId, [u8; SECRET_OCTETS])> {
    let is_digit = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    if name.len() != 16 + 2 * SECRET_OCTETS || !name.bytes().all(is_digit) {
        return None;
    }
    let (account, rest) = name.split_at(16);
    let mut secret = [0; SECRET_OCTETS];
    for (octet, digits) in secret.iter_mut().zip(rest.as_bytes().chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some((AccountId(u64::from_str_radix(account, 16).ok()?), secret))
}

/// How long it takes tells nothing of how much is right.
fn is_same(left: &[u8; SECRET_OCTETS], right: &[u8; SECRET_OCTETS]) -> bool {
    let differences = left.iter().zip(right).map(|(left, right)| left ^ right);
    std::hint::black_box(differences.fold(0, |all, one| all | one)) == 0
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    look: BadgeLook,
    secret: [u8; SECRET_OCTETS],
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct V1 {
    #[cbor(n(0), with = "minicbor::bytes")]
    secret: [u8; SECRET_OCTETS],
    /// Of what it says; absent is English.
    #[n(1)]
    language: Option<u8>,
    #[n(2)]
    shows_name: Option<bool>,
}

enum Stored {
    V1(V1),
}

fn encode(kept: &Kept) -> Bytes {
    let body = V1 {
        secret: kept.secret,
        language: match kept.look.language {
            Language::English => None,
            Language::Chinese => Some(1),
        },
        shows_name: kept.look.shows_name.then_some(true),
    };
    record::encode(Schema(1), &body)
}

fn decode(stored: &[u8]) -> Result<Kept, RecordError> {
    let stored = match record::split(stored)? {
        (Schema(1), body) => Stored::V1(record::decode_body(body)?),
        (Schema(other), _) => return Err(RecordError::Schema(other)),
    };
    let Stored::V1(body) = stored;
    Ok(Kept {
        look: BadgeLook {
            language: match body.language {
                Some(1) => Language::Chinese,
                _ => Language::English,
            },
            shows_name: body.shows_name.unwrap_or(false),
        },
        secret: body.secret,
    })
}

fn key(account: AccountId) -> Bytes {
    of_account(account).string("badge").pack()
}

async fn read(change: &mut Change, account: AccountId) -> hongyan_kv::Result<Option<Kept>> {
    let stored = change.get(&key(account)).await?;
    Ok(stored.map(|stored| decode(&stored)).transpose()?)
}

impl Profiles {
    /// A member's badge.
    ///
    /// # Errors
    /// [`ProfileError::NotFound`] where it is not switched on; the store's.
    pub async fn badge(&self, account: &AccountRecord) -> Result<Badge, ProfileError> {
        let id = account.id;
        let kept = self
            .directory()
            .try_out(async move |change: &mut Change| Ok(read(change, id).await?));
        let kept = kept.await?.ok_or(ProfileError::NotFound("badge"))?;
        self.shown(account, &kept).await
    }

    /// Switches a member's badge on, or changes how it looks; the name that leads to it stays until it is switched off.
    ///
    /// # Errors
    /// The store's only.
    pub async fn set_badge(&self, account: &AccountRecord, look: BadgeLook) -> Result<Badge, ProfileError> {
        let mut secret = [0; SECRET_OCTETS];
        self.directory().env().fill_random(&mut secret);
        let owner = account.clone();
        let body = async move |change: &mut Change| {
            let before = read(change, owner.id).await?;
            let secret = before.as_ref().map_or(secret, |before| before.secret);
            let after = Kept { look, secret };
            if before.as_ref() != Some(&after) {
                change.set(key(owner.id), encode(&after));
                let how = if before.is_some() { "set" } else { "switched on" };
                let event = Event::new("member.badge", &owner.address).with("how", how);
                note(change, &owner, event);
            }
            Ok(after)
        };
        let kept = self.directory().transact(body).await?;
        self.shown(account, &kept).await
    }

    /// Switches a member's badge off: the name that led to it leads nowhere for ever.
    ///
    /// # Errors
    /// The store's only.
    pub async fn remove_badge(&self, account: &AccountRecord) -> Result<(), ProfileError> {
        let account = account.clone();
        let body = async move |change: &mut Change| {
            if read(change, account.id).await?.is_some() {
                change.clear(&key(account.id));
                let event = Event::new("member.badge", &account.address).with("how", "switched off");
                note(change, &account, event);
            }
            Ok(())
        };
        Ok(self.directory().transact(body).await?)
    }

    /// The badge that a name leads to, for anybody. None where there is none, and where no mail is taken for its member: both look
    /// the same.
    ///
    /// # Errors
    /// The store's only.
    pub async fn badge_named(&self, name: &str) -> Result<Option<Badge>, ProfileError> {
        let Some((id, secret)) = read_name(name) else {
            return Ok(None);
        };
        let kept = self
            .directory()
            .try_out(async move |change: &mut Change| Ok(read(change, id).await?));
        let Some(kept) = kept.await?.filter(|kept| is_same(&kept.secret, &secret)) else {
            return Ok(None);
        };
        let account = self.directory().account(id).await?;
        let Some(account) = account.filter(|account| account.state.takes_mail()) else {
            return Ok(None);
        };
        if self.directory().tenant(account.tenant).await?.state != TenantState::Active {
            return Ok(None);
        }
        Ok(Some(self.shown(&account, &kept).await?))
    }

    async fn shown(&self, account: &AccountRecord, kept: &Kept) -> Result<Badge, ProfileError> {
        let cards = self.directory().cards(account.tenant).await?;
        Ok(Badge::new(account, kept, &cards.of(account).name))
    }
}

#[cfg(test)]
#[path = "badge_test.rs"]
mod tests;
