//! Posting over the network: over TLS to public addresses, and to the internal networks that the operator names.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::{BoxFuture, Env};
use hongyan_types::Network;
use http_body_util::Full;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use crate::{Door, Letter, Url, WebhookOptions};

/// The web, as this node reaches it.
pub struct WebDoor {
    env: Env,
    tls: TlsConnector,
    within: Duration,
    networks: Vec<Network>,
}

impl WebDoor {
    /// Certificates have to be those of the hosts, from a public authority or one of `roots`.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(env: Env, options: &WebhookOptions, roots: Vec<CertificateDer<'static>>) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut store = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for root in roots {
            store.add(root)?;
        }
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self {
            env,
            tls: TlsConnector::from(Arc::new(config)),
            within: options.within,
            networks: options.networks.clone(),
        })
    }

    fn is_named(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(address))
    }
    fn may_reach(&self, address: IpAddr, is_tls: bool) -> bool {
        self.is_named(address) || (is_tls && is_public(address))
    }

    async fn address(&self, url: &Url<'_>) -> Result<IpAddr, String> {
        let addresses = match url.host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => {
                let dns = self.env.dns();
                let four = dns.a(url.host).await.map(|answer| answer.records).unwrap_or_default();
                let mut addresses: Vec<IpAddr> = four.into_iter().map(IpAddr::V4).collect();
                if addresses.is_empty() {
                    let six = dns.aaaa(url.host).await.map_err(|error| error.to_string())?;
                    addresses.extend(six.records.into_iter().map(IpAddr::V6));
                }
                addresses
            }
        };
        // The address that is looked at is the one that is connected to: no later answer leads elsewhere.
        let found = addresses
            .into_iter()
            .find(|address| self.may_reach(*address, url.is_tls));
        found.ok_or_else(|| forbidden(url.is_tls))
    }

    async fn send(&self, letter: Letter) -> Result<u16, String> {
        let url = Url::read(&letter.url).ok_or("it is no URL of https")?;
        let address = self.address(&url).await?;
        let stream = self.env.connect((address, url.port).into()).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let request = request(&letter, &url)?;
        if !url.is_tls {
            return exchange(stream, request).await;
        }
        let name = ServerName::try_from(url.host.to_owned()).map_err(|error| error.to_string())?;
        let stream = self.tls.connect(name, stream).await;
        exchange(stream.map_err(|error| error.to_string())?, request).await
    }
}

fn request(letter: &Letter, url: &Url<'_>) -> Result<Request<Full<Bytes>>, String> {
    let host = match (url.port, url.host.contains(':')) {
        (443, false) => url.host.to_owned(),
        (port, false) => format!("{}:{port}", url.host),
        (port, true) => format!("[{}]:{port}", url.host),
    };
    let path = if url.path.is_empty() { "/" } else { url.path };
    let mut request = Request::post(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, "Hongyan")
        .header(header::CONTENT_TYPE, "application/json");
    for (name, value) in &letter.fields {
        request = request.header(*name, value);
    }
    let body = Full::new(Bytes::from(letter.body.clone()));
    request.body(body).map_err(|error| error.to_string())
}

/// The status; where it leads on is not followed.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<u16, String> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let exchanged = async {
        let answered = sender.send_request(request).await;
        answered.map(|answer| answer.status().as_u16())
    };
    tokio::select! {
        biased;
        status = exchanged => status.map_err(|error| error.to_string()),
        ended = connection => Err(ended.map_or_else(|error| error.to_string(), |()| "the connection was closed".to_owned())),
    }
}

fn forbidden(is_tls: bool) -> String {
    let what = if is_tls {
        "public address"
    } else {
        "address that is posted to without TLS"
    };
    format!("the host has no {what}, and none in [webhook] networks")
}

/// Whether an address is one of the public network.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            let is_benchmark = first == 198 && (18..20).contains(&second);
            let is_assigned = (first, second, third) == (192, 0, 0);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
                || first == 0
                || first >= 240
                || is_shared
                || is_assigned
                || is_benchmark)
        }
        IpAddr::V6(address) => {
            // 2000::/3 is what is given out; of it, 2001:db8::/32 is for documents, and 2002::/16 and 2001::/32 hide other
            // addresses.
            let [first, second, ..] = address.segments();
            let is_tunnel = first == 0x2002 || (first, second) == (0x2001, 0);
            first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0x0db8) && !is_tunnel
        }
    }
}

impl Door for WebDoor {
    fn post(&self, letter: Letter) -> BoxFuture<'_, Result<u16, String>> {
        Box::pin(async move {
            let sent = self.env.timeout(self.within, self.send(letter)).await;
            sent.unwrap_or_else(|| Err(format!("no answer within {} s", self.within.as_secs())))
        })
    }
    fn check(&self, url: &str) -> Result<(), String> {
        let url = Url::read(url).ok_or("it is no URL of https that can be posted to")?;
        match url.host.parse::<IpAddr>() {
            Ok(address) if !self.may_reach(address, url.is_tls) => Err(forbidden(url.is_tls)),
            Err(_) if !url.is_tls && self.networks.is_empty() => Err(forbidden(false)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_3_nobody_has_us_look_around_in_our_own_network() {
        let (env, _) = Env::manual(1);
        let named = WebhookOptions {
            networks: vec!["10.1.0.0/16".parse().unwrap()],
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
