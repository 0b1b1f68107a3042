//! The way to the authority: HTTP over TLS through the node's own network.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan_env::Env;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, Response, Uri, header};
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, HttpClient};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;

/// Time for one request.
const WITHIN: Duration = Duration::from_secs(30);
/// Octets of an answer.
const ANSWER_OCTETS_MAX: usize = 1 << 20;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A client that trusts certain roots.
#[derive(Clone)]
pub(crate) struct Web {
    env: Env,
    tls: TlsConnector,
}

impl Web {
    /// Trusts `roots`, or those of the web when there are none.
    pub(crate) fn new(env: Env, roots: &[CertificateDer<'static>]) -> Result<Self, rustls::Error> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone())?;
        }
        if roots.is_empty() {
            store.roots = webpki_roots::TLS_SERVER_ROOTS.to_vec();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Self {
            env,
            tls: TlsConnector::from(Arc::new(config)),
        })
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, BoxError> {
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            return Ok(vec![address]);
        }
        let dns = self.env.dns();
        let (four, six) = (dns.a(host).await, dns.aaaa(host).await);
        let mut addresses: Vec<_> = four
            .iter()
            .flat_map(|answer| &answer.records)
            .copied()
            .map(IpAddr::V4)
            .collect();
        addresses.extend(six.iter().flat_map(|answer| &answer.records).copied().map(IpAddr::V6));
        match four {
            Err(error) if addresses.is_empty() => Err(error.into()),
            _ => Ok(addresses),
        }
    }

    async fn connect(&self, host: &str, port: u16) -> Result<hongyan_env::Stream, BoxError> {
        let mut last: BoxError = format!("{host} has no address").into();
        for address in self.addresses(host).await? {
            match self.env.connect(SocketAddr::new(address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    async fn send(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Response<Full<Bytes>>, BoxError> {
        let (mut parts, body) = request.into_parts();
        if parts.uri.scheme_str() != Some("https") {
            return Err("the authority is reached over https only".into());
        }
        let authority = parts.uri.authority().ok_or("a URL has no host")?.clone();
        let name = ServerName::try_from(authority.host().trim_matches(['[', ']']).to_owned())?;
        let stream = self
            .connect(authority.host(), authority.port_u16().unwrap_or(443))
            .await?;
        let stream = self.tls.connect(name, stream).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        parts.headers.insert(header::HOST, authority.as_str().parse()?);
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = path.parse::<Uri>()?;
        let answer = async {
            let response = sender.send_request(Request::from_parts(parts, body)).await?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_OCTETS_MAX).collect().await?.to_bytes();
            Ok(Response::from_parts(parts, Full::new(body)))
        };
        let answer = answer.await;
        connection.abort();
        answer
    }
}

impl HttpClient for Web {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, instant_acme::Error>> + Send>> {
        let web = self.clone();
        Box::pin(async move {
            let answer = web.env.timeout(WITHIN, web.send(request)).await;
            let answer = answer.unwrap_or_else(|| Err("the authority takes too long".into()));
            answer.map(BytesResponse::from).map_err(instant_acme::Error::Other)
        })
    }
}
