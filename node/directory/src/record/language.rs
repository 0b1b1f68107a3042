//! The language the system speaks to someone in (SET-1).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A language there are texts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Chinese in simplified characters.
    #[serde(rename = "zh-CN")]
    Chinese,
}

/// There are no texts in that language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the languages are en and zh-CN")]
pub struct UnknownLanguage;

impl Language {
    /// Its tag (RFC 5646); also its stored form.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
    /// What was stored; a language that a later release knew is the default.
    pub(crate) fn stored(tag: Option<&str>) -> Option<Self> {
        tag.map(|tag| tag.parse().unwrap_or_default())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl FromStr for Language {
    type Err = UnknownLanguage;
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        let all = [Self::English, Self::Chinese];
        let found = all
            .into_iter()
            .find(|language| language.tag().eq_ignore_ascii_case(text));
        found.ok_or(UnknownLanguage)
    }
}
