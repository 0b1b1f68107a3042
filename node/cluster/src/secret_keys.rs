//! The keys that seal secrets, as the nodes of a cluster agree upon them: settings of the cluster, `secrets.key.<identifier>`
//! each. They are no operator's settings: nothing lists them. Every node has all of them, and the agreement gives them to
//! whoever joins. A key is added and never changed, so two nodes that make one at the same time do no harm.

use hongyan_metadata::{Change, ClusterMap};
use hongyan_seal::SealKey;

/// Settings of keys begin so; the identifier follows.
const KEY: &str = "secrets.key.";

/// The keys in the map of a cluster.
pub struct SecretKeys;

impl SecretKeys {
    /// All of them. What a later release writes differently is left out.
    #[must_use]
    pub fn of(map: &ClusterMap) -> Vec<SealKey> {
        let keys = map.settings.iter().filter(|(name, _)| name.starts_with(KEY));
        keys.filter_map(|(_, text)| text.parse().ok()).collect()
    }
    /// The change that adds one.
    #[must_use]
    pub fn add(key: &SealKey) -> Change {
        Change::Set {
            key: format!("{KEY}{}", key.id),
            value: Some(key.to_text().to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use hongyan_env::Env;

    use super::*;

    #[test]
    fn keys_come_back_from_the_map() {
        let (env, _) = Env::manual(1);
        let mut map = ClusterMap {
            cluster: 1,
            ..ClusterMap::default()
        };
        let keys = [SealKey::generate(&env, 1), SealKey::generate(&env, 2)];
        for key in &keys {
            map.apply(SecretKeys::add(key)).unwrap();
            map.apply(SecretKeys::add(key)).unwrap();
        }
        map.settings.insert(format!("{KEY}later"), "another form".to_owned());
        map.settings.insert("moves_at_once".to_owned(), "3".to_owned());
        let mut found = SecretKeys::of(&map);
        found.sort_by_key(|key| key.from_millis);
        assert_eq!(found, keys);
    }
}
