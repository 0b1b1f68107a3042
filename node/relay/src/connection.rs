//! One connection to another server: the SMTP client machine over a socket, in clear or in TLS.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use hongyan_env::{Env, Stream};
use hongyan_sasl::{Client, Credentials, Mechanism};
use hongyan_smtp::Reply;
use hongyan_smtp::client::{Event, Extensions, Failure, Options, Session};
use hongyan_types::Instant;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use crate::route::Target;
use crate::settings::{RelaySettings, RelayTls};
use crate::tls::ClientTls;

const READ_OCTETS: usize = 4096;

/// What a connection can be made of.
trait Transport: AsyncRead + AsyncWrite {}
impl<T: AsyncRead + AsyncWrite> Transport for T {}

/// Why a host cannot be used now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    /// Nobody answers.
    #[error("{0}")]
    Unreachable(String),
    /// It does not want us.
    #[error("{0}")]
    Refused(Reply),
    /// It cannot be spoken to safely as the settings demand.
    #[error("{0}")]
    Unsafe(String),
}

pub(crate) struct Connection {
    env: Env,
    transport: Pin<Box<dyn Transport>>,
    pub(crate) session: Session,
    pub(crate) target: Target,
    pub(crate) messages: usize,
    pub(crate) idle_since_micros: u64,
}

pub(crate) fn instant(env: &Env) -> Instant {
    Instant {
        micros: env.now_micros(),
    }
}

