//! Compare (RFC 4511 §4.10).

use hongyan_ldap_wire::{Answer, Compare, ResultCode};

use crate::entry::type_of;
use crate::filter;
use crate::search::View;
use crate::session::Session;

impl Session {
    /// Whether an entry that the member sees has a value.
    pub(crate) async fn compare(&self, compare: &Compare) -> Answer {
        match self.compared(compare).await {
            Ok(answer) | Err(answer) => answer,
        }
    }

    async fn compared(&self, compare: &Compare) -> Result<Answer, Answer> {
        let account = self.account();
        let account = account.ok_or_else(|| Answer::new(ResultCode::STRONGER_AUTH_REQUIRED, "bind first"))?;
        let view = View::open(&self.parts().directory, &account).await?;
        let entry = view.entry(&compare.name).await?;
        let kind = type_of(&compare.attribute);
        let kind =
            kind.ok_or_else(|| Answer::new(ResultCode::UNDEFINED_ATTRIBUTE_TYPE, "there is no such attribute"))?;
        let values = entry.values(kind);
        if values.is_empty() {
            return Err(Answer::new(
                ResultCode::NO_SUCH_ATTRIBUTE,
                "the entry has no such attribute",
            ));
        }
        let equals = |own: &String| filter::equals(kind, own, &compare.value) == Some(true);
        Ok(Answer::new(
            if values.iter().any(equals) {
                ResultCode::COMPARE_TRUE
            } else {
                ResultCode::COMPARE_FALSE
            },
            "",
        ))
    }
}
