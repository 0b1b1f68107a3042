//! One question, one answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hongyan_env::{Env, Stream};
use hongyan_types::AddressRanges;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Url;

/// Longest header of an answer.
const HEADER_OCTETS_MAX: usize = 64 * 1_024;

/// Limits, and whom to trust.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Internal networks that may be asked, also without TLS. Others than these and public addresses over TLS are refused.
    pub networks: AddressRanges,
    /// Certificates of authorities that are trusted besides the public ones.
    pub roots: Vec<CertificateDer<'static>>,
    /// How long all of it may take.
    pub within: Duration,
    /// Octets of an answer's body.
    pub octets_max: usize,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            networks: AddressRanges::default(),
            roots: Vec::new(),
            within: Duration::from_secs(10),
            octets_max: 256 * 1_024,
        }
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Where.
    pub url: Url,
    /// Fields of the header, beside Host and the length.
    pub fields: Vec<(&'static str, String)>,
    /// What is posted; without it, it is a GET.
    pub body: Option<Bytes>,
}

/// What was answered: whatever is not a redirect.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What the body is (RFC 9110 §8.3), in lower case, without parameters.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It is not over TLS, or not at a public address, and no named network has it.
    #[error("it is neither at a public address over TLS nor in a network that may be asked")]
    NotAllowed,
    /// The name has no address.
    #[error("its name has no address")]
    Unresolved,
    /// Nobody listens, or the connection broke.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Its certificate is not good, or it does not speak TLS.
    #[error("TLS with it fails: {0}")]
    Tls(String),
    /// It sends elsewhere.
    #[error("it sends elsewhere (status {0}), and nobody is followed")]
    Redirect(u16),
    /// The answer is larger than allowed.
    #[error("its answer has more than {0} octets")]
    TooLarge(usize),
    /// It took too long.
    #[error("it has not answered within {0} s")]
    TooSlow(u64),
    /// The answer is no HTTP.
    #[error("its answer cannot be read: {0}")]
    Broken(String),
}

/// Asks; clones share it.
#[derive(Clone)]
pub struct Fetcher {
    env: Env,
    tls: TlsConnector,
    options: Arc<FetchOptions>,
}

