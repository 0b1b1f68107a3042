//! GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208 §4): one root for each mailbox, "" for the own.

use hongyan_imap::response::QuotaResource;
use hongyan_imap::{Code, MailboxName, Status};
use hongyan_mailbox::GetQuota;

use crate::folder;
use crate::place::Place;
use crate::session::Session;
use crate::stop::{Answer, Stop};

impl Session {
    pub(crate) async fn get_quota(&mut self, root: &str) -> Answer {
        let places = self.places().await?;
        let own = Place::own(self.account()?.mailbox);
        let place = std::iter::once(&own).chain(&places).find(|place| place.prefix == root);
        let place = place.ok_or_else(|| Status::no_with(Code::NonExistent, "No such quota root"))?;
        self.tell_quota(place).await?;
        Ok(Status::ok("Quota completed"))
    }

    pub(crate) async fn get_quota_root(&mut self, name: &MailboxName) -> Answer {
        let located = self.locate(name).await?;
        let folders = self.folders_in(&located.place).await?;
        folder::find(&folders.folders, &located.existing_path()?)?;
        self.imap.output().quota_root(name.as_str(), &located.place.prefix);
        self.tell_quota(&located.place).await?;
        Ok(Status::ok("Quota root completed"))
    }

    pub(crate) fn set_quota(&self) -> Answer {
        Err(Status::no_with(Code::NoPerm, "Only the administrator sets quotas").into())
    }

    async fn tell_quota(&mut self, place: &Place) -> Result<(), Stop> {
        let quota = self.ask_in(place, GetQuota).await?.quota;
        let mut resources = Vec::new();
        if quota.limits.octets_max > 0 {
            resources.push(QuotaResource {
                name: "STORAGE",
                usage: quota.octets.div_ceil(1_024),
                limit: quota.limits.octets_max / 1_024,
            });
        }
        if quota.limits.messages_max > 0 {
            resources.push(QuotaResource {
                name: "MESSAGE",
                usage: quota.messages,
                limit: quota.limits.messages_max,
            });
        }
        self.imap.output().quota(&place.prefix, &resources);
        Ok(())
    }
}
