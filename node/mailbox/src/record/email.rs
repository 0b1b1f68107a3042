//! One mail: key kind 5. Schema 1 is a CBOR array [blob address, octets, thread, structure]; the arrays of the structure
//! list its fields in their order, and a reader takes what it knows of a longer one.

use bytes::Bytes;
use hongyan_blob::BlobAddress;
use hongyan_kv::Error as StorageError;
use hongyan_kv::record::{RecordError, Schema};
use hongyan_message::{
    AddressItem, Content, Disposition, Embedded, Encoding, Envelope, Mailbox, MediaType, Parameter, Part, SentDate,
    Structure,
};
use hongyan_types::{Octets, Timestamp};
use minicbor::data::Type;
use minicbor::decode::{Decoder, Error as DecodeError};
use minicbor::encode::{Encoder, Error, Write};

use crate::{Email, EmailBytes, ThreadId};

const V1: Schema = Schema(1);

/// The stored form of a mail.
pub(crate) fn encode(blob: &BlobAddress, octets: Octets, thread: ThreadId, structure: &Structure) -> Bytes {
    hongyan_kv::record::encode(
        V1,
        &Body {
            blob,
            octets,
            thread,
            structure,
        },
    )
}

/// The mail of a stored form.
pub(crate) fn decode(stored: &[u8]) -> Result<Email, StorageError> {
    decode_with(stored, read_body)
}

/// Where the bytes are of the mail of a stored form.
pub(crate) fn decode_bytes(stored: &[u8]) -> Result<EmailBytes, StorageError> {
    decode_with(stored, |d| {
        enter(d, 4)?;
        get_bytes(d)
    })
}

fn decode_with<T>(stored: &[u8], read: impl FnOnce(&mut Decoder<'_>) -> Get<T>) -> Result<T, StorageError> {
    let body = match hongyan_kv::record::split(stored)? {
        (V1, body) => body,
        (schema, _) => return Err(RecordError::Schema(schema.0).into()),
    };
    read(&mut Decoder::new(body)).map_err(|error| RecordError::Body(error.to_string()).into())
}

struct Body<'a> {
    blob: &'a BlobAddress,
    octets: Octets,
    thread: ThreadId,
    structure: &'a Structure,
}

type Put<W> = Result<(), Error<<W as Write>::Error>>;

impl minicbor::Encode<()> for Body<'_> {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, (): &mut ()) -> Put<W> {
        e.array(4)?
            .bytes(&self.blob.0)?
            .u64(self.octets.0)?
            .u64(self.thread.0)?;
        put_structure(e, self.structure)
    }
}

fn put_text<W: Write>(e: &mut Encoder<W>, text: Option<&str>) -> Put<W> {
    match text {
        Some(text) => e.str(text)?,
        None => e.null()?,
    };
    Ok(())
}

fn put_list<W: Write, T>(
    e: &mut Encoder<W>,
    items: &[T],
    mut put: impl FnMut(&mut Encoder<W>, &T) -> Put<W>,
) -> Put<W> {
    e.array(items.len() as u64)?;
    items.iter().try_for_each(|item| put(e, item))
}

fn put_structure<W: Write>(e: &mut Encoder<W>, structure: &Structure) -> Put<W> {
    e.array(7)?.u64(structure.octets)?;
    put_envelope(e, &structure.envelope)?;
    match &structure.sent {
        Some(sent) => e.array(2)?.i64(sent.timestamp.millis)?.i16(sent.zone_minutes)?,
        None => e.null()?,
    };
    put_list(e, &structure.references, |e, id| put_text(e, Some(id)))?;
    put_part(e, &structure.root)?;
    e.str(&structure.preview)?.bool(structure.truncated)?;
    Ok(())
}

fn put_envelope<W: Write>(e: &mut Encoder<W>, envelope: &Envelope) -> Put<W> {
    e.array(10)?;
    put_text(e, envelope.date.as_deref())?;
    put_text(e, envelope.subject.as_deref())?;
    for list in [
        &envelope.from,
        &envelope.sender,
        &envelope.reply_to,
        &envelope.to,
        &envelope.cc,
        &envelope.bcc,
    ] {
        put_list(e, list, put_address)?;
    }
    put_text(e, envelope.in_reply_to.as_deref())?;
    put_text(e, envelope.message_id.as_deref())
}

fn put_address<W: Write>(e: &mut Encoder<W>, item: &AddressItem) -> Put<W> {
    match item {
        AddressItem::Mailbox(mailbox) => {
            e.array(4)?;
            put_text(e, mailbox.name.as_deref())?;
            put_text(e, mailbox.route.as_deref())?;
            put_text(e, Some(&mailbox.local))?;
            put_text(e, mailbox.domain.as_deref())
        }
        AddressItem::GroupStart(name) => put_text(e, Some(name)),
        AddressItem::GroupEnd => put_text(e, None),
    }
}

