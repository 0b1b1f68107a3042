//! Sender, recipients and SMTP parameters of a submission: as the client gives them, or as the mail names them.

use std::collections::{BTreeMap, BTreeSet};

use hongyan_jmap::object::{Envelope, EnvelopeAddress};
use hongyan_jmap::{Date, SetError, SetErrorType};
use hongyan_message::{AddressItem, Structure};
use hongyan_smtp::{Notify, Return};
use hongyan_types::Address;

use crate::identity::Senders;

/// An envelope that can be sent.
pub(super) struct Checked {
    pub(super) sender: Option<Address>,
    /// Each with its NOTIFY and ORCPT.
    pub(super) recipients: Vec<CheckedRecipient>,
    pub(super) ret: Option<Return>,
    pub(super) envid: Option<String>,
    pub(super) smtputf8: bool,
    /// When it leaves, if not at once.
    pub(super) not_before_millis: Option<i64>,
}

pub(crate) struct CheckedRecipient {
    pub(crate) address: Address,
    pub(crate) notify: Option<Notify>,
    pub(crate) original: Option<(String, String)>,
}

/// What bounds an envelope.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) recipients_max: u64,
    pub(super) now_millis: i64,
    pub(super) delay_millis_max: i64,
}

/// The envelope that a mail itself names (RFC 8621 §7).
pub(super) fn of_mail(structure: &Structure, identity: &str, senders: &Senders<'_>) -> Envelope {
    let named = &structure.envelope;
    let addresses = |items: &[AddressItem]| -> Vec<String> {
        let addresses = items.iter().filter_map(AddressItem::to_address);
        addresses.map(|address| address.to_string()).collect()
    };
    let mut named_senders = addresses(&named.sender).into_iter().chain(addresses(&named.from));
    let sender = named_senders.find(|sender| senders.has(sender));
    let address = |email: String| EnvelopeAddress {
        email,
        parameters: None,
    };
    let recipients = [&named.to, &named.cc, &named.bcc];
    Envelope {
        mail_from: address(sender.unwrap_or_else(|| identity.to_owned())),
        rcpt_to: recipients
            .into_iter()
            .flat_map(|items| addresses(items))
            .map(address)
            .collect(),
    }
}

/// Reads an envelope; each recipient is there once.
pub(super) fn check(envelope: &Envelope, senders: &Senders<'_>, bounds: Bounds) -> Result<Checked, SetError> {
    let sender = match envelope.mail_from.email.as_str() {
        "" => None,
        email => Some(
            Address::try_from(email)
                .ok()
                .filter(|_| senders.has(email))
                .ok_or_else(|| {
                    let words = "you may send only as your own addresses and those open to you";
                    SetError::with(SetErrorType::ForbiddenMailFrom, words)
                })?,
        ),
    };
    if envelope.rcpt_to.is_empty() {
        return Err(SetErrorType::NoRecipients.into());
    }
    if envelope.rcpt_to.len() as u64 > bounds.recipients_max {
        return Err(SetError::too_many_recipients(bounds.recipients_max));
    }
    let mut checked = Checked {
        smtputf8: sender.as_ref().is_some_and(Address::is_internationalized),
        sender,
        recipients: Vec::new(),
        ret: None,
        envid: None,
        not_before_millis: None,
    };
    for (name, value) in envelope.mail_from.parameters.iter().flatten() {
        checked.read_parameter(name, value.as_deref(), bounds)?;
    }
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for recipient in &envelope.rcpt_to {
        match Address::try_from(recipient.email.as_str()) {
            Ok(address) if seen.insert(address.key()) => {
                checked.smtputf8 |= address.is_internationalized();
                checked
                    .recipients
                    .push(read_recipient(address, recipient.parameters.as_ref())?);
            }
            Ok(_) => {}
            Err(_) => wrong.push(recipient.email.clone()),
        }
    }
    if !wrong.is_empty() {
        return Err(SetError::invalid_recipients(wrong));
    }
    Ok(checked)
}

fn bad(words: impl Into<String>) -> SetError {
    SetError::properties(["envelope"], words.into())
}

impl Checked {
    fn read_parameter(&mut self, name: &str, value: Option<&str>, bounds: Bounds) -> Result<(), SetError> {
        let need = || value.ok_or_else(|| bad(format!("{name} has a value")));
        match name.to_ascii_uppercase().as_str() {
            // RFC 8621 §7: the server knows these better.
            "SIZE" | "BODY" => {}
            "SMTPUTF8" => self.smtputf8 = true,
            "RET" => {
                self.ret = Some(match need()?.to_ascii_uppercase().as_str() {
                    "FULL" => Return::Full,
                    "HDRS" => Return::Headers,
                    _ => return Err(bad("RET is FULL or HDRS")),
                });
            }
            "ENVID" => {
                let id = need()?;
                if id.is_empty() || id.len() > 100 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(bad("ENVID is 1 to 100 printable characters"));
                }
                self.envid = Some(id.to_owned());
            }
            // RFC 4865 §4.
            "HOLDFOR" => {
                let secs: u32 = need()?.parse().map_err(|_| bad("HOLDFOR is a number of seconds"))?;
                self.hold(bounds.now_millis.saturating_add(i64::from(secs) * 1_000), bounds)?;
            }
            "HOLDUNTIL" => {
                let until = Date::try_from(need()?).map_err(|error| bad(error.to_string()))?;
                self.hold(until.0.timestamp.millis, bounds)?;
            }
            other => return Err(bad(format!("no parameter {other} of a sender"))),
        }
        Ok(())
    }
    fn hold(&mut self, until_millis: i64, bounds: Bounds) -> Result<(), SetError> {
        if self.not_before_millis.replace(until_millis).is_some() {
            return Err(bad("HOLDFOR or HOLDUNTIL, not both"));
        }
        let delay = until_millis.saturating_sub(bounds.now_millis);
        if delay < 0 {
            return Err(bad("the time to send at has passed"));
        }
        if delay > bounds.delay_millis_max {
            let secs = bounds.delay_millis_max / 1_000;
            return Err(bad(format!("a mail is sent within {secs} seconds (maxDelayedSend)")));
        }
        Ok(())
    }
}

fn read_recipient(
    address: Address,
    parameters: Option<&BTreeMap<String, Option<String>>>,
) -> Result<CheckedRecipient, SetError> {
    let mut recipient = CheckedRecipient {
        address,
        notify: None,
        original: None,
    };
    for (name, value) in parameters.into_iter().flatten() {
        let value = value.as_deref().ok_or_else(|| bad(format!("{name} has a value")))?;
        match name.to_ascii_uppercase().as_str() {
            "NOTIFY" => recipient.notify = Some(read_notify(value)?),
            "ORCPT" => {
                let split = value
                    .split_once(';')
                    .map(|(kind, address)| (kind.to_owned(), address.to_owned()));
                recipient.original = Some(split.ok_or_else(|| bad("ORCPT is type;address"))?);
            }
            other => return Err(bad(format!("no parameter {other} of a recipient"))),
        }
    }
    Ok(recipient)
}

/// RFC 3461 §4.1.
fn read_notify(value: &str) -> Result<Notify, SetError> {
    let mut notify = Notify::default();
    if value.eq_ignore_ascii_case("NEVER") {
        return Ok(notify);
    }
    for word in value.split(',') {
        match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => notify.success = true,
            "FAILURE" => notify.failure = true,
            "DELAY" => notify.delay = true,
            _ => return Err(bad("NOTIFY is NEVER, or SUCCESS, FAILURE and DELAY")),
        }
    }
    Ok(notify)
}
