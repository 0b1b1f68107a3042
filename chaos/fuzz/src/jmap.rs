//! JMAP: requests, references, filters, new emails.

use std::collections::BTreeMap;

use hongyan_jmap::method::{Get, Set, read};
use hongyan_jmap::object::{
    Defaults, EmailGet, EmailProperties, EmailQuery, MailboxQuery, NewEmail, SearchSnippetGet, email_sorts,
};
use hongyan_jmap::{CoreLimits, Pointer, RawValue, Request, Response, ResponseText, resolve};
use hongyan_message::SentDate;
use hongyan_types::Timestamp;

/// A request: what is read and written again is read the same, and whatever its arguments are, every call gets an answer.
pub fn jmap(bytes: &[u8]) {
    let Ok(request) = Request::read(bytes, &CoreLimits::default(), |_| true) else {
        return;
    };
    let written = request.write().expect("a request is JSON");
    let again = Request::read(&written, &CoreLimits::default(), |_| true).expect("a request is read back");
    assert_eq!(again.write().expect("a request is JSON"), written);
    let mut response = Response::new(1 << 20);
    for call in &request.method_calls {
        match resolve(call.arguments, &response) {
            Ok(arguments) => {
                arguments_of_all_methods(&arguments);
                let echoed: &RawValue = serde_json::from_str(&arguments).expect("resolved arguments are JSON");
                response.push(&call.name, &call.id, &echoed);
            }
            Err(error) => response.push_error(&call.id, &error),
        }
    }
    let text = response.finish(request.created_ids.as_ref(), "s");
    let read: ResponseText<'_> = serde_json::from_slice(&text).expect("a response is JSON");
    assert_eq!(read.method_responses.len(), request.method_calls.len());
}

fn arguments_of_all_methods(text: &str) {
    let _ = read::<Get>(text);
    let _ = read::<MailboxQuery>(text);
    let _ = read::<SearchSnippetGet>(text);
    if let Ok(query) = read::<EmailQuery>(text) {
        let _ = email_sorts(query.sort.as_deref());
        let range = query.window().range(10, 5, |_| Some(3));
        assert!(range.is_err() || range.is_ok_and(|range| range.start <= range.end && range.end <= 10));
    }
    if let Ok(get) = read::<EmailGet>(text) {
        let _ = EmailProperties::read(&get);
    }
    let Ok(set) = read::<Set>(text) else { return };
    for patch in set.update.iter().flat_map(BTreeMap::values) {
        let _ = patch.entries().map(Iterator::count);
    }
    for text in set.create.iter().flat_map(BTreeMap::values) {
        new_email(text);
    }
}

/// A mail that is written is a mail: its header ends where it should, whatever the client wrote.
fn new_email(text: &RawValue) {
    let Ok(email) = NewEmail::read(text) else { return };
    let blobs = email
        .blob_ids()
        .into_iter()
        .map(|id| (id.to_owned(), id.as_bytes().to_vec()));
    let defaults = Defaults {
        date: SentDate {
            timestamp: Timestamp::from_secs(0),
            zone_minutes: 0,
        },
        message_id: "1@x".to_owned(),
    };
    let bytes = email.build(&blobs.collect(), &defaults);
    let structure = hongyan_message::parse(&bytes);
    assert!(structure.root.header_octets <= bytes.len() as u64);
}

/// A JSON pointer through any value.
pub fn json_pointer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (pointer, value) = text.split_once(' ').unwrap_or((&text, "{}"));
    let (Ok(pointer), Ok(value)) = (Pointer::try_from(pointer), serde_json::from_str::<&RawValue>(value)) else {
        return;
    };
    if let Ok(found) = pointer.follow(value) {
        serde_json::from_str::<&RawValue>(&found).expect("what a pointer finds is JSON");
    }
}
