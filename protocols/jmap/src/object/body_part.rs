//! EmailBodyPart (RFC 8621 §4.1.4): parts as clients see them, and which of them are the text and which are attached.

use std::fmt;

use hongyan_message::{Content, Part, Structure, header};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{HeaderProperty, Property};

/// Where a part is: the numbers of its section (RFC 9051 §6.4.5.1); none for the root that is a multipart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct PartPath(pub Vec<u32>);

impl PartPath {
    fn child(&self, at: usize) -> Self {
        let mut path = self.0.clone();
        path.push(u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1));
        Self(path)
    }
    /// The path of `1.2` or `1_2`.
    #[must_use]
    pub fn parse(text: &str, separator: char) -> Option<Self> {
        let numbers = text.split(separator).map(|number| number.parse().ok());
        numbers.collect::<Option<Vec<u32>>>().map(Self)
    }
}

impl fmt::Display for PartPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, number) in self.0.iter().enumerate() {
            let dot = if at > 0 { "." } else { "" };
            write!(f, "{dot}{number}")?;
        }
        Ok(())
    }
}

/// A part of a message and where it is.
#[derive(Debug, Clone)]
pub struct BodyPart<'a> {
    /// The part.
    pub part: &'a Part,
    /// Where it is.
    pub path: PartPath,
}

impl<'a> BodyPart<'a> {
    /// The outermost part of a message.
    #[must_use]
    pub fn root(structure: &'a Structure) -> Self {
        let path = match structure.root.content {
            Content::Multipart(_) => PartPath::default(),
            _ => PartPath(vec![1]),
        };
        Self {
            part: &structure.root,
            path,
        }
    }
    /// Whether parts are in it.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        matches!(self.part.content, Content::Multipart(_))
    }
    /// The parts in it; a message inside is a leaf.
    #[must_use]
    pub fn sub_parts(&self) -> Vec<Self> {
        let Content::Multipart(parts) = &self.part.content else {
            return Vec::new();
        };
        let children = parts.iter().enumerate();
        children
            .map(|(at, part)| Self {
                part,
                path: self.path.child(at),
            })
            .collect()
    }
    fn is(&self, kind: &str, subtype: &str) -> bool {
        self.part.media.is(kind, subtype)
    }
    fn is_inline_media(&self) -> bool {
        matches!(self.part.media.kind.as_str(), "image" | "audio" | "video")
    }
}

/// What of a message is text and what is attached.
#[derive(Debug, Default)]
pub struct Bodies<'a> {
    /// For a client that shows plain text.
    pub text: Vec<BodyPart<'a>>,
    /// For a client that shows HTML.
    pub html: Vec<BodyPart<'a>>,
    /// The rest.
    pub attachments: Vec<BodyPart<'a>>,
}

impl Bodies<'_> {
    /// Whether a client should say that something is attached: pictures that the text shows do not count.
    #[must_use]
    pub fn has_attachment(&self) -> bool {
        self.attachments.iter().any(|found| {
            let is_shown = found.part.id.is_some() && !found.part.is_attachment() && found.is_inline_media();
            !is_shown
        })
    }
}

/// Sorts the parts of a message, by the algorithm of RFC 8621 §4.1.4.
#[must_use]
pub fn bodies(structure: &Structure) -> Bodies<'_> {
    let mut bodies = Bodies::default();
    let lists = Lists { text: true, html: true };
    sort(&mut bodies, lists, &[BodyPart::root(structure)], "mixed", false);
    bodies
}

/// Which lists parts may go to.
#[derive(Clone, Copy)]
struct Lists {
    text: bool,
    html: bool,
}

fn sort<'a>(bodies: &mut Bodies<'a>, mut lists: Lists, parts: &[BodyPart<'a>], multipart: &str, in_alternative: bool) {
    let (text_before, html_before) = (bodies.text.len(), bodies.html.len());
    for (at, found) in parts.iter().enumerate() {
        if found.is_multipart() {
            let subtype = found.part.media.subtype.as_str();
            let alternative = in_alternative || subtype == "alternative";
            sort(bodies, lists, &found.sub_parts(), subtype, alternative);
            continue;
        }
        if !is_inline(found, at, multipart) {
            bodies.attachments.push(found.clone());
            continue;
        }
        if multipart == "alternative" {
            if found.is("text", "plain") {
                push(&mut bodies.text, lists.text, found);
            } else if found.is("text", "html") {
                push(&mut bodies.html, lists.html, found);
            } else {
                bodies.attachments.push(found.clone());
            }
            continue;
        }
        if in_alternative {
            lists.html &= !found.is("text", "plain");
            lists.text &= !found.is("text", "html");
        }
        push(&mut bodies.text, lists.text, found);
        push(&mut bodies.html, lists.html, found);
        if !(lists.text && lists.html) && found.is_inline_media() {
            bodies.attachments.push(found.clone());
        }
    }
    if multipart == "alternative" && lists.text && lists.html {
        let (text_new, html_new) = (bodies.text.len() > text_before, bodies.html.len() > html_before);
        if html_new && !text_new {
            let found = bodies.html.get(html_before..).unwrap_or_default().to_vec();
            bodies.text.extend(found);
        }
        if text_new && !html_new {
            let found = bodies.text.get(text_before..).unwrap_or_default().to_vec();
            bodies.html.extend(found);
        }
    }
}

