//! When the registration of a domain ends (DOM-11), as its registry says over RDAP (RFC 9082, RFC 9083). Which registry that is, says
//! IANA's list (RFC 9224). A registry that is not in it, and many of countries are not, is not asked.

use std::collections::HashMap;
use std::sync::Arc;

use hongyan_env::Env;
use hongyan_fetch::{Ask, FetchError, FetchOptions, Fetcher, Url};
use hongyan_types::{Domain, Timestamp};
use parking_lot::Mutex;
use psl::{Psl, Type};
use serde::Deserialize;

/// How long IANA's list is remembered: registries come and go in weeks.
const LIST_SECS: i64 = 24 * 3600;
/// What RDAP answers are (RFC 7480 §4.2).
const RDAP_JSON: &str = "application/rdap+json";

/// Where is asked.
#[derive(Debug, Clone)]
pub struct RegistryOptions {
    /// IANA's list of the registries of domains, or a copy of it.
    pub list: Url,
    /// Limits of each answer.
    pub fetch: FetchOptions,
}

/// Why nothing is known of a registration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The list or the registry does not answer.
    #[error("{0} cannot be asked: {1}")]
    Unreachable(String, FetchError),
    /// It answers with an error.
    #[error("{0} answers with status {1}")]
    Status(String, u16),
    /// Its answer is not what RDAP says.
    #[error("the answer of {0} cannot be read: {1}")]
    Broken(String, String),
}

/// Asks registries; clones share what they remember.
#[derive(Clone)]
pub struct Registries {
    env: Env,
    fetcher: Fetcher,
    list: Url,
    known: Arc<Mutex<Option<(Timestamp, Arc<Services>)>>>,
}

/// The registry of each ending, without a `/` at its end.
struct Services(HashMap<String, String>);

/// RFC 9224 §4: pairs of endings and places.
#[derive(Deserialize)]
struct List {
    services: Vec<(Vec<String>, Vec<String>)>,
}

/// RFC 9083 §5.3, as far as it matters here.
#[derive(Deserialize)]
struct Registered {
    #[serde(default)]
    events: Vec<RegistryEvent>,
}

#[derive(Deserialize)]
struct RegistryEvent {
    #[serde(rename = "eventAction")]
    action: String,
    #[serde(rename = "eventDate")]
    date: String,
}

impl Services {
    fn new(list: List) -> Self {
        let mut places = HashMap::new();
        for (endings, urls) in list.services {
            let is_safe = |url: &&String| url.starts_with("https://");
            let Some(url) = urls.iter().find(is_safe).or(urls.first()) else {
                continue;
            };
            for ending in endings {
                places.insert(ending.to_ascii_lowercase(), url.trim_end_matches('/').to_owned());
            }
        }
        Self(places)
    }
    /// The longest ending wins (RFC 9224 §4).
    fn of(&self, name: &str) -> Option<&str> {
        let mut ending = name;
        while let Some((_, rest)) = ending.split_once('.') {
            if let Some(place) = self.0.get(rest) {
                return Some(place);
            }
            ending = rest;
        }
        None
    }
}

impl Registries {
    /// Over `env`'s network.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(env: Env, options: RegistryOptions) -> Result<Self, rustls::Error> {
        Ok(Self {
            fetcher: Fetcher::new(env.clone(), options.fetch)?,
            env,
            list: options.list,
            known: Arc::default(),
        })
    }

    /// When the registration ends that `domain` lies in; none where its registry is not known, or knows no such name or no end.
    ///
    /// # Errors
    /// Why that is not to be had now.
    pub async fn end_of(&self, domain: &Domain) -> Result<Option<Timestamp>, RegistryError> {
        let Some(name) = registered_name(domain) else {
            return Ok(None);
        };
        let services = self.services().await?;
        let Some(place) = services.of(name) else {
            return Ok(None);
        };
        let broken = |why: &dyn std::fmt::Display| RegistryError::Broken(place.to_owned(), why.to_string());
        let url = Url::read(&format!("{place}/domain/{name}")).map_err(|error| broken(&error))?;
        let Some(registered) = self.read::<Registered>(url).await? else {
            return Ok(None);
        };
        let ends = registered.events.iter().find(|event| event.action == "expiration");
        let Some(ends) = ends else {
            return Ok(None);
        };
        let at: jiff::Timestamp = ends.date.parse().map_err(|error| broken(&error))?;
        Ok(Some(Timestamp {
            millis: at.as_millisecond(),
        }))
    }

    /// IANA's list, asked for again when what is remembered is old.
    async fn services(&self) -> Result<Arc<Services>, RegistryError> {
        let now = Timestamp {
            millis: self.env.wall_millis(),
        };
        if let Some((at, services)) = &*self.known.lock()
            && now.secs().saturating_sub(at.secs()) < LIST_SECS
        {
            return Ok(services.clone());
        }
        let Some(list) = self.read::<List>(self.list.clone()).await? else {
            return Err(RegistryError::Status(self.list.host().to_owned(), 404));
        };
        let services = Arc::new(Services::new(list));
        *self.known.lock() = Some((now, services.clone()));
        Ok(services)
    }

    /// What lies there; none for what is not there.
    async fn read<T: for<'a> Deserialize<'a>>(&self, url: Url) -> Result<Option<T>, RegistryError> {
        let host = url.host().to_owned();
        let fields = vec![("accept", format!("{RDAP_JSON}, application/json"))];
        let ask = Ask {
            url,
            fields,
            body: None,
        };
        let answer = match self.fetcher.ask(ask).await {
            Ok(answer) => answer,
            Err(error) => return Err(RegistryError::Unreachable(host, error)),
        };
        match answer.status {
            200 => match serde_json::from_slice(&answer.body) {
                Ok(read) => Ok(Some(read)),
                Err(error) => Err(RegistryError::Broken(host, error.to_string())),
            },
            404 => Ok(None),
            status => Err(RegistryError::Status(host, status)),
        }
    }
}

