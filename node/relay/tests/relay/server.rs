//! Servers of others: one that behaves, with TLS and signing in when told so.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a server does beyond the least.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    #[default]
    Absent,
    /// Offered, with a certificate of its own making.
    Offered,
    /// Offered, but the handshake fails.
    Broken,
}

/// What a server has seen, and what it will say to the next messages.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: usize,
    pub(crate) open: usize,
    pub(crate) open_max: usize,
    /// Recipients and text of the messages taken.
    pub(crate) messages: Vec<(Vec<String>, String)>,
    /// How many of them came in TLS.
    pub(crate) secured: usize,
    /// Replies to the end of the next messages; `close` breaks the connection instead. When empty, `250 ok`.
    pub(crate) verdicts: VecDeque<&'static str>,
    pub(crate) tls: Tls,
    /// Whether it makes those wait who want to send a message, and how many wait so.
    pub(crate) holds: bool,
    pub(crate) held: usize,
    /// AUTH commands, as received.
    pub(crate) auth: Vec<String>,
}

pub(crate) type Log = Arc<Mutex<Seen>>;

/// Listens on a port of 127.0.0.1.
pub(crate) async fn server() -> (u16, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("address").port();
    let log = Log::default();
    let shared = log.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let log = shared.clone();
            {
                let mut seen = log.lock();
                seen.connections += 1;
                seen.open += 1;
                seen.open_max = seen.open_max.max(seen.open);
            }
            tokio::spawn(async move {
                let _ = serve(stream, &log).await;
                log.lock().open -= 1;
            });
        }
    });
    (port, log)
}

async fn serve(stream: TcpStream, log: &Log) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mx.b.test\r\n").await?;
    if !converse(&mut stream, log, false).await? {
        return Ok(());
    }
    if log.lock().tls == Tls::Broken {
        return stream.write_all(b"this is no TLS record, not at all\r\n").await;
    }
    let stream = acceptor().accept(stream.into_inner()).await?;
    converse(&mut BufReader::new(stream), log, true).await?;
    Ok(())
}

fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["other.test".to_owned()]).expect("certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("config");
    TlsAcceptor::from(Arc::new(config))
}

/// Refuses recipients named `no` for good, `later` and `many` for now. Whether TLS is to begin.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    log: &Log,
    secured: bool,
) -> io::Result<bool> {
    let mut recipients = Vec::new();
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(false);
        }
        let verb = line.trim_end().to_ascii_uppercase();
        let reply = if verb.starts_with("EHLO") {
            offers(log, secured)
        } else if verb == "STARTTLS" {
            stream.write_all(b"220 2.0.0 go\r\n").await?;
            return Ok(true);
        } else if verb.starts_with("AUTH") {
            log.lock().auth.push(line.trim_end().to_owned());
            "235 2.7.0 welcome\r\n"
        } else if verb.starts_with("MAIL") {
            recipients.clear();
            "250 2.1.0 ok\r\n"
        } else if verb.starts_with("RCPT TO:<NO@") {
            "550 5.1.1 no such user\r\n"
        } else if verb.starts_with("RCPT TO:<MANY@") {
            "552 too many recipients\r\n"
        } else if verb.starts_with("RCPT TO:<LATER@") {
            "450 4.2.1 later\r\n"
        } else if verb.starts_with("RCPT") {
            recipients.push(line.trim_end().to_owned());
            "250 2.1.5 ok\r\n"
        } else if verb == "DATA" && recipients.is_empty() {
            "554 5.5.1 no recipients\r\n"
        } else if verb == "DATA" {
            if !take_message(stream, log, &recipients, secured).await? {
                return Ok(false);
            }
            continue;
        } else if verb == "QUIT" {
            stream.write_all(b"221 bye\r\n").await?;
            return Ok(false);
        } else {
            "250 ok\r\n"
        };
        stream.write_all(reply.as_bytes()).await?;
    }
}

fn offers(log: &Log, secured: bool) -> &'static str {
    match (secured, log.lock().tls) {
        (false, Tls::Absent) => "250-mx.b.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
        (false, _) => "250-mx.b.test\r\n250-STARTTLS\r\n250 8BITMIME\r\n",
        (true, _) => "250-mx.b.test\r\n250-AUTH PLAIN\r\n250 PIPELINING\r\n",
    }
}

/// Whether the connection goes on.
async fn take_message<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    log: &Log,
    recipients: &[String],
    secured: bool,
) -> io::Result<bool> {
    if log.lock().holds {
        log.lock().held += 1;
        while log.lock().holds {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        log.lock().held -= 1;
    }
    stream.write_all(b"354 go\r\n").await?;
    let mut text = String::new();
    while !text.ends_with("\r\n.\r\n") {
        if stream.read_line(&mut text).await? == 0 {
            return Ok(false);
        }
    }
    let verdict = log.lock().verdicts.pop_front().unwrap_or("250 2.0.0 ok");
    if verdict == "close" {
        return Ok(false);
    }
    // Long enough that messages overlap when connections are many.
    tokio::time::sleep(Duration::from_millis(20)).await;
    if verdict.starts_with('2') {
        let mut seen = log.lock();
        seen.messages.push((recipients.to_vec(), text));
        seen.secured += usize::from(secured);
    }
    stream.write_all(format!("{verdict}\r\n").as_bytes()).await?;
    Ok(true)
}
