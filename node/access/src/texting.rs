//! Text messages to phones, through a gateway that the operator may have (AUTH-5, AUTH-13, AUTH-22). Without one, what needs it is
//! not offered.

use std::sync::Arc;

use hongyan_env::BoxFuture;
use hongyan_sasl::Secret;

use crate::sent_code::{Holder, Purpose};
use crate::{Access, AccessError};

/// A message with a code.
#[derive(Debug, Clone)]
pub struct TextMessage {
    /// `+` and digits.
    pub number: String,
    /// The code alone, for gateways that have a text of their own.
    pub code: Secret,
    /// How long the code is good, in minutes.
    pub minutes: u64,
}

/// A message that brings a member's invitation.
#[derive(Debug, Clone)]
pub struct TextInvitation {
    /// The phone: as the directory has it; for a gateway `+` and digits.
    pub number: String,
    /// The member's address.
    pub address: String,
    /// Who invites.
    pub organisation: String,
    /// Where the member sets a password.
    pub link: Secret,
}

/// A gateway has not taken a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(pub String);

/// What brings messages to phones.
pub trait TextGateway: Send + Sync + 'static {
    /// Has one sent; done when the gateway has taken it.
    fn send(&self, message: TextMessage) -> BoxFuture<'_, Result<(), TextError>>;
    /// Whether it has words for invitations.
    fn invites(&self) -> bool {
        false
    }
    /// Has an invitation sent; done when the gateway has taken it.
    fn invite(&self, _invitation: TextInvitation) -> BoxFuture<'_, Result<(), TextError>> {
        Box::pin(async { Err(TextError("it has no words for invitations".to_owned())) })
    }
}

/// A phone number as it is kept: `+`, the country, the rest; 8 to 15 digits. One of a Chinese mobile phone may lack the country.
pub(crate) fn number(typed: &str) -> Option<String> {
    let plain: String = typed
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.'))
        .collect();
    let digits = match (plain.strip_prefix('+'), plain.strip_prefix("00")) {
        (Some(digits), _) | (None, Some(digits)) => digits.to_owned(),
        (None, None) if plain.len() == 11 && plain.starts_with('1') => format!("86{plain}"),
        (None, None) => return None,
    };
    let is_number = (8..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    (is_number && !digits.starts_with('0')).then(|| format!("+{digits}"))
}

impl Access {
    /// From now on codes go to phones through `gateway`; the first one stays.
    pub fn set_text_gateway(&self, gateway: Arc<dyn TextGateway>) {
        let _ = self.0.texting.set(gateway);
    }

    /// Whether codes can be sent to phones.
    #[must_use]
    pub fn has_text_gateway(&self) -> bool {
        self.0.texting.get().is_some()
    }

    pub(crate) fn need_gateway(&self) -> Result<&Arc<dyn TextGateway>, AccessError> {
        self.0.texting.get().ok_or(AccessError::NoTextGateway)
    }

    /// Makes a code and has it sent to a phone.
    ///
    /// # Errors
    /// `NoTextGateway`, `TextGatewayFailed`, `CodesUsedUp`, `Directory`.
    pub(crate) async fn text_code(
        &self,
        holder: &Holder,
        purpose: Purpose,
        number: &str,
        for_guest: bool,
    ) -> Result<(), AccessError> {
        let gateway = self.need_gateway()?;
        let phone = Holder::phone(number);
        self.count_sent(&phone, for_guest).await?;
        let code = self.make_code(holder, purpose, number).await?;
        let message = TextMessage {
            number: number.to_owned(),
            code,
            minutes: self.0.options.sent_code_secs / 60,
        };
        let sent = gateway.send(message).await;
        self.note_sent(&phone, sent.is_ok()).await?;
        sent.map_err(|error| {
            tracing::warn!(event = "text_message_failed", %error, "the SMS gateway has not taken a message");
            AccessError::TextGatewayFailed
        })
    }

    /// Whether an invitation can go to that phone, as the directory has it.
    #[must_use]
    pub fn can_text_invitation(&self, mobile: &str) -> bool {
        let gateway = self.0.texting.get();
        gateway.is_some_and(|gateway| gateway.invites()) && number(mobile).is_some()
    }

    /// Has an invitation sent to a phone. It counts among the phone's messages of the day.
    ///
    /// # Errors
    /// `NoTextGateway` (for this phone), `TextGatewayFailed`, `CodesUsedUp`, `Directory`.
    pub async fn text_invitation(&self, invitation: &TextInvitation) -> Result<(), AccessError> {
        let gateway = self.need_gateway()?;
        let number = number(&invitation.number).ok_or(AccessError::NoTextGateway)?;
        let phone = Holder::phone(&number);
        self.count_sent(&phone, false).await?;
        let message = TextInvitation {
            number,
            ..invitation.clone()
        };
        let sent = gateway.invite(message).await;
        self.note_sent(&phone, sent.is_ok()).await?;
        sent.map_err(|error| {
            tracing::warn!(event = "text_message_failed", %error, "the SMS gateway has not taken an invitation");
            AccessError::TextGatewayFailed
        })
    }

    /// Whether a phone cannot be reached at the moment: then another factor stands in for its code.
    pub(crate) async fn is_texting_down(&self, number: &str) -> Result<bool, AccessError> {
        Ok(!self.has_text_gateway() || self.is_sending_failing(&Holder::phone(number)).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_13_numbers_are_written_in_one_way() {
        for (typed, kept) in [
            ("138 0013 8000", "+8613800138000"),
            ("+86 138-0013-8000", "+8613800138000"),
            ("0044 20 7946 0000", "+442079460000"),
            ("+1 (202) 555.0100", "+12025550100"),
        ] {
            assert_eq!(number(typed).as_deref(), Some(kept), "{typed}");
        }
        for wrong in [
            "",
            "12345",
            "+0123456789",
            "+1234567",
            "+1234567890123456",
            "+12ab345678",
            "2025550100",
        ] {
            assert_eq!(number(wrong), None, "{wrong}");
        }
    }
}
