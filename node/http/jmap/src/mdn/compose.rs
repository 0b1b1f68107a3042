//! Writes a receipt: a text for people, a part for programs, and the mail if it is wanted (RFC 8098 §3).

use hongyan_delivery::trace::date;
use hongyan_directory::Language;
use hongyan_message::receipt::Kind;
use hongyan_message::{Body, Builder, Receipt, Structure, words};
use hongyan_types::{Address, Timestamp};

/// Characters of a subject.
const SUBJECT_CHARACTERS_MAX: usize = 500;

/// What stands around the receipt itself.
pub(super) struct Around<'a> {
    pub(super) from: (&'a str, &'a Address),
    pub(super) to: &'a [Address],
    pub(super) subject: Option<&'a str>,
    pub(super) text: Option<&'a str>,
    /// What is known of the mail.
    pub(super) original: &'a Structure,
    /// The mail itself, if it comes along.
    pub(super) included: Option<&'a [u8]>,
    pub(super) language: Language,
    pub(super) now: Timestamp,
}

/// The subject, and the whole mail.
pub(super) fn compose(around: &Around<'_>, receipt: &Receipt, unique: &str) -> (String, Vec<u8>) {
    let of = around.original.envelope.subject.as_deref().unwrap_or_default();
    let of: String = words::decode(of).chars().take(SUBJECT_CHARACTERS_MAX).collect();
    let kind = receipt.disposition.kind;
    let subject = match around.subject {
        Some(subject) => subject.chars().take(SUBJECT_CHARACTERS_MAX).collect(),
        None => match around.language {
            Language::English => format!("{}: {of}", english(kind)),
            Language::Chinese => format!("{}：{of}", chinese(kind)),
        },
    };
    let text = around.text.map_or_else(|| usual_text(around, &of, kind), str::to_owned);
    let mut parts = vec![
        Body::text("text/plain", &text),
        Body::plain("message/disposition-notification", receipt.write().as_bytes()),
    ];
    parts.extend(around.included.map(|mail| Body::plain("message/rfc822", mail)));
    let body = Body::multipart("multipart/report", parts).param("report-type", "disposition-notification");
    let (name, from) = around.from;
    let to: Vec<(Option<&str>, &Address)> = around.to.iter().map(|to| (None, to)).collect();
    let mut mail = Builder::new(body)
        .address_field("From", &[(Some(name).filter(|name| !name.is_empty()), from)])
        .address_field("To", &to)
        .text_field("Subject", &subject)
        .date(date(around.now))
        .message_id(&format!("{unique}@{}", from.domain))
        .raw_field("Content-Language", around.language.tag());
    if let Some(id) = receipt.original_message_id.as_deref().filter(|id| id.is_ascii()) {
        let id = format!("<{id}>");
        mail = mail.raw_field("In-Reply-To", &id).raw_field("References", &id);
    }
    if !receipt.disposition.is_sent_manually {
        mail = mail.raw_field("Auto-Submitted", "auto-replied");
    }
    (subject, mail.build())
}

fn english(kind: Kind) -> &'static str {
    match kind {
        Kind::Displayed => "Read",
        Kind::Dispatched => "Sent on",
        Kind::Processed => "Processed",
        Kind::Deleted => "Deleted",
    }
}

fn chinese(kind: Kind) -> &'static str {
    match kind {
        Kind::Displayed => "已读",
        Kind::Dispatched => "已转发",
        Kind::Processed => "已处理",
        Kind::Deleted => "已删除",
    }
}

/// TRK-1: who, of which mail, when.
fn usual_text(around: &Around<'_>, subject: &str, kind: Kind) -> String {
    let (who, when) = (around.from.1, date(around.now));
    match around.language {
        Language::English => {
            let what = match kind {
                Kind::Displayed => "was displayed. That does not say that it was read or understood.",
                Kind::Dispatched => "was sent on to somebody else.",
                Kind::Processed => "was processed by a program.",
                Kind::Deleted => "was deleted.",
            };
            format!("Your mail {what}\n\nTo:      {who}\nSubject: {subject}\nTime:    {when}\n")
        }
        Language::Chinese => {
            let what = match kind {
                Kind::Displayed => "已显示。这并不表示收件人已阅读或理解其内容。",
                Kind::Dispatched => "已转发给他人。",
                Kind::Processed => "已由程序处理。",
                Kind::Deleted => "已删除。",
            };
            format!("您的邮件{what}\n\n收件人：{who}\n主题：{subject}\n时间：{when}\n")
        }
    }
}
