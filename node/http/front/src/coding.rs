//! Content codings (RFC 9110 §8.4): answers that get shorter go out so, and requests may come so (ACC-5).

use axum::Router;
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tower_http::decompression::RequestDecompressionLayer;

use crate::problem::Problem;

/// Codings of answers. A client that takes both gets zstd, with the window that RFC 9659 §3 allows.
const ANSWERS: [&str; 3] = ["gzip", "x-gzip", "zstd"];

/// Of zstd and of gzip: what takes little time and still halves a mail of text.
const LEVEL: i32 = 3;

/// Codings of requests. Not zstd: who sends a frame says how much memory it takes to read it.
const REQUESTS: &str = "gzip";

/// Routes with codings: of answers from `octets_min` on, and of requests. Limits of requests count octets as they are after.
pub(crate) fn coded(routes: Router, octets_min: u16) -> Router {
    let compression = CompressionLayer::new()
        .quality(CompressionLevel::Precise(LEVEL))
        .compress_when(SizeAbove::new(octets_min.into()).and(gets_shorter));
    routes.layer(RequestDecompressionLayer::new()).layer(compression)
}

/// Makes a request ready for coded routes, or refuses it with 415 for a coding that is not taken (RFC 9110 §15.5.16).
pub(crate) fn prepare(request: &mut Request) -> Option<Response> {
    let headers = request.headers_mut();
    if !is_taken(headers) {
        let detail = format!("Content-Encoding: a request may be coded with {REQUESTS} alone");
        let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-content-coding", detail);
        let accepted = [(header::ACCEPT_ENCODING, HeaderValue::from_static(REQUESTS))];
        return Some((accepted, problem).into_response());
    }
    let wanted = wanted(headers);
    headers.remove(header::ACCEPT_ENCODING);
    if let Ok(wanted) = HeaderValue::from_str(&wanted)
        && !wanted.is_empty()
    {
        headers.insert(header::ACCEPT_ENCODING, wanted);
    }
    None
}

/// Whether the body of a request can be read; its header then says no more than that.
fn is_taken(headers: &mut HeaderMap) -> bool {
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let codings: Vec<_> = codings.map(HeaderValue::as_bytes).collect();
    match codings.as_slice() {
        [] => true,
        [one] if one.eq_ignore_ascii_case(b"identity") => {
            headers.remove(header::CONTENT_ENCODING);
            true
        }
        [one] if one.eq_ignore_ascii_case(b"gzip") || one.eq_ignore_ascii_case(b"x-gzip") => {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(REQUESTS));
            true
        }
        _ => false,
    }
}

/// The codings of which a client may get one. It may always get none, whatever it says: what has been done is not answered with 406.
fn wanted(headers: &HeaderMap) -> String {
    // How long an answer is tells what is in it to whoever can have it asked for, with a cookie and words of theirs.
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if matches!(site, Some(b"cross-site" | b"same-site")) {
        return String::new();
    }
    let fields = headers.get_all(header::ACCEPT_ENCODING).iter();
    let items = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','));
    let known = items.map(str::trim).filter(|item| {
        let name = item.split(';').next().unwrap_or_default().trim();
        ANSWERS.iter().any(|known| name.eq_ignore_ascii_case(known))
    });
    known.collect::<Vec<_>>().join(", ")
}

/// Whether an answer is text of a kind; and not one that comes bit by bit, a page with forms, or one whose tag names these very octets.
fn gets_shorter(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    let is_text = ["text/", "message/"].iter().any(|start| kind.starts_with(start))
        || ["/json", "+json", "/xml", "+xml", "/javascript"]
            .iter()
            .any(|end| kind.ends_with(end));
    is_text && !matches!(kind.as_str(), "text/event-stream" | "text/html") && !headers.contains_key(header::ETAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_static(value)));
        fields.collect()
    }

    #[test]
    fn rfc_9110_12_5_3_who_takes_nothing_else_gets_it_as_it_is() {
        for (asked, expect) in [
            ("gzip, deflate, br, zstd", "gzip, zstd"),
            ("GZIP;q=0.5,*;q=0", "GZIP;q=0.5"),
            ("identity;q=0", ""),
            ("*", ""),
            ("", ""),
        ] {
            assert_eq!(wanted(&headers(&[("accept-encoding", asked)])), expect, "{asked}");
        }
        let lines = headers(&[("accept-encoding", "br"), ("sec-fetch-site", "same-origin")]);
        assert_eq!(wanted(&lines), "");
        let mut lines = headers(&[("accept-encoding", "br")]);
        lines.append("accept-encoding", HeaderValue::from_static("zstd"));
        assert_eq!(wanted(&lines), "zstd");
    }

    #[test]
    fn pages_of_other_sites_learn_nothing_from_lengths() {
        for (site, expect) in [
            ("cross-site", ""),
            ("same-site", ""),
            ("same-origin", "zstd"),
            ("none", "zstd"),
        ] {
            let asked = headers(&[("accept-encoding", "zstd"), ("sec-fetch-site", site)]);
            assert_eq!(wanted(&asked), expect, "{site}");
        }
    }

    #[test]
    fn what_does_not_get_shorter_is_left() {
        let check = |fields: &[(&'static str, &'static str)]| {
            let extensions = Extensions::new();
            gets_shorter(StatusCode::OK, Version::HTTP_11, &headers(fields), &extensions)
        };
        for kind in [
            "application/json",
            "Application/Problem+JSON; charset=utf-8",
            "message/rfc822",
            "text/plain",
            "text/csv; charset=utf-8",
            "image/svg+xml",
        ] {
            assert!(check(&[("content-type", kind)]), "{kind}");
        }
        for kind in [
            "image/png",
            "application/octet-stream",
            "application/zip",
            "text/event-stream",
            "text/html; charset=utf-8",
        ] {
            assert!(!check(&[("content-type", kind)]), "{kind}");
        }
        assert!(!check(&[]));
        assert!(!check(&[("content-type", "application/json"), ("etag", "\"1\"")]));
    }
}
