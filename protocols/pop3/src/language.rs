//! The language of the texts behind `+OK` and `-ERR` (RFC 6856 §3).
//!
//! Texts are written in English where they arise; another language is a table from there. A text that it does not have
//! stays English, as numbers and names do.

use std::borrow::Cow;

/// A language of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    /// English.
    #[default]
    English,
    /// Chinese in simplified characters.
    Chinese,
}

impl Language {
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Its tag (RFC 5646).
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
    /// Its name in itself.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }
    /// The language that a basic range names (RFC 4647 §3.3.1).
    pub(crate) fn matching(range: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| {
            let (head, rest) = language.tag().split_at_checked(range.len()).unwrap_or(("", ""));
            head.eq_ignore_ascii_case(range) && (rest.is_empty() || rest.starts_with('-'))
        })
    }
    /// `text`, with the response code it may begin with, in this language.
    pub(crate) fn say(self, text: &str) -> Cow<'_, str> {
        if self == Self::English {
            return Cow::Borrowed(text);
        }
        let (code, words) = match text.strip_prefix('[').and_then(|rest| rest.find(']')) {
            Some(end) => text.split_at_checked(end.saturating_add(3)).unwrap_or(("", text)),
            None => ("", text),
        };
        match CHINESE.iter().find(|(english, _)| *english == words) {
            Some((_, chinese)) => Cow::Owned(format!("{code}{chinese}")),
            None => Cow::Borrowed(text),
        }
    }
}

const CHINESE: [(&str, &str); 42] = [
    ("PASS takes a password in UTF-8", "PASS 需要 UTF-8 编码的密码"),
    ("STLS is not offered", "不提供 STLS"),
    (
        "TOP takes a message number and a number of lines",
        "TOP 需要邮件编号和行数",
    ),
    ("USER takes a name", "USER 需要用户名"),
    ("a message number is wanted", "需要邮件编号"),
    ("account is suspended", "账号已停用"),
    ("another session has this maildrop", "另一个会话正在使用此邮箱"),
    ("authentication failed", "用户名或密码错误"),
    ("begin TLS", "开始 TLS"),
    ("bye", "再见"),
    ("cancelled", "已取消"),
    ("capabilities", "功能列表"),
    ("initial response is not base64", "初始响应不是 base64"),
    ("language changed", "语言已更改"),
    ("languages", "语言列表"),
    ("line too long", "命令行过长"),
    ("listing follows", "列表如下"),
    ("mailbox is not available now", "邮箱暂时不可用"),
    ("marked", "已标记"),
    ("mechanism is not offered", "不提供此认证方式"),
    ("mechanisms", "认证方式"),
    ("message cannot be read now", "邮件暂时无法读取"),
    ("message is deleted", "邮件已删除"),
    ("message is gone", "邮件已不存在"),
    ("no exchange is under way", "没有进行中的认证"),
    ("no such language", "没有此语言"),
    ("no such message", "没有此邮件"),
    ("nothing may follow STLS", "STLS 之后不得有其他内容"),
    ("only before signing in", "只能在登录前使用"),
    (
        "passwords only under TLS: say STLS first",
        "只能在 TLS 下发送密码，请先使用 STLS",
    ),
    ("response is not base64", "响应不是 base64"),
    ("say USER first", "请先使用 USER"),
    ("shutting down", "服务器正在关闭"),
    ("sign in first", "请先登录"),
    ("silent too long", "空闲时间过长"),
    ("some messages are not deleted", "部分邮件未能删除"),
    ("temporary failure, try again later", "暂时故障，请稍后再试"),
    ("the account is suspended", "账号已停用"),
    ("the maildrop was taken over", "邮箱已被另一个会话接管"),
    ("this command takes no argument", "此命令不带参数"),
    ("unknown authentication mechanism", "未知的认证方式"),
    ("unknown command", "未知命令"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_name_languages() {
        let check = |range: &str, expect| assert_eq!(Language::matching(range), expect, "{range}");
        check("EN", Some(Language::English));
        check("zh", Some(Language::Chinese));
        check("zh-cn", Some(Language::Chinese));
        for unknown in ["*", "z", "zh-TW", "zh-CN-x", "de", "", "en-GB", "中"] {
            check(unknown, None);
        }
    }

    #[test]
    fn codes_stay_and_unknown_texts_too() {
        let check = |text, expect: &str| assert_eq!(Language::Chinese.say(text), expect);
        check("bye", "再见");
        check("[SYS/TEMP] shutting down", "[SYS/TEMP] 服务器正在关闭");
        check("2 messages (50 octets)", "2 messages (50 octets)");
        check("[AUTH]", "[AUTH]");
        check("[", "[");
        assert_eq!(Language::English.say("bye"), "bye");
        assert!(CHINESE.is_sorted_by_key(|(english, _)| *english));
    }
}
