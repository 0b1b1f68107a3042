//! Paths in which the case of letters means nothing.

use axum::extract::Request;
use axum::http::Uri;

/// Clients of Autodiscover write it, and what is below it, in every way there is.
const FOLDER: &str = "/autodiscover/";

/// Turns such a path into lower case before its route is looked for.
pub(crate) fn fold(request: &mut Request) {
    let uri = request.uri();
    let is_meant = uri
        .path()
        .get(..FOLDER.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(FOLDER));
    if !is_meant || !uri.path().bytes().any(|octet| octet.is_ascii_uppercase()) {
        return;
    }
    let mut path = uri.path().to_ascii_lowercase();
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    if let Ok(folded) = Uri::from_parts(parts) {
        *request.uri_mut() = folded;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autodiscover_is_found_however_it_is_written() {
        for (uri, expect) in [
            ("/Autodiscover/AutoDiscover.XML", "/autodiscover/autodiscover.xml"),
            (
                "https://h.test/AUTODISCOVER/Autodiscover.json?Email=A@B.test",
                "https://h.test/autodiscover/autodiscover.json?Email=A@B.test",
            ),
            ("/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.xml"),
            ("/JMAP/api", "/JMAP/api"),
            ("/Autodiscovery/X", "/Autodiscovery/X"),
            ("*", "*"),
        ] {
            let mut request = Request::builder().uri(uri).body(axum::body::Body::empty()).unwrap();
            fold(&mut request);
            assert_eq!(request.uri().to_string(), expect);
        }
    }
}
