//! What is said before the first call: TLS, then one hello of each side.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use hongyan_env::Stream;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::credentials::{Admission, Own};
use super::tls::{Tls, explain, is_foreign, is_named};
use crate::NodeId;
use crate::frame::{Frame, Hello, Parser, Reject, RejectReason, VersionRange};

/// A hello is short; nothing else may be sent before it is answered.
const HELLO_OCTETS_MAX: usize = 2 << 10;

/// A connection on which calls may begin.
pub(super) struct Greeted {
    pub socket: TlsStream<Stream>,
    pub parser: Parser,
    pub peer: Hello,
}

/// Why none came about.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    /// TLS or the network below it.
    #[error("{}", explain(.0))]
    Io(#[from] io::Error),
    /// The other side is no node, or breaks the protocol.
    #[error("the other end does not speak the protocol of nodes")]
    NoHello,
    /// The other side turned us away.
    #[error("the other node turns us away: {}", .0.text)]
    Rejected(Reject),
    /// We turned the other side away.
    #[error("{}", .0.text)]
    Rejecting(Reject),
}

impl HandshakeError {
    /// Why the other side turned us away for what we are; a lack of places is none of it.
    pub(super) fn turned_away(&self) -> Option<String> {
        match self {
            Self::Rejected(reject) if reject.reason != RejectReason::Full => Some(reject.text.clone()),
            _ => None,
        }
    }
    /// Whether the two ends are of different clusters, by their certificates.
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self, Self::Io(error) if is_foreign(error))
    }
    /// Whether the other side says that a later life of this node exists.
    pub(super) fn is_superseded(&self) -> bool {
        matches!(self, Self::Rejected(reject) if reject.reason == RejectReason::OlderLife)
    }
}

/// What the accepting side knows of other nodes' lives.
pub(super) trait Lives: Sync {
    /// Whether `hello` is of the latest known life of its node, or a later one, which is kept then.
    fn is_current(&self, hello: &Hello) -> bool;
}

/// The dialling side.
pub(super) async fn greet(
    own: &Own,
    tls: &Tls,
    admission: &dyn Admission,
    to: NodeId,
    socket: Stream,
) -> Result<Greeted, HandshakeError> {
    let name = own.cluster.node_name(to);
    let server = ServerName::try_from(name).map_err(|_| HandshakeError::NoHello)?;
    let mut socket = TlsConnector::from(Arc::clone(&tls.client))
        .connect(server, socket)
        .await?;
    say(&mut socket, &Frame::Hello(hello(own))).await?;
    let mut parser = Parser::default();
    let peer = hear(&mut socket, &mut parser).await?;
    let socket = TlsStream::Client(socket);
    check(own, admission, &socket, &peer).map_err(HandshakeError::Rejecting)?;
    if peer.node != to {
        return Err(HandshakeError::NoHello);
    }
    Ok(Greeted { socket, parser, peer })
}

/// The accepting side.
pub(super) async fn welcome(
    own: &Own,
    tls: &Tls,
    (admission, lives): (&dyn Admission, &dyn Lives),
    socket: Stream,
) -> Result<Greeted, HandshakeError> {
    let mut socket = TlsAcceptor::from(Arc::clone(&tls.server)).accept(socket).await?;
    let mut parser = Parser::default();
    let peer = hear(&mut socket, &mut parser).await?;
    let mut socket = TlsStream::Server(socket);
    let checked = check(own, admission, &socket, &peer).and_then(|()| {
        admission
            .admit_life(peer.node, peer.incarnation)
            .map_err(|text| Reject {
                reason: RejectReason::Running,
                text,
            })?;
        if lives.is_current(&peer) {
            return Ok(());
        }
        Err(Reject {
            reason: RejectReason::OlderLife,
            text: format!("a later process than this one runs as node {}", peer.node),
        })
    });
    if let Err(reject) = checked {
        say(&mut socket, &Frame::Reject(reject.clone())).await?;
        socket.shutdown().await?;
        return Err(HandshakeError::Rejecting(reject));
    }
    say(&mut socket, &Frame::Hello(hello(own))).await?;
    Ok(Greeted { socket, parser, peer })
}

fn hello(own: &Own) -> Hello {
    Hello {
        versions: VersionRange::OURS,
        cluster: own.cluster.clone(),
        node: own.node,
        incarnation: own.incarnation,
    }
}

async fn say(socket: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let mut out = BytesMut::new();
    frame.write(&mut out);
    socket.write_all(&out).await?;
    socket.flush().await
}

async fn hear(socket: &mut (impl AsyncRead + Unpin), parser: &mut Parser) -> Result<Hello, HandshakeError> {
    loop {
        match parser.next_frame().map_err(|_| HandshakeError::NoHello)? {
            Some(Frame::Hello(hello)) => return Ok(hello),
            Some(Frame::Reject(reject)) => return Err(HandshakeError::Rejected(reject)),
            Some(_) => return Err(HandshakeError::NoHello),
            None if parser.buffer().len() > HELLO_OCTETS_MAX => return Err(HandshakeError::NoHello),
            None => {}
        }
        if socket.read_buf(parser.buffer()).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    }
}

fn check(own: &Own, admission: &dyn Admission, socket: &TlsStream<Stream>, peer: &Hello) -> Result<(), Reject> {
    let reject = |reason, text: String| Err(Reject { reason, text });
    if peer.cluster != own.cluster {
        let text = format!("this is a node of the cluster {}, not of {}", own.cluster, peer.cluster);
        return reject(RejectReason::Cluster, text);
    }
    if VersionRange::OURS.agree(peer.versions).is_none() {
        let (ours, theirs) = (VersionRange::OURS, peer.versions);
        let text = format!(
            "this release speaks versions {} to {} of the protocol, the other {} to {}: upgrade one release at a time",
            ours.min, ours.max, theirs.min, theirs.max
        );
        return reject(RejectReason::Version, text);
    }
    let certificates = socket.get_ref().1.peer_certificates();
    let leaf = certificates.and_then(|chain| chain.first());
    let named = leaf.filter(|leaf| is_named(leaf, &own.cluster.node_name(peer.node)));
    let Some(leaf) = named else {
        let text = format!("the certificate is not that of node {}", peer.node);
        return reject(RejectReason::Identity, text);
    };
    if peer.node == own.node {
        let text = format!("this is node {} itself", own.node);
        return reject(RejectReason::Identity, text);
    }
    admission
        .admit(peer.node, leaf)
        .or_else(|text| reject(RejectReason::NotAdmitted, text))
}
