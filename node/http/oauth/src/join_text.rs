//! What the page behind an invitation says, in Chinese and English.

use hongyan_access::{PasswordRule, PasswordRules};

use crate::text::Language;

/// What is said. `{}` is put in by the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinWords {
    TitleJoin,
    LeadJoin,
    TitleReady,
    LeadReady,
    Name,
    NameMissing,
    Address,
    AddressHint,
    AddressWrong,
    AddressTaken,
    Mobile,
    MobileTaken,
    PrivateAddress,
    PrivateHint,
    Optional,
    Password,
    Show,
    Hide,
    PasswordRefused,
    RulesTitle,
    ReviewHint,
    Join,
    Apply,
    Open,
    NoRoom,
    Busy,
    TitleJoined,
    Joined,
    JoinedHint,
    SignIn,
    TitleWaits,
    Waits,
    AnswerByMail,
    AnswerByHand,
    TitleEnded,
    EndedUnknown,
    EndedOver,
    EndedUsedUp,
    EndedClosed,
    EndedHint,
}

impl JoinWords {
    /// All of them, for the test that each is said in both languages.
    #[cfg(test)]
    const ALL: [Self; 40] = [
        Self::TitleJoin,
        Self::LeadJoin,
        Self::TitleReady,
        Self::LeadReady,
        Self::Name,
        Self::NameMissing,
        Self::Address,
        Self::AddressHint,
        Self::AddressWrong,
        Self::AddressTaken,
        Self::Mobile,
        Self::MobileTaken,
        Self::PrivateAddress,
        Self::PrivateHint,
        Self::Optional,
        Self::Password,
        Self::Show,
        Self::Hide,
        Self::PasswordRefused,
        Self::RulesTitle,
        Self::ReviewHint,
        Self::Join,
        Self::Apply,
        Self::Open,
        Self::NoRoom,
        Self::Busy,
        Self::TitleJoined,
        Self::Joined,
        Self::JoinedHint,
        Self::SignIn,
        Self::TitleWaits,
        Self::Waits,
        Self::AnswerByMail,
        Self::AnswerByHand,
        Self::TitleEnded,
        Self::EndedUnknown,
        Self::EndedOver,
        Self::EndedUsedUp,
        Self::EndedClosed,
        Self::EndedHint,
    ];