impl Connection {
    /// Opens a connection to `target`, ready for a message: greeted, in TLS where possible, signed in where asked.
    pub(crate) async fn open(
        env: &Env,
        settings: &RelaySettings,
        tls: &ClientTls,
        target: &Target,
    ) -> Result<Self, OpenError> {
        match Self::open_as(env, settings, tls, target, true).await {
            // RFC 7435: a handshake that fails is no reason not to send what would have gone in clear anyway.
            Err(OpenError::Unsafe(_)) if mode(settings) == RelayTls::Opportunistic => {
                Self::open_as(env, settings, tls, target, false).await
            }
            result => result,
        }
    }
    async fn open_as(
        env: &Env,
        settings: &RelaySettings,
        tls: &ClientTls,
        target: &Target,
        with_tls: bool,
    ) -> Result<Self, OpenError> {
        let unreachable = |error: io::Error| OpenError::Unreachable(error.to_string());
        let connecting = env.timeout(settings.connect_timeout, env.connect(target.address));
        let stream = connecting
            .await
            .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
            .map_err(unreachable)?;
        let mode = mode(settings);
        let transport: Pin<Box<dyn Transport>> = match mode {
            RelayTls::Implicit => {
                let handshake = handshake(tls, mode, &target.host, Plain::Stream(stream));
                env.timeout(settings.connect_timeout, handshake)
                    .await
                    .unwrap_or_else(|| Err(slow_handshake()))?
            }
            _ => Box::pin(stream),
        };
        let name = settings.host_name.clone();
        let options = Options {
            lmtp: false,
            name,
            limits: settings.limits.clone(),
        };
        let session = Session::new(options, instant(env));
        let idle_since_micros = env.now_micros();
        let mut connection = Self {
            env: env.clone(),
            transport,
            session,
            target: target.clone(),
            messages: 0,
            idle_since_micros,
        };
        let mut offers = connection.greeted().await?;
        let secured = mode == RelayTls::Implicit
            || (with_tls && offers.starttls && {
                offers = connection.start_tls(settings, tls, mode).await?;
                true
            });
        if mode == RelayTls::Required && !secured {
            return Err(OpenError::Unsafe(format!("{} does not offer TLS", target.host)));
        }
        connection.sign_in(settings, &offers, secured).await?;
        Ok(connection)
    }
    async fn greeted(&mut self) -> Result<Extensions, OpenError> {
        match self.event().await {
            Event::Ready(extensions) => Ok(extensions),
            Event::Refused(reply) => Err(OpenError::Refused(reply)),
            Event::Failed(Failure::Goodbye(reply)) => Err(OpenError::Refused(reply)),
            Event::Failed(failure) => Err(OpenError::Unreachable(failure.to_string())),
            _ => Err(OpenError::Unreachable("the server answers out of turn".to_owned())),
        }
    }
    async fn start_tls(
        &mut self,
        settings: &RelaySettings,
        tls: &ClientTls,
        mode: RelayTls,
    ) -> Result<Extensions, OpenError> {
        self.session.start_tls(instant(&self.env));
        match self.event().await {
            Event::TlsReady => {}
            Event::TlsRefused(reply) => return Err(OpenError::Unsafe(reply.text.into_owned())),
            _ => return Err(OpenError::Unsafe("STARTTLS was not answered".to_owned())),
        }
        let clear = std::mem::replace(&mut self.transport, Box::pin(tokio::io::empty()));
        let handshake = handshake(tls, mode, &self.target.host, Plain::Boxed(clear));
        self.transport = self
            .env
            .timeout(settings.connect_timeout, handshake)
            .await
            .unwrap_or_else(|| Err(slow_handshake()))?;
        self.session.tls_established(instant(&self.env));
        self.greeted().await
    }
    async fn sign_in(&mut self, settings: &RelaySettings, offers: &Extensions, secured: bool) -> Result<(), OpenError> {
        let Some((user, password)) = settings
            .relay_host
            .as_ref()
            .and_then(|relay| relay.credentials.as_ref())
        else {
            return Ok(());
        };
        let usable = [Mechanism::ScramSha256, Mechanism::Plain, Mechanism::Login];
        let mechanism = usable
            .into_iter()
            .filter(|mechanism| secured || *mechanism == Mechanism::ScramSha256)
            .find(|mechanism| offers.mechanisms.contains(mechanism))
            .ok_or_else(|| OpenError::Unsafe("the relay host offers no way to sign in".to_owned()))?;
        let credentials = Credentials {
            authzid: None,
            authcid: user.clone(),
            password: password.clone(),
        };
        let mut random = [0; 18];
        self.env.fill_random(&mut random);
        let client = Client::start(mechanism, credentials, None, random)
            .map_err(|error| OpenError::Unsafe(format!("signing in: {error}")))?;
        self.session.authenticate(instant(&self.env), client);
        match self.event().await {
            Event::Authenticated => Ok(()),
            Event::AuthenticationRefused(reply) => Err(OpenError::Unsafe(format!("signing in: {}", reply.text))),
            Event::AuthenticationFailed(error) => Err(OpenError::Unsafe(format!("signing in: {error}"))),
            Event::Failed(failure) => Err(OpenError::Unreachable(failure.to_string())),
            _ => Err(OpenError::Unreachable("the server answers out of turn".to_owned())),
        }
    }
    /// What happens next: sends what is to be sent, then waits for the server.
    pub(crate) async fn event(&mut self) -> Event {
        let mut buffer = [0; READ_OCTETS];
        loop {
            if let Some(event) = self.session.poll_event() {
                return event;
            }
            if self.flush().await.is_err() {
                self.session.closed();
                continue;
            }
            let now = instant(&self.env);
            let patience = self
                .session
                .poll_timeout()
                .map_or(Duration::from_secs(300), |due| due.since(now));
            match self.env.timeout(patience, self.transport.read(&mut buffer)).await {
                Some(Ok(0)) | Some(Err(_)) => self.session.closed(),
                Some(Ok(octets)) => self.session.receive(instant(&self.env), &buffer[..octets]),
                None => self.session.handle_timeout(instant(&self.env)),
            }
        }
    }
    /// Sends what is to be sent; a server that does not read is given up after its time.
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        let mut output = Vec::new();
        if self.session.poll_output(&mut output) {
            let write = async {
                self.transport.write_all(&output).await?;
                self.transport.flush().await
            };
            let patience = Duration::from_secs(180);
            self.env
                .timeout(patience, write)
                .await
                .unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))?;
        }
        Ok(())
    }
    /// Says good-bye without waiting for the answer.
    pub(crate) async fn close(mut self) {
        if self.session.is_idle() {
            self.session.quit(instant(&self.env));
            let _ = self.flush().await;
        }
    }
}

fn slow_handshake() -> OpenError {
    OpenError::Unsafe("the TLS handshake took too long".to_owned())
}

fn mode(settings: &RelaySettings) -> RelayTls {
    settings
        .relay_host
        .as_ref()
        .map_or(RelayTls::Opportunistic, |relay| relay.tls)
}

enum Plain {
    Stream(Stream),
    Boxed(Pin<Box<dyn Transport>>),
}

async fn handshake(
    tls: &ClientTls,
    mode: RelayTls,
    host: &str,
    plain: Plain,
) -> Result<Pin<Box<dyn Transport>>, OpenError> {
    let config = if mode == RelayTls::Opportunistic {
        &tls.opportunistic
    } else {
        &tls.verified
    };
    let name = host.trim_matches(['[', ']']).trim_start_matches("IPv6:").to_owned();
    let name = ServerName::try_from(name).map_err(|error| OpenError::Unsafe(error.to_string()))?;
    let connector = TlsConnector::from(config.clone());
    let unsafe_now = |error: io::Error| OpenError::Unsafe(format!("TLS handshake: {error}"));
    match plain {
        Plain::Stream(stream) => Ok(Box::pin(connector.connect(name, stream).await.map_err(unsafe_now)?)),
        Plain::Boxed(stream) => Ok(Box::pin(connector.connect(name, stream).await.map_err(unsafe_now)?)),
    }
}