fn put_params<W: Write>(e: &mut Encoder<W>, params: &[Parameter]) -> Put<W> {
    put_list(e, params, |e, param| {
        e.array(2)?.str(&param.name)?.str(&param.value)?;
        Ok(())
    })
}

fn put_part<W: Write>(e: &mut Encoder<W>, part: &Part) -> Put<W> {
    e.array(16)?
        .u64(part.header_offset)?
        .u64(part.header_octets)?
        .u64(part.body_octets)?
        .u64(part.body_lines)?
        .u64(part.decoded_octets)?
        .str(&part.media.kind)?
        .str(&part.media.subtype)?;
    put_params(e, &part.media.params)?;
    match &part.encoding {
        Encoding::SevenBit => e.u8(0)?,
        Encoding::EightBit => e.u8(1)?,
        Encoding::Binary => e.u8(2)?,
        Encoding::QuotedPrintable => e.u8(3)?,
        Encoding::Base64 => e.u8(4)?,
        Encoding::Other(word) => e.str(word)?,
    };
    put_text(e, part.id.as_deref())?;
    put_text(e, part.description.as_deref())?;
    put_text(e, part.md5.as_deref())?;
    match &part.disposition {
        Some(disposition) => {
            e.array(2)?.str(&disposition.kind)?;
            put_params(e, &disposition.params)?;
        }
        None => {
            e.null()?;
        }
    }
    put_list(e, &part.language, |e, tag| put_text(e, Some(tag)))?;
    put_text(e, part.location.as_deref())?;
    match &part.content {
        Content::Leaf => {
            e.null()?;
            Ok(())
        }
        Content::Multipart(parts) => put_list(e, parts, put_part),
        Content::Message(message) => {
            // A map of one pair, so that it is told from a list of parts.
            e.map(1)?;
            put_envelope(e, &message.envelope)?;
            put_part(e, &message.root)
        }
    }
}

type Get<T> = Result<T, DecodeError>;

/// Enters an array and says how many elements are left beyond the `known` ones.
fn enter(d: &mut Decoder<'_>, known: u64) -> Get<u64> {
    let count = d.array()?.unwrap_or(0);
    count
        .checked_sub(known)
        .ok_or_else(|| DecodeError::message("array is too short"))
}

fn leave(d: &mut Decoder<'_>, unknown: u64) -> Get<()> {
    (0..unknown).try_for_each(|_| d.skip())
}

fn get_text(d: &mut Decoder<'_>) -> Get<Option<String>> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    Ok(Some(d.str()?.to_owned()))
}

fn get_list<'b, T>(d: &mut Decoder<'b>, mut get: impl FnMut(&mut Decoder<'b>) -> Get<T>) -> Get<Vec<T>> {
    let count = d.array()?.unwrap_or(0);
    (0..count).map(|_| get(d)).collect()
}

fn get_string(d: &mut Decoder<'_>) -> Get<String> {
    Ok(d.str()?.to_owned())
}

fn read_body(d: &mut Decoder<'_>) -> Get<Email> {
    let unknown = enter(d, 4)?;
    let EmailBytes { blob, octets } = get_bytes(d)?;
    let email = Email {
        blob,
        octets,
        thread: ThreadId(d.u64()?),
        structure: get_structure(d)?,
    };
    leave(d, unknown)?;
    Ok(email)
}

fn get_bytes(d: &mut Decoder<'_>) -> Get<EmailBytes> {
    let blob = d
        .bytes()?
        .try_into()
        .map_err(|_| DecodeError::message("blob address is not 32 octets"))?;
    Ok(EmailBytes {
        blob: BlobAddress(blob),
        octets: Octets(d.u64()?),
    })
}

fn get_structure(d: &mut Decoder<'_>) -> Get<Structure> {
    let unknown = enter(d, 7)?;
    let structure = Structure {
        octets: d.u64()?,
        envelope: get_envelope(d)?,
        sent: get_sent(d)?,
        references: get_list(d, get_string)?,
        root: get_part(d)?,
        preview: get_string(d)?,
        truncated: d.bool()?,
    };
    leave(d, unknown)?;
    Ok(structure)
}

fn get_sent(d: &mut Decoder<'_>) -> Get<Option<SentDate>> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    let unknown = enter(d, 2)?;
    let sent = SentDate {
        timestamp: Timestamp { millis: d.i64()? },
        zone_minutes: d.i16()?,
    };
    leave(d, unknown)?;
    Ok(Some(sent))
}

fn get_envelope(d: &mut Decoder<'_>) -> Get<Envelope> {
    let unknown = enter(d, 10)?;
    let envelope = Envelope {
        date: get_text(d)?,
        subject: get_text(d)?,
        from: get_list(d, get_address)?,
        sender: get_list(d, get_address)?,
        reply_to: get_list(d, get_address)?,
        to: get_list(d, get_address)?,
        cc: get_list(d, get_address)?,
        bcc: get_list(d, get_address)?,
        in_reply_to: get_text(d)?,
        message_id: get_text(d)?,
    };
    leave(d, unknown)?;
    Ok(envelope)
}

