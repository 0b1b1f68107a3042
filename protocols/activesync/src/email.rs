//! Mail as devices see it ([MS-ASEMAIL] §2.2.2), and what they change of it.

use hongyan_types::Timestamp;

use crate::body::{Attachment, Body, NewAttachment, flag};
use crate::command::number;
use crate::page::{air_sync_base, email as page, email2, tasks};
use crate::{CommandError, Element, ProtocolVersion, Tag, date};

/// How urgent a mail is ([MS-ASEMAIL] §2.2.2.38).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Importance {
    /// Not urgent.
    Low,
    /// As others.
    #[default]
    Normal,
    /// Urgent.
    High,
}

impl Importance {
    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Low => 0,
            Self::Normal => 1,
            Self::High => 2,
        }
    }

    /// Of its number on the wire.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::Low, Self::Normal, Self::High]
            .into_iter()
            .find(|importance| importance.number() == number)
    }
}

/// Whether a mail is flagged ([MS-ASEMAIL] §2.2.2.72).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FlagStatus {
    /// It is not.
    #[default]
    Cleared,
    /// It was, and what it was for is done.
    Complete,
    /// It is.
    Active,
}

/// A mail's flag ([MS-ASEMAIL] §2.2.2.34). Empty: there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flag {
    /// Whether it is up.
    pub status: FlagStatus,
    /// What it is for: `for Follow Up`.
    pub kind: Option<String>,
    /// From when on.
    pub start_date: Option<Timestamp>,
    /// Until when.
    pub due_date: Option<Timestamp>,
    /// When it was done.
    pub complete_time: Option<Timestamp>,
}

impl Flag {
    fn write(&self) -> Element {
        let element = Element::new(page::FLAG);
        let status = match self.status {
            FlagStatus::Cleared => return element,
            FlagStatus::Complete => 1_u8,
            FlagStatus::Active => 2,
        };
        let start_date = self.start_date.map(date::write);
        let due_date = self.due_date.map(date::write);
        let complete_time = self.complete_time.map(date::write);
        // Times of the device and of UTC are the same here: what it is due by is a day, and devices show it so.
        element
            .number(page::STATUS, status)
            .text_if(page::FLAG_TYPE, self.kind.as_ref())
            .text_if(page::COMPLETE_TIME, complete_time.as_ref())
            .text_if(tasks::DATE_COMPLETED, complete_time.as_ref())
            .text_if(tasks::START_DATE, start_date.as_ref())
            .text_if(tasks::UTC_START_DATE, start_date.as_ref())
            .text_if(tasks::DUE_DATE, due_date.as_ref())
            .text_if(tasks::UTC_DUE_DATE, due_date.as_ref())
    }

    fn read(element: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a flag has a status that there is not");
        let status = match number::<u8>(element, page::STATUS, wrong)? {
            None | Some(0) => FlagStatus::Cleared,
            Some(1) => FlagStatus::Complete,
            Some(2) => FlagStatus::Active,
            Some(_) => return Err(wrong),
        };
        Ok(Self {
            status,
            kind: element.text_of(page::FLAG_TYPE).map(str::to_owned),
            start_date: moment(element, tasks::UTC_START_DATE)?,
            due_date: moment(element, tasks::UTC_DUE_DATE)?,
            complete_time: moment(element, page::COMPLETE_TIME)?,
        })
    }
}

fn moment(element: &Element, tag: Tag) -> Result<Option<Timestamp>, CommandError> {
    let wrong = CommandError::new(104, "a date is none");
    element
        .text_of(tag)
        .map(|text| date::read(text).ok_or(wrong))
        .transpose()
}

/// What was done last with a mail ([MS-ASEMAIL] §2.2.2.43).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Its sender was answered.
    ReplyToSender,
    /// All were answered.
    ReplyToAll,
    /// It was forwarded.
    Forward,
}

