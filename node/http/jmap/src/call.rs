//! One method call on its way: who calls, with what, and where the answer goes.

use std::collections::BTreeMap;

use hongyan_jmap::{Id, MethodErrorType, Response, method};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::account::Account;
use crate::error::Outcome;
use crate::jmap::Jmap;
use crate::{core_echo, email, mailbox, thread};

/// A method call.
pub(crate) struct Call<'r> {
    pub(crate) jmap: &'r Jmap,
    pub(crate) account: &'r Account,
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
    /// Answers under the method's own name.
    pub(crate) fn answer(&mut self, arguments: &impl Serialize) -> Outcome<()> {
        Ok(self.response.try_push(self.name, self.id, arguments)?)
    }
}

/// Which capability a method belongs to; none for a method that is not there.
pub(crate) fn capability_of(name: &str) -> Option<hongyan_jmap::CapabilityUri> {
    use hongyan_jmap::CapabilityUri;
    match name {
        "Core/echo" => Some(CapabilityUri::CORE),
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
        | "Email/import" => Some(CapabilityUri::MAIL),
        _ => None,
    }
}

/// Does what a call asks for.
pub(crate) async fn dispatch(call: &mut Call<'_>) -> Outcome<()> {
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
        _ => Err(MethodErrorType::UnknownMethod.into()),
    }
}
