//! `/query` (RFC 8620 §5.5): filters, sort, and the window of results.

use std::cmp::Ordering;

use std::fmt;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{Id, MethodError, MethodErrorType};

/// Operators inside each other that a filter may have.
const FILTER_DEPTH_MAX: usize = 16;
/// Operators and conditions that a filter may have.
const FILTER_NODES_MAX: usize = 256;

/// A filter: conditions joined by operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter<C> {
    /// Filters joined.
    Operator(FilterOperator, Vec<Filter<C>>),
    /// A condition.
    Condition(C),
}

/// How filters are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum FilterOperator {
    /// All must be true.
    And,
    /// One must be true.
    Or,
    /// None must be true.
    Not,
}

impl<C> Filter<C> {
    /// Whether it holds where `holds` says which of its conditions do (RFC 8620 §5.5).
    pub fn holds(&self, holds: &impl Fn(&C) -> bool) -> bool {
        match self {
            Self::Condition(condition) => holds(condition),
            Self::Operator(FilterOperator::And, filters) => filters.iter().all(|one| one.holds(holds)),
            Self::Operator(FilterOperator::Or, filters) => filters.iter().any(|one| one.holds(holds)),
            Self::Operator(FilterOperator::Not, filters) => !filters.iter().any(|one| one.holds(holds)),
        }
    }
}

impl<'de, C: DeserializeOwned> Deserialize<'de> for Filter<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let mut nodes = FILTER_NODES_MAX;
        read(text.get(), FILTER_DEPTH_MAX, &mut nodes).map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
struct Operator<'a> {
    operator: Option<FilterOperator>,
    #[serde(borrow)]
    conditions: Option<Vec<&'a RawValue>>,
}

fn read<C: DeserializeOwned>(text: &str, depth: usize, nodes: &mut usize) -> serde_json::Result<Filter<C>> {
    let too_large = || serde_json::Error::custom("the filter is too large");
    *nodes = nodes.checked_sub(1).ok_or_else(too_large)?;
    let probe: Operator<'_> = serde_json::from_str(text)?;
    let Some(operator) = probe.operator else {
        return serde_json::from_str(text).map(Filter::Condition);
    };
    let inside = depth.checked_sub(1).ok_or_else(too_large)?;
    let conditions = probe
        .conditions
        .ok_or_else(|| serde_json::Error::missing_field("conditions"))?;
    let conditions: serde_json::Result<Vec<_>> = conditions
        .into_iter()
        .map(|text| read(text.get(), inside, nodes))
        .collect();
    Ok(Filter::Operator(operator, conditions?))
}

/// Calls `visit` for each condition of `filter`.
pub fn filter_conditions<'a, C>(filter: &'a Filter<C>, visit: &mut dyn FnMut(&'a C)) {
    match filter {
        Filter::Operator(_, filters) => filters.iter().for_each(|filter| filter_conditions(filter, visit)),
        Filter::Condition(condition) => visit(condition),
    }
}

/// One key of a sort.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Comparator {
    /// By which property.
    pub property: String,
    /// Smallest first.
    #[serde(default = "yes")]
    pub is_ascending: bool,
    /// How text is compared.
    #[serde(default)]
    pub collation: Option<String>,
    /// With the keyword sorts of RFC 8621 §4.4.2: which keyword.
    #[serde(default)]
    pub keyword: Option<String>,
}

