//! ID (RFC 2971).

use hongyan_imap::Status;
use hongyan_imap::command::id::Id;

use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) fn id(&mut self, id: &Id) -> Answer {
        let field = |name: &str| {
            let found = id.fields.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map_or("", |(_, value)| value.as_str())
        };
        let client = format!("{} {}", field("name"), field("version"));
        match &self.account {
            Some(account) => account.permit.set_client(client.trim()),
            None => self.client = Some(client.trim().into()),
        }
        self.imap
            .output()
            .id(&[("name", "Hongyan"), ("version", env!("CARGO_PKG_VERSION"))]);
        Ok(Status::ok("ID completed"))
    }
}
