//! What a code sent to the phone is asked for (AUTH-22).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that codes sent to the phone protect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SmsScope {
    /// Signing in to the web client.
    SignIn,
    /// Changing the password.
    ChangePassword,
    /// Setting a forgotten password anew.
    RecoverPassword,
    /// Setting forwarding.
    Forwarding,
    /// Making app passwords.
    AppPasswords,
}

impl SmsScope {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::SignIn,
        Self::ChangePassword,
        Self::RecoverPassword,
        Self::Forwarding,
        Self::AppPasswords,
    ];

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::SignIn => 0,
            Self::ChangePassword => 1,
            Self::RecoverPassword => 2,
            Self::Forwarding => 3,
            Self::AppPasswords => 4,
        }
    }
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.number() == number)
    }
    /// A stable word.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::ChangePassword => "change-password",
            Self::RecoverPassword => "recover-password",
            Self::Forwarding => "forwarding",
            Self::AppPasswords => "app-passwords",
        }
    }
}
