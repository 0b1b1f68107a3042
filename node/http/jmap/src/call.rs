//! One method call on its way: who calls, with what, and where the answer goes.

use std::collections::BTreeMap;

use hongyan_jmap::{Id, IdOrCreation, MethodErrorType, Response, method};
use hongyan_mailbox::{Acting, Client, MailboxEntity, MailboxError};
use hongyan_router::Ask;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::Account;
use crate::error::Outcome;
use crate::jmap::Jmap;
use crate::{
    begun_reply, blob, core_echo, deleted, email, identity, mailbox, mdn, principal, push, quota, share_notification,
    submission, thread, vacation,
};

/// A method call.
pub(crate) struct Call<'r> {
    pub(crate) jmap: &'r Jmap,
    pub(crate) account: &'r Account,
    /// All accounts that the caller may use.
    pub(crate) accounts: &'r [Account],
    /// What earlier calls of the request made, by creation id.
    pub(crate) created: &'r mut BTreeMap<Id, Id>,
    pub(crate) name: &'r str,
    pub(crate) id: &'r str,
    pub(crate) text: &'r str,
    pub(crate) response: &'r mut Response,
}

impl Call<'_> {
    /// The arguments.
    pub(crate) fn arguments<T: DeserializeOwned>(&self) -> Outcome<T> {
        Ok(method::read(self.text)?)
    }
    /// What an id of the arguments names, as the answer shows it.
    pub(crate) fn shown(&self, id: &IdOrCreation) -> String {
        id.resolve(self.created)
            .map_or_else(|| id.to_string(), ToString::to_string)
    }
    /// Answers under the method's own name.
    pub(crate) fn answer(&mut self, arguments: &impl Serialize) -> Outcome<()> {
        self.answer_as(self.name, arguments)
    }
    /// Answers under the name of another method, which was called with this one.
    pub(crate) fn answer_as(&mut self, name: &str, arguments: &impl Serialize) -> Outcome<()> {
        Ok(self.response.try_push(name, self.id, arguments)?)
    }
    /// Asks the account's mailbox, in the name of its person: what is done in a mailbox of others is noted (SBX, DLG).
    pub(crate) async fn ask<R, T>(&self, request: R) -> Outcome<Result<T, MailboxError>>
    where
        R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        let person = (!self.account.is_own()).then_some(self.account.person.id);
        self.jmap
            .ask(self.account.mailbox, {
                let acting = Acting::new(request, person).through(Client::Jmap);
                acting.within(self.account.shared_permit())
            })
            .await
    }
    /// An account that the caller may use, from which something is copied.
    pub(crate) fn other_account(&self, id: &Id) -> Outcome<&Account> {
        let found = self.accounts.iter().find(|account| account.id == *id);
        found.ok_or_else(|| MethodErrorType::FromAccountNotFound.into())
    }
}

/// Which capability a method belongs to; none for a method that is not there.
pub(crate) fn capability_of(name: &str) -> Option<hongyan_jmap::CapabilityUri> {
    use hongyan_jmap::CapabilityUri;
    match name {
        "Core/echo" | "Blob/copy" | "PushSubscription/get" | "PushSubscription/set" => Some(CapabilityUri::CORE),
        "Mailbox/get"
        | "Mailbox/changes"
        | "Mailbox/query"
        | "Mailbox/queryChanges"
        | "Mailbox/set"
        | "Thread/get"
        | "Thread/changes"
        | "Email/get"
        | "Email/changes"
        | "Email/query"
        | "Email/queryChanges"
        | "Email/set"
        | "Email/import"
        | "Email/copy"
        | "Email/parse"
        | "SearchSnippet/get" => Some(CapabilityUri::MAIL),
        "Identity/get"
        | "Identity/changes"
        | "Identity/set"
        | "EmailSubmission/get"
        | "EmailSubmission/changes"
        | "EmailSubmission/query"
        | "EmailSubmission/queryChanges"
        | "EmailSubmission/set" => Some(CapabilityUri::SUBMISSION),
        "Principal/get"
        | "Principal/changes"
        | "Principal/query"
        | "Principal/queryChanges"
        | "ShareNotification/get"
        | "ShareNotification/changes"
        | "ShareNotification/query"
        | "ShareNotification/queryChanges"
        | "ShareNotification/set" => Some(CapabilityUri::PRINCIPALS),
        "EmailSubmission/recall" => Some(CapabilityUri::SENDING),
        "BegunReply/get" => Some(CapabilityUri::REPLIES),
        "DeletedEmail/get" | "DeletedEmail/restore" | "Email/cleanUp" => Some(CapabilityUri::DELETED),
        "MDN/send" | "MDN/parse" => Some(CapabilityUri::MDN),
        "VacationResponse/get" | "VacationResponse/set" => Some(CapabilityUri::VACATION),
        "Blob/upload" | "Blob/get" | "Blob/lookup" => Some(CapabilityUri::BLOB),
        "Quota/get" | "Quota/changes" | "Quota/query" | "Quota/queryChanges" => Some(CapabilityUri::QUOTA),
        _ => None,
    }
}

