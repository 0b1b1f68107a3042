//! How a member likes to work (SET-2 to SET-5): what every client of theirs finds.

use hongyan_types::Address;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ProfileError;
use crate::name::sender_name;

const PAGE_MAILS: std::ops::RangeInclusive<u16> = 5..=200;
const FONT_PIXELS: std::ops::RangeInclusive<u8> = 8..=48;
const SAVE_SECONDS: std::ops::RangeInclusive<u16> = 5..=3600;
const WORD_CHARACTERS_MAX: usize = 64;

/// Where signing in leads (SET-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Landing {
    /// The home page.
    #[default]
    Home,
    /// The inbox.
    Inbox,
    /// The calendar.
    Calendar,
    /// The contacts.
    Contacts,
}

/// What is shown once a mail was moved or deleted (READ-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AfterRemoving {
    /// The next mail.
    #[default]
    Next,
    /// The list.
    List,
}

/// How much of a mail its answer includes (CMP-14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Original {
    /// All of it.
    #[default]
    All,
    /// Nothing.
    None,
}

/// What goes before the subject of an answer (CMP-14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Prefix {
    /// `Re:` and `Fw:`.
    #[default]
    English,
    /// `回复：` and `转发：`.
    Chinese,
}

/// A font; nothing is the skin's own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Font {
    /// Its family.
    pub family: Option<String>,
    /// Its size in pixels, 8 to 48.
    pub pixels: Option<u8>,
}

/// How a member likes to work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Preferences {
    /// A name such as `Asia/Shanghai`; null is the organisation's.
    pub time_zone: Option<String>,
    /// Where signing in leads.
    pub landing: Landing,
    /// The look; null is the standard one (SET-4).
    pub skin: Option<String>,
    /// Mails on a page of a list, 5 to 200 (READ-1).
    pub page_mails: u16,
    /// Whether lists show how large mails are (READ-1).
    pub shows_size: bool,
    /// Whether lists show conversations instead of single mails (READ-3).
    pub conversations: bool,
    /// What is shown once a mail was moved or deleted.
    pub after_removing: AfterRemoving,
    /// Whether all mail is shown as plain text (READ-16).
    pub plain_text: bool,
    /// The font of lists and mails (READ-20).
    pub reading_font: Font,
    /// Whether there is a floating button to write (CMP-1).
    pub quick_compose: bool,
    /// The font of new mail (CMP-15).
    pub compose_font: Font,
    /// Seconds after which what is being written is saved, 5 to 3600 (CMP-13).
    pub save_draft_seconds: u16,
    /// How much of a mail its answer includes.
    pub reply_original: Original,
    /// What goes before the subject of an answer.
    pub reply_prefix: Prefix,
    /// Where answers to own mail go; null is the address it was sent from.
    pub reply_to: Option<String>,
    /// The name in front of the own address, where the organisation lets members choose it (ORG-9); null is the directory's.
    pub sender_name: Option<String>,
    /// `YYYY-MM-DD` (SET-5).
    pub birthday: Option<String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            time_zone: None,
            landing: Landing::default(),
            skin: None,
            page_mails: 20,
            shows_size: false,
            conversations: false,
            after_removing: AfterRemoving::default(),
            plain_text: false,
            reading_font: Font::default(),
            quick_compose: false,
            compose_font: Font::default(),
            save_draft_seconds: 30,
            reply_original: Original::default(),
            reply_prefix: Prefix::default(),
            reply_to: None,
            sender_name: None,
            birthday: None,
        }
    }
}

impl Preferences {
    /// These with the fields of `change`; null sets a field back.
    ///
    /// # Errors
    /// [`ProfileError::Invalid`], which names the field.
    pub fn with(&self, change: Map<String, Value>) -> Result<Self, ProfileError> {
        let unreadable = |error: serde_json::Error| ProfileError::Invalid(error.to_string());
        let Ok(Value::Object(mut fields)) = serde_json::to_value(self) else {
            return Ok(self.clone());
        };
        for (name, value) in change {
            if !fields.contains_key(&name) {
                return Err(ProfileError::Invalid(format!("there is no preference {name}")));
            }
            if value.is_null() {
                fields.remove(&name);
            } else {
                fields.insert(name, value);
            }
        }
        let wanted: Self = serde_json::from_value(Value::Object(fields)).map_err(unreadable)?;
        wanted.cleaned()
    }

