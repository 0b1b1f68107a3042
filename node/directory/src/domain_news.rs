//! What administrators are told of their domains.

use hongyan_env::Env;
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_types::{Domain, TenantId, Timestamp};

use crate::day::day;
use crate::{Directory, Result};

/// News of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DomainNews {
    /// Mail no longer comes; what is wrong, a line each.
    Lost(Domain, Vec<String>),
    /// Another organisation has proved that it is theirs, and gets it then.
    Contested(Domain, Timestamp),
    /// Its registration ends then (DOM-11).
    Ends(Domain, Timestamp),
    /// What they claimed is theirs.
    Proven(Domain),
    /// Their own domain works, and what was lent to them goes on as another name of it.
    Replaced(Domain, Domain),
    /// They wanted to be reminded of its licence, and wrote that of it.
    Licence(Domain, String),
}

impl DomainNews {
    /// The mail for the administrators of `tenant`. Made before the transaction that may be tried again.
    pub(crate) fn notice(&self, env: &Env, tenant: TenantId) -> Notice {
        let (kind, english, chinese) = match self {
            Self::Lost(domain, wrong) => lost(&domain.to_unicode(), wrong),
            Self::Contested(domain, at) => contested(&domain.to_unicode(), *at),
            Self::Ends(domain, at) => ends(&domain.to_unicode(), *at),
            Self::Proven(domain) => proven(&domain.to_unicode()),
            Self::Replaced(lent, own) => replaced(&lent.to_unicode(), &own.to_unicode()),
            Self::Licence(domain, text) => licence(&domain.to_unicode(), text),
        };
        Notice::new(env, Recipient::Administrators(tenant), kind, english, chinese)
    }
}

fn lost(domain: &str, wrong: &[String]) -> (&'static str, Text, Text) {
    let wrong = wrong.join("\n");
    let english = Text::new(
        &format!("Mail for {domain} no longer comes here"),
        &format!(
            "The DNS records of {domain} do not lead here any more. Members go on working; mail from outside may go elsewhere \
             or come back.\n\n{wrong}\n\nCompare: hongyan domain records {domain}\n"
        ),
    );
    let chinese = Text::new(
        &format!("{domain} 的邮件不再送达本系统"),
        &format!(
            "{domain} 的 DNS 记录不再指向本系统。成员可继续使用，但外部来信可能送往别处或被退回。\n\n{wrong}\n\n\
             核对：hongyan domain records {domain}\n"
        ),
    );
    ("domain.dns-lost", english, chinese)
}

fn contested(domain: &str, at: Timestamp) -> (&'static str, Text, Text) {
    let day = day(at);
    let english = Text::new(
        &format!("Another organisation has proved that {domain} is theirs"),
        &format!(
            "Another organisation on this server has proved by DNS records that {domain} belongs to it. On {day} (UTC) the \
             domain goes over to it, unless the proof is gone by then: all members and mail without another address are \
             removed here. If the domain is yours, remove the TXT record _hongyan.{domain} and tell the operator.\n"
        ),
    );
    let chinese = Text::new(
        &format!("另一组织已证明域名 {domain} 归其所有"),
        &format!(
            "本服务器上的另一组织已通过 DNS 记录证明 {domain} 归其所有。若届时证明仍然有效，该域名将于 {day}（UTC）转归对方，\
             没有其他地址的成员及其邮件将被删除。如该域名属于贵组织，请删除 TXT 记录 _hongyan.{domain} 并联系运营方。\n"
        ),
    );
    ("domain.contested", english, chinese)
}

fn ends(domain: &str, at: Timestamp) -> (&'static str, Text, Text) {
    let day = day(at);
    let english = Text::new(
        &format!("The registration of {domain} ends on {day}"),
        &format!(
            "Its registry says that the registration of {domain} ends on {day} (UTC). Renew it with your registrar: without it no \
             mail comes, and somebody else may get the name and all mail to it.\n"
        ),
    );
    let chinese = Text::new(
        &format!("域名 {domain} 的注册将于 {day} 到期"),
        &format!(
            "据注册局信息，域名 {domain} 的注册将于 {day}（UTC）到期。请向注册商续费：到期后将无法收信，域名及发往它的邮件还可能落入他人之手。\n"
        ),
    );
    ("domain.registration-ends", english, chinese)
}

fn proven(domain: &str) -> (&'static str, Text, Text) {
    let english = Text::new(
        &format!("{domain} is yours"),
        &format!(
            "{domain} is proven: addresses can be made in it. The records for mail: hongyan domain records {domain}\n"
        ),
    );
    let chinese = Text::new(
        &format!("域名 {domain} 已通过验证"),
        &format!("{domain} 已通过所有权验证，可以在其中创建地址。邮件所需的记录：hongyan domain records {domain}\n"),
    );
    ("domain.proven", english, chinese)
}

fn replaced(lent: &str, own: &str) -> (&'static str, Text, Text) {
    let english = Text::new(
        &format!("Addresses have moved from {lent} to {own}"),
        &format!(
            "Mail for {own} comes here now, so all addresses in {lent} are in {own}. The old ones go on leading to the same people.\n"
        ),
    );
    let chinese = Text::new(
        &format!("邮箱地址已由 {lent} 迁移到 {own}"),
        &format!("{own} 已可正常收信，{lent} 中的全部地址已迁移到 {own}，原地址仍可继续收信。\n"),
    );
    ("domain.replaced", english, chinese)
}

fn licence(domain: &str, text: &str) -> (&'static str, Text, Text) {
    let english = Text::new(
        &format!("A reminder of the licence of {domain}"),
        &format!("You wanted to be reminded today of the licence or registration of {domain}.\n\n{text}\n"),
    );
    let chinese = Text::new(
        &format!("域名 {domain} 的备案提醒"),
        &format!("您设置了今天提醒域名 {domain} 的备案或许可事项。\n\n{text}\n"),
    );
    ("domain.licence", english, chinese)
}

impl Directory {
    /// Tells the administrators of `tenant`.
    ///
    /// # Errors
    /// The store's only.
    pub async fn tell_of_domain(&self, tenant: TenantId, news: &DomainNews) -> Result<()> {
        self.send(&news.notice(self.env(), tenant)).await
    }
}
