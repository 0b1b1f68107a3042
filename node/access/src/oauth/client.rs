//! Clients that are registered: operators know them by name, and where they are sent back to. What is on a person's machine is
//! public (RFC 6749 §2.1): it keeps no secret, so PKCE stands in for one. An application on a server has a secret as well, and
//! may be for the members of one organisation alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hongyan_audit::{Chain, Event};
use hongyan_directory::{Directory, Error};
use hongyan_kv::RangeQuery;
use hongyan_sasl::Secret;
use hongyan_types::{TenantId, Timestamp};

use super::record::{self, ClientRecord};
use super::{OauthError, Scope, token};
use crate::Access;

/// Clients an installation may have.
const CLIENTS_MAX: usize = 1_000;
/// Of them, those that an organisation may connect.
const APPLICATIONS_MAX: usize = 50;
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
    /// Whose it is, where it is an application.
    pub party: Party,
}

/// What an application has that a mail client has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Party {
    /// Whose members alone it is for.
    pub tenant: Option<TenantId>,
    /// Whether it proves itself with a secret.
    pub has_secret: bool,
    /// Where people may be sent to when they have signed out.
    pub signed_out: Vec<String>,
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
    /// Whose it is, where it is an application.
    pub party: Party,
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
            party: Party {
                tenant: record.tenant.map(TenantId),
                has_secret: record.secret.is_some(),
                signed_out: record.signed_out.unwrap_or_default(),
            },
        })
    }

    /// Whether members of that organisation may let it in.
    #[must_use]
    pub fn is_for(&self, tenant: TenantId) -> bool {
        self.party.tenant.is_none_or(|own| own == tenant)
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
    if new.redirects.len() > REDIRECTS_MAX || new.party.signed_out.len() > REDIRECTS_MAX {
        return invalid("a client is sent back to at most 20 places");
    }
    let places = new.redirects.iter().chain(&new.party.signed_out);
    match places.into_iter().find(|redirect| !is_redirect(redirect)) {
        None => Ok(()),
        Some(wrong) => Err(Error::Invalid(format!(
            "{wrong}: a client is sent back over https, to this machine (http://127.0.0.1/..) or to a scheme of its own \
             with a dot (com.example.app:/..)"
        ))),
    }
}

impl Access {
    /// Registers a client, or changes one: what was granted to it stays, and so does its secret.
    ///
    /// # Errors
    /// `Invalid`, `Limit`; `NotFound` where a client of that name is another organisation's; the store's.
    pub async fn set_oauth_client(&self, directory: &Directory, new: &NewOauthClient) -> Result<OauthClient, Error> {
        Ok(self.write_oauth_client(directory, new, None).await?.0)
    }

    /// Likewise, with a secret where it is to have one: a new one when there is none, or when it is to be made `anew`.
    ///
    /// # Errors
    /// As [`Self::set_oauth_client`].
    pub async fn set_oauth_application(
        &self,
        directory: &Directory,
        new: &NewOauthClient,
        anew: bool,
    ) -> Result<(OauthClient, Option<Secret>), Error> {
        let mut random = [0; 32];
        self.0.env.fill_random(&mut random);
        let text = format!("hys_{}", URL_SAFE_NO_PAD.encode(random));
        let (client, was_made) = self.write_oauth_client(directory, new, Some((&text, anew))).await?;
        Ok((client, was_made.then(|| Secret::new(text))))
    }

    /// A client that shows its secret, where it has one.
    ///
    /// # Errors
    /// `InvalidClient`; the store's.
    pub async fn oauth_prove_client(&self, id: &str, secret: Option<&str>) -> Result<OauthClient, OauthError> {
        let mut transaction = self.0.database.begin();
        let stored = transaction.get_snapshot(&record::client_key(id)).await?;
        let stored = stored.ok_or(OauthError::InvalidClient)?;
        let record: ClientRecord = record::decode(&stored)?;
        let is_proved = match (record.secret, secret) {
            (Some(known), Some(shown)) => blake3::Hash::from(token::hash(self, "client", shown)) == known,
            (None, None) => true,
            _ => false,
        };
        match is_proved {
            true => Ok(OauthClient::read(id, &stored)?),
            false => Err(OauthError::InvalidClient),
        }
    }

