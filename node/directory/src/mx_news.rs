//! What administrators are told when mail for their organisation goes elsewhere (ORG-15).

use hongyan_notice::Text;
use hongyan_types::TenantId;

use crate::transaction as tx;
use crate::{Directory, Result};

/// News of where an organisation's mail goes.
pub(crate) enum MxNews {
    /// Elsewhere; after so many days more it is suspended.
    Elsewhere(u32),
    /// It is suspended.
    Ended,
    /// Here again: it goes on.
    Back,
}

impl MxNews {
    /// The kind of the mail, and what it says.
    pub(crate) fn words(&self) -> (&'static str, Text, Text) {
        match self {
            Self::Elsewhere(days) => (
                "organisation.mx-elsewhere",
                Text::new(
                    &format!(
                        "Mail for your organisation goes elsewhere: it is suspended in {}",
                        span(*days)
                    ),
                    &format!(
                        "The MX records of all domains of your organisation lead to another system. If that stays so for {} \
                         more, your organisation counts as ended and is suspended: nobody signs in and no mail is taken. If \
                         you want to go on, let the MX record of a domain lead here again: hongyan domain records. If not, export \
                         what you want to keep before that: members, mail, contacts.\n",
                        span(*days)
                    ),
                ),
                Text::new(
                    &format!("贵组织的邮件已转投他处：{days} 天后将停用"),
                    &format!(
                        "贵组织所有域名的 MX 记录均指向其他系统。若该状态再持续 {days} 天，贵组织将视为已终止并被停用，届时将无法登录，\
                         也不再接收邮件。如需继续使用，请将任一域名的 MX 记录改回本系统（hongyan domain records）；\
                         否则请在此之前导出需要保留的成员、邮件与联系人。\n"
                    ),
                ),
            ),
            Self::Ended => (
                "organisation.ended",
                Text::new(
                    "Your organisation is suspended: its mail goes elsewhere",
                    "The MX records of all domains of your organisation have led to another system for too long, so it counts as \
                     ended. It goes on once the MX record of one of its domains leads here again, or if the operator says so.\n",
                ),
                Text::new(
                    "贵组织已停用：邮件已转投他处",
                    "贵组织所有域名的 MX 记录长期指向其他系统，因此视为已终止。将任一域名的 MX 记录改回本系统，或由运营方恢复后，即可继续使用。\n",
                ),
            ),
            Self::Back => (
                "organisation.mx-back",
                Text::new(
                    "Your organisation works again",
                    "Mail for a domain of your organisation comes here again, so it is suspended no longer.\n",
                ),
                Text::new("贵组织已恢复使用", "贵组织的域名已重新指向本系统，停用已解除。\n"),
            ),
        }
    }
}

fn span(days: u32) -> String {
    match days {
        1 => "1 day".to_owned(),
        _ => format!("{days} days"),
    }
}

/// All fail with the store's errors beside those named.
#[allow(clippy::missing_errors_doc, reason = "said once, above")]
impl Directory {
    /// Counts for how long mail for an organisation goes elsewhere, as its last DNS checks say, and does what is due: tells its
    /// administrators, suspends it, removes it; as far as the operator has switched that on. `NotFound`.
    pub async fn look_at_mx(&self, tenant: TenantId) -> Result<()> {
        let (now, this) = (self.now(), self.clone());
        self.change(async move |t| tx::mx_elsewhere::look(t, tenant, this.options(), now).await)
            .await
    }
    /// For how many milliseconds it has gone elsewhere, as far as anybody looked; none while it comes here, or nobody counts.
    pub async fn mx_elsewhere_millis(&self, tenant: TenantId) -> Result<Option<i64>> {
        let count = self
            .read(async move |t| tx::mx_elsewhere::read(t, tenant).await)
            .await?;
        Ok(count.map(|count| count.counted_millis))
    }
}

#[cfg(test)]
#[path = "mx_news_test.rs"]
mod tests;