fn push<'a>(list: &mut Vec<BodyPart<'a>>, is_open: bool, found: &BodyPart<'a>) {
    if is_open {
        list.push(found.clone());
    }
}

fn is_inline(found: &BodyPart<'_>, at: usize, multipart: &str) -> bool {
    let is_text = found.is("text", "plain") || found.is("text", "html");
    let media = found.is_inline_media();
    let may_follow = multipart != "related" && (media || found.part.file_name().is_none());
    !found.part.is_attachment() && (is_text || media) && (at == 0 || may_follow)
}

/// A property of a body part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyPartProperty {
    /// Its number; multiparts have none.
    PartId,
    /// Its decoded bytes; multiparts have none.
    BlobId,
    /// How many they are.
    Size,
    /// Its header fields.
    Headers,
    /// The name to save it under.
    Name,
    /// Its media type.
    Type,
    /// Its charset.
    Charset,
    /// `inline`, `attachment`.
    Disposition,
    /// Its Content-ID.
    Cid,
    /// Its languages.
    Language,
    /// Its Content-Location.
    Location,
    /// The parts in it.
    SubParts,
    /// A header field.
    Header(HeaderProperty),
}

impl BodyPartProperty {
    /// Whether it needs the part's header section.
    #[must_use]
    pub fn needs_header(&self) -> bool {
        matches!(self, Self::Headers | Self::Header(_))
    }
}

impl Property for BodyPartProperty {
    fn always() -> &'static [Self] {
        &[]
    }
    fn usual() -> &'static [Self] {
        &[
            Self::PartId,
            Self::BlobId,
            Self::Size,
            Self::Name,
            Self::Type,
            Self::Charset,
            Self::Disposition,
            Self::Cid,
            Self::Language,
            Self::Location,
        ]
    }
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "partId" => Self::PartId,
            "blobId" => Self::BlobId,
            "size" => Self::Size,
            "headers" => Self::Headers,
            "name" => Self::Name,
            "type" => Self::Type,
            "charset" => Self::Charset,
            "disposition" => Self::Disposition,
            "cid" => Self::Cid,
            "language" => Self::Language,
            "location" => Self::Location,
            "subParts" => Self::SubParts,
            name => Self::Header(HeaderProperty::parse(name)?),
        })
    }
}

/// What parts are written from beside the structure.
pub trait Sources {
    /// The id of a part's decoded bytes.
    fn blob_id(&self, path: &PartPath) -> String;
    /// The header section of a part; empty when nobody asked for it to be read.
    fn header(&self, part: &Part) -> &[u8];
}

/// A body part as a client asked for it.
pub struct BodyPartView<'a> {
    /// The part.
    pub found: BodyPart<'a>,
    /// What was asked for.
    pub properties: &'a super::Properties<BodyPartProperty>,
    /// Where the rest comes from.
    pub sources: &'a dyn Sources,
    /// Parts inside are written too, whether or not `subParts` was asked for.
    pub is_whole: bool,
}

/// One header field (RFC 8621 §4.1.3).
#[derive(Serialize)]
pub(super) struct EmailHeader {
    name: String,
    value: String,
}

/// All fields of a header section, in the raw form.
pub(super) fn headers(section: &[u8]) -> Vec<EmailHeader> {
    let fields = header::fields(section);
    fields
        .map(|field| EmailHeader {
            name: String::from_utf8_lossy(field.name).into_owned(),
            value: String::from_utf8_lossy(field.value.trim_ascii_end()).into_owned(),
        })
        .collect()
}

impl Serialize for BodyPartView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = self.found.part;
        let leaf = !self.found.is_multipart();
        let mut map = serializer.serialize_map(None)?;
        for property in self.properties.iter() {
            match property {
                BodyPartProperty::PartId => map.serialize_entry("partId", &leaf.then(|| self.found.path.to_string())),
                BodyPartProperty::BlobId => {
                    map.serialize_entry("blobId", &leaf.then(|| self.sources.blob_id(&self.found.path)))
                }
                BodyPartProperty::Size => map.serialize_entry("size", if leaf { &part.decoded_octets } else { &0 }),
                BodyPartProperty::Headers => map.serialize_entry("headers", &headers(self.sources.header(part))),
                BodyPartProperty::Name => map.serialize_entry("name", &part.file_name()),
                BodyPartProperty::Type => {
                    map.serialize_entry("type", &format!("{}/{}", part.media.kind, part.media.subtype))
                }
                BodyPartProperty::Charset => map.serialize_entry("charset", &charset(part)),
                BodyPartProperty::Disposition => {
                    map.serialize_entry("disposition", &part.disposition.as_ref().map(|found| &found.kind))
                }
                BodyPartProperty::Cid => map.serialize_entry("cid", &part.id.as_deref().map(content_id)),
                BodyPartProperty::Language => {
                    map.serialize_entry("language", &Some(&part.language).filter(|tags| !tags.is_empty()))
                }
                BodyPartProperty::Location => map.serialize_entry("location", &part.location),
                BodyPartProperty::SubParts => Ok(()),
                BodyPartProperty::Header(header) => {
                    map.serialize_entry(&header.property, &header.of(self.sources.header(part)))
                }
            }?;
        }
        let wants_parts = self.properties.has(&BodyPartProperty::SubParts);
        if wants_parts || (self.is_whole && !leaf) {
            let parts = self
                .found
                .sub_parts()
                .into_iter()
                .map(|found| BodyPartView { found, ..*self });
            map.serialize_entry("subParts", &(!leaf).then(|| parts.collect::<Vec<_>>()))?;
        }
        map.end()
    }
}