    async fn write_oauth_client(
        &self,
        directory: &Directory,
        new: &NewOauthClient,
        secret: Option<(&str, bool)>,
    ) -> Result<(OauthClient, bool), Error> {
        check(new)?;
        let fresh = secret.filter(|_| new.party.has_secret);
        let fresh = fresh.map(|(text, anew)| (token::hash(self, "client", text), anew));
        let client = OauthClient {
            id: new.id.clone(),
            name: new.name.trim().to_owned(),
            redirects: new.redirects.clone(),
            scope: new.scope.clone(),
            created: self.now(),
            party: new.party.clone(),
        };
        let chain = client.party.tenant.map_or(Chain::Installation, Chain::Tenant);
        let kept = ClientRecord {
            name: client.name.clone(),
            redirects: client.redirects.clone(),
            scope: client.scope.to_string(),
            created_millis: client.created.millis,
            tenant: client.party.tenant.map(|tenant| tenant.0),
            secret: None,
            signed_out: (!client.party.signed_out.is_empty()).then(|| client.party.signed_out.clone()),
        };
        let (id, keeps_secret) = (client.id.clone(), client.party.has_secret);
        let set = async move |change: &mut hongyan_directory::Change| {
            let key = record::client_key(&id);
            let mut kept = kept.clone();
            let before = change.get(&key).await?;
            let before = before
                .map(|stored| record::decode::<ClientRecord>(&stored))
                .transpose()?;
            if let Some(before) = &before {
                // What is another organisation's is not there, though its name is taken.
                if before.tenant != kept.tenant {
                    return Err(Error::Refused(format!("the name {id} is taken")));
                }
                kept.created_millis = before.created_millis;
                kept.secret = before.secret.filter(|_| keeps_secret);
            }
            let made = fresh.filter(|(_, anew)| *anew || kept.secret.is_none());
            if let Some((hash, _)) = made {
                kept.secret = Some(hash);
            }
            if before.is_none() {
                let present = change.get_range_all(RangeQuery::all(record::clients().range())).await?;
                if present.len() >= CLIENTS_MAX {
                    return Err(Error::Limit {
                        setting: "oauth_clients_max",
                        max: CLIENTS_MAX as u64,
                        used: present.len() as u64,
                    });
                }
                let is_theirs = |pair: &hongyan_kv::KeyValue| {
                    let known = record::decode::<ClientRecord>(&pair.value);
                    known.is_ok_and(|known| known.tenant.is_some() && known.tenant == kept.tenant)
                };
                let own = present.iter().filter(|pair| is_theirs(pair)).count();
                if own >= APPLICATIONS_MAX {
                    return Err(Error::Limit {
                        setting: "oauth_applications_max",
                        max: APPLICATIONS_MAX as u64,
                        used: own as u64,
                    });
                }
            }
            change.set(key, record::encode(&kept));
            let event = Event::new("oauth-client.set", &kept.name)
                .with("id", &id)
                .with("redirects", kept.redirects.join(" "))
                .with("scope", &kept.scope)
                .with("has_secret", kept.secret.is_some())
                .with("new_secret", made.is_some());
            change.record(chain, event);
            Ok((kept.created_millis, kept.secret.is_some(), made.is_some()))
        };
        let ((created_millis, has_secret, was_made), _) = directory.announce(set).await?;
        let mut client = client;
        client.created = Timestamp { millis: created_millis };
        client.party.has_secret = has_secret;
        Ok((client, was_made))
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
            let stored = change.get(&key).await?;
            let tenant = stored.and_then(|stored| record::decode::<ClientRecord>(&stored).ok()?.tenant);
            change.clear(&key);
            let chain = tenant.map_or(Chain::Installation, |tenant| Chain::Tenant(TenantId(tenant)));
            change.record(chain, Event::new("oauth-client.remove", &id));
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
            party: Party::default(),
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
