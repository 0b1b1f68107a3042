//! Status codes in plain words: what happened and what the sender can do.

use hongyan_directory::Language;

use super::Status;

/// A status for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub reason: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// Reason and advice, in English and in Chinese.
type Said = ([&'static str; 2], [&'static str; 2]);

const fn say(english: [&'static str; 2], chinese: [&'static str; 2]) -> Said {
    (english, chinese)
}

/// Explains `status` (RFC 3463 §3, and the registry it began).
#[must_use]
pub fn explain(status: Status, language: Language) -> Explanation {
    let (english, chinese) = said(status);
    let [reason, advice] = match language {
        Language::English => english,
        Language::Chinese => chinese,
    };
    Explanation { reason, advice }
}

fn said(status: Status) -> Said {
    match (status.1, status.2) {
        (1, 0 | 1 | 6) => say(
            [
                "There is no mailbox with this address.",
                "Check the spelling, or ask the recipient for the current address, and send again.",
            ],
            [
                "此地址没有对应的邮箱。",
                "请检查地址拼写，或向收件人询问最新地址后重新发送。",
            ],
        ),
        (1, 2) => say(
            [
                "The part of the address after the @ does not exist or cannot receive mail.",
                "Check the spelling of the domain.",
            ],
            ["地址中 @ 之后的域名不存在或不能接收邮件。", "请检查域名的拼写。"],
        ),
        (1, 10) => say(
            [
                "The domain of this address accepts no mail at all.",
                "Ask the recipient for another address.",
            ],
            ["此地址的域名不接收任何邮件。", "请向收件人询问其他地址。"],
        ),
        (1, 3) => say(
            [
                "The address is not written correctly.",
                "Correct the address and send again.",
            ],
            ["地址的写法不正确。", "请更正地址后重新发送。"],
        ),
        (1, 7 | 8) => say(
            [
                "The recipient's server does not accept your address as a sender.",
                "Ask your administrator to check the settings of your mail domain.",
            ],
            [
                "对方服务器不接受您的地址作为发件人。",
                "请联系管理员检查本域名的邮件设置。",
            ],
        ),
        (2, 1) => say(
            [
                "The mailbox has been switched off.",
                "Reach the recipient in another way, or ask for another address.",
            ],
            ["对方邮箱已停用。", "请通过其他方式联系收件人，或询问其他地址。"],
        ),
        (2, 2) => say(
            [
                "The recipient's mailbox is full.",
                "Tell the recipient in another way, and send again later.",
            ],
            ["收件人的邮箱已满。", "请通过其他方式告知收件人，稍后再重新发送。"],
        ),
        (2, 3) | (3, 4) => say(
            [
                "The message is larger than the recipient's server accepts.",
                "Make attachments smaller, or share them with a link, and send again.",
            ],
            [
                "邮件大小超过对方服务器的限制。",
                "请压缩附件或改用链接分享，然后重新发送。",
            ],
        ),
        (2, 4) => say(
            [
                "The mailing list could not be expanded.",
                "Ask the owner of the list to check it.",
            ],
            ["邮件群组无法展开。", "请联系群组的管理者进行检查。"],
        ),
        (3, 1) => say(
            ["The recipient's server has no space left.", "Send again later."],
            ["对方服务器存储空间不足。", "请稍后重新发送。"],
        ),
        (4, 1 | 2 | 5) => say(
            [
                "The recipient's server could not be reached or broke off the connection.",
                "Nothing is wrong with your message. Send again later, or reach the recipient in another way.",
            ],
            [
                "无法连接对方服务器，或对方中断了连接。",
                "您的邮件没有问题。请稍后重新发送，或通过其他方式联系收件人。",
            ],
        ),
        (4, 3 | 4) => say(
            [
                "The recipient's server could not be found in the domain name system.",
                "Check the spelling of the domain; if it is right, send again later.",
            ],
            [
                "在域名系统中找不到对方服务器。",
                "请检查域名的拼写；如果无误，请稍后重新发送。",
            ],
        ),
        (4, 6) => say(
            [
                "The message went round in circles between servers.",
                "Tell your administrator or the recipient: a forwarding somewhere leads back to itself.",
            ],
            [
                "邮件在服务器之间循环转发。",
                "请告知管理员或收件人：某处的转发设置又转回了原处。",
            ],
        ),
        (4, 7) => say(
            [
                "The message could not be delivered in the time allowed.",
                "Send again later, or reach the recipient in another way.",
            ],
            [
                "邮件未能在规定的时间内送达。",
                "请稍后重新发送，或通过其他方式联系收件人。",
            ],
        ),
        (6, 7..=9) => say(
            [
                "The recipient's server cannot handle addresses with international characters.",
                "Use an address in plain letters for yourself and the recipient, if there is one.",
            ],
            [
                "对方服务器不支持含有非英文字符的地址。",
                "如果您和收件人有只含英文字母的地址，请改用该地址。",
            ],
        ),
        (6, _) => say(
            [
                "The recipient's server cannot handle the form of this message.",
                "Send it as plain text, or share attachments with a link.",
            ],
            [
                "对方服务器无法处理此邮件的格式。",
                "请以纯文本形式发送，或用链接分享附件。",
            ],
        ),
        (7, 2) => say(
            [
                "You may not write to this group.",
                "Ask the group's owner or your administrator, or write to its members individually.",
            ],
            [
                "您无权向此邮件群组发信。",
                "请联系群组的管理者或管理员，或单独写信给各成员。",
            ],
        ),
        (7, 10 | 11) => say(
            [
                "No sufficiently protected connection to the recipient's server was possible.",
                "Ask your administrator; the recipient's server may be set up wrongly.",
            ],
            [
                "无法与对方服务器建立足够安全的连接。",
                "请联系管理员；对方服务器的设置可能有误。",
            ],
        ),
        (7, _) => say(
            [
                "The recipient's server refused the message by its rules.",
                "Look at the answer of the server below. If you think the refusal is a mistake, ask your administrator or the recipient.",
            ],
            [
                "对方服务器按其规则拒收了此邮件。",
                "请查看下面对方服务器的答复。如果您认为拒收有误，请联系管理员或收件人。",
            ],
        ),
        _ if status.0 == 4 => say(
            [
                "The recipient's server could not take the message for the time being.",
                "Send again later, or reach the recipient in another way.",
            ],
            [
                "对方服务器暂时无法接收此邮件。",
                "请稍后重新发送，或通过其他方式联系收件人。",
            ],
        ),
        _ => say(
            [
                "The recipient's server refused the message.",
                "Look at the answer of the server below, or ask your administrator.",
            ],
            ["对方服务器拒收了此邮件。", "请查看下面对方服务器的答复，或联系管理员。"],
        ),
    }
}
