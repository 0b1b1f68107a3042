//! The text of parts (RFC 8621 §4.1.4), decoded from the mail's bytes a piece at a time.

use std::collections::BTreeMap;

use hongyan_blob::BlobError;
use hongyan_jmap::object::{BodyPart, BodyValue, EmailGet, bodies};
use hongyan_mailbox::search::Source;
use hongyan_message::charset::TextDecoder;
use hongyan_message::{Encoding, Part, Structure, TransferDecoder};

use crate::error::Outcome;

/// Octets read at a time.
const STEP_OCTETS: usize = 64 * 1024;

/// Whether texts were asked for.
pub(super) fn are_wanted(get: &EmailGet) -> bool {
    get.fetch_text_body_values || get.fetch_html_body_values || get.fetch_all_body_values
}

/// The texts asked for, each of at most `octets_max`.
pub(super) async fn read<S: Source<Error = BlobError>>(
    reader: &mut S,
    structure: &Structure,
    get: &EmailGet,
    octets_max: usize,
) -> Outcome<BTreeMap<String, BodyValue>> {
    let octets_max = match usize::try_from(get.max_body_value_bytes).unwrap_or(usize::MAX) {
        0 => octets_max,
        wanted => wanted.min(octets_max),
    };
    let mut values = BTreeMap::new();
    for found in wanted(structure, get) {
        let id = found.path.to_string();
        if found.part.media.kind == "text" && !values.contains_key(&id) {
            values.insert(id, value(reader, found.part, octets_max).await?);
        }
    }
    Ok(values)
}

fn wanted<'s>(structure: &'s Structure, get: &EmailGet) -> Vec<BodyPart<'s>> {
    let mut wanted = Vec::new();
    if get.fetch_all_body_values {
        add_leaves(BodyPart::root(structure), &mut wanted);
        return wanted;
    }
    let bodies = bodies(structure);
    if get.fetch_text_body_values {
        wanted.extend(bodies.text);
    }
    if get.fetch_html_body_values {
        wanted.extend(bodies.html);
    }
    wanted
}

fn add_leaves<'s>(found: BodyPart<'s>, leaves: &mut Vec<BodyPart<'s>>) {
    if found.is_multipart() {
        found.sub_parts().into_iter().for_each(|part| add_leaves(part, leaves));
    } else {
        leaves.push(found);
    }
}

/// The text of a part.
pub(crate) async fn value<S: Source<Error = BlobError>>(
    reader: &mut S,
    part: &Part,
    octets_max: usize,
) -> Outcome<BodyValue> {
    let mut transfer = TransferDecoder::new(&part.encoding);
    let mut charset = TextDecoder::new(part.charset());
    let (mut bytes, mut text) = (Vec::new(), String::new());
    let (mut at, end) = (part.body_offset(), part.body_offset().saturating_add(part.body_octets));
    while at < end && text.len() <= octets_max {
        let length = usize::try_from(end - at).unwrap_or(STEP_OCTETS).min(STEP_OCTETS);
        let piece = reader.read(at, length).await?;
        if piece.is_empty() {
            break;
        }
        at += piece.len() as u64;
        bytes.clear();
        transfer.push(&piece, &mut bytes);
        charset.push(&bytes, &mut text);
    }
    let is_whole = at >= end;
    if is_whole {
        bytes.clear();
        transfer.finish(&mut bytes);
        charset.push(&bytes, &mut text);
        charset.finish(&mut text);
    }
    let mut text = text.replace("\r\n", "\n");
    let is_truncated = !is_whole || text.len() > octets_max;
    if text.len() > octets_max {
        text.truncate(cut(&text, octets_max, part.media.subtype == "html"));
    }
    Ok(BodyValue {
        is_encoding_problem: matches!(part.encoding, Encoding::Other(_)) || text.contains('\u{fffd}'),
        value: text,
        is_truncated,
    })
}

/// RFC 8621 §4.2: not inside of a character, nor of a tag.
fn cut(text: &str, octets_max: usize, is_html: bool) -> usize {
    let at = text.floor_char_boundary(octets_max);
    let kept = &text[..at];
    match (kept.rfind('<'), kept.rfind('>')) {
        (Some(open), close) if is_html && close.is_none_or(|close| close < open) => open,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters_and_tags() {
        assert_eq!(cut("aé", 2, false), 1);
        assert_eq!(cut("a<b>c", 3, true), 1);
        assert_eq!(cut("a<b>c", 4, true), 4);
        assert_eq!(cut("a<b>c", 3, false), 3);
    }
}