/// The part of a domain that is registered: one label below a public suffix. None for what is no name of the Internet.
fn registered_name(domain: &Domain) -> Option<&str> {
    let text = domain.as_str();
    let suffix = psl::List.find(text.as_bytes().rsplit(|octet| *octet == b'.'));
    if domain.is_literal() || suffix.typ != Some(Type::Icann) {
        return None;
    }
    let before = text.get(..text.len().checked_sub(suffix.len + 1)?)?;
    let start = before.rfind('.').map_or(0, |dot| dot + 1);
    text.get(start..)
}

/// How long before the end administrators are told, in days.
const TOLD_DAYS: [u32; 3] = [30, 14, 3];
/// One day.
const DAY_MILLIS: i64 = 24 * 3600 * 1000;

/// The tightest of those days that has come; none while there is time.
pub(crate) fn days_reached(end: Timestamp, now: Timestamp) -> Option<u32> {
    let left = end.millis.saturating_sub(now.millis);
    TOLD_DAYS
        .into_iter()
        .rfind(|days| left <= i64::from(*days) * DAY_MILLIS)
}

#[cfg(test)]
pub(crate) mod tests {
    use hongyan_types::AddressRanges;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Registries at a server on this machine that answers by path, for ever.
    pub(crate) async fn registries(env: &Env, answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Registries {
        let listener = env.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_address().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = vec![0; 4_096];
                let read = stream.read(&mut asked).await.unwrap();
                let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                let path = asked.split(' ').nth(1).unwrap_or_default();
                let (status, body) = answer(path);
                let body = body.replace("PORT", &port.to_string());
                let length = body.len();
                let text = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{body}");
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        let options = RegistryOptions {
            list: Url::read(&format!("http://127.0.0.1:{port}/dns.json")).unwrap(),
            fetch: FetchOptions {
                networks: AddressRanges::read(&["127.0.0.1"]).unwrap().0,
                ..FetchOptions::default()
            },
        };
        Registries::new(env.clone(), options).unwrap()
    }

    pub(crate) const LIST: &str = r#"{"version":"1.0","services":[[["com","net"],["http://127.0.0.1:PORT/big/"]],
        [["co.uk"],["http://127.0.0.1:PORT/uk"]],[["org"],[]]]}"#;

    fn domain(text: &str) -> Domain {
        Domain::try_from(text).unwrap()
    }

    #[test]
    fn dom_11_what_is_registered_is_one_label_below_a_public_suffix() {
        let check = |text: &str, expect: Option<&str>| assert_eq!(registered_name(&domain(text)), expect, "{text}");
        check("example.com", Some("example.com"));
        check("mail.shop.example.co.uk", Some("example.co.uk"));
        check("com", None);
        check("example.test", None);
        check("[127.0.0.1]", None);
    }

    #[tokio::test]
    async fn dom_11_the_registry_of_the_longest_ending_is_asked() {
        let found = registries(&Env::real(), |path| match path {
            "/dns.json" => (200, LIST.to_owned()),
            "/big/domain/example.com" => (
                200,
                r#"{"events":[{"eventAction":"registration","eventDate":"1995-08-14T04:00:00Z"},
                    {"eventAction":"expiration","eventDate":"2026-12-01T08:00:00+08:00"}]}"#
                    .to_owned(),
            ),
            "/uk/domain/example.co.uk" => (200, r#"{"events":[]}"#.to_owned()),
            "/big/domain/odd.net" => (
                200,
                r#"{"events":[{"eventAction":"expiration","eventDate":"soon"}]}"#.to_owned(),
            ),
            "/big/domain/busy.net" => (429, String::new()),
            _ => (404, String::new()),
        })
        .await;
        let ends = found.end_of(&domain("mail.example.com")).await.unwrap();
        assert_eq!(ends, Some(Timestamp::from_secs(1_796_083_200)));
        for unknown in ["example.co.uk", "none.com", "example.org", "example.cn", "example.test"] {
            assert_eq!(found.end_of(&domain(unknown)).await, Ok(None), "{unknown}");
        }
        let odd = found.end_of(&domain("odd.net")).await.unwrap_err();
        assert!(matches!(odd, RegistryError::Broken(..)), "{odd}");
        let busy = found.end_of(&domain("busy.net")).await.unwrap_err();
        assert!(matches!(busy, RegistryError::Status(_, 429)), "{busy}");
    }

    #[tokio::test]
    async fn dom_11_bad_input_a_list_that_is_none_is_an_error() {
        for body in ["", "[]", r#"{"services":[["com"]]}"#, r#"{"services":{}}"#] {
            let found = registries(&Env::real(), |_| (200, body.to_owned())).await;
            let error = found.end_of(&domain("example.com")).await.unwrap_err();
            assert!(matches!(error, RegistryError::Broken(..)), "{error}");
        }
        let found = registries(&Env::real(), |_| (404, String::new())).await;
        assert!(found.end_of(&domain("example.com")).await.is_err());
    }
}
