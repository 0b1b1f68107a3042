//! The cluster file: one line `description:id@address:port[:tls],...` that says where the coordinators are.
//!
//! Read before the library sees it, because the library answers a bad one with a number, or not at all.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;

/// Why a cluster file cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterFileError {
    /// It is not there.
    #[error("it does not exist; copy it from a machine of the cluster, or set storage.cluster_file")]
    Missing,
    /// The system does not let it be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// It has no line.
    #[error("it is empty")]
    Empty,
    /// It has more than one line.
    #[error("it has more than one line")]
    Lines,
    /// The line is not of the form `description:id@address:port,...`.
    #[error("`{0}` is not of the form description:id@address:port,address:port")]
    Form(String),
    /// Description and id are letters, digits and underscores; the id has no underscore.
    #[error("description and id are of letters and digits, not `{0}`")]
    Name(String),
    /// An address that is none.
    #[error("`{0}` is no coordinator: address:port or address:port:tls")]
    Coordinator(String),
    /// The same coordinator twice.
    #[error("coordinator {0} is listed twice")]
    Twice(String),
}

/// Where a coordinator listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coordinator {
    /// Host, an IP address or a name, and port.
    pub place: String,
    /// Whether it speaks TLS.
    pub tls: bool,
}

impl fmt::Display for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place, if self.tls { ":tls" } else { "" })
    }
}

impl From<SocketAddr> for Coordinator {
    fn from(address: SocketAddr) -> Self {
        Self {
            place: address.to_string(),
            tls: false,
        }
    }
}

/// What a cluster file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFile {
    /// A name for people.
    pub description: String,
    /// Changes with the coordinators.
    pub id: String,
    /// The coordinators, at least one.
    pub coordinators: Vec<Coordinator>,
}

impl ClusterFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not there or not of the form.
    pub fn load(path: &Path) -> Result<Self, ClusterFileError> {
        let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ClusterFileError::Missing,
            _ => ClusterFileError::Unreadable(error.to_string()),
        })?;
        text.parse()
    }
    /// The coordinators, separated by commas.
    #[must_use]
    pub fn places(&self) -> String {
        let places: Vec<_> = self.coordinators.iter().map(ToString::to_string).collect();
        places.join(",")
    }
}

impl FromStr for ClusterFile {
    type Err = ClusterFileError;

    fn from_str(text: &str) -> Result<Self, ClusterFileError> {
        let content = |line: &&str| !line.is_empty() && !line.starts_with('#');
        let mut lines = text.lines().map(str::trim).filter(content);
        let line = lines.next().ok_or(ClusterFileError::Empty)?;
        if lines.next().is_some() {
            return Err(ClusterFileError::Lines);
        }
        let form = || ClusterFileError::Form(line.to_owned());
        let (name, places) = line.split_once('@').ok_or_else(form)?;
        let (description, id) = name.split_once(':').ok_or_else(form)?;
        let is_name = |text: &str, more: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
        };
        for (name, more) in [(description, "_"), (id, "")] {
            if !is_name(name, more) {
                return Err(ClusterFileError::Name(name.to_owned()));
            }
        }
        let mut coordinators = Vec::new();
        for text in places.split(',') {
            let coordinator = coordinator(text.trim()).ok_or_else(|| ClusterFileError::Coordinator(text.to_owned()))?;
            if coordinators.contains(&coordinator) {
                return Err(ClusterFileError::Twice(coordinator.to_string()));
            }
            coordinators.push(coordinator);
        }
        Ok(Self {
            description: description.to_owned(),
            id: id.to_owned(),
            coordinators,
        })
    }
}

impl fmt::Display for ClusterFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}@{}", self.description, self.id, self.places())
    }
}

fn coordinator(text: &str) -> Option<Coordinator> {
    let (place, tls) = match text.strip_suffix(":tls") {
        Some(place) => (place, true),
        None => (text, false),
    };
    let (host, port) = place.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let is_name = || !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    let valid = port != 0 && (place.parse::<SocketAddr>().is_ok() || is_name());
    valid.then(|| Coordinator {
        place: place.to_owned(),
        tls,
    })
}

#[cfg(test)]
mod tests {
    use super::{ClusterFile, ClusterFileError};

    fn read(text: &str) -> Result<String, ClusterFileError> {
        text.parse::<ClusterFile>().map(|file| file.to_string())
    }

    #[test]
    fn reads_what_foundationdb_writes() {
        for (text, expect) in [
            ("mail:aB12@127.0.0.1:4500", "mail:aB12@127.0.0.1:4500"),
            (
                "# a comment\n\nour_mail:x1@10.0.0.1:4500, 10.0.0.2:4500:tls\n",
                "our_mail:x1@10.0.0.1:4500,10.0.0.2:4500:tls",
            ),
            ("a:b@[::1]:4500", "a:b@[::1]:4500"),
            ("a:b@fdb-1.example.com:4500", "a:b@fdb-1.example.com:4500"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expect));
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let form = |text: &str| ClusterFileError::Form(text.to_owned());
        let coordinator = |text: &str| ClusterFileError::Coordinator(text.to_owned());
        for (text, expect) in [
            ("", ClusterFileError::Empty),
            ("# nothing\n", ClusterFileError::Empty),
            ("a:b@1.1.1.1:1\na:b@1.1.1.1:1", ClusterFileError::Lines),
            ("127.0.0.1:4500", form("127.0.0.1:4500")),
            ("mail@127.0.0.1:4500", form("mail@127.0.0.1:4500")),
            ("ma il:x@127.0.0.1:4500", ClusterFileError::Name("ma il".to_owned())),
            ("mail:x_y@127.0.0.1:4500", ClusterFileError::Name("x_y".to_owned())),
            (":x@127.0.0.1:4500", ClusterFileError::Name(String::new())),
            ("a:b@", coordinator("")),
            ("a:b@127.0.0.1", coordinator("127.0.0.1")),
            ("a:b@127.0.0.1:0", coordinator("127.0.0.1:0")),
            ("a:b@::1:4500", coordinator("::1:4500")),
            ("a:b@127.0.0.1:99999", coordinator("127.0.0.1:99999")),
            (
                "a:b@1.1.1.1:1,1.1.1.1:1",
                ClusterFileError::Twice("1.1.1.1:1".to_owned()),
            ),
        ] {
            assert_eq!(read(text), Err(expect), "{text}");
        }
        let missing = ClusterFile::load("/nonexistent/fdb.cluster".as_ref());
        assert_eq!(missing, Err(ClusterFileError::Missing));
        let folder = ClusterFile::load("/".as_ref());
        assert!(matches!(folder, Err(ClusterFileError::Unreadable(_))), "{folder:?}");
    }
}
