//! What a report says to people, in each language (RS-13).

use hongyan_directory::Language;
use hongyan_types::Timestamp;

use super::Action;
use crate::trace::date;

/// The texts of one language but for the reasons, which are `explain`'s.
pub(super) struct Texts {
    /// Who writes.
    pub(super) sender: &'static str,
    pub(super) subject_failed: &'static str,
    pub(super) subject_delayed: &'static str,
    pub(super) subject_delivered: &'static str,
    pub(super) subject_relayed: &'static str,
    pub(super) subject_expanded: &'static str,
    /// Between the kind and the subject of the message.
    pub(super) colon: &'static str,
    pub(super) failed: &'static str,
    pub(super) delayed: &'static str,
    pub(super) delivered: &'static str,
    pub(super) sent: &'static str,
    pub(super) subject: &'static str,
    pub(super) no_subject: &'static str,
    pub(super) to: &'static str,
    pub(super) reason: &'static str,
    pub(super) advice: &'static str,
    pub(super) until: &'static str,
    /// Before and behind the name of the host.
    pub(super) answer: (&'static str, &'static str),
    pub(super) unnamed_host: &'static str,
    pub(super) in_mailbox: &'static str,
    pub(super) relayed: &'static str,
    pub(super) expanded: &'static str,
    pub(super) more: &'static str,
}

const ENGLISH: Texts = Texts {
    sender: "Mail delivery",
    subject_failed: "Not delivered",
    subject_delayed: "Not delivered yet",
    subject_delivered: "Delivered",
    subject_relayed: "Sent on",
    subject_expanded: "Delivered to a list",
    colon: ": ",
    failed: "Your message could not be delivered to everybody it was meant for.",
    delayed: "Your message has not been delivered yet. You need not do anything: it is tried again.",
    delivered: "Your message has been delivered, as you asked to be told.",
    sent: "Sent:    ",
    subject: "Subject: ",
    no_subject: "(none)",
    to: "To:      ",
    reason: "Reason:  ",
    advice: "To do:   ",
    until: "Tried until: ",
    answer: ("Answer of ", ": "),
    unnamed_host: "the server",
    in_mailbox: "It is in the mailbox.",
    relayed: "It was handed to the recipient's server, which does not report further.",
    expanded: "It was delivered to the members of this list.",
    more: "More about this: ",
};

const CHINESE: Texts = Texts {
    sender: "邮件投递系统",
    subject_failed: "投递失败",
    subject_delayed: "投递延迟",
    subject_delivered: "已送达",
    subject_relayed: "已转交",
    subject_expanded: "已送达邮件群组",
    colon: "：",
    failed: "您的邮件未能送达全部收件人。",
    delayed: "您的邮件尚未送达。您无需进行任何操作，系统会继续尝试投递。",
    delivered: "您的邮件已经送达，特此按您的要求通知您。",
    sent: "发送时间：",
    subject: "主　　题：",
    no_subject: "（无主题）",
    to: "收 件 人：",
    reason: "原　　因：",
    advice: "建　　议：",
    until: "尝试投递至：",
    answer: ("", " 的答复："),
    unnamed_host: "对方服务器",
    in_mailbox: "邮件已在对方邮箱中。",
    relayed: "邮件已转交对方服务器，对方服务器不再提供后续回执。",
    expanded: "邮件已送达该群组的成员。",
    more: "更多说明：",
};

impl Texts {
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::Chinese => &CHINESE,
        }
    }
    /// What a report of that kind is called.
    pub(super) fn subject_of(&self, kind: Action) -> &'static str {
        match kind {
            Action::Failed => self.subject_failed,
            Action::Delayed { .. } => self.subject_delayed,
            Action::Delivered => self.subject_delivered,
            Action::Relayed => self.subject_relayed,
            Action::Expanded => self.subject_expanded,
        }
    }
    /// Its first sentence.
    pub(super) fn opening(&self, kind: Action) -> &'static str {
        match kind {
            Action::Failed => self.failed,
            Action::Delayed { .. } => self.delayed,
            Action::Delivered | Action::Relayed | Action::Expanded => self.delivered,
        }
    }
}

/// A moment as people of that language write it.
pub(super) fn moment(time: Timestamp, language: Language) -> String {
    let sent = date(time);
    match language {
        Language::English => sent.to_string(),
        Language::Chinese => {
            let day = sent.civil();
            let secs = time.millis.div_euclid(1000).rem_euclid(86_400);
            let (hour, minute) = (secs / 3600, secs / 60 % 60);
            format!(
                "{}年{}月{}日 {hour:02}:{minute:02}（世界协调时）",
                day.year, day.month, day.day
            )
        }
    }
}