impl Fetcher {
    /// Over `env`'s network.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(env: Env, options: FetchOptions) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for root in &options.roots {
            roots.add(root.clone())?;
        }
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            env,
            tls: TlsConnector::from(Arc::new(config)),
            options: Arc::new(options),
        })
    }

    /// Whether a place may be asked, as far as that shows without looking its name up.
    #[must_use]
    pub fn may_lead_to(&self, url: &Url) -> bool {
        match url.host().parse::<IpAddr>() {
            Ok(address) => self.may_ask(address, url.is_tls()),
            Err(_) => url.is_tls() || !self.options.networks.is_empty(),
        }
    }

    fn may_ask(&self, address: IpAddr, is_tls: bool) -> bool {
        self.options.networks.contains(address) || (is_tls && is_public(address))
    }

    /// A connection to a host, where it may be asked: over TLS it may in more places. Who uses it bounds the time.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn reach(&self, host: &str, port: u16, is_tls: bool) -> Result<Stream, FetchError> {
        let address = self.address(host, is_tls).await?;
        let stream = self.env.connect((address, port).into()).await;
        stream.map_err(|error| FetchError::Unreachable(error.to_string()))
    }

    /// TLS over a connection, with a host whose certificate is good.
    ///
    /// # Errors
    /// `Tls`.
    pub async fn secure(&self, host: &str, stream: Stream) -> Result<TlsStream<Stream>, FetchError> {
        let tls = |error: &dyn std::fmt::Display| FetchError::Tls(error.to_string());
        let name = ServerName::try_from(host.to_owned()).map_err(|error| tls(&error))?;
        self.tls.connect(name, stream).await.map_err(|error| tls(&error))
    }

    /// Asks.
    ///
    /// # Errors
    /// Why there is no answer. A status that tells of an error is an answer.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, FetchError> {
        self.in_time(ask, Some(self.options.octets_max)).await
    }

    /// Asks and looks at the status alone, whatever it is; the body stays where it is.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn status(&self, ask: Ask) -> Result<u16, FetchError> {
        Ok(self.in_time(ask, None).await?.status)
    }

    /// The answer, with the body if so many octets of it are wanted.
    async fn in_time(&self, ask: Ask, octets_max: Option<usize>) -> Result<Answer, FetchError> {
        let within = self.options.within;
        let answered = self.env.timeout(within, self.answer(ask, octets_max)).await;
        answered.unwrap_or(Err(FetchError::TooSlow(within.as_secs())))
    }

    async fn answer(&self, ask: Ask, octets_max: Option<usize>) -> Result<Answer, FetchError> {
        let url = &ask.url;
        let stream = self.reach(url.host(), url.port(), url.is_tls()).await?;
        if !url.is_tls() {
            return exchange(stream, ask, octets_max).await;
        }
        let stream = self.secure(url.host(), stream).await?;
        exchange(stream, ask, octets_max).await
    }

    /// An address of the host that may be asked. The connection goes to this one, whatever the name says later.
    async fn address(&self, host: &str, is_tls: bool) -> Result<IpAddr, FetchError> {
        let may = |address: &IpAddr| self.may_ask(*address, is_tls);
        if let Ok(address) = host.parse::<IpAddr>() {
            return Some(address).filter(may).ok_or(FetchError::NotAllowed);
        }
        let dns = self.env.dns();
        let four = dns.a(host).await.map(|answer| answer.records).unwrap_or_default();
        let mut addresses: Vec<IpAddr> = four.into_iter().map(IpAddr::V4).collect();
        if addresses.is_empty() {
            let six = dns.aaaa(host).await.map(|answer| answer.records).unwrap_or_default();
            addresses.extend(six.into_iter().map(IpAddr::V6));
        }
        if addresses.is_empty() {
            return Err(FetchError::Unresolved);
        }
        addresses.into_iter().find(may).ok_or(FetchError::NotAllowed)
    }
}

/// Asks over a connection that is open; ends it, whatever becomes of that.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    ask: Ask,
    octets_max: Option<usize>,
) -> Result<Answer, FetchError> {
    let broken = |error: &dyn std::fmt::Display| FetchError::Broken(error.to_string());
    let mut builder = hyper::client::conn::http1::Builder::new();
    builder.max_buf_size(HEADER_OCTETS_MAX);
    let shaken = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|error| broken(&error))?;
    let connection = tokio::spawn(connection);
    let answered = async {
        let request = request(ask).map_err(|error| broken(&error))?;
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        match octets_max {
            Some(octets_max) => read(response, octets_max).await,
            None => Ok(Answer {
                status: response.status().as_u16(),
                content_type: String::new(),
                body: Bytes::new(),
            }),
        }
    };
    let answered = answered.await;
    connection.abort();
    answered
}

fn request(ask: Ask) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let method = if ask.body.is_some() { Method::POST } else { Method::GET };
    let mut request = Request::builder()
        .method(method)
        .uri(ask.url.path())
        .header(header::HOST, ask.url.host_field())
        .header(header::CONNECTION, "close");
    for (name, value) in ask.fields {
        request = request.header(name, value);
    }
    request.body(Full::new(ask.body.unwrap_or_default()))
}

async fn read(response: Response<Incoming>, octets_max: usize) -> Result<Answer, FetchError> {
    let status = response.status();
    if status.is_redirection() {
        return Err(FetchError::Redirect(status.as_u16()));
    }
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    let content_type = kind.trim().to_ascii_lowercase();
    let mut body = response.into_body();
    let mut octets = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| FetchError::Broken(error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            if octets.len().saturating_add(data.len()) > octets_max {
                return Err(FetchError::TooLarge(octets_max));
            }
            octets.extend_from_slice(&data);
        }
    }
    Ok(Answer {
        status: status.as_u16(),
        content_type,
        body: octets.freeze(),
    })
}

