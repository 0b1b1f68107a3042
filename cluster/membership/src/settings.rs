//! Settings of the whole cluster that the controller goes by: names, values, defaults. The map keeps them as text; what
//! it keeps is checked here before it is proposed, and a value that this release cannot read counts as not set.

use hongyan_metadata::ClusterMap;
use hongyan_placement::Preference;

/// Planned moves under way at once, a number.
pub const MOVES_AT_ONCE: &str = "placement.moves_at_once";
/// [`Rebalance`]: whether partitions move to where they belong without being told.
pub const REBALANCE: &str = "placement.rebalance";
/// Data centres that own partitions, the preferred one first, with commas between.
pub const DATA_CENTERS: &str = "placement.data_centers";

/// More at once would be a failover, not a planned move.
const MOVES_AT_ONCE_MAX: usize = 1024;
const DATA_CENTERS_MAX: usize = 16;
const NAME_OCTETS_MAX: usize = 64;

/// A setting that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub key: &'static str,
    /// What holds when nothing is set.
    pub default: &'static str,
    /// What it does and which values it takes.
    pub about: &'static str,
}

/// Every setting of a cluster.
pub const ALL: &[Setting] = &[
    Setting {
        key: DATA_CENTERS,
        default: "",
        about: "data centres that own partitions, the preferred one first, with commas between; empty: all alike",
    },
    Setting {
        key: MOVES_AT_ONCE,
        default: "16",
        about: "planned moves under way at once, 1 to 1024",
    },
    Setting {
        key: REBALANCE,
        default: "automatic",
        about: "automatic: partitions move to where they belong by themselves; manual: only when told; once: now, then manual",
    },
];

/// Why a setting is not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is none of this name.
    #[error("the cluster has no setting {0}; it has {names}", names = names())]
    Unknown(String),
    /// The value is none of those that it takes.
    #[error("{key} = {value:?} cannot be: {expected}")]
    Bad {
        /// Its name.
        key: &'static str,
        /// What was to be set.
        value: String,
        /// What could be.
        expected: &'static str,
    },
}

/// When partitions move to where they belong, nodes being well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rebalance {
    /// Whenever they are elsewhere.
    #[default]
    Automatic,
    /// Never.
    Manual,
    /// Until all are there; then it becomes [`Self::Manual`].
    Once,
}

impl Rebalance {
    /// What the map says of it.
    #[must_use]
    pub fn of(map: &ClusterMap) -> Self {
        let word = map.settings.get(REBALANCE);
        word.and_then(|word| Self::named(word)).unwrap_or_default()
    }
    /// As the map keeps it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Manual => "manual",
            Self::Once => "once",
        }
    }
    fn named(word: &str) -> Option<Self> {
        let all = [Self::Automatic, Self::Manual, Self::Once];
        all.into_iter().find(|mode| mode.name() == word)
    }
}

/// The setting of this name.
///
/// # Errors
/// [`SettingError::Unknown`].
pub fn find(key: &str) -> Result<&'static Setting, SettingError> {
    let known = ALL.iter().find(|setting| setting.key == key);
    known.ok_or_else(|| SettingError::Unknown(key.to_owned()))
}

/// Whether `key` may be set to `value`; gives the value as the map keeps it.
///
/// # Errors
/// As [`SettingError`] says.
pub fn check(key: &str, value: &str) -> Result<String, SettingError> {
    let setting = find(key)?;
    let value = value.trim();
    let kept = match setting.key {
        MOVES_AT_ONCE => moves(value).map(|count| count.to_string()),
        REBALANCE => Rebalance::named(value).map(|mode| mode.name().to_owned()),
        _ => data_centers(value).map(|names| names.join(",")),
    };
    kept.ok_or_else(|| SettingError::Bad {
        key: setting.key,
        value: value.to_owned(),
        expected: setting.about,
    })
}

/// How many planned moves may be under way at once, if the map says.
pub(crate) fn moves_at_once(map: &ClusterMap) -> Option<usize> {
    moves(map.settings.get(MOVES_AT_ONCE)?)
}

/// Which data centres own partitions.
#[must_use]
pub fn preference(map: &ClusterMap) -> Preference {
    let names = map.settings.get(DATA_CENTERS);
    Preference(names.and_then(|names| data_centers(names)).unwrap_or_default())
}

fn moves(value: &str) -> Option<usize> {
    let count = value.parse().ok()?;
    (1..=MOVES_AT_ONCE_MAX).contains(&count).then_some(count)
}

fn data_centers(value: &str) -> Option<Vec<String>> {
    let names: Vec<String> = value
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let fits =
        |name: &String| name.len() <= NAME_OCTETS_MAX && !name.chars().any(|c| c.is_control() || c.is_whitespace());
    let twice = names
        .iter()
        .enumerate()
        .any(|(at, name)| names.iter().skip(at + 1).any(|other| other == name));
    (names.len() <= DATA_CENTERS_MAX && names.iter().all(fits) && !twice).then_some(names)
}

fn names() -> String {
    ALL.iter().map(|setting| setting.key).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_values_that_may_be_set() {
        for setting in ALL {
            assert_eq!(check(setting.key, setting.default).as_deref(), Ok(setting.default));
        }
        let options = crate::MembershipOptions::default();
        assert_eq!(find(MOVES_AT_ONCE).unwrap().default, options.moves_at_once.to_string());
        assert_eq!(find(REBALANCE).unwrap().default, Rebalance::default().name());
    }

    #[test]
    fn values_are_kept_in_one_form() {
        assert_eq!(check(MOVES_AT_ONCE, " 032 ").as_deref(), Ok("32"));
        assert_eq!(check(DATA_CENTERS, "east, west,").as_deref(), Ok("east,west"));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_could() {
        let error = check("placement.speed", "1").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("no setting placement.speed; it has placement.data_centers"),
            "{error}"
        );
        for (key, value) in [
            (MOVES_AT_ONCE, "0"),
            (MOVES_AT_ONCE, "1025"),
            (MOVES_AT_ONCE, "many"),
            (REBALANCE, "on"),
            (REBALANCE, ""),
            (DATA_CENTERS, "east,east"),
            (DATA_CENTERS, "the east"),
        ] {
            let error = check(key, value).unwrap_err();
            assert!(matches!(error, SettingError::Bad { .. }), "{key} {value}");
            assert!(error.to_string().contains(find(key).unwrap().about), "{error}");
        }
        let many: Vec<String> = (0..17).map(|n| format!("dc{n}")).collect();
        assert!(check(DATA_CENTERS, &many.join(",")).is_err());
    }

    #[test]
    fn what_the_map_has_and_nobody_understands_counts_as_not_set() {
        let mut map = ClusterMap::default();
        for key in [MOVES_AT_ONCE, REBALANCE, DATA_CENTERS] {
            map.settings.insert(key.to_owned(), "of a later release".to_owned());
        }
        assert_eq!(moves_at_once(&map), None);
        assert_eq!(Rebalance::of(&map), Rebalance::Automatic);
        assert_eq!(preference(&map).0, Vec::<String>::new());
    }
}
