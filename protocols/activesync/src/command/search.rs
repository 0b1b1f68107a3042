//! Search: looks for people of the organisation, or for mails ([MS-ASCMD] §2.2.1.16). [`crate::command::find`] asks the same
//! from 16.1 on.

use hongyan_types::Timestamp;

use crate::body::flag;
use crate::command::sync::{MailForm, MimeSupport};
use crate::command::{number, required, root};
use crate::page::{air_sync, email, gal, search as page};
use crate::status::statuses;
use crate::{BodyPreference, CommandError, Element, ProtocolVersion, Tag, date};

statuses! {
    /// Of the command and of a store ([MS-ASCMD] §2.2.3.177.13).
    SearchStatus {
        /// All is well.
        Success = 1,
        /// The request is none.
        ProtocolError = 2,
        /// It failed here.
        ServerError = 3,
        /// The member may not look there.
        AccessDenied = 5,
        /// There is no such store, or folder.
        NotFound = 6,
        /// More is asked for than is looked for.
        TooComplex = 8,
        /// It took too long.
        TimedOut = 10,
        /// The device asks for the folders first.
        FolderHierarchyChanged = 11,
        /// It begins behind what can be had.
        EndOfRange = 12,
    }
}

/// Most characters that are looked for at once.
pub const TEXT_CHARACTERS_MAX: usize = 1_024;

/// What is looked for; more than that is too much.
pub(crate) fn words(text: &str, too_much: CommandError) -> Result<String, CommandError> {
    match text.chars().count() {
        ..=TEXT_CHARACTERS_MAX => Ok(text.to_owned()),
        _ => Err(too_much),
    }
}

/// Results from the first to the last, both counted in, from 0 on ([MS-ASCMD] §2.2.3.143.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultRange {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
}

impl ResultRange {
    pub(crate) fn read(element: &Element, tag: Tag) -> Result<Option<Self>, CommandError> {
        let wrong = CommandError::new(2, "a range of results is none");
        let Some(text) = element.text_of(tag) else {
            return Ok(None);
        };
        let (first, last) = text.trim().split_once('-').ok_or(wrong)?;
        let range = Self {
            first: first.parse().map_err(|_| wrong)?,
            last: last.parse().map_err(|_| wrong)?,
        };
        if range.first > range.last {
            return Err(wrong);
        }
        Ok(Some(range))
    }

    pub(crate) fn text(self) -> String {
        format!("{}-{}", self.first, self.last)
    }
}

/// Which mails are looked for. What is `None` or empty does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailQuery {
    /// Words that are in them.
    pub free_text: Option<String>,
    /// In these folders.
    pub collection_ids: Vec<String>,
    /// And in those in them.
    pub deep: bool,
    /// That came after this.
    pub after: Option<Timestamp>,
    /// That came before this.
    pub before: Option<Timestamp>,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchQuery {
    /// People of the organisation, by words.
    People(String),
    /// Mails.
    Mails(MailQuery),
    /// Whatever is in a store that is not here: its name.
    Other(String),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchRequest {
    /// What is looked for.
    pub query: SearchQuery,
    /// Which of the results.
    pub range: Option<ResultRange>,
    /// In which form mails are wanted.
    pub form: MailForm,
}

impl SearchRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 2, 8 for more than is looked for, 103, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::SEARCH)?;
        let missing = CommandError::new(2, "Search has no store, or no query");
        let store = body.child(page::STORE).ok_or(missing)?;
        let query = store.child(page::QUERY).ok_or(missing)?;
        let none = Element::new(page::OPTIONS);
        let options = store.child(page::OPTIONS).unwrap_or(&none);
        let name = required(store, page::NAME, missing)?;
        let is = |store: &str| name.trim().eq_ignore_ascii_case(store);
        Ok(Self {
            query: if is("GAL") {
                SearchQuery::People(words(query.own_text(), COMPLEX)?)
            } else if is("Mailbox") {
                SearchQuery::Mails(read_mails(query, options)?)
            } else {
                SearchQuery::Other(name.to_owned())
            },
            range: ResultRange::read(options, page::RANGE)?,
            form: MailForm::read(options)?,
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let (name, query, deep) = match &self.query {
            SearchQuery::People(text) => ("GAL", Element::of_text(page::QUERY, text), false),
            SearchQuery::Mails(query) => {
                let and = write_mails(query);
                ("Mailbox", Element::new(page::QUERY).with(and), query.deep)
            }
            SearchQuery::Other(name) => (name.as_str(), Element::new(page::QUERY), false),
        };
        let mime_support = self.form.mime_support;
        let mime = (mime_support != MimeSupport::Never)
            .then(|| Element::of_text(air_sync::MIME_SUPPORT, mime_support.number().to_string()));
        let options = Element::new(page::OPTIONS)
            .with_all(mime)
            .with_all(self.form.body_preferences.iter().map(BodyPreference::write))
            .text_if(page::RANGE, self.range.map(ResultRange::text))
            .flag_if(page::DEEP_TRAVERSAL, deep);
        let store = Element::new(page::STORE).text(page::NAME, name).with(query);
        Element::new(page::SEARCH).with(store.with(options))
    }
}

