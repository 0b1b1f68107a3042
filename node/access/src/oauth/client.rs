//! Clients that are registered: operators know them by name, and where they are sent back to. All are public (RFC 6749
//! §2.1): what is on a person's machine keeps no secret, so PKCE stands in for one.

use hongyan_audit::{Chain, Event};
use hongyan_directory::{Directory, Error};
use hongyan_kv::RangeQuery;
use hongyan_types::Timestamp;

use super::record::{self, ClientRecord};
use super::{OauthError, Scope};
use crate::Access;

/// Clients an installation may have.
const CLIENTS_MAX: usize = 1_000;
/// Places a client may be sent back to.
const REDIRECTS_MAX: usize = 20;
const REDIRECT_OCTETS_MAX: usize = 500;

/// A client to register.
#[derive(Debug, Clone)]
pub struct NewOauthClient {
    /// 1 to 64 letters, digits, dots, hyphens and underscores: what it calls itself.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it may be sent back to; none for one that only uses the device grant.
    pub redirects: Vec<String>,
    /// What it may have at most.
    pub scope: Scope,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthClient {
    /// What it calls itself.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Where it may be sent back to.
    pub redirects: Vec<String>,
    /// What it may have at most.
    pub scope: Scope,
    /// Since when it is registered.
    pub created: Timestamp,
}

impl OauthClient {
    fn read(id: &str, stored: &[u8]) -> Result<Self, Error> {
        let record: ClientRecord = record::decode(stored)?;
        let scope = Scope::read(&record.scope);
        let corrupt = || hongyan_kv::Error::Corrupt("scope of an OAuth client".to_owned());
        Ok(Self {
            id: id.to_owned(),
            name: record.name,
            redirects: record.redirects,
            scope: scope.ok_or_else(corrupt)?,
            created: Timestamp {
                millis: record.created_millis,
            },
        })
    }

    /// Whether it may be sent back to `shown`: exactly what is registered, but for the port of this very machine
    /// (RFC 8252 §7.3).
    #[must_use]
    pub fn is_sent_to(&self, shown: &str) -> bool {
        let plain = without_loopback_port(shown);
        let mut known = self.redirects.iter();
        known.any(|known| known == shown || (plain.is_some() && without_loopback_port(known) == plain))
    }

    /// The scope that it gets which asks for `wanted`; what it may have when it asks for nothing.
    ///
    /// # Errors
    /// `InvalidScope`.
    pub fn scope_of(&self, wanted: Option<&str>) -> Result<Scope, OauthError> {
        match wanted.filter(|wanted| !wanted.trim().is_empty()) {
            None => Ok(self.scope.clone()),
            Some(wanted) => {
                let scope = Scope::read(wanted).filter(|scope| scope.is_within(&self.scope));
                scope.ok_or(OauthError::InvalidScope)
            }
        }
    }
}

/// A place on the person's own machine, its port left out.
fn without_loopback_port(redirect: &str) -> Option<(&str, &str)> {
    let rest = redirect.strip_prefix("http://")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|octet| octet.is_ascii_digit());
    let host = ["127.0.0.1", "[::1]", "localhost"].into_iter().find(|host| {
        let rest = authority.strip_prefix(host);
        rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
    })?;
    Some((host, path))
}

/// HTTPS; this machine; or a scheme of the program's own, which has a dot (RFC 8252 §7.1).
fn is_redirect(text: &str) -> bool {
    let is_clean = text
        .bytes()
        .all(|octet| octet.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&octet));
    if !is_clean || text.len() > REDIRECT_OCTETS_MAX {
        return false;
    }
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_scheme = scheme
        .bytes()
        .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b".-+".contains(&octet));
    match scheme {
        "https" => {
            let host = rest
                .strip_prefix("//")
                .map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
            host.is_some_and(|host| !host.is_empty() && !host.contains('@'))
        }
        "http" => without_loopback_port(text).is_some(),
        own => is_scheme && own.contains('.') && !rest.is_empty(),
    }
}

fn check(new: &NewOauthClient) -> Result<(), Error> {
    let invalid = |text: &str| Err(Error::Invalid(text.to_owned()));
    let is_id = |octet: u8| octet.is_ascii_alphanumeric() || b".-_".contains(&octet);
    if new.id.is_empty() || new.id.len() > 64 || !new.id.bytes().all(is_id) {
        return invalid("a client calls itself by 1 to 64 letters, digits, dots, hyphens and underscores");
    }
    if new.name.trim().is_empty() || new.name.chars().count() > 64 || new.name.chars().any(char::is_control) {
        return invalid("a client has a name of 1 to 64 characters without control characters");
    }
    if new.redirects.len() > REDIRECTS_MAX {
        return invalid("a client is sent back to at most 20 places");
    }
    match new.redirects.iter().find(|redirect| !is_redirect(redirect)) {
        None => Ok(()),
        Some(wrong) => Err(Error::Invalid(format!(
            "{wrong}: a client is sent back over https, to this machine (http://127.0.0.1/..) or to a scheme of its own \
             with a dot (com.example.app:/..)"
        ))),
    }
}

