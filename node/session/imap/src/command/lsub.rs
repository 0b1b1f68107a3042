//! LSUB (RFC 3501 §6.3.9).

use std::collections::BTreeMap;

use hongyan_imap::Status;
use hongyan_imap::command::lsub::Lsub;
use hongyan_imap::response::ListEntry;

use crate::command::list::{may_reach, name_matches};
use crate::place::Place;
use crate::session::Session;
use crate::stop::{Answer, Stop};

impl Session {
    pub(crate) async fn lsub(&mut self, lsub: &Lsub) -> Answer {
        let pattern = format!("{}{}", lsub.reference, lsub.pattern);
        // Name, and whether it is subscribed itself.
        let mut listed: BTreeMap<String, bool> = BTreeMap::new();
        for name in self.subscribed(&pattern).await? {
            if name_matches(&pattern, &name) {
                listed.insert(name, true);
            } else if pattern.ends_with('%') {
                // RFC 3501 §6.3.9: "%" shows a name whose children are subscribed, as \Noselect.
                let above = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
                for name in above.filter(|above| name_matches(&pattern, above)) {
                    listed.entry(name.to_owned()).or_insert(false);
                }
            }
        }
        for (name, itself) in listed {
            self.imap.output().lsub(&ListEntry {
                attributes: if itself { Vec::new() } else { vec!["\\Noselect"] },
                name: &name,
                ..ListEntry::default()
            });
        }
        Ok(Status::ok("Lsub completed"))
    }

    /// Names subscribed to, in all mailboxes that the pattern may reach.
    async fn subscribed(&self, pattern: &str) -> Result<Vec<String>, Stop> {
        let mut names = Vec::new();
        let own = Place::own(self.account()?.mailbox);
        for place in std::iter::once(own).chain(self.places().await?) {
            if !place.is_own() && !may_reach(pattern, &place.prefix) && !pattern.ends_with('%') {
                continue;
            }
            let folders = self.folders_in(&place).await?;
            let subscribed = folders.folders.iter().filter(|folder| folder.subscribed);
            names.extend(subscribed.map(|folder| place.name(&folder.path)));
            names.extend(folders.subscribed_missing.iter().map(|path| place.name(path)));
        }
        Ok(names)
    }
}