const COMPLEX: CommandError = CommandError::new(8, "a search asks for more than is looked for");

fn read_mails(query: &Element, options: &Element) -> Result<MailQuery, CommandError> {
    let mut mails = MailQuery {
        deep: flag(options, page::DEEP_TRAVERSAL),
        ..MailQuery::default()
    };
    let received = |condition: &Element| {
        let value = condition.text_of(page::VALUE).and_then(date::read);
        let is_date = condition.has(email::DATE_RECEIVED);
        value.filter(|_| is_date).map(Some).ok_or(COMPLEX)
    };
    // Some devices write what is looked for without `And`.
    let conditions = query.child(page::AND).unwrap_or(query);
    for condition in conditions.elements() {
        match condition.tag {
            air_sync::CLASS if condition.own_text().trim() == "Email" => {}
            air_sync::COLLECTION_ID => mails.collection_ids.push(condition.own_text().to_owned()),
            page::FREE_TEXT => mails.free_text = Some(words(condition.own_text(), COMPLEX)?),
            page::GREATER_THAN => mails.after = received(condition)?,
            page::LESS_THAN => mails.before = received(condition)?,
            _ => return Err(COMPLEX),
        }
    }
    Ok(mails)
}

fn write_mails(query: &MailQuery) -> Element {
    let received = |tag, moment: Option<Timestamp>| {
        moment.map(|moment| {
            let condition = Element::new(tag).flag(email::DATE_RECEIVED);
            condition.text(page::VALUE, date::write(moment))
        })
    };
    let folders = query.collection_ids.iter();
    Element::new(page::AND)
        .text(air_sync::CLASS, "Email")
        .with_all(folders.map(|id| Element::of_text(air_sync::COLLECTION_ID, id)))
        .text_if(page::FREE_TEXT, query.free_text.as_ref())
        .with_all(received(page::GREATER_THAN, query.after))
        .with_all(received(page::LESS_THAN, query.before))
}

/// Someone of the organisation ([MS-ASCMD] §2.2.3.143 and the elements of GAL). What is `None` is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// The name.
    pub display_name: Option<String>,
    /// The landline.
    pub phone: Option<String>,
    /// Where, in the organisation.
    pub office: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The organisation.
    pub company: Option<String>,
    /// What stands before the `@`.
    pub alias: Option<String>,
    /// The mobile phone.
    pub mobile_phone: Option<String>,
    /// The address.
    pub email_address: Option<String>,
}

impl Person {
    pub(crate) fn write(&self, properties: Tag) -> Element {
        Element::new(properties)
            .text_if(gal::DISPLAY_NAME, self.display_name.as_ref())
            .text_if(gal::PHONE, self.phone.as_ref())
            .text_if(gal::OFFICE, self.office.as_ref())
            .text_if(gal::TITLE, self.title.as_ref())
            .text_if(gal::COMPANY, self.company.as_ref())
            .text_if(gal::ALIAS, self.alias.as_ref())
            .text_if(gal::MOBILE_PHONE, self.mobile_phone.as_ref())
            .text_if(gal::EMAIL_ADDRESS, self.email_address.as_ref())
    }

