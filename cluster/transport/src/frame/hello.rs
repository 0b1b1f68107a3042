//! Who speaks, and which versions: the first frame of each side, and the refusal.

use bytes::{Buf, BufMut, Bytes, BytesMut, TryGetError};

use crate::{ClusterId, NodeId};

/// The longest text of a rejection, in octets.
const TEXT_OCTETS_MAX: usize = 1024;

/// The versions of the protocol that a node speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// The oldest.
    pub min: u16,
    /// The newest.
    pub max: u16,
}

impl VersionRange {
    /// What this release speaks. The release before a new version speaks both, and so does the one after.
    pub const OURS: Self = Self { min: 1, max: 1 };

    /// The newest version that both speak.
    #[must_use]
    pub fn agree(self, other: Self) -> Option<u16> {
        let version = self.max.min(other.max);
        (version >= self.min && version >= other.min).then_some(version)
    }
}

/// Who speaks. What a later version appends is skipped by an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The versions it speaks.
    pub versions: VersionRange,
    /// The cluster it belongs to.
    pub cluster: ClusterId,
    /// Which node it is.
    pub node: NodeId,
    /// Which life of that node: a later one has a higher number.
    pub incarnation: u64,
}

impl Hello {
    pub(super) fn write(&self, out: &mut BytesMut) {
        out.put_u16(self.versions.min);
        out.put_u16(self.versions.max);
        out.put_u64(self.node.0);
        out.put_u64(self.incarnation);
        write_text(out, self.cluster.as_str());
    }
    pub(super) fn read(body: &mut Bytes) -> Result<Self, TryGetError> {
        Ok(Self {
            versions: VersionRange {
                min: body.try_get_u16()?,
                max: body.try_get_u16()?,
            },
            node: NodeId(body.try_get_u64()?),
            incarnation: body.try_get_u64()?,
            cluster: ClusterId::from_wire(&read_text(body)?),
        })
    }
}

/// Why a node does not speak to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectReason {
    /// No version in common.
    Version,
    /// Of another cluster.
    Cluster,
    /// The certificate is not that node's.
    Identity,
    /// The node has left, or its certificate is withdrawn.
    NotAdmitted,
    /// A later life of that node has been here: two processes use one identity, or this one is an old one.
    OlderLife,
    /// No place for more connections.
    Full,
    /// An earlier life of that node is known to live: it passes when that one has ended, or two processes use one identity.
    Running,
    /// Something a later version knows.
    Other,
}

impl RejectReason {
    const ALL: [(u8, Self); 8] = [
        (1, Self::Version),
        (2, Self::Cluster),
        (3, Self::Identity),
        (4, Self::NotAdmitted),
        (5, Self::OlderLife),
        (6, Self::Full),
        (7, Self::Running),
        (255, Self::Other),
    ];
    /// How metrics name it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Cluster => "cluster",
            Self::Identity => "identity",
            Self::NotAdmitted => "not_admitted",
            Self::OlderLife => "older_life",
            Self::Full => "full",
            Self::Running => "running",
            Self::Other => "other",
        }
    }
}

/// The refusal, with words for the other side's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// Why.
    pub reason: RejectReason,
    /// The same for people.
    pub text: String,
}

impl Reject {
    pub(super) fn write(&self, out: &mut BytesMut) {
        let code = RejectReason::ALL.iter().find(|(_, reason)| *reason == self.reason);
        out.put_u8(code.map_or(255, |(code, _)| *code));
        write_text(out, &self.text);
    }
    pub(super) fn read(body: &mut Bytes) -> Result<Self, TryGetError> {
        let code = body.try_get_u8()?;
        let reason = RejectReason::ALL.iter().find(|(known, _)| *known == code);
        Ok(Self {
            reason: reason.map_or(RejectReason::Other, |(_, reason)| *reason),
            text: read_text(body)?,
        })
    }
}

fn write_text(out: &mut BytesMut, text: &str) {
    let text = &text[..text.floor_char_boundary(TEXT_OCTETS_MAX)];
    out.put_u16(u16::try_from(text.len()).unwrap_or(0));
    out.put_slice(text.as_bytes());
}

fn read_text(body: &mut Bytes) -> Result<String, TryGetError> {
    let octets = usize::from(body.try_get_u16()?);
    if octets > body.remaining() || octets > TEXT_OCTETS_MAX {
        return Err(TryGetError {
            requested: octets,
            available: body.remaining(),
        });
    }
    let mut text = String::from_utf8_lossy(&body.split_to(octets)).into_owned();
    // What stands for broken octets is longer than they were.
    text.truncate(text.floor_char_boundary(TEXT_OCTETS_MAX));
    Ok(text)
}