    fn cleaned(mut self) -> Result<Self, ProfileError> {
        let invalid = |text: String| Err(ProfileError::Invalid(text));
        if !PAGE_MAILS.contains(&self.page_mails) {
            return invalid(format!(
                "page_mails is from {} to {}",
                PAGE_MAILS.start(),
                PAGE_MAILS.end()
            ));
        }
        if !SAVE_SECONDS.contains(&self.save_draft_seconds) {
            let (start, end) = (SAVE_SECONDS.start(), SAVE_SECONDS.end());
            return invalid(format!("save_draft_seconds is from {start} to {end}"));
        }
        if let Some(zone) = &self.time_zone
            && jiff::tz::TimeZone::get(zone).is_err()
        {
            return invalid(format!("there is no time zone {zone}"));
        }
        if let Some(day) = &self.birthday
            && day.parse::<Date>().is_err()
        {
            return invalid(format!("birthday: {day} is no date YYYY-MM-DD"));
        }
        if let Some(address) = &self.reply_to
            && let Err(error) = Address::try_from(address.as_str())
        {
            return invalid(format!("reply_to: {error}"));
        }
        word("skin", self.skin.as_deref())?;
        for (name, font) in [
            ("reading_font", &self.reading_font),
            ("compose_font", &self.compose_font),
        ] {
            word(name, font.family.as_deref())?;
            if font.pixels.is_some_and(|pixels| !FONT_PIXELS.contains(&pixels)) {
                let (start, end) = (FONT_PIXELS.start(), FONT_PIXELS.end());
                return invalid(format!("{name}: pixels is from {start} to {end}"));
            }
        }
        if let Some(name) = self.sender_name {
            self.sender_name = Some(sender_name(&name)?).filter(|name| !name.is_empty());
        }
        Ok(self)
    }
}

/// What a page puts into its style: nothing that could end a word there.
fn word(field: &str, word: Option<&str>) -> Result<(), ProfileError> {
    let Some(word) = word else { return Ok(()) };
    let fits = word
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | ','));
    if fits && !word.is_empty() && word.chars().count() <= WORD_CHARACTERS_MAX {
        return Ok(());
    }
    Err(ProfileError::Invalid(format!(
        "{field} has 1 to {WORD_CHARACTERS_MAX} letters, digits, spaces, hyphens and commas"
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(change: Value) -> Result<Preferences, String> {
        let Value::Object(change) = change else { unreachable!() };
        Preferences::default().with(change).map_err(|error| error.to_string())
    }

    #[test]
    fn set_3_fields_change_alone_and_null_sets_them_back() {
        let first = changed(json!({"page_mails": 50, "compose_font": {"family": "Noto Sans", "pixels": 14}})).unwrap();
        assert_eq!((first.page_mails, first.compose_font.pixels), (50, Some(14)));
        let Value::Object(change) = json!({"landing": "inbox", "page_mails": null}) else {
            unreachable!()
        };
        let second = first.with(change).unwrap();
        assert_eq!((second.page_mails, second.landing), (20, Landing::Inbox));
        assert_eq!(second.compose_font, first.compose_font);
    }

    #[test]
    fn set_what_is_wrong_is_named() {
        for (change, word) in [
            (json!({"colour": 1}), "there is no preference colour"),
            (json!({"page_mails": 4}), "page_mails is from 5 to 200"),
            (json!({"page_mails": "many"}), "invalid type"),
            (json!({"time_zone": "Mars/Base"}), "there is no time zone Mars/Base"),
            (json!({"birthday": "2026-02-30"}), "birthday"),
            (json!({"reply_to": "nobody"}), "reply_to"),
            (json!({"skin": "a;b"}), "skin has"),
            (
                json!({"reading_font": {"pixels": 200}}),
                "reading_font: pixels is from 8 to 48",
            ),
            (json!({"sender_name": "postmaster"}), "taken for the administrator's"),
        ] {
            let error = changed(change).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
