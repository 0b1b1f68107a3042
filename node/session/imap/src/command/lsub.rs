//! LSUB (RFC 3501 §6.3.9).

use std::collections::BTreeMap;

use hongyan_imap::Status;
use hongyan_imap::command::lsub::Lsub;
use hongyan_imap::response::ListEntry;

use crate::command::list::name_matches;
use crate::session::Session;
use crate::stop::Answer;

impl Session {
    pub(crate) async fn lsub(&mut self, lsub: &Lsub) -> Answer {
        let pattern = format!("{}{}", lsub.reference, lsub.pattern);
        let folders = self.folders().await?;
        let subscribed = folders.folders.iter().filter(|folder| folder.subscribed);
        let subscribed = subscribed.map(|folder| folder.path.as_str());
        let names = subscribed.chain(folders.subscribed_missing.iter().map(|path| path.as_str()));
        // Name, and whether it is subscribed itself.
        let mut listed: BTreeMap<&str, bool> = BTreeMap::new();
        for name in names {
            if name_matches(&pattern, name) {
                listed.insert(name, true);
            } else if pattern.ends_with('%') {
                // RFC 3501 §6.3.9: "%" shows a name whose children are subscribed, as \Noselect.
                let above = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
                for name in above.filter(|above| name_matches(&pattern, above)) {
                    listed.entry(name).or_insert(false);
                }
            }
        }
        for (name, itself) in listed {
            self.imap.output().lsub(&ListEntry {
                attributes: if itself { Vec::new() } else { vec!["\\Noselect"] },
                name,
                ..ListEntry::default()
            });
        }
        Ok(Status::ok("Lsub completed"))
    }
}
