//! Absence of Settings ([MS-ASCMD] §2.2.3.122): it is what delivery answers while the member is away, as JMAP's
//! `VacationResponse` has it.
//!
//! Everybody is answered the same here. A device that wants colleagues answered and others not is refused, so that nobody hears
//! what was not meant for them.

use hongyan_activesync::command::settings::{Oof, OofAudience, OofMessage, OofRequest, OofState, SettingsStatus};
use hongyan_delivery::Vacation;
use hongyan_message::html;
use hongyan_types::Timestamp;

use crate::answer::Found;
use crate::asking::Asking;
use crate::mail::in_html;

/// How often a change is tried when somebody else makes one at the same time.
const TRIES: usize = 5;
/// A device knows no absence without end: 2099-12-31T23:59:59Z.
const WITHOUT_END: Timestamp = Timestamp {
    millis: 4_102_444_799_000,
};
/// Nor one without beginning.
const WITHOUT_BEGINNING: Timestamp = Timestamp { millis: 0 };

/// In which form a device reads and writes answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Html,
}

impl Form {
    fn read(name: &str) -> Self {
        match name.trim().eq_ignore_ascii_case("HTML") {
            true => Self::Html,
            false => Self::Text,
        }
    }
    fn name(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Html => "HTML",
        }
    }
}

pub(crate) async fn absence(asking: &Asking<'_>, request: &OofRequest) -> Found<(SettingsStatus, Option<Oof>)> {
    match request {
        OofRequest::Get { body_type } => {
            let vacation = asking.service.services.delivery.vacation(asking.mailbox).await?;
            Ok((SettingsStatus::Success, Some(show(&vacation, Form::read(body_type)))))
        }
        OofRequest::Set(_) if asking.read_only => Ok((SettingsStatus::AccessDenied, None)),
        OofRequest::Set(wanted) => Ok((set(asking, wanted).await?, None)),
    }
}

fn reply_in(form: Form, vacation: &Vacation) -> Option<String> {
    match (form, &vacation.text, &vacation.html) {
        (Form::Html, _, Some(page)) => Some(page.clone()),
        (Form::Html, Some(text), None) => Some(in_html(text)),
        (Form::Text, Some(text), _) => Some(text.clone()),
        (Form::Text, None, Some(page)) => Some(html::text(page)),
        (_, None, None) => None,
    }
}

fn show(vacation: &Vacation, form: Form) -> Oof {
    let at = |millis: i64| Timestamp { millis };
    let state = match (vacation.is_enabled, vacation.from_millis, vacation.to_millis) {
        (false, _, _) => OofState::Disabled,
        (true, None, None) => OofState::Global,
        (true, from, to) => OofState::TimeBased {
            start: from.map_or(WITHOUT_BEGINNING, at),
            end: to.map_or(WITHOUT_END, at),
        },
    };
    let reply = reply_in(form, vacation);
    let audiences = [
        OofAudience::Internal,
        OofAudience::ExternalKnown,
        OofAudience::ExternalUnknown,
    ];
    let messages = audiences.map(|audience| OofMessage {
        audience,
        enabled: vacation.is_enabled,
        reply: reply.clone(),
        body_type: Some(form.name().to_owned()),
    });
    Oof {
        state,
        messages: messages.to_vec(),
    }
}

/// What it is then; `Err` for one that cannot be kept.
fn changed(mut vacation: Vacation, wanted: &Oof, characters_max: usize) -> Result<Vacation, SettingsStatus> {
    match wanted.state {
        OofState::Disabled => vacation.is_enabled = false,
        OofState::Global => {
            vacation.is_enabled = true;
            (vacation.from_millis, vacation.to_millis) = (None, None);
        }
        OofState::TimeBased { start, end } if start >= end => return Err(SettingsStatus::ConflictingArguments),
        OofState::TimeBased { start, end } => {
            vacation.is_enabled = true;
            vacation.from_millis = (start != WITHOUT_BEGINNING).then_some(start.millis);
            vacation.to_millis = (end != WITHOUT_END).then_some(end.millis);
        }
    }
    let enabled = || wanted.messages.iter().filter(|message| message.enabled);
    let is_silent = |message: &OofMessage| !message.enabled;
    if vacation.is_enabled && enabled().next().is_some() && wanted.messages.iter().any(is_silent) {
        return Err(SettingsStatus::ConflictingArguments);
    }
    let said = |message: &&OofMessage| message.reply.as_deref().is_some_and(|reply| !reply.trim().is_empty());
    let mut replies = enabled().filter(said);
    let Some(message) = replies.next() else {
        return Ok(vacation);
    };
    if replies.any(|other| (&other.reply, &other.body_type) != (&message.reply, &message.body_type)) {
        return Err(SettingsStatus::ConflictingArguments);
    }
    if message
        .reply
        .as_ref()
        .is_some_and(|reply| reply.chars().count() > characters_max)
    {
        return Err(SettingsStatus::InvalidArguments);
    }
    let form = message.body_type.as_deref().map_or(Form::Text, Form::read);
    if reply_in(form, &vacation) == message.reply {
        // What it was told it says back: the other form stays as it is.
        return Ok(vacation);
    }
    (vacation.text, vacation.html) = match form {
        Form::Text => (message.reply.clone(), None),
        Form::Html => (None, message.reply.clone()),
    };
    Ok(vacation)
}