/// RFC 8621 §4.1.4: text without a charset is `us-ascii`; other parts may have none.
fn charset(part: &Part) -> Option<&str> {
    let implicit = (part.media.kind == "text").then_some("us-ascii");
    part.charset().or(implicit)
}

fn content_id(id: &str) -> &str {
    let id = id.trim();
    id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Properties;

    struct Nothing;
    impl Sources for Nothing {
        fn blob_id(&self, path: &PartPath) -> String {
            format!("B{path}")
        }
        fn header(&self, _: &Part) -> &[u8] {
            b""
        }
    }

    fn part(kind: &str, inside: &[Part]) -> Part {
        let (media, disposition) = kind.split_once(' ').map_or((kind, None), |(a, b)| (a, Some(b)));
        let (kind, subtype) = media.split_once('/').unwrap();
        Part {
            media: hongyan_message::MediaType::new(kind, subtype),
            disposition: disposition.map(|kind| hongyan_message::Disposition {
                kind: kind.to_owned(),
                params: Vec::new(),
            }),
            content: if inside.is_empty() {
                Content::Leaf
            } else {
                Content::Multipart(inside.to_vec())
            },
            ..Part::default()
        }
    }

    fn check(root: Part, text: &[&str], html: &[&str], attachments: &[&str]) {
        let structure = Structure {
            root,
            ..Structure::default()
        };
        let bodies = bodies(&structure);
        let paths = |found: &[BodyPart<'_>]| found.iter().map(|found| found.path.to_string()).collect::<Vec<_>>();
        assert_eq!(paths(&bodies.text), text);
        assert_eq!(paths(&bodies.html), html);
        assert_eq!(paths(&bodies.attachments), attachments);
    }

    /// The example of RFC 8621 §4.1.4, with the parts A to K.
    #[test]
    fn sorts_the_example_of_rfc_8621() {
        let root = part(
            "multipart/mixed",
            &[
                part("text/plain inline", &[]),
                part(
                    "multipart/mixed",
                    &[
                        part(
                            "multipart/alternative",
                            &[
                                part(
                                    "multipart/mixed",
                                    &[
                                        part("text/plain inline", &[]),
                                        part("image/jpeg inline", &[]),
                                        part("text/plain inline", &[]),
                                    ],
                                ),
                                part("multipart/related", &[part("text/html", &[]), part("image/jpeg", &[])]),
                            ],
                        ),
                        part("image/jpeg attachment", &[]),
                        part("application/x-excel", &[]),
                        part("message/rfc822", &[]),
                    ],
                ),
                part("text/plain inline", &[]),
            ],
        );
        check(
            root,
            &["1", "2.1.1.1", "2.1.1.2", "2.1.1.3", "3"],
            &["1", "2.1.2.1", "3"],
            &["2.1.1.2", "2.1.2.2", "2.2", "2.3", "2.4"],
        );
    }

    #[test]
    fn what_has_one_form_has_both() {
        check(part("text/html", &[]), &["1"], &["1"], &[]);
        check(
            part("multipart/alternative", &[part("text/html", &[])]),
            &["1"],
            &["1"],
            &[],
        );
        check(
            part("multipart/alternative", &[part("text/plain", &[])]),
            &["1"],
            &["1"],
            &[],
        );
        check(part("application/pdf", &[]), &[], &[], &["1"]);
    }

    #[test]
    fn parts_are_written_as_asked_for() {
        let structure = Structure {
            root: part(
                "multipart/mixed",
                &[part("text/plain", &[]), part("application/pdf attachment", &[])],
            ),
            ..Structure::default()
        };
        let names = ["partId", "blobId", "type", "charset"].map(str::to_owned);
        let properties = Properties::read(Some(&names)).unwrap();
        let view = BodyPartView {
            found: BodyPart::root(&structure),
            properties: &properties,
            sources: &Nothing,
            is_whole: true,
        };
        assert_eq!(
            serde_json::to_string(&view).unwrap(),
            r#"{"partId":null,"blobId":null,"type":"multipart/mixed","charset":null,"subParts":[{"partId":"1","blobId":"B1","type":"text/plain","charset":"us-ascii"},{"partId":"2","blobId":"B2","type":"application/pdf","charset":null}]}"#
        );
    }
}
