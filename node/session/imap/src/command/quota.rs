//! GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208 §4): one root, "", for the whole mailbox.

use hongyan_imap::response::QuotaResource;
use hongyan_imap::{Code, MailboxName, Status};
use hongyan_mailbox::GetQuota;

use crate::folder;
use crate::session::Session;
use crate::stop::{Answer, Stop};

impl Session {
    pub(crate) async fn get_quota(&mut self, root: &str) -> Answer {
        if !root.is_empty() {
            return Err(Status::no_with(Code::NonExistent, "No such quota root").into());
        }
        self.tell_quota().await?;
        Ok(Status::ok("Quota completed"))
    }

    pub(crate) async fn get_quota_root(&mut self, name: &MailboxName) -> Answer {
        let folders = self.folders().await?;
        folder::find(&folders.folders, name)?;
        self.imap.output().quota_root(name.as_str(), "");
        self.tell_quota().await?;
        Ok(Status::ok("Quota root completed"))
    }

    pub(crate) fn set_quota(&self) -> Answer {
        Err(Status::no_with(Code::NoPerm, "Only the administrator sets quotas").into())
    }

    async fn tell_quota(&mut self) -> Result<(), Stop> {
        let quota = self.ask(GetQuota).await?.quota;
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
        self.imap.output().quota("", &resources);
        Ok(())
    }
}