fn get_address(d: &mut Decoder<'_>) -> Get<AddressItem> {
    match d.datatype()? {
        Type::Null => d.null().map(|()| AddressItem::GroupEnd),
        Type::String => get_string(d).map(AddressItem::GroupStart),
        _ => {
            let unknown = enter(d, 4)?;
            let mailbox = Mailbox {
                name: get_text(d)?,
                route: get_text(d)?,
                local: get_string(d)?,
                domain: get_text(d)?,
            };
            leave(d, unknown)?;
            Ok(AddressItem::Mailbox(mailbox))
        }
    }
}

fn get_params(d: &mut Decoder<'_>) -> Get<Vec<Parameter>> {
    get_list(d, |d| {
        let unknown = enter(d, 2)?;
        let param = Parameter {
            name: get_string(d)?,
            value: get_string(d)?,
        };
        leave(d, unknown)?;
        Ok(param)
    })
}

fn get_part(d: &mut Decoder<'_>) -> Get<Part> {
    let unknown = enter(d, 16)?;
    let part = Part {
        header_offset: d.u64()?,
        header_octets: d.u64()?,
        body_octets: d.u64()?,
        body_lines: d.u64()?,
        decoded_octets: d.u64()?,
        media: MediaType {
            kind: get_string(d)?,
            subtype: get_string(d)?,
            params: get_params(d)?,
        },
        encoding: get_encoding(d)?,
        id: get_text(d)?,
        description: get_text(d)?,
        md5: get_text(d)?,
        disposition: get_disposition(d)?,
        language: get_list(d, get_string)?,
        location: get_text(d)?,
        content: get_content(d)?,
    };
    leave(d, unknown)?;
    Ok(part)
}

fn get_encoding(d: &mut Decoder<'_>) -> Get<Encoding> {
    if d.datatype()? == Type::String {
        return get_string(d).map(Encoding::Other);
    }
    match d.u8()? {
        0 => Ok(Encoding::SevenBit),
        1 => Ok(Encoding::EightBit),
        2 => Ok(Encoding::Binary),
        3 => Ok(Encoding::QuotedPrintable),
        4 => Ok(Encoding::Base64),
        _ => Err(DecodeError::message("transfer encoding is unknown")),
    }
}

fn get_disposition(d: &mut Decoder<'_>) -> Get<Option<Disposition>> {
    if d.datatype()? == Type::Null {
        d.null()?;
        return Ok(None);
    }
    let unknown = enter(d, 2)?;
    let disposition = Disposition {
        kind: get_string(d)?,
        params: get_params(d)?,
    };
    leave(d, unknown)?;
    Ok(Some(disposition))
}

fn get_content(d: &mut Decoder<'_>) -> Get<Content> {
    match d.datatype()? {
        Type::Null => d.null().map(|()| Content::Leaf),
        Type::Array => get_list(d, get_part).map(Content::Multipart),
        _ => {
            d.map()?;
            Ok(Content::Message(Box::new(Embedded {
                envelope: get_envelope(d)?,
                root: get_part(d)?,
            })))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"From: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <a@x.example>\r\nTo: team:b@y, c@z;\r\nSubject: hi\r\n\
        Date: Mon, 5 Jan 2026 10:00:00 +0800\r\nMessage-ID: <1@x>\r\nReferences: <0@x>\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Language: en, de\r\n\r\nHello\r\n--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; filename=m\r\n\r\n\
        Subject: inner\r\n\r\nbody\r\n--b\r\nContent-Transfer-Encoding: X-ODD\r\nContent-ID: <p@x>\r\n\r\nzz\r\n--b--\r\n";

    #[test]
    fn a_mail_comes_back_as_it_was() {
        let structure = hongyan_message::parse(MAIL);
        let (blob, octets, thread) = (BlobAddress([7; 32]), Octets(9), ThreadId(5));
        let stored = encode(&blob, octets, thread, &structure);
        let email = decode(&stored).unwrap();
        let expect = Email {
            blob,
            octets,
            thread,
            structure,
        };
        assert_eq!(email, expect);
        for end in 0..stored.len() {
            assert!(decode(&stored[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn golden_bytes() {
        let structure = hongyan_message::parse(b"Subject: x\r\n\r\nhi\r\n");
        let stored = encode(&BlobAddress([1; 32]), Octets(18), ThreadId(3), &structure);
        let hex: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "0100018458200101010101010101010101010101010101010101010101010101010101010101120387128af66178808080808080f6f6f68090000e040104647465787465706c61696e8000f6f6f6f680f6f6626869f4"
        );
    }
}