impl Comparator {
    /// How two records stand to each other where `compare` says it of a property: the first one that tells them apart decides
    /// (RFC 8620 §5.5).
    pub fn order(sort: &[Self], compare: impl Fn(&str) -> Ordering) -> Ordering {
        let mut orders = sort.iter().map(|comparator| {
            let order = compare(&comparator.property);
            if comparator.is_ascending {
                order
            } else {
                order.reverse()
            }
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

fn yes() -> bool {
    true
}

/// Which part of the results a client wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// From which index; counted from the end when negative. Ignored with an anchor.
    pub position: i64,
    /// From which record.
    pub anchor: Option<Id>,
    /// By how many off the anchor.
    pub anchor_offset: i64,
    /// How many at most.
    pub limit: Option<u64>,
}

/// The arguments of kinds of records that add none of their own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, bound = "C: DeserializeOwned")]
pub struct Query<C> {
    /// Which account.
    pub account_id: Id,
    /// Which records.
    #[serde(default)]
    pub filter: Option<Filter<C>>,
    /// In which order.
    #[serde(default)]
    pub sort: Option<Vec<Comparator>>,
    /// From which index.
    #[serde(default)]
    pub position: i64,
    /// From which record.
    #[serde(default)]
    pub anchor: Option<Id>,
    /// By how many off the anchor.
    #[serde(default)]
    pub anchor_offset: i64,
    /// How many.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Whether to count.
    #[serde(default)]
    pub calculate_total: bool,
}

impl<C> Query<C> {
    /// The window asked for.
    #[must_use]
    pub fn window(&self) -> Window {
        Window {
            position: self.position,
            anchor: self.anchor.clone(),
            anchor_offset: self.anchor_offset,
            limit: self.limit,
        }
    }
}

/// The anchor is not among the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the anchor is not among the results")]
pub struct WindowError;

impl From<WindowError> for MethodError {
    fn from(_: WindowError) -> Self {
        MethodErrorType::AnchorNotFound.into()
    }
}

impl Window {
    /// The stretch of `total` results that is wanted; `find` gives the index of the anchor.
    ///
    /// # Errors
    /// When the anchor is not found.
    pub fn range(
        &self,
        total: usize,
        limit_max: usize,
        find: impl FnOnce(&Id) -> Option<usize>,
    ) -> Result<std::ops::Range<usize>, WindowError> {
        let count = i64::try_from(total).unwrap_or(i64::MAX);
        let start = match &self.anchor {
            Some(anchor) => {
                let at = i64::try_from(find(anchor).ok_or(WindowError)?).unwrap_or(i64::MAX);
                at.saturating_add(self.anchor_offset)
            }
            None if self.position < 0 => count.saturating_add(self.position),
            None => self.position,
        };
        let start = usize::try_from(start.clamp(0, count)).unwrap_or(0);
        let limit = self
            .limit
            .map_or(limit_max, |limit| usize::try_from(limit).unwrap_or(limit_max));
        Ok(start..start.saturating_add(limit.min(limit_max)).min(total))
    }
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueryReply<'a> {
    /// Which account.
    pub account_id: &'a Id,
    /// The state of the results.
    pub query_state: String,
    /// Whether `/queryChanges` works with it.
    pub can_calculate_changes: bool,
    /// The index of the first id in the whole list.
    pub position: u64,
    /// The ids in order.
    pub ids: Vec<Id>,
    /// How many results there are, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The server's limit, where it gave less than was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl fmt::Display for FilterOperator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::And => "AND",
            Self::Or => "OR",
            Self::Not => "NOT",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Todo {
        has_keyword: String,
    }

    fn has(keyword: &str) -> Filter<Todo> {
        Filter::Condition(Todo {
            has_keyword: keyword.to_owned(),
        })
    }

    #[test]
    fn reads_the_filter_of_rfc_8620_section_5_7() {
        let text = r#"{"operator":"OR","conditions":[{"hasKeyword":"music"},{"hasKeyword":"video"}]}"#;
        let filter: Filter<Todo> = serde_json::from_str(text).unwrap();
        assert_eq!(
            filter,
            Filter::Operator(FilterOperator::Or, vec![has("music"), has("video")])
        );
    }

    #[test]
    fn filters_are_bounded() {
        let nested = |depth: usize| {
            let open = r#"{"operator":"NOT","conditions":["#.repeat(depth);
            format!(r#"{open}{{"hasKeyword":"a"}}{}"#, "]}".repeat(depth))
        };
        assert!(serde_json::from_str::<Filter<Todo>>(&nested(FILTER_DEPTH_MAX)).is_ok());
        assert!(serde_json::from_str::<Filter<Todo>>(&nested(FILTER_DEPTH_MAX + 1)).is_err());
        assert!(serde_json::from_str::<Filter<Todo>>(&nested(2_000)).is_err());
        let many = vec![r#"{"hasKeyword":"a"}"#; FILTER_NODES_MAX].join(",");
        let many = format!(r#"{{"operator":"AND","conditions":[{many}]}}"#);
        assert!(serde_json::from_str::<Filter<Todo>>(&many).is_err());
        assert!(serde_json::from_str::<Filter<Todo>>(r#"{"operator":"XOR","conditions":[]}"#).is_err());
        assert!(serde_json::from_str::<Filter<Todo>>(r#"{"other":1}"#).is_err());
    }

    #[test]
    fn windows() {
        let check = |window: Window, expect: Result<std::ops::Range<usize>, WindowError>| {
            assert_eq!(window.range(10, 5, |id| (id.as_str() == "x").then_some(4)), expect);
        };
        let window = |position, limit| Window {
            position,
            limit,
            ..Window::default()
        };
        check(window(0, None), Ok(0..5));
        check(window(8, Some(4)), Ok(8..10));
        check(window(-3, Some(2)), Ok(7..9));
        check(window(-30, Some(2)), Ok(0..2));
        check(window(30, Some(2)), Ok(10..10));
        check(window(0, Some(0)), Ok(0..0));
        let anchored = |anchor: &str, anchor_offset| Window {
            anchor: Some(Id::try_from(anchor).unwrap()),
            anchor_offset,
            limit: Some(2),
            position: 9,
        };
        check(anchored("x", 0), Ok(4..6));
        check(anchored("x", -1), Ok(3..5));
        check(anchored("x", -100), Ok(0..2));
        check(anchored("y", 0), Err(WindowError));
    }
}