impl Verb {
    /// Its number on the wire.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::ReplyToSender => 1,
            Self::ReplyToAll => 2,
            Self::Forward => 3,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        [Self::ReplyToSender, Self::ReplyToAll, Self::Forward]
            .into_iter()
            .find(|verb| verb.number() == number)
    }
}

/// A mail. What is `None` is not said: a change says only what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmailData {
    /// To whom, as in its header.
    pub to: Option<String>,
    /// And to whom else.
    pub cc: Option<String>,
    /// And to whom unseen (16.0).
    pub bcc: Option<String>,
    /// By whom.
    pub from: Option<String>,
    /// Who has sent it, where that is someone else.
    pub sender: Option<String>,
    /// Whom to answer.
    pub reply_to: Option<String>,
    /// What about.
    pub subject: Option<String>,
    /// When it came.
    pub date_received: Option<Timestamp>,
    /// The names of those it is to, with semicolons between.
    pub display_to: Option<String>,
    /// What the conversation is about: the subject without `Re:`.
    pub thread_topic: Option<String>,
    /// How urgent.
    pub importance: Option<Importance>,
    /// Whether it was read.
    pub read: Option<bool>,
    /// Its flag.
    pub flag: Option<Flag>,
    /// What is attached, all of it.
    pub attachments: Vec<Attachment>,
    /// What it says.
    pub body: Option<Body>,
    /// In which form it is kept ([MS-ASAIRS] §2.2.2.32).
    pub native_body_type: Option<crate::BodyType>,
    /// `IPM.Note` and the like ([MS-ASEMAIL] §2.2.2.49).
    pub message_class: Option<String>,
    /// The charset's code page of Windows; 65001 for UTF-8.
    pub internet_cpid: Option<u32>,
    /// `urn:content-classes:message` and the like.
    pub content_class: Option<String>,
    /// Which conversation it is of.
    pub conversation_id: Option<Vec<u8>>,
    /// Where in that.
    pub conversation_index: Option<Vec<u8>>,
    /// Whether it is being written (16.0).
    pub is_draft: Option<bool>,
    /// What was done last with it.
    pub last_verb_executed: Option<Verb>,
    /// When that was.
    pub last_verb_execution_time: Option<Timestamp>,
    /// Its categories; an empty list takes away all.
    pub categories: Option<Vec<String>>,
}

impl EmailData {
    /// Writes it: the elements of `ApplicationData` or `Properties`, those that the version knows.
    #[must_use]
    pub fn write(&self, version: ProtocolVersion) -> Vec<Element> {
        let mut elements = Vec::new();
        let mut text = |tag: Tag, text: &Option<String>| {
            elements.extend(text.as_ref().map(|text| Element::of_text(tag, text)));
        };
        text(page::TO, &self.to);
        text(page::CC, &self.cc);
        text(page::FROM, &self.from);
        text(page::REPLY_TO, &self.reply_to);
        text(page::SUBJECT, &self.subject);
        text(page::DATE_RECEIVED, &self.date_received.map(date::write));
        text(page::DISPLAY_TO, &self.display_to);
        text(page::THREAD_TOPIC, &self.thread_topic);
        text(page::MESSAGE_CLASS, &self.message_class);
        text(page::CONTENT_CLASS, &self.content_class);
        text(email2::SENDER, &self.sender);
        if version.is_16() {
            text(email2::BCC, &self.bcc);
        }
        let mut number = |tag: Tag, number: Option<u32>| {
            elements.extend(number.map(|number| Element::of_text(tag, number.to_string())));
        };
        number(
            page::IMPORTANCE,
            self.importance.map(|importance| importance.number().into()),
        );
        number(page::READ, self.read.map(u32::from));
        number(page::INTERNET_CPID, self.internet_cpid);
        number(
            email2::LAST_VERB_EXECUTED,
            self.last_verb_executed.map(|verb| verb.number().into()),
        );
        if version.is_16() {
            number(email2::IS_DRAFT, self.is_draft.map(u32::from));
        }
        number(
            air_sync_base::NATIVE_BODY_TYPE,
            self.native_body_type.map(|kind| kind.number().into()),
        );
        let time = self.last_verb_execution_time.map(date::write);
        elements.extend(time.map(|time| Element::of_text(email2::LAST_VERB_EXECUTION_TIME, time)));
        for (tag, octets) in [
            (email2::CONVERSATION_ID, &self.conversation_id),
            (email2::CONVERSATION_INDEX, &self.conversation_index),
        ] {
            elements.extend(octets.as_ref().map(|octets| Element {
                tag,
                content: vec![crate::Content::Opaque(octets.clone())],
            }));
        }
        elements.extend(self.categories.as_ref().map(|names| {
            let names = names.iter().map(|name| Element::of_text(page::CATEGORY, name));
            Element::new(page::CATEGORIES).with_all(names)
        }));
        elements.extend(self.flag.as_ref().map(Flag::write));
        if !self.attachments.is_empty() {
            let list = Element::new(air_sync_base::ATTACHMENTS);
            elements.push(list.with_all(self.attachments.iter().map(Attachment::write)));
        }
        elements.extend(self.body.as_ref().map(Body::write));
        elements
    }

