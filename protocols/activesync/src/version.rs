//! The versions that are spoken ([MS-ASHTTP] §2.2.1.1.2.6).

/// A version of the protocol, older ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProtocolVersion {
    /// 14.0.
    V14_0,
    /// 14.1.
    V14_1,
    /// 16.0.
    V16_0,
    /// 16.1.
    V16_1,
}

impl ProtocolVersion {
    /// All that are spoken.
    pub const ALL: [Self; 4] = [Self::V14_0, Self::V14_1, Self::V16_0, Self::V16_1];

    /// What `MS-ASProtocolVersions` says.
    pub const LIST: &str = "14.0,14.1,16.0,16.1";

    /// Of the header `MS-ASProtocolVersion`; `None` for one that is not spoken.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.text() == text.trim())
    }

    /// As headers write it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::V14_0 => "14.0",
            Self::V14_1 => "14.1",
            Self::V16_0 => "16.0",
            Self::V16_1 => "16.1",
        }
    }

    /// As the base64 form of the request line writes it: 141 for 14.1.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::V14_0 => 140,
            Self::V14_1 => 141,
            Self::V16_0 => 160,
            Self::V16_1 => 161,
        }
    }

    /// Of the base64 form of the request line.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() == number)
    }

    /// Whether it is one of 16: drafts are synchronised, attachments have instances of their own, `Find` is there from 16.1.
    #[must_use]
    pub fn is_16(self) -> bool {
        self >= Self::V16_0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_there_and_back() {
        for version in ProtocolVersion::ALL {
            assert_eq!(ProtocolVersion::parse(version.text()), Some(version));
            assert_eq!(ProtocolVersion::from_number(version.number()), Some(version));
        }
        let list: Vec<&str> = ProtocolVersion::ALL.iter().map(|version| version.text()).collect();
        assert_eq!(list.join(","), ProtocolVersion::LIST);
        assert_eq!(ProtocolVersion::parse("12.1"), None);
        assert_eq!(ProtocolVersion::from_number(121), None);
        assert!(ProtocolVersion::V16_0.is_16() && !ProtocolVersion::V14_1.is_16());
    }
}
