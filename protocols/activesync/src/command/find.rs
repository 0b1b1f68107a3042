//! Find: looks for people of the organisation, or for mails, from 16.1 on ([MS-ASCMD] §2.2.1.2).

use crate::body::flag;
use crate::command::search::{MailQuery, Person, ResultRange, words};
use crate::command::{number, required, root};
use crate::page::{air_sync, find as page, item_operations};
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion};

statuses! {
    /// [MS-ASCMD] §2.2.3.177.2.
    FindStatus {
        /// All is well.
        Success = 1,
        /// The request is none.
        InvalidRequest = 2,
        /// The device asks for the folders first.
        FolderHierarchyChanged = 3,
        /// It begins behind what can be had: the device asks again, from 0 on.
        EndOfRange = 4,
    }
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindQuery {
    /// People of the organisation, by words.
    People(String),
    /// Mails. When they came is not asked here.
    Mails(MailQuery),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindRequest {
    /// What the device calls this search.
    pub search_id: String,
    /// What is looked for.
    pub query: FindQuery,
    /// Which of the results.
    pub range: Option<ResultRange>,
}

impl FindRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 2, 138 before 16.1, or 101 for another command's.
    pub fn read(body: &Element, version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::FIND)?;
        if version < ProtocolVersion::V16_1 {
            return Err(CommandError::new(138, "Find is there from 16.1 on"));
        }
        let wrong = CommandError::new(2, "Find has no name, or looks for nothing");
        let search = body.child(page::EXECUTE_SEARCH).ok_or(wrong)?;
        let none = Element::new(page::OPTIONS);
        let of_mails = search.child(page::MAIL_BOX_SEARCH_CRITERION);
        let criterion = of_mails.or_else(|| search.child(page::GAL_SEARCH_CRITERION));
        let criterion = criterion.ok_or(wrong)?;
        let options = criterion.child(page::OPTIONS).unwrap_or(&none);
        let query = criterion.child(page::QUERY).ok_or(wrong)?;
        let folders = query.children(air_sync::COLLECTION_ID);
        let free_text = query.text_of(page::FREE_TEXT);
        let long = CommandError::new(2, "Find looks for too much");
        Ok(Self {
            search_id: required(body, page::SEARCH_ID, wrong)?.to_owned(),
            query: match of_mails {
                // Some devices put the words for people into FreeText, too.
                None => FindQuery::People(words(free_text.unwrap_or_else(|| query.own_text()), long)?),
                Some(_) => FindQuery::Mails(MailQuery {
                    free_text: free_text.map(|text| words(text, long)).transpose()?,
                    collection_ids: folders.map(|id| id.own_text().to_owned()).collect(),
                    deep: flag(options, page::DEEP_TRAVERSAL),
                    ..MailQuery::default()
                }),
            },
            range: ResultRange::read(options, page::RANGE)?,
        })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let (tag, query, deep) = match &self.query {
            FindQuery::People(text) => (page::GAL_SEARCH_CRITERION, Element::of_text(page::QUERY, text), false),
            FindQuery::Mails(query) => {
                let folders = query.collection_ids.iter();
                let element = Element::new(page::QUERY)
                    .text_if(page::FREE_TEXT, query.free_text.as_ref())
                    .text(air_sync::CLASS, "Email")
                    .with_all(folders.map(|id| Element::of_text(air_sync::COLLECTION_ID, id)));
                (page::MAIL_BOX_SEARCH_CRITERION, element, query.deep)
            }
        };
        let options = Element::new(page::OPTIONS)
            .text_if(page::RANGE, self.range.map(ResultRange::text))
            .flag_if(page::DEEP_TRAVERSAL, deep);
        let criterion = Element::new(tag).with(query).with(options);
        Element::new(page::FIND)
            .text(page::SEARCH_ID, &self.search_id)
            .with(Element::new(page::EXECUTE_SEARCH).with(criterion))
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindResult {
    /// Someone.
    Person(Person),
    /// A mail.
    Mail {
        /// Which.
        server_id: String,
        /// Its folder.
        collection_id: String,
        /// What it is about, by whom and when, as Sync has it.
        data: Vec<Element>,
        /// How it begins.
        preview: String,
        /// Whether something is attached.
        has_attachments: bool,
    },
}

impl FindResult {
    fn write(&self) -> Element {
        let element = Element::new(page::RESULT);
        match self {
            Self::Person(person) => element.with(person.write(page::PROPERTIES)),
            Self::Mail {
                server_id,
                collection_id,
                data,
                preview,
                has_attachments,
            } => {
                let properties = Element::new(page::PROPERTIES)
                    .with_all(data.iter().cloned())
                    .text(page::PREVIEW, preview)
                    .boolean(page::HAS_ATTACHMENTS, *has_attachments);
                element
                    .text(air_sync::CLASS, "Email")
                    .text(air_sync::SERVER_ID, server_id)
                    .text(air_sync::COLLECTION_ID, collection_id)
                    .with(properties)
            }
        }
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a result has no properties, or no folder");
        let properties = element.child(page::PROPERTIES).ok_or(wrong)?;
        let Some(server_id) = element.text_of(air_sync::SERVER_ID) else {
            return Ok(Self::Person(Person::read(properties)));
        };
        let own = [page::PREVIEW, page::HAS_ATTACHMENTS];
        let data = properties.elements().filter(|element| !own.contains(&element.tag));
        Ok(Self::Mail {
            server_id: server_id.to_owned(),
            collection_id: required(element, air_sync::COLLECTION_ID, wrong)?.to_owned(),
            data: data.cloned().collect(),
            preview: properties.text_of(page::PREVIEW).unwrap_or_default().to_owned(),
            has_attachments: flag(properties, page::HAS_ATTACHMENTS),
        })
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindResponse {
    /// Results are there for success alone.
    pub status: FindStatus,
    /// Those of the range.
    pub results: Vec<FindResult>,
    /// Which these are; `None` where there are none.
    pub range: Option<ResultRange>,
    /// How many there are in all.
    pub total: u32,
}

impl FindResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let status = self.status.number();
        // §2.2.3.177.2: that the device asks for the folders first is said of the whole, that a range is none of the answer.
        if self.status == FindStatus::FolderHierarchyChanged {
            return Element::new(page::FIND).number(page::STATUS, status);
        }
        let mut response = Element::new(page::RESPONSE)
            .text(item_operations::STORE, "Mailbox")
            .number(page::STATUS, status);
        if self.status == FindStatus::Success {
            response = response
                .with_all(self.results.iter().map(FindResult::write))
                .text_if(page::RANGE, self.range.map(ResultRange::text))
                .number(page::TOTAL, self.total);
        }
        Element::new(page::FIND)
            .number(page::STATUS, FindStatus::Success.number())
            .with(response)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none; the status of an answer that only refuses.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::FIND)?;
        let wrong = CommandError::invalid("Find answers without status");
        let Some(response) = body.child(page::RESPONSE) else {
            let status = number(body, page::STATUS, wrong)?.ok_or(wrong)?;
            return Err(CommandError::new(status, "Find is refused"));
        };
        let status = number(response, page::STATUS, wrong)?.and_then(FindStatus::from_number);
        let results = response.children(page::RESULT).map(FindResult::read);
        Ok(Self {
            status: status.ok_or(wrong)?,
            results: results.collect::<Result<_, _>>()?,
            range: ResultRange::read(response, page::RANGE)?,
            total: number(response, page::TOTAL, wrong)?.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};
    use crate::page::email;

    fn request(query: FindQuery) -> FindRequest {
        FindRequest {
            search_id: "s".to_owned(),
            query,
            range: Some(ResultRange { first: 0, last: 4 }),
        }
    }

    #[test]
    fn acc_4_requests_both_ways() {
        let read = |body: &Element| FindRequest::read(body, ProtocolVersion::V16_1);
        let people = request(FindQuery::People("li".to_owned()));
        let golden = b"\x03\x01\x6a\x00\x00\x19\x45\x46\x03s\x00\x01\x47\x59\x49\x03li\x00\x01\x4c\x4d\x030-4\x00\x01\x01\x01\x01\x01";
        assert_eq!(octets(&people.write()), golden);
        assert_eq!(read(&tree(golden)), Ok(people.clone()));
        let query = Element::new(page::QUERY).text(page::FREE_TEXT, "li");
        let options = Element::new(page::OPTIONS).text(page::RANGE, "0-4");
        let criterion = Element::new(page::GAL_SEARCH_CRITERION).with(query).with(options);
        let search = Element::new(page::EXECUTE_SEARCH).with(criterion);
        let nested = Element::new(page::FIND).text(page::SEARCH_ID, "s").with(search);
        assert_eq!(read(&nested), Ok(people));
        let mails = request(FindQuery::Mails(MailQuery {
            free_text: Some("word".to_owned()),
            collection_ids: vec!["1".to_owned()],
            deep: true,
            ..MailQuery::default()
        }));
        assert_eq!(read(&mails.write()), Ok(mails));
        assert_eq!(
            FindRequest::read(&tree(golden), ProtocolVersion::V16_0)
                .unwrap_err()
                .status,
            138
        );
        for (body, status) in [
            (Element::new(page::FIND), 2),
            (Element::new(page::FIND).flag(page::EXECUTE_SEARCH), 2),
            (request(FindQuery::People("x".repeat(1_025))).write(), 2),
            (Element::new(page::RESULT), 101),
        ] {
            assert_eq!(read(&body).unwrap_err().status, status);
        }
    }

    #[test]
    fn acc_4_responses_both_ways() {
        let found = FindResponse {
            status: FindStatus::Success,
            results: vec![
                FindResult::Person(Person {
                    title: Some("t".to_owned()),
                    ..Person::default()
                }),
                FindResult::Mail {
                    server_id: "1:2".to_owned(),
                    collection_id: "1".to_owned(),
                    data: vec![Element::of_text(email::SUBJECT, "a")],
                    preview: "text".to_owned(),
                    has_attachments: true,
                },
            ],
            range: Some(ResultRange { first: 0, last: 1 }),
            total: 2,
        };
        assert_eq!(FindResponse::read(&found.write()), Ok(found));
        let none = |status| FindResponse {
            status,
            results: Vec::new(),
            range: None,
            total: 0,
        };
        for status in [FindStatus::Success, FindStatus::EndOfRange] {
            assert_eq!(FindResponse::read(&none(status).write()), Ok(none(status)));
        }
        let refused = none(FindStatus::FolderHierarchyChanged).write();
        assert_eq!(FindResponse::read(&refused).unwrap_err().status, 3);
    }
}
