//! One request and one reply: `[length u32 BE][bincode]`. Enums grow at their end.

use std::io;

use hongyan_transport::codec;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest message, in octets.
const MESSAGE_OCTETS_MAX: u32 = 256 << 10;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Request {
    V1 {
        secret: Vec<u8>,
        key_request: Vec<u8>,
        /// What the node says of itself, for whoever admits it.
        about: Vec<u8>,
    },
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reply {
    Granted {
        certificate_pem: String,
        /// What a new member needs to know, for whoever asked to join.
        welcome: Vec<u8>,
    },
    Refused {
        text: String,
    },
}

pub(super) async fn write<T: Serialize>(socket: &mut (impl AsyncWrite + Unpin), message: &T) -> io::Result<()> {
    let bytes = codec::encode(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    socket.write_all(&[&length.to_be_bytes(), &bytes[..]].concat()).await?;
    socket.flush().await
}

pub(super) async fn read<T: DeserializeOwned>(socket: &mut (impl AsyncRead + Unpin)) -> io::Result<T> {
    let length = socket.read_u32().await?;
    if length > MESSAGE_OCTETS_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message is too long"));
    }
    let mut bytes = Vec::new();
    // Grows with what arrives, not with what is announced.
    socket.take(u64::from(length)).read_to_end(&mut bytes).await?;
    codec::decode(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
