//! What administrators are told of the end of their plan (PLAN-6).

use hongyan_env::Env;
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_types::{AccountId, Timestamp};

use crate::day::day;
use crate::transaction::claim_domain;
use crate::{Directory, PlanUse};

/// The kind of the mail before the end of a plan or at it, and what it says.
pub(crate) fn plan_ends(used: &PlanUse, until: Timestamp, has_ended: bool) -> (&'static str, Text, Text) {
    let plan = used.plan.as_deref().unwrap_or("with everything");
    let fallback = used.fallback.as_deref().unwrap_or("with everything");
    match has_ended {
        true => over(plan, fallback),
        false => ending(plan, fallback, &day(until)),
    }
}

fn ending(plan: &str, fallback: &str, end: &str) -> (&'static str, Text, Text) {
    let english = Text::new(
        &format!("The plan {plan} ends on {end}"),
        &format!(
            "Your organisation's plan {plan} ends on {end} (UTC); then the plan {fallback} holds. Nothing is deleted: what is \
             above the new limits stays and no more can be added.\n"
        ),
    );
    let chinese = Text::new(
        &format!("套餐 {plan} 将于 {end} 到期"),
        &format!(
            "贵组织的套餐 {plan} 将于 {end}（UTC）到期，之后适用套餐 {fallback}。不会删除任何数据：超出新限额的内容保留，但不能再增加。\n"
        ),
    );
    ("plan.ending", english, chinese)
}

fn over(plan: &str, fallback: &str) -> (&'static str, Text, Text) {
    let english = Text::new(
        &format!("The plan {plan} has ended"),
        &format!(
            "Your organisation's plan {plan} has ended; the plan {fallback} holds now. Nothing was deleted: what is above the \
             new limits stays and no more can be added.\n"
        ),
    );
    let chinese = Text::new(
        &format!("套餐 {plan} 已到期"),
        &format!(
            "贵组织的套餐 {plan} 已到期，现适用套餐 {fallback}。未删除任何数据：超出新限额的内容保留，但不能再增加。\n"
        ),
    );
    ("plan.ended", english, chinese)
}

impl Directory {
    /// The mail to a member, if a seat is taken back that leaves less room.
    pub(crate) fn seat_notice(&self, id: AccountId) -> Notice {
        let end = claim_domain::after(self.now(), self.options().quota_notice);
        withdrawn(self.env(), id, end)
    }
}

fn withdrawn(env: &Env, id: AccountId, end: Timestamp) -> Notice {
    let end = day(end);
    let english = Text::new(
        "Your mailbox gets less room",
        &format!(
            "Your advanced seat was taken back. All your mail stays. From {end} (UTC) on the room of a standard mailbox counts: \
             if there is more in it by then, no new mail comes until you have made room.\n"
        ),
    );
    let chinese = Text::new(
        "您的邮箱空间将减少",
        &format!(
            "您的高级席位已被收回。现有邮件全部保留。自 {end}（UTC）起按标准邮箱的空间计算：届时若已超出，在清理之前将无法接收新邮件。\n"
        ),
    );
    Notice::new(env, Recipient::Member(id), "plan.seat-withdrawn", english, chinese)
}