    pub(crate) fn read(properties: &Element) -> Self {
        let text = |tag| properties.text_of(tag).map(str::to_owned);
        Self {
            display_name: text(gal::DISPLAY_NAME),
            phone: text(gal::PHONE),
            office: text(gal::OFFICE),
            title: text(gal::TITLE),
            company: text(gal::COMPANY),
            alias: text(gal::ALIAS),
            mobile_phone: text(gal::MOBILE_PHONE),
            email_address: text(gal::EMAIL_ADDRESS),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchResult {
    /// Someone.
    Person(Person),
    /// A mail.
    Mail {
        /// What it is called outside of its folder.
        long_id: String,
        /// Its folder.
        collection_id: String,
        /// What it is, as Sync has it.
        data: Vec<Element>,
    },
}

impl SearchResult {
    fn write(&self) -> Element {
        let element = Element::new(page::RESULT);
        match self {
            Self::Person(person) => element.with(person.write(page::PROPERTIES)),
            Self::Mail {
                long_id,
                collection_id,
                data,
            } => element
                .text(air_sync::CLASS, "Email")
                .text(page::LONG_ID, long_id)
                .text(air_sync::COLLECTION_ID, collection_id)
                .with(Element::new(page::PROPERTIES).with_all(data.iter().cloned())),
        }
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a result has no properties, or no folder");
        let properties = element.child(page::PROPERTIES).ok_or(wrong)?;
        match element.text_of(page::LONG_ID) {
            None => Ok(Self::Person(Person::read(properties))),
            Some(long_id) => Ok(Self::Mail {
                long_id: long_id.to_owned(),
                collection_id: required(element, air_sync::COLLECTION_ID, wrong)?.to_owned(),
                data: properties.elements().cloned().collect(),
            }),
        }
    }
}

/// What was found in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchResponse {
    /// Of the store; results are there for success alone.
    pub status: SearchStatus,
    /// Those of the range.
    pub results: Vec<SearchResult>,
    /// Which these are; `None` where there are none.
    pub range: Option<ResultRange>,
    /// How many there are in all.
    pub total: u32,
}

impl SearchResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let mut store = Element::new(page::STORE).number(page::STATUS, self.status.number());
        if self.status == SearchStatus::Success {
            // [MS-ASCMD] §2.2.3.153: nothing found is one that is empty.
            store = store
                .flag_if(page::RESULT, self.results.is_empty())
                .with_all(self.results.iter().map(SearchResult::write))
                .text_if(page::RANGE, self.range.map(ResultRange::text))
                .number(page::TOTAL, self.total);
        }
        Element::new(page::SEARCH)
            .number(page::STATUS, SearchStatus::Success.number())
            .with(Element::new(page::RESPONSE).with(store))
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none; the status of an answer that only refuses.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::SEARCH)?;
        let wrong = CommandError::invalid("Search answers without store or status");
        let Some(response) = body.child(page::RESPONSE) else {
            let status = number(body, page::STATUS, wrong)?.ok_or(wrong)?;
            return Err(CommandError::new(status, "Search is refused"));
        };
        let store = response.child(page::STORE).ok_or(wrong)?;
        let status = number(store, page::STATUS, wrong)?.and_then(SearchStatus::from_number);
        let results = store.children(page::RESULT).filter(|result| !result.content.is_empty());
        Ok(Self {
            status: status.ok_or(wrong)?,
            results: results.map(SearchResult::read).collect::<Result<_, _>>()?,
            range: ResultRange::read(store, page::RANGE)?,
            total: number(store, page::TOTAL, wrong)?.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    fn people(text: &str) -> SearchRequest {
        SearchRequest {
            query: SearchQuery::People(text.to_owned()),
            range: Some(ResultRange { first: 0, last: 9 }),
            form: MailForm::default(),
        }
    }

    #[test]
    fn acc_4_requests_both_ways() {
        let read = |body: &Element| SearchRequest::read(body, ProtocolVersion::V14_1);
        let golden =
            b"\x03\x01\x6a\x00\x00\x0f\x45\x47\x48\x03GAL\x00\x01\x49\x03li\x00\x01\x4a\x4b\x030-9\x00\x01\x01\x01\x01";
        assert_eq!(octets(&people("li").write()), golden);
        assert_eq!(read(&tree(golden)), Ok(people("li")));
        let mails = SearchRequest {
            query: SearchQuery::Mails(MailQuery {
                free_text: Some("word".to_owned()),
                collection_ids: vec!["1".to_owned(), "2".to_owned()],
                deep: true,
                after: Some(Timestamp { millis: 1_000 }),
                before: Some(Timestamp { millis: 2_000 }),
            }),
            form: MailForm {
                mime_support: MimeSupport::Always,
                ..MailForm::default()
            },
            ..people("")
        };
        assert_eq!(read(&mails.write()), Ok(mails));
        let other = SearchRequest {
            query: SearchQuery::Other("DocumentLibrary".to_owned()),
            range: None,
            ..people("")
        };
        assert_eq!(read(&other.write()), Ok(other));
        let mailbox = |condition: Element| {
            let store = Element::new(page::STORE).text(page::NAME, "Mailbox");
            let query = Element::new(page::QUERY).with(Element::new(page::AND).with(condition));
            Element::new(page::SEARCH).with(store.with(query))
        };
        let range = |text: &str| {
            let store = Element::new(page::STORE).text(page::NAME, "GAL").text(page::QUERY, "x");
            let options = Element::new(page::OPTIONS).text(page::RANGE, text);
            Element::new(page::SEARCH).with(store.with(options))
        };
        let free_text = |count: usize| mailbox(Element::of_text(page::FREE_TEXT, "x".repeat(count)));
        assert!(read(&free_text(TEXT_CHARACTERS_MAX)).is_ok());
        for (body, status) in [
            (free_text(TEXT_CHARACTERS_MAX + 1), 8),
            (people(&"x".repeat(TEXT_CHARACTERS_MAX + 1)).write(), 8),
            (Element::new(page::STORE), 101),
            (Element::new(page::SEARCH), 2),
            (mailbox(Element::new(page::OR)), 8),
            (mailbox(Element::new(page::GREATER_THAN)), 8),
            (mailbox(Element::of_text(air_sync::CLASS, "Tasks")), 8),
            (range("9-0"), 2),
            (range("x"), 2),
        ] {
            assert_eq!(read(&body).unwrap_err().status, status, "{body:?}");
        }
    }

    #[test]
    fn acc_4_responses_both_ways() {
        let person = Person {
            display_name: Some("Li".to_owned()),
            email_address: Some("li@a.b".to_owned()),
            ..Person::default()
        };
        let found = SearchResponse {
            status: SearchStatus::Success,
            results: vec![SearchResult::Person(person)],
            range: Some(ResultRange { first: 0, last: 0 }),
            total: 1,
        };
        let golden = b"\x03\x01\x6a\x00\x00\x0f\x45\x4c\x031\x00\x01\x4d\x47\x4c\x031\x00\x01\x4e\x4f\
            \x00\x10\x45\x03Li\x00\x01\x4f\x03li@a.b\x00\x01\x01\x01\
            \x00\x0f\x4b\x030-0\x00\x01\x50\x031\x00\x01\x01\x01\x01";
        let written = octets(&found.write());
        assert_eq!(written, golden, "{}", written.escape_ascii());
        assert_eq!(SearchResponse::read(&tree(golden)), Ok(found));
        let mail = SearchResponse {
            status: SearchStatus::Success,
            results: vec![SearchResult::Mail {
                long_id: "1:2".to_owned(),
                collection_id: "1".to_owned(),
                data: vec![Element::of_text(email::SUBJECT, "a")],
            }],
            range: Some(ResultRange { first: 3, last: 3 }),
            total: 9,
        };
        assert_eq!(SearchResponse::read(&mail.write()), Ok(mail));
        for status in [SearchStatus::Success, SearchStatus::NotFound] {
            let none = SearchResponse {
                status,
                results: Vec::new(),
                range: None,
                total: 0,
            };
            assert_eq!(SearchResponse::read(&none.write()), Ok(none));
        }
        let refused = crate::command::refusal(crate::Command::Search, 142).unwrap();
        assert_eq!(SearchResponse::read(&refused).unwrap_err().status, 142);
    }
}