    /// Reads what is in `ApplicationData` or `Properties`.
    ///
    /// # Errors
    /// Something of it is not what it should be: 103, or 104 for a date.
    pub fn read(data: &Element) -> Result<Self, CommandError> {
        let wrong = CommandError::invalid("a mail has a number that is none");
        let text = |tag| data.text_of(tag).map(str::to_owned);
        let octets = |tag| data.octets_of(tag).map(<[u8]>::to_vec);
        let truth = |tag| data.has(tag).then(|| flag(data, tag));
        let attachments = data.child(air_sync_base::ATTACHMENTS);
        Ok(Self {
            to: text(page::TO),
            cc: text(page::CC),
            bcc: text(email2::BCC),
            from: text(page::FROM),
            sender: text(email2::SENDER),
            reply_to: text(page::REPLY_TO),
            subject: text(page::SUBJECT),
            date_received: moment(data, page::DATE_RECEIVED)?,
            display_to: text(page::DISPLAY_TO),
            thread_topic: text(page::THREAD_TOPIC),
            importance: importance(data)?,
            read: truth(page::READ),
            flag: data.child(page::FLAG).map(Flag::read).transpose()?,
            attachments: attachments
                .into_iter()
                .flat_map(|list| list.children(air_sync_base::ATTACHMENT))
                .map(Attachment::read)
                .collect::<Result<_, _>>()?,
            body: data.child(air_sync_base::BODY).map(Body::read).transpose()?,
            native_body_type: number(data, air_sync_base::NATIVE_BODY_TYPE, wrong)?
                .and_then(crate::BodyType::from_number),
            message_class: text(page::MESSAGE_CLASS),
            internet_cpid: number(data, page::INTERNET_CPID, wrong)?,
            content_class: text(page::CONTENT_CLASS),
            conversation_id: octets(email2::CONVERSATION_ID),
            conversation_index: octets(email2::CONVERSATION_INDEX),
            is_draft: truth(email2::IS_DRAFT),
            last_verb_executed: number(data, email2::LAST_VERB_EXECUTED, wrong)?.and_then(Verb::from_number),
            last_verb_execution_time: moment(data, email2::LAST_VERB_EXECUTION_TIME)?,
            categories: categories(data),
        })
    }
}

fn importance(data: &Element) -> Result<Option<Importance>, CommandError> {
    let wrong = CommandError::invalid("a mail has an importance that there is not");
    number(data, page::IMPORTANCE, wrong)?
        .map(|number| Importance::from_number(number).ok_or(wrong))
        .transpose()
}

fn categories(data: &Element) -> Option<Vec<String>> {
    let list = data.child(page::CATEGORIES)?;
    let names = list.children(page::CATEGORY);
    Some(names.map(|name| name.own_text().to_owned()).collect())
}