/// Whether a method changes anything, by its name (RFC 8620 §5).
fn changes(name: &str) -> bool {
    matches!(
        name.rsplit('/').next(),
        Some("set" | "import" | "copy" | "upload" | "send" | "restore" | "recall" | "cleanUp")
    )
}

/// Does what a call asks for.
pub(crate) async fn dispatch(call: &mut Call<'_>) -> Outcome<()> {
    // Whether they want to see what is shared with them people say of folders that they only read, too.
    let may_subscribe = call.name == "Mailbox/set"
        && call.account.reach.is_some()
        && call.accounts.iter().any(|own| !own.read_only && own.is_own());
    if call.account.read_only && changes(call.name) && !may_subscribe {
        return Err(MethodErrorType::AccountReadOnly.into());
    }
    match call.name {
        "Core/echo" => core_echo::echo(call),
        "Mailbox/get" => mailbox::get(call).await,
        "Mailbox/changes" => mailbox::changes(call).await,
        "Mailbox/query" => mailbox::query(call).await,
        "Mailbox/queryChanges" => mailbox::query_changes(call).await,
        "Mailbox/set" => mailbox::set(call).await,
        "Thread/get" => thread::get(call).await,
        "Thread/changes" => thread::changes(call).await,
        "Email/get" => email::get(call).await,
        "Email/changes" => email::changes(call).await,
        "Email/query" => email::query(call).await,
        "Email/queryChanges" => email::query_changes(call).await,
        "Email/set" => email::set(call).await,
        "Email/import" => email::import(call).await,
        "Email/copy" => email::copy(call).await,
        "Email/parse" => email::parse(call).await,
        "SearchSnippet/get" => email::snippets(call).await,
        "Identity/get" => identity::get(call).await,
        "Identity/changes" => identity::changes(call).await,
        "Identity/set" => identity::set(call).await,
        "EmailSubmission/get" => submission::get(call).await,
        "EmailSubmission/changes" => submission::changes(call).await,
        "EmailSubmission/query" => submission::query(call).await,
        "EmailSubmission/queryChanges" => submission::query_changes(call).await,
        "EmailSubmission/set" => submission::set(call).await,
        "Principal/get" => principal::get(call).await,
        "Principal/changes" => principal::changes(call).await,
        "Principal/query" => principal::query(call).await,
        "Principal/queryChanges" => principal::query_changes(call).await,
        "ShareNotification/get" => share_notification::get(call).await,
        "ShareNotification/changes" => share_notification::changes(call).await,
        "ShareNotification/query" => share_notification::query(call).await,
        "ShareNotification/queryChanges" => share_notification::query_changes(call).await,
        "ShareNotification/set" => share_notification::set(call).await,
        "EmailSubmission/recall" => submission::recall(call).await,
        "Email/cleanUp" => email::clean_up(call).await,
        "BegunReply/get" => begun_reply::get(call).await,
        "DeletedEmail/get" => deleted::get(call).await,
        "DeletedEmail/restore" => deleted::restore(call).await,
        "MDN/send" => mdn::send(call).await,
        "MDN/parse" => mdn::parse(call).await,
        "VacationResponse/get" => vacation::get(call).await,
        "VacationResponse/set" => vacation::set(call).await,
        "PushSubscription/get" => push::get(call).await,
        "PushSubscription/set" => push::set(call).await,
        "Blob/copy" => blob::copy(call).await,
        "Blob/upload" => blob::upload_objects(call).await,
        "Blob/get" => blob::get_blobs(call).await,
        "Blob/lookup" => blob::lookup(call).await,
        "Quota/get" => quota::get(call).await,
        "Quota/changes" => quota::changes(call).await,
        "Quota/query" => quota::query(call).await,
        "Quota/queryChanges" => quota::query_changes(call).await,
        _ => Err(MethodErrorType::UnknownMethod.into()),
    }
}
