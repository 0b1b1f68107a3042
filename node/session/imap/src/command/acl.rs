//! MYRIGHTS, GETACL, LISTRIGHTS (RFC 4314 §3): what one may do is told; who may is the business of the administrators.

use hongyan_directory::GrantRights;
use hongyan_imap::command::acl::ListRights;
use hongyan_imap::{Code, MailboxName, Status};

use crate::folder;
use crate::session::Session;
use crate::stop::{Answer, Stop};

/// RFC 4314 §2.1: look up, read.
const READ: &str = "lr";
/// And keep seen, write flags, insert, create and delete folders, delete and expunge messages.
const WRITE: &str = "lrswikxte";
/// And administer: the own mailbox.
const OWN: &str = "lrswipkxtea";

fn letters(rights: GrantRights, own: bool) -> &'static str {
    match (own, rights.write) {
        (true, _) => OWN,
        (false, true) => WRITE,
        (false, false) => READ,
    }
}

impl Session {
    /// The rights to a folder that is there.
    async fn rights_to(&self, name: &MailboxName) -> Result<&'static str, Stop> {
        let located = self.locate(name).await?;
        let folders = self.folders_in(&located.place).await?;
        folder::find(&folders.folders, &located.existing_path()?)?;
        Ok(letters(located.place.rights, located.place.is_own()))
    }

    async fn own_name(&self) -> Result<String, Stop> {
        let id = self.account()?.mailbox.account;
        let account = self.services.directory.account(id).await.ok().flatten();
        Ok(account.map_or_else(String::new, |account| account.address.to_string()))
    }

    pub(crate) async fn my_rights(&mut self, name: &MailboxName) -> Answer {
        let rights = self.rights_to(name).await?;
        self.imap.output().my_rights(name.as_str(), rights);
        Ok(Status::ok("Rights told"))
    }

    pub(crate) async fn get_acl(&mut self, name: &MailboxName) -> Answer {
        let rights = self.rights_to(name).await?;
        // Of the rights of others nobody learns who may not give them.
        let own = self.own_name().await?;
        self.imap.output().acl(name.as_str(), &[(&own, rights)]);
        Ok(Status::ok("Rights told"))
    }

    pub(crate) async fn list_rights(&mut self, asked: &ListRights) -> Answer {
        let rights = self.rights_to(&asked.mailbox).await?;
        let always = if asked.identifier == self.own_name().await? {
            rights
        } else {
            ""
        };
        let output = self.imap.output();
        output.list_rights(asked.mailbox.as_str(), &asked.identifier, always, &[]);
        Ok(Status::ok("Rights told"))
    }

    pub(crate) async fn change_acl(&mut self, name: &MailboxName) -> Answer {
        self.rights_to(name).await?;
        Err(Status::no_with(Code::NoPerm, "Rights are given by the organisation's administrators").into())
    }
}
