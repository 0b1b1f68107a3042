//! Channel bindings: what ties a SCRAM exchange to the TLS connection that carries it (RFC 5056).

/// Kinds of channel binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindingKind {
    /// `tls-exporter` (RFC 9266): 32 octets of keying material with label `EXPORTER-Channel-Binding`.
    TlsExporter,
    /// `tls-server-end-point` (RFC 5929 §4): hash of the server's certificate.
    TlsServerEndPoint,
}

impl BindingKind {
    /// Registered name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TlsExporter => "tls-exporter",
            Self::TlsServerEndPoint => "tls-server-end-point",
        }
    }
    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::TlsExporter, Self::TlsServerEndPoint]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// One binding of the current connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelBinding {
    /// Which.
    pub kind: BindingKind,
    /// Its octets.
    pub data: Vec<u8>,
}