/// A draft as a device writes it (16.0, [MS-ASEMAIL] §2.2.2.41). What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// To whom.
    pub to: Option<String>,
    /// And to whom else.
    pub cc: Option<String>,
    /// And to whom unseen.
    pub bcc: Option<String>,
    /// What about.
    pub subject: Option<String>,
    /// How urgent.
    pub importance: Option<Importance>,
    /// What it says.
    pub body: Option<Body>,
    /// What is attached anew.
    pub attachments_added: Vec<NewAttachment>,
    /// What is attached no more, by its reference.
    pub attachments_deleted: Vec<String>,
    /// Whether it is to be sent now.
    pub send: bool,
}

/// What a device changes of a mail, or of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EmailChange {
    /// Whether it was read.
    pub read: Option<bool>,
    /// Its flag; one whose status is cleared takes it away.
    pub flag: Option<Flag>,
    /// Its categories; an empty list takes away all.
    pub categories: Option<Vec<String>>,
    /// What it says, where it is a draft. `None` where nothing of that is changed, and before 16.0.
    pub draft: Option<Draft>,
}

impl EmailChange {
    /// Reads what is in `ApplicationData`.
    ///
    /// # Errors
    /// Something of it is not what it should be: 103, or 104 for a date.
    pub fn read(data: &Element, version: ProtocolVersion) -> Result<Self, CommandError> {
        let draft = if version.is_16() {
            Draft::read(data)?
        } else {
            Draft::default()
        };
        Ok(Self {
            read: data.has(page::READ).then(|| flag(data, page::READ)),
            flag: data.child(page::FLAG).map(Flag::read).transpose()?,
            categories: categories(data),
            draft: Some(draft).filter(|draft| *draft != Draft::default()),
        })
    }

    /// Writes it, as a device does.
    #[must_use]
    pub fn write(&self, version: ProtocolVersion) -> Vec<Element> {
        let draft = self.draft.clone().unwrap_or_default();
        let data = EmailData {
            to: draft.to,
            cc: draft.cc,
            bcc: draft.bcc,
            subject: draft.subject,
            importance: draft.importance,
            body: draft.body,
            read: self.read,
            flag: self.flag.clone(),
            categories: self.categories.clone(),
            ..EmailData::default()
        };
        let mut elements = data.write(version);
        let added = draft.attachments_added.iter().map(NewAttachment::write);
        let deleted = draft
            .attachments_deleted
            .iter()
            .map(|reference| Element::new(air_sync_base::DELETE).text(air_sync_base::FILE_REFERENCE, reference));
        let attachments = Element::new(air_sync_base::ATTACHMENTS).with_all(added.chain(deleted));
        if !attachments.content.is_empty() {
            elements.push(attachments);
        }
        elements.extend(draft.send.then(|| Element::new(email2::SEND)));
        elements
    }
}

impl Draft {
    fn read(data: &Element) -> Result<Self, CommandError> {
        let text = |tag| data.text_of(tag).map(str::to_owned);
        let mut draft = Self {
            to: text(page::TO),
            cc: text(page::CC),
            bcc: text(email2::BCC),
            subject: text(page::SUBJECT),
            importance: importance(data)?,
            body: data.child(air_sync_base::BODY).map(Body::read).transpose()?,
            send: flag(data, email2::SEND),
            ..Self::default()
        };
        let missing = CommandError::invalid("an attachment that goes has no reference");
        for change in data.children(air_sync_base::ATTACHMENTS).flat_map(Element::elements) {
            match change.tag {
                air_sync_base::ADD => draft.attachments_added.push(NewAttachment::read(change)?),
                air_sync_base::DELETE => {
                    let reference = change.text_of(air_sync_base::FILE_REFERENCE).ok_or(missing)?;
                    draft.attachments_deleted.push(reference.to_owned());
                }
                _ => {}
            }
        }
        Ok(draft)
    }
}

#[cfg(test)]
#[path = "email_test.rs"]
mod tests;