impl Access {
    /// Registers a client, or changes one: what was granted to it stays.
    ///
    /// # Errors
    /// `Invalid`, `Limit`; the store's.
    pub async fn set_oauth_client(&self, directory: &Directory, new: &NewOauthClient) -> Result<OauthClient, Error> {
        check(new)?;
        let client = OauthClient {
            id: new.id.clone(),
            name: new.name.trim().to_owned(),
            redirects: new.redirects.clone(),
            scope: new.scope.clone(),
            created: self.now(),
        };
        let kept = ClientRecord {
            name: client.name.clone(),
            redirects: client.redirects.clone(),
            scope: client.scope.to_string(),
            created_millis: client.created.millis,
        };
        let id = client.id.clone();
        let set = async move |change: &mut hongyan_directory::Change| {
            let key = record::client_key(&id);
            if change.get(&key).await?.is_none() {
                let present = change.get_range_all(RangeQuery::all(record::clients().range())).await?;
                if present.len() >= CLIENTS_MAX {
                    return Err(Error::Limit {
                        setting: "oauth_clients_max",
                        max: CLIENTS_MAX as u64,
                        used: present.len() as u64,
                    });
                }
            }
            change.set(key, record::encode(&kept));
            let event = Event::new("oauth-client.set", &kept.name)
                .with("id", &id)
                .with("redirects", kept.redirects.join(" "))
                .with("scope", &kept.scope);
            change.record(Chain::Installation, event);
            Ok(())
        };
        directory.announce(set).await?;
        Ok(client)
    }

    /// All clients, by identifier.
    ///
    /// # Errors
    /// The store's.
    pub async fn oauth_clients(&self) -> Result<Vec<OauthClient>, Error> {
        let prefix = record::clients();
        let mut transaction = self.0.database.begin();
        let pairs = transaction.get_range_all(RangeQuery::all(prefix.range())).await?;
        let read = |pair: &hongyan_kv::KeyValue| {
            let corrupt = |_| hongyan_kv::Error::Corrupt("key of an OAuth client".to_owned());
            let id = prefix
                .reader(&pair.key)
                .and_then(|mut reader| reader.string())
                .map_err(corrupt)?;
            OauthClient::read(&id, &pair.value)
        };
        pairs.iter().map(read).collect()
    }

    /// The client of that identifier.
    ///
    /// # Errors
    /// `InvalidClient`; the store's.
    pub async fn oauth_client(&self, id: &str) -> Result<OauthClient, OauthError> {
        let mut transaction = self.0.database.begin();
        let stored = transaction.get_snapshot(&record::client_key(id)).await?;
        let stored = stored.ok_or(OauthError::InvalidClient)?;
        Ok(OauthClient::read(id, &stored)?)
    }

    /// Removes a client. It gets no tokens any more; what was granted to it is taken back by whoever granted it.
    ///
    /// # Errors
    /// `NotFound`; the store's.
    pub async fn remove_oauth_client(&self, directory: &Directory, id: &str) -> Result<(), Error> {
        let id = id.to_owned();
        let remove = async move |change: &mut hongyan_directory::Change| {
            let key = record::client_key(&id);
            if change.get(&key).await?.is_none() {
                return Err(Error::NotFound {
                    what: "OAuth client",
                    name: id.clone(),
                });
            }
            change.clear(&key);
            change.record(Chain::Installation, Event::new("oauth-client.remove", &id));
            Ok(())
        };
        directory.announce(remove).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_sent_back_only_where_it_is_registered() {
        let client = OauthClient {
            id: "c".to_owned(),
            name: "C".to_owned(),
            redirects: vec![
                "https://app.example/back".to_owned(),
                "http://127.0.0.1/back".to_owned(),
                "com.example.app:/back".to_owned(),
            ],
            scope: Scope::all(),
            created: Timestamp { millis: 0 },
        };
        let check = |shown: &str, expect: bool| assert_eq!(client.is_sent_to(shown), expect, "{shown}");
        check("https://app.example/back", true);
        check("https://app.example/back2", false);
        check("https://app.example/back/", false);
        check("https://app.example.evil/back", false);
        check("https://app.example:444/back", false);
        check("http://127.0.0.1:4711/back", true);
        check("http://127.0.0.1/back", true);
        check("http://127.0.0.1:x/back", false);
        check("http://127.0.0.1.evil/back", false);
        check("http://127.0.0.1:80@evil/back", false);
        check("http://localhost:4711/back", false);
        check("http://127.0.0.1:4711/other", false);
        check("com.example.app:/back", true);
        check("com.example.app:/other", false);
    }

    #[test]
    fn places_to_be_sent_back_to_are_checked() {
        for (text, expect) in [
            ("https://a.test/x?y=1", true),
            ("http://localhost/", true),
            ("http://[::1]:8080/", true),
            ("com.example.app:/x", true),
            ("http://a.test/", false),
            ("https:///x", false),
            ("https://u@a.test/", false),
            ("https://a.test/#f", false),
            ("https://a.test/ x", false),
            ("https://a.test/\"", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("mailto:x", false),
            ("", false),
        ] {
            assert_eq!(is_redirect(text), expect, "{text}");
        }
    }
}