async fn set(asking: &Asking<'_>, wanted: &Oof) -> Found<SettingsStatus> {
    let delivery = &asking.service.services.delivery;
    for _ in 0..TRIES {
        let before = delivery.vacation(asking.mailbox).await?;
        let characters_max = asking.service.settings.absence_characters_max;
        let vacation = match changed(before.clone(), wanted, characters_max) {
            Ok(vacation) => vacation,
            Err(status) => return Ok(status),
        };
        if vacation == before {
            return Ok(SettingsStatus::Success);
        }
        if delivery.set_vacation(asking.mailbox, vacation).await?.is_some() {
            return Ok(SettingsStatus::Success);
        }
    }
    Ok(SettingsStatus::ServerUnavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(audience: OofAudience, enabled: bool, reply: &str) -> OofMessage {
        OofMessage {
            audience,
            enabled,
            reply: Some(reply.to_owned()),
            body_type: Some("TEXT".to_owned()),
        }
    }

    fn asked(state: OofState, messages: &[OofMessage]) -> Oof {
        Oof {
            state,
            messages: messages.to_vec(),
        }
    }

    #[test]
    fn acc_4_an_absence_is_read_back_as_it_was_set() {
        let at = |millis| Timestamp { millis };
        for state in [
            OofState::Global,
            OofState::TimeBased {
                start: at(1_000),
                end: at(2_000),
            },
            OofState::TimeBased {
                start: WITHOUT_BEGINNING,
                end: at(2_000),
            },
            OofState::TimeBased {
                start: at(1_000),
                end: WITHOUT_END,
            },
        ] {
            let wanted = asked(state, &[message(OofAudience::Internal, true, "away")]);
            let set = changed(Vacation::default(), &wanted, 10).unwrap();
            let shown = show(&set, Form::Text);
            assert_eq!(shown.state, state);
            assert_eq!(shown.messages.len(), 3);
            assert_eq!(shown.messages[0], wanted.messages[0]);
            let html = show(&set, Form::Html).messages[2].reply.clone();
            assert_eq!(html.as_deref(), Some("<div>away</div>"));
            let off = changed(set, &asked(OofState::Disabled, &[]), 10).unwrap();
            assert_eq!(show(&off, Form::Text).state, OofState::Disabled);
            assert_eq!(off.text.as_deref(), Some("away"));
        }
    }

    #[test]
    fn acc_4_a_text_that_is_said_back_leaves_the_page_as_it_is() {
        let before = Vacation {
            is_enabled: true,
            html: Some("<p><b>away</b></p>".to_owned()),
            ..Vacation::default()
        };
        let mut said = show(&before, Form::Text);
        let until = OofState::TimeBased {
            start: WITHOUT_BEGINNING,
            end: Timestamp { millis: 2_000 },
        };
        said.state = until;
        let now = changed(before.clone(), &said, 100).unwrap();
        assert_eq!(
            (&now.html, &now.text, now.to_millis),
            (&before.html, &None, Some(2_000))
        );
        let other = asked(until, &[message(OofAudience::Internal, true, "back soon")]);
        let now = changed(now, &other, 100).unwrap();
        assert_eq!((now.html, now.text.as_deref()), (None, Some("back soon")));
    }

    #[test]
    fn acc_4_an_absence_that_cannot_be_kept_is_refused() {
        let internal = message(OofAudience::Internal, true, "away");
        let check = |state, messages: &[OofMessage], status| {
            let refused = changed(Vacation::default(), &asked(state, messages), 10);
            assert_eq!(refused.err(), Some(status));
        };
        let silent = message(OofAudience::ExternalUnknown, false, "");
        check(
            OofState::Global,
            &[internal.clone(), silent],
            SettingsStatus::ConflictingArguments,
        );
        let other = message(OofAudience::ExternalKnown, true, "other");
        check(
            OofState::Global,
            &[internal.clone(), other],
            SettingsStatus::ConflictingArguments,
        );
        let long = message(OofAudience::Internal, true, "more than ten");
        check(OofState::Global, &[long], SettingsStatus::InvalidArguments);
        let turned = OofState::TimeBased {
            start: WITHOUT_END,
            end: WITHOUT_BEGINNING,
        };
        check(turned, &[internal], SettingsStatus::ConflictingArguments);
    }
}
