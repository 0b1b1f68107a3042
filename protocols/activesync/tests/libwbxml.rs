//! Our WBXML beside that of others: libwbxml's tools (libwbxml2-utils) read what we write, and we read what they write.
//! They know the pages up to 24, without what came after; what they do not know is left out by name.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use hongyan_activesync::{Element, Tag, WbxmlLimits, page, wbxml};

const READER: &str = "/usr/bin/wbxml2xml";
const WRITER: &str = "/usr/bin/xml2wbxml";

/// Whether the tools are here.
fn are_installed(what: &str) -> bool {
    let there = Path::new(READER).exists() && Path::new(WRITER).exists();
    if !there {
        let _ = writeln!(std::io::stderr(), "SKIPPED {what}: libwbxml2-utils is not installed");
    }
    there
}

fn run(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .args(["-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !output.stdout.is_empty(), "{error}");
    output.stdout
}

fn to_xml(body: &Element) -> String {
    let octets = run(READER, &["-m", "0", "-l", "ACTIVESYNC"], &wbxml::encode(body));
    String::from_utf8(octets).unwrap()
}

fn from_xml(xml: &str) -> Element {
    let octets = run(WRITER, &["-k", "-n", "-a", "-v", "1.3"], xml.as_bytes());
    wbxml::decode(&octets, &WbxmlLimits::default()).unwrap()
}

/// Names that the tools spell in their own way, beside prefixes such as `Recurrence_`.
const SPELT_OTHERWISE: &[(&str, &str)] = &[
    ("AssistantPhoneNumber", "AssistantTelephoneNumber"),
    ("Att0Id", "AttOId"),
    ("ReplyTo", "Reply-To"),
    ("Status", "FlagStatus"),
    ("ExceptionStartTime", "StartTime"),
    ("OrganizerEmail", "Email"),
    ("OrganizerName", "Name"),
    ("AttendeeStatus", "Status"),
    ("AttendeeType", "Type"),
    ("RequireStorageCardEncryption", "DeviceEncryptionEnabled"),
    ("RightsManagementInformation", "ihsManagementInformation"),
    ("Name", "ForwardeeName"),
    ("Email", "ForwardeeEmail"),
    ("Owner", "RMOwner"),
    ("RemoveRightsManagementProtection", "RemoveRightsManagementDistribution"),
];

fn is_same(ours: &str, theirs: &str) -> bool {
    let theirs = theirs.split_once('_').map_or(theirs, |(_, name)| name);
    ours.eq_ignore_ascii_case(theirs)
        || ours.replace("Address", "") == theirs
        || SPELT_OTHERWISE.contains(&(ours, theirs))
}

/// Tags of 16.0 and 16.1 that the tools have never heard of.
fn is_new(tag: Tag) -> bool {
    tag.page == 25
        || [
            page::meeting_response::PROPOSED_START_TIME,
            page::meeting_response::PROPOSED_END_TIME,
            page::provision::ACCOUNT_ONLY_REMOTE_WIPE,
        ]
        .contains(&tag)
}

#[test]
fn acc_4_every_tag_is_the_one_that_others_read() {
    if !are_installed("tags of ActiveSync beside libwbxml") {
        return;
    }
    let tags: Vec<Tag> = page::all().filter(|tag| !is_new(*tag)).collect();
    let body = tags
        .iter()
        .fold(Element::new(page::air_sync::SYNC), |body, tag| body.flag(*tag));
    let xml = to_xml(&body);
    let (_, inside) = xml.split_once("<Sync xmlns=\"AirSync:\">").unwrap();
    let read: Vec<&str> = inside
        .split('<')
        .filter_map(|piece| piece.split_once("/>").map(|(element, _)| element))
        .collect();
    assert_eq!(read.len(), tags.len());
    for (tag, element) in tags.iter().zip(read) {
        let (name, space) = match element.split_once(" xmlns=\"") {
            Some((name, space)) => (name, space.trim_end_matches(":\"")),
            None => (element, "AirSync"),
        };
        assert!(is_same(tag.name().unwrap(), name), "{tag:?} {name}");
        assert!(tag.namespace().unwrap().eq_ignore_ascii_case(space), "{tag:?} {space}");
    }
}

#[test]
fn acc_4_what_others_write_is_read() {
    if !are_installed("bodies of ActiveSync beside libwbxml") {
        return;
    }
    let data = Element::new(page::air_sync::APPLICATION_DATA)
        .text(page::email::SUBJECT, "\u{5f20}\u{4e09} & <co>")
        .text(page::email::READ, "1")
        .with(
            Element::new(page::air_sync_base::BODY)
                .text(page::air_sync_base::TYPE, "1")
                .text(page::air_sync_base::DATA, "a b"),
        );
    let add = Element::new(page::air_sync::ADD)
        .text(page::air_sync::SERVER_ID, "5:1")
        .with(data);
    let collection = Element::new(page::air_sync::COLLECTION)
        .text(page::air_sync::SYNC_KEY, "1")
        .flag(page::air_sync::MORE_AVAILABLE)
        .with(Element::new(page::air_sync::COMMANDS).with(add));
    let body = Element::new(page::air_sync::SYNC).with(Element::new(page::air_sync::COLLECTIONS).with(collection));
    let xml = to_xml(&body);
    assert!(xml.contains("\u{5f20}\u{4e09} &amp; &lt;co&gt;"), "{xml}");
    assert_eq!(from_xml(&xml), body);
    // With its table of strings and its name of the document's type.
    let octets = run(WRITER, &["-k", "-v", "1.3"], xml.as_bytes());
    assert_ne!(octets, wbxml::encode(&body));
    assert_eq!(wbxml::decode(&octets, &WbxmlLimits::default()), Ok(body));
}

#[test]
fn acc_4_octets_are_read_by_others() {
    if !are_installed("octets of ActiveSync beside libwbxml") {
        return;
    }
    // The tools show octets in base64.
    let mail = Element::new(page::compose_mail::SEND_MAIL)
        .text(page::compose_mail::CLIENT_ID, "1")
        .flag(page::compose_mail::SAVE_IN_SENT_ITEMS)
        .opaque(page::compose_mail::MIME, b"Subject: x\r\n\r\ny".to_vec());
    let xml = to_xml(&mail);
    assert!(xml.contains("<MIME>U3ViamVjdDogeA0KDQp5</MIME>"), "{xml}");
    assert!(xml.contains("<SaveInSentItems/>"), "{xml}");
}
