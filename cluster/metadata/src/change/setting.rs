//! Settings of the whole cluster, and the end of old tokens.

use super::Refusal;
use crate::ClusterMap;

/// Longest name or value: settings are words and numbers, not documents.
const SETTING_OCTETS_MAX: usize = 4096;
const SETTINGS_MAX: usize = 1024;

impl ClusterMap {
    pub(super) fn set(&mut self, key: String, value: Option<String>) -> Result<u64, Refusal> {
        let Some(value) = value else {
            self.settings.remove(&key);
            return Ok(0);
        };
        if key.is_empty() || key.len() > SETTING_OCTETS_MAX || value.len() > SETTING_OCTETS_MAX {
            return Err(Refusal::Invalid(format!(
                "a setting's name and value have 1 to {SETTING_OCTETS_MAX} octets"
            )));
        }
        if self.settings.len() >= SETTINGS_MAX && !self.settings.contains_key(&key) {
            return Err(Refusal::Invalid(format!(
                "a cluster has at most {SETTINGS_MAX} settings"
            )));
        }
        self.settings.insert(key, value);
        Ok(0)
    }

    pub(super) fn replace(&mut self, key: String, present: &str, value: String) -> Result<u64, Refusal> {
        match self.settings.get(&key) {
            Some(known) if known == present => self.set(key, Some(value)),
            _ => Err(Refusal::Outdated),
        }
    }

    pub(super) fn sweep(&mut self, now_millis: i64) -> Result<u64, Refusal> {
        let before = self.tokens.len();
        self.tokens.retain(|_, token| token.expires_millis > now_millis);
        match before - self.tokens.len() {
            0 => Err(Refusal::Outdated),
            swept => Ok(u64::try_from(swept).unwrap_or(u64::MAX)),
        }
    }
}
