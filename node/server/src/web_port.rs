//! HTTP without TLS for everybody: what a certificate authority fetches, and the way to HTTPS.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hongyan_acme::Acme;
use hongyan_http_discovery::{Door, Offer, Service};
use hongyan_types::Domain;

/// Its routes.
pub(crate) fn routes(acme: Option<&Acme>, offer: &Offer) -> Router {
    let mut router = match acme {
        Some(acme) => hongyan_acme::routes(acme.clone()),
        None => Router::new(),
    };
    if let Some(https) = offer.door(Service::Https) {
        let onward = Router::new().route("/", any(to_https)).route("/{*path}", any(to_https));
        router = router.merge(onward.with_state(https.clone()));
    }
    router
}

/// The same host and path over TLS; RFC 9110 §15.4.9: with the same method.
async fn to_https(State(https): State<Door>, uri: Uri, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.map(|host| host.split(':').next().unwrap_or_default());
    // What is no name of a host leads to ours.
    let host = host
        .and_then(|host| Domain::try_from(host).ok())
        .filter(|host| !host.is_literal());
    let host = host.unwrap_or(https.host);
    let port = match https.port {
        443 => String::new(),
        port => format!(":{port}"),
    };
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let location = format!("https://{host}{port}{path}");
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, location)]).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use hongyan_config::Config;
    use tower::ServiceExt;

    use super::*;

    async fn ask(config: &str, path: &str, host: &str) -> (u16, Option<String>) {
        let config = Config::parse(std::path::Path::new("x.toml"), config).unwrap();
        let offer = crate::offer::offer(&config).unwrap();
        let request = Request::post(path).header(header::HOST, host).body(Body::empty());
        let response = routes(None, &offer).oneshot(request.unwrap()).await.unwrap();
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|location| location.to_str().unwrap().to_owned());
        (response.status().as_u16(), location)
    }

    #[test]
    fn everybody_is_sent_to_https() {
        hongyan_actor::run(0, async {
            let config = "[node]\nhost_name = \"mx.a.test\"\n[public]\nhttps = \":8443\"";
            for (path, host, expect) in [
                ("/a/b?c=d", "Mail.b.test:80", "https://mail.b.test:8443/a/b?c=d"),
                ("/", "192.0.2.1", "https://192.0.2.1:8443/"),
                ("/", "[::1]:80", "https://mx.a.test:8443/"),
                ("/", "a b", "https://mx.a.test:8443/"),
            ] {
                assert_eq!(ask(config, path, host).await, (308, Some(expect.to_owned())), "{host}");
            }
            assert_eq!(ask("[listen]\nhttps = []", "/", "a.test").await, (404, None));
        });
    }
}
