//! Providers that are known (MIG-3), as data.

use crate::{Protocol, Source, Tls};

/// A provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// By what it is named here.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// Its IMAP server, with TLS from the start.
    pub imap: Option<&'static str>,
    /// Its POP3 server, with TLS from the start.
    pub pop3: Option<&'static str>,
    /// What is to be done there first.
    pub note: &'static str,
}

impl Preset {
    /// Where to read it from.
    #[must_use]
    pub fn source(&self, protocol: Protocol) -> Option<Source> {
        let host = match protocol {
            Protocol::Imap => self.imap,
            Protocol::Pop3 => self.pop3,
        };
        Some(Source {
            protocol,
            host: host?.to_owned(),
            port: Source::usual_port(protocol, Tls::Implicit),
            tls: Tls::Implicit,
        })
    }
}

/// All that are known. One a line: name, title, IMAP, POP3, note; `-` is none.
pub fn presets() -> impl Iterator<Item = Preset> {
    let lines = include_str!("presets.tsv").lines();
    lines.filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut cells = line.split('\t');
        let mut cell = || cells.next();
        let host = |cell: &'static str| (cell != "-").then_some(cell);
        Some(Preset {
            name: cell()?,
            title: cell()?,
            imap: host(cell()?),
            pop3: host(cell()?),
            note: cell()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mig_3_twelve_providers_are_known() {
        let all: Vec<Preset> = presets().collect();
        assert!(all.len() >= 12, "{}", all.len());
        let lines = include_str!("presets.tsv")
            .lines()
            .filter(|line| !line.starts_with('#'));
        assert_eq!(all.len(), lines.count(), "every line can be read");
        for preset in all {
            assert!(preset.imap.or(preset.pop3).is_some(), "{}", preset.name);
            for protocol in [Protocol::Imap, Protocol::Pop3] {
                if let Some(source) = preset.source(protocol) {
                    assert_eq!(source.check(false), Ok(()), "{}", preset.name);
                }
            }
        }
    }
}