/// Whether an address is one of the public network.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            let is_benchmark = first == 198 && (18..20).contains(&second);
            let is_protocols = (first, second, third) == (192, 0, 0);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_multicast()
                || address.is_broadcast()
                || address.is_documentation()
                || first == 0
                || first >= 240
                || is_shared
                || is_benchmark
                || is_protocols)
        }
        IpAddr::V6(address) => {
            // 2000::/3 is what is given out; of it, 2001:db8::/32 is for documents, 2002::/16 and 2001::/32 lead to IPv4.
            let [first, second, ..] = address.segments();
            let is_document = (first, second) == (0x2001, 0x0db8);
            first & 0xe000 == 0x2000 && !is_document && first != 0x2002 && (first, second) != (0x2001, 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Asks a server that answers with these octets, and then waits if it is told to.
    async fn ask(answer: &'static [u8], hangs: bool, options: FetchOptions) -> Result<Answer, FetchError> {
        let (fetcher, asked, server) = place(answer, hangs, options).await;
        let answered = fetcher.ask(asked).await;
        server.abort();
        answered
    }

    async fn status(answer: &'static [u8], options: FetchOptions) -> Result<u16, FetchError> {
        let (fetcher, asked, server) = place(answer, true, options).await;
        let answered = fetcher.status(asked).await;
        server.abort();
        answered
    }

    async fn place(
        answer: &'static [u8],
        hangs: bool,
        options: FetchOptions,
    ) -> (Fetcher, Ask, tokio::task::JoinHandle<()>) {
        let env = Env::real();
        let listener = env.listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let port = listener.local_address().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4_096];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(answer).await;
            if hangs {
                std::future::pending::<()>().await;
            }
        });
        let fetcher = Fetcher::new(env, options).unwrap();
        let url = Url::read(&format!("http://127.0.0.1:{port}/x?y=1")).unwrap();
        let asked = Ask {
            url,
            fields: vec![("accept", "application/json".to_owned())],
            body: None,
        };
        (fetcher, asked, server)
    }

    fn local() -> FetchOptions {
        FetchOptions {
            networks: AddressRanges::read(&["127.0.0.1"]).unwrap().0,
            octets_max: 8,
            ..FetchOptions::default()
        }
    }

    #[tokio::test]
    async fn api_2_an_answer_is_read_within_its_limits() {
        let short = b"HTTP/1.1 200 OK\r\ncontent-type: Application/JSON; charset=utf-8\r\ncontent-length: 2\r\n\r\n{}";
        let answer = ask(short, false, local()).await.unwrap();
        assert_eq!(
            (answer.status, answer.content_type.as_str(), &answer.body[..]),
            (200, "application/json", &b"{}"[..])
        );
        let long = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789";
        assert_eq!(ask(long, false, local()).await.unwrap_err(), FetchError::TooLarge(8));
        // The length is not said, and never comes.
        let endless = b"HTTP/1.1 200 OK\r\n\r\n123456789";
        assert_eq!(ask(endless, true, local()).await.unwrap_err(), FetchError::TooLarge(8));
        let elsewhere = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(
            ask(elsewhere, false, local()).await.unwrap_err(),
            FetchError::Redirect(302)
        );
        let moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 900\r\n\r\n";
        assert_eq!(
            status(moved, local()).await,
            Ok(302),
            "whoever wants the status alone has it"
        );
        assert!(matches!(
            ask(b"SMTP?\r\n\r\n", false, local()).await,
            Err(FetchError::Broken(_))
        ));
        let hasty = FetchOptions {
            within: Duration::from_millis(50),
            ..local()
        };
        assert_eq!(ask(b"", true, hasty).await.unwrap_err(), FetchError::TooSlow(0));
    }

    #[tokio::test]
    async fn api_2_nobody_is_asked_in_our_own_network() {
        let closed = FetchOptions::default();
        assert_eq!(ask(b"", false, closed).await.unwrap_err(), FetchError::NotAllowed);
        for address in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "::1",
            "fe80::1",
            "fc00::1",
            "::ffff:10.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["8.8.8.8", "2606:4700::1111"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