    pub(crate) fn say(self, language: Language) -> &'static str {
        let (english, chinese) = self.of_form().or_else(|| self.of_answers()).unwrap_or(("", ""));
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }

    fn of_form(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::TitleJoin => ("Join {}", "加入{}"),
            Self::LeadJoin => (
                "Choose your address and a password: your mailbox is ready a moment later.",
                "设置您的邮箱地址和密码，即可开通邮箱。",
            ),
            Self::TitleReady => ("Your mailbox is ready", "您的邮箱已准备好"),
            Self::LeadReady => (
                "{} has made a mailbox for you. Choose a password to open it.",
                "{}已为您开通邮箱，设置密码后即可使用。",
            ),
            Self::Name => ("Your name", "姓名"),
            Self::NameMissing => ("Tell us your name.", "请填写姓名。"),
            Self::Address => ("Mail address", "邮箱地址"),
            Self::AddressHint => (
                "Letters, digits, dots and dashes. It cannot be changed later.",
                "可使用字母、数字、点和短横线，开通后不能更改。",
            ),
            Self::AddressWrong => ("This cannot be an address here.", "该地址不可用，请检查格式。"),
            Self::AddressTaken => ("This address is taken. Try another.", "该地址已被占用，请换一个。"),
            Self::Mobile => ("Phone", "手机号"),
            Self::MobileTaken => ("This phone belongs to another member.", "该手机号已被其他成员使用。"),
            Self::PrivateAddress => ("Private mail address", "私人邮箱"),
            Self::PrivateHint => (
                "Where we reach you when you cannot sign in.",
                "无法登录时，我们通过它联系您。",
            ),
            Self::Optional => ("optional", "选填"),
            Self::Password => ("Password", "密码"),
            Self::Show => ("Show", "显示"),
            Self::Hide => ("Hide", "隐藏"),
            Self::PasswordRefused => ("The password does not meet all the rules.", "密码不符合全部要求。"),
            Self::RulesTitle => ("The password", "密码要求"),
            Self::ReviewHint => (
                "An administrator looks at your request before the mailbox is opened.",
                "提交后需管理员审核，通过后开通邮箱。",
            ),
            Self::Join => ("Open my mailbox", "开通邮箱"),
            Self::Apply => ("Send request", "提交申请"),
            Self::Open => ("Set password", "设置密码"),
            Self::NoRoom => (
                "The organisation has no room for another member at the moment. Tell whoever has invited you.",
                "该组织的成员数已达上限，请联系邀请您的人。",
            ),
            Self::Busy => (
                "There is too much to do at the moment. Nothing was lost: try again in a minute.",
                "系统繁忙，请稍后再试。",
            ),
            _ => return None,
        })
    }

    fn of_answers(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::TitleJoined => ("Welcome", "欢迎加入"),
            Self::Joined => ("{} is yours now.", "邮箱 {} 已开通。"),
            Self::JoinedHint => (
                "Sign in with this address and the password that you have just chosen, here or in your mail program.",
                "您可以用该地址和刚设置的密码，在网页或邮件客户端登录。",
            ),
            Self::SignIn => ("Sign in", "去登录"),
            Self::TitleWaits => ("Your request was sent", "申请已提交"),
            Self::Waits => (
                "You have asked {} for {address}. An administrator looks at it.",
                "您已向{}申请 {address}，请等待管理员审核。",
            ),
            Self::AnswerByMail => (
                "The answer comes to your private mail address. You may close this page.",
                "审核结果会发送到您的私人邮箱，您可以关闭此页面。",
            ),
            Self::AnswerByHand => (
                "Whoever has invited you can tell you the answer. You may close this page.",
                "请向邀请您的人了解审核结果，您可以关闭此页面。",
            ),
            Self::TitleEnded => ("This invitation is no longer good", "邀请已失效"),
            Self::EndedUnknown => (
                "It was taken back or used already, or the link is not whole.",
                "邀请已被撤回或已使用，或者链接不完整。",
            ),
            Self::EndedOver => ("Its time is over.", "邀请已过期。"),
            Self::EndedUsedUp => ("As many people have joined by it as may.", "该邀请的使用次数已满。"),
            Self::EndedClosed => (
                "The organisation takes nobody in at the moment.",
                "该组织目前暂停加入。",
            ),
            Self::EndedHint => (
                "Ask whoever has invited you for a new one. If you have joined already, sign in.",
                "请向邀请您的人索取新的邀请；若已加入，请直接登录。",
            ),
            _ => return None,
        })
    }
}

/// A rule of passwords, as something to tick off.
pub(crate) fn rule(language: Language, rule: PasswordRule, rules: &PasswordRules) -> String {
    let (english, chinese) = match rule {
        PasswordRule::TooShort => ("has at least {} characters", "至少 {} 个字符"),
        PasswordRule::TooLong => ("has at most {} characters", "不超过 {} 个字符"),
        PasswordRule::Space => ("has no spaces", "不含空格"),
        PasswordRule::Mixed => (
            "has upper and lower case letters and digits",
            "同时包含大写、小写字母和数字",
        ),
        PasswordRule::OfAccount => ("has nothing of your name or address in it", "不含您的姓名或邮箱地址"),
        PasswordRule::Common => ("is not one that everybody tries first", "不是常见的弱密码"),
    };
    let number = match rule {
        PasswordRule::TooLong => rules.characters_max,
        _ => rules.characters_min,
    };
    let words = match language {
        Language::English => english,
        Language::Chinese => chinese,
    };
    words.replace("{}", &number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_invitation_page_speaks_both_languages() {
        for words in JoinWords::ALL {
            let (english, chinese) = (words.say(Language::English), words.say(Language::Chinese));
            assert!(english.is_ascii() && !english.is_empty(), "{words:?}");
            assert!(!chinese.is_ascii(), "{words:?}");
        }
    }
}
