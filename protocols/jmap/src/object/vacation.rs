//! VacationResponse (RFC 8621 §8): the one answer of an account whose person is away.

use serde::ser::SerializeMap;

use super::{Record, plain_properties};
use crate::UtcDate;

plain_properties! {
    /// A property of the answer.
    VacationProperty {
        /// Its id, `singleton`.
        Id = "id",
        /// Whether it is given.
        IsEnabled = "isEnabled",
        /// From when.
        FromDate = "fromDate",
        /// Until when.
        ToDate = "toDate",
        /// Its subject.
        Subject = "subject",
        /// Its text.
        TextBody = "textBody",
        /// Its text as HTML.
        HtmlBody = "htmlBody",
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VacationResponse {
    /// Whether it is given.
    pub is_enabled: bool,
    /// From when.
    pub from_date: Option<UtcDate>,
    /// Until when.
    pub to_date: Option<UtcDate>,
    /// Its subject.
    pub subject: Option<String>,
    /// Its text.
    pub text_body: Option<String>,
    /// Its text as HTML.
    pub html_body: Option<String>,
}

impl VacationResponse {
    /// The id of the only one.
    pub const ID: &'static str = "singleton";
}

impl Record for VacationResponse {
    type Property = VacationProperty;
    fn write<M: SerializeMap>(&self, property: &VacationProperty, map: &mut M) -> Result<(), M::Error> {
        let name = property.as_str();
        match property {
            VacationProperty::Id => map.serialize_entry(name, Self::ID),
            VacationProperty::IsEnabled => map.serialize_entry(name, &self.is_enabled),
            VacationProperty::FromDate => map.serialize_entry(name, &self.from_date),
            VacationProperty::ToDate => map.serialize_entry(name, &self.to_date),
            VacationProperty::Subject => map.serialize_entry(name, &self.subject),
            VacationProperty::TextBody => map.serialize_entry(name, &self.text_body),
            VacationProperty::HtmlBody => map.serialize_entry(name, &self.html_body),
        }
    }
}
