//! Certificates that end: their organisations' administrators are told 30, 14 and 3 days before (LGN-7).
//!
//! One that is renewed by itself is told of only while that fails.

use hongyan_notice::{Notice, Recipient, Text};
use hongyan_types::{Domain, TenantId};

use crate::acme::Inner;
use crate::order::AcmeError;
use crate::record::{FailureRecord, ToldRecord};
use std::collections::BTreeMap;

/// Days before the end.
pub(crate) const TOLD_DAYS: [u32; 3] = [30, 14, 3];
const DAY_MILLIS: i64 = 86_400_000;

/// The tightest of the days that have come; none while there is time.
fn reached(not_after_millis: i64, now_millis: i64) -> Option<u32> {
    let left = not_after_millis.saturating_sub(now_millis);
    let mut days = TOLD_DAYS.into_iter();
    days.rfind(|days| left <= i64::from(*days) * DAY_MILLIS)
}

/// Whether that is news to who was told `before`.
fn is_news(before: Option<ToldRecord>, told: ToldRecord) -> bool {
    before.is_none_or(|before| before.not_after_millis != told.not_after_millis || told.days < before.days)
}

impl Inner {
    /// Tells of what ends.
    pub(crate) async fn tell_of_ends(
        &self,
        now_millis: i64,
        failures: &BTreeMap<String, FailureRecord>,
    ) -> Result<(), AcmeError> {
        let certificates = self.certificates().await?;
        let mut ending: Vec<(&str, i64, Option<&FailureRecord>)> = Vec::new();
        for (subject, own) in certificates.own.iter() {
            ending.push((subject, own.certificate.not_after_millis, None));
        }
        for (subject, ordered) in certificates.by_subject.iter() {
            let failure = failures.get(subject);
            if failure.is_some() && !certificates.own.contains_key(subject) {
                ending.push((subject, ordered.not_after_millis, failure));
            }
        }
        for (subject, not_after_millis, failure) in ending {
            let (Some(days), Ok(domain)) = (reached(not_after_millis, now_millis), Domain::try_from(subject)) else {
                continue;
            };
            let Ok(record) = self.directory.domain(&domain).await else {
                continue;
            };
            let told = ToldRecord { not_after_millis, days };
            let left = (not_after_millis - now_millis).max(0) / DAY_MILLIS;
            let notice = self.notice(record.tenant, &domain.to_unicode(), left, failure);
            self.store
                .tell(subject, &notice, |before| is_news(before, told).then_some(told))
                .await?;
        }
        Ok(())
    }

    fn notice(&self, tenant: TenantId, domain: &str, days: i64, failure: Option<&FailureRecord>) -> Notice {
        let why = failure.map(|failure| failure.text.as_str());
        let (english_why, chinese_why) = match why {
            Some(why) => (
                format!("It is renewed by itself, which has failed up to now: {why}\n\nSee: hongyan certificates\n"),
                format!("证书本应自动续期，但目前未成功：{why}\n\n查看：hongyan certificates\n"),
            ),
            None => (
                "It is your organisation's own: upload its successor before that, or remove it, and one is ordered.\n\n\
                 hongyan domain certificate\n"
                    .to_owned(),
                "这是贵组织自行上传的证书：请在此之前上传新证书，或删除它以便自动申请。\n\nhongyan domain certificate\n".to_owned(),
            ),
        };
        let english = Text::new(
            &format!("The certificate of {domain} ends in {days} days"),
            &format!(
                "The certificate for {domain} ends in {days} days. Browsers and mail clients refuse to connect after that.\n\n\
                 {english_why}"
            ),
        );
        let chinese = Text::new(
            &format!("{domain} 的证书将在 {days} 天后到期"),
            &format!("{domain} 的证书将在 {days} 天后到期，之后浏览器与邮件客户端将拒绝连接。\n\n{chinese_why}"),
        );
        let to = Recipient::Administrators(tenant);
        Notice::new(&self.env, to, "certificate.ends", english, chinese)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lgn_7_each_of_30_14_and_3_days_is_told_once() {
        let end = 100 * DAY_MILLIS;
        let check = |left: i64, expect: Option<u32>| assert_eq!(reached(end, end - left), expect, "{left}");
        check(30 * DAY_MILLIS + 1, None);
        check(30 * DAY_MILLIS, Some(30));
        check(14 * DAY_MILLIS, Some(14));
        check(2 * DAY_MILLIS, Some(3));
        check(-1, Some(3));
        let told = |days| ToldRecord {
            not_after_millis: end,
            days,
        };
        assert!(is_news(None, told(30)) && is_news(Some(told(30)), told(14)));
        assert!(!is_news(Some(told(14)), told(14)) && !is_news(Some(told(3)), told(14)));
        let renewed = ToldRecord {
            not_after_millis: end + 1,
            days: 30,
        };
        assert!(is_news(Some(told(3)), renewed), "another certificate");
    }
}
