//! NAMESPACE (RFC 9051 §6.3.10, RFC 2342).

use hongyan_imap::Status;

use crate::place::{OTHERS, SHARED};
use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn namespace(&mut self) -> Answer {
        let places = self.places().await?;
        let any = |root: &'static str| {
            places
                .iter()
                .any(|place| place.prefix.starts_with(root))
                .then_some(root)
        };
        self.imap.output().namespace(any(OTHERS), any(SHARED));
        Ok(Status::ok("Namespace completed"))
    }
}
