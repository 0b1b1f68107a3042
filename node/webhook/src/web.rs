//! Posting over the network: over TLS to public addresses, and to the internal networks that the operator names.

use hongyan_env::{BoxFuture, Env};
use hongyan_fetch::{Ask, FetchError, FetchOptions, Fetcher, Url};
use rustls_pki_types::CertificateDer;

use crate::{Door, Letter, WebhookOptions};

/// The web, as this node reaches it.
pub struct WebDoor {
    fetcher: Fetcher,
}

impl WebDoor {
    /// Certificates have to be those of the hosts, from a public authority or one of `roots`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(env: Env, options: &WebhookOptions, roots: Vec<CertificateDer<'static>>) -> Result<Self, rustls::Error> {
        let options = FetchOptions {
            networks: options.networks.clone(),
            roots,
            within: options.within,
            ..FetchOptions::default()
        };
        Ok(Self {
            fetcher: Fetcher::new(env, options)?,
        })
    }
}

fn told(error: &FetchError) -> String {
    match error {
        FetchError::NotAllowed => "it is neither at a public address over TLS nor in [webhook] networks".to_owned(),
        error => error.to_string(),
    }
}

impl Door for WebDoor {
    fn post(&self, letter: Letter) -> BoxFuture<'_, Result<u16, String>> {
        Box::pin(async move {
            let url = Url::read(&letter.url).map_err(|error| error.to_string())?;
            let mut fields = letter.fields;
            fields.push(("user-agent", "Hongyan".to_owned()));
            fields.push(("content-type", "application/json".to_owned()));
            let ask = Ask {
                url,
                fields,
                body: Some(letter.body.into()),
            };
            // Where it leads on is not followed: that is a status like others.
            self.fetcher.status(ask).await.map_err(|error| told(&error))
        })
    }
    fn check(&self, url: &str) -> Result<(), String> {
        let url = Url::read(url).map_err(|error| error.to_string())?;
        match self.fetcher.may_lead_to(&url) {
            true => Ok(()),
            false => Err(told(&FetchError::NotAllowed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use hongyan_types::AddressRanges;

    use super::*;

    #[test]
    fn api_3_nobody_has_us_look_around_in_our_own_network() {
        let (env, _) = Env::manual(1);
        let named = WebhookOptions {
            networks: AddressRanges::read(&["10.1.0.0/16"]).unwrap().0,
            ..WebhookOptions::default()
        };
        let open = WebDoor::new(env.clone(), &WebhookOptions::default(), Vec::new()).unwrap();
        let named = WebDoor::new(env, &named, Vec::new()).unwrap();
        let check = |door: &WebDoor, url: &str| door.check(url).is_ok();
        for inside in [
            "https://127.0.0.1/",
            "https://10.1.2.3/",
            "https://192.168.1.1/",
            "https://172.16.0.1/",
            "https://169.254.169.254/",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[2002:7f00:1::]/",
            "http://8.8.8.8/",
            "http://h.test/",
        ] {
            assert!(!check(&open, inside), "{inside}");
        }
        assert!(check(&open, "https://8.8.8.8/") && check(&open, "https://h.test/"));
        assert!(check(&named, "http://10.1.2.3/") && check(&named, "https://10.1.2.3/"));
        assert!(!check(&named, "https://10.2.0.1/") && !check(&named, "http://8.8.8.8/"));
    }
}
