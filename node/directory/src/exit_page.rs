//! Where signing out leads: a place of the organisation's own (LGN-10).

use hongyan_kv::Transaction;
use hongyan_types::{Domain, TenantId};

use crate::record::domain;
use crate::{Directory, Error, Result, key};

/// Longest URL.
const URL_OCTETS_MAX: usize = 500;

/// The host of a URL that a browser may be sent to: https, with a name and nothing before it, of at most 500 octets.
#[must_use]
pub fn web_host(url: &str) -> Option<Domain> {
    let is_clean = |octet: u8| octet.is_ascii_graphic() && !b"\"'<>\\^`{|}".contains(&octet);
    let rest = url.strip_prefix("https://")?;
    if url.len() > URL_OCTETS_MAX || !url.bytes().all(is_clean) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.split_once(':') {
        Some((host, port)) => {
            port.parse::<u16>().ok()?;
            host
        }
        None => authority,
    };
    let host = Some(host).filter(|host| !host.contains(['@', '[']))?;
    Domain::try_from(host).ok()
}

/// Whether the nearest domain above `host` that anybody has is that tenant's, and stays so.
async fn is_below(transaction: &mut Transaction, tenant: TenantId, host: &Domain) -> Result<bool> {
    let mut rest = host.as_str();
    loop {
        if let Ok(name) = Domain::try_from(rest)
            && let Some(stored) = transaction.get(&key::domain(&name)).await?
        {
            let record = domain::decode(name, &stored)?;
            return Ok(record.tenant == tenant && record.removal.is_none());
        }
        match rest.split_once('.') {
            Some((_, parent)) => rest = parent,
            None => return Ok(false),
        }
    }
}

/// Refuses what is no place of the tenant's.
pub(crate) async fn check(transaction: &mut Transaction, tenant: TenantId, url: &str) -> Result<()> {
    let invalid = |text: &str| Err(Error::Invalid(format!("exit page: {text}")));
    let Some(host) = web_host(url) else {
        return invalid("a URL of https with the name of a host, of at most 500 characters");
    };
    match is_below(transaction, tenant, &host).await? {
        true => Ok(()),
        false => invalid(&format!("{host} is below no domain of the organisation")),
    }
}

impl Directory {
    /// Where the members of `tenant` are led when they have signed out. None while its domain is not theirs.
    ///
    /// # Errors
    /// The store's only.
    pub async fn exit_page(&self, tenant: TenantId) -> Result<Option<String>> {
        let Some(url) = self.sign_in_policy(tenant).await?.exit_page.clone() else {
            return Ok(None);
        };
        let Some(host) = web_host(&url) else { return Ok(None) };
        let is_theirs = self.read(async move |t| is_below(t, tenant, &host).await).await?;
        Ok(is_theirs.then_some(url))
    }
}

#[cfg(test)]
mod tests {
    use hongyan_env::Env;
    use hongyan_kv::Database;
    use hongyan_memory::MemoryStore;

    use super::*;
    use crate::{DirectoryOptions, NewTenant, SignInPolicy};

    #[test]
    fn lgn_10_only_a_url_of_https_leads_somewhere() {
        let check = |url: &str, expect: Option<&str>| {
            assert_eq!(web_host(url).as_ref().map(Domain::as_str), expect, "{url}");
        };
        check("https://a.test", Some("a.test"));
        check("https://WWW.a.test:8443/x?y=1#z", Some("www.a.test"));
        for url in [
            "http://a.test/",
            "https://u@a.test/",
            "https://u:1@a.test/",
            "https://a.test:x/",
            "https://a.test/ b",
            "https://a.test\\@evil.test/",
            "https://[::1]/",
            "javascript:alert(1)",
            "//a.test/",
        ] {
            check(url, None);
        }
        check(&format!("https://a.test/{}", "x".repeat(500)), None);
    }

    #[tokio::test]
    async fn lgn_10_the_place_is_below_a_domain_of_the_organisation() {
        let (env, _) = Env::manual(1);
        let directory = Directory::new(Database::new(MemoryStore::default()), env, DirectoryOptions::default());
        let acme = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let other = directory.create_tenant(&NewTenant::named("Other")).await.unwrap().id;
        for (tenant, name) in [(acme, "a.test"), (other, "o.a.test"), (other, "o.test")] {
            let name = Domain::try_from(name).unwrap();
            directory.create_domain(tenant, &name).await.unwrap();
        }
        let set = async |url: &str| {
            let policy = SignInPolicy {
                exit_page: Some(url.to_owned()),
                ..SignInPolicy::default()
            };
            directory.set_sign_in_policy(acme, &policy, None).await
        };
        for foreign in [
            "https://o.test/",
            "https://www.o.a.test/",
            "https://nobody.test/",
            "http://a.test/",
        ] {
            let refused = set(foreign).await;
            assert!(matches!(refused, Err(Error::Invalid(_))), "{foreign}: {refused:?}");
        }
        set("https://www.a.test/bye").await.unwrap();
        let page = directory.exit_page(acme).await.unwrap();
        assert_eq!(page.as_deref(), Some("https://www.a.test/bye"));
        assert_eq!(directory.exit_page(other).await.unwrap(), None);
        let name = Domain::try_from("a.test").unwrap();
        directory.delete_domain(&name).await.unwrap();
        assert_eq!(directory.exit_page(acme).await.unwrap(), None, "the domain is gone");
    }
}
