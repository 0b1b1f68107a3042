//! What the pages say, in Chinese and English.

use axum::http::{HeaderMap, header};
use hongyan_access::{AccessError, Claim, PasskeyError, Protocol, Scope};

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

impl Language {
    /// The first of ours that the browser names (RFC 9110 §12.5.4; weights are in order in practice).
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let asked = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        let tags = asked
            .unwrap_or_default()
            .split(',')
            .map(|tag| tag.trim().to_ascii_lowercase());
        let known = tags.filter_map(|tag| match tag.get(..2)? {
            "zh" => Some(Self::Chinese),
            "en" => Some(Self::English),
            _ => None,
        });
        known.into_iter().next().unwrap_or(Self::English)
    }

    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    pub(crate) fn say(self, words: Words) -> &'static str {
        let (english, chinese) = words.both();
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// What a client may do, a line each.
    pub(crate) fn scope(self, scope: &Scope) -> Vec<&'static str> {
        let line = |protocol: &Protocol| match protocol {
            Protocol::Imap if scope.read_only => Some(Words::ImapReadOnly),
            Protocol::Imap => Some(Words::Imap),
            Protocol::Pop3 if scope.read_only => Some(Words::Pop3ReadOnly),
            Protocol::Pop3 => Some(Words::Pop3),
            Protocol::Submission => Some(Words::Submission),
            Protocol::Http if scope.read_only => Some(Words::JmapReadOnly),
            Protocol::Http => Some(Words::Jmap),
            Protocol::Web | Protocol::Ldap | Protocol::ActiveSync => None,
        };
        let heard = |claim: &Claim| match claim {
            Claim::OpenId => Words::KnowsWho,
            Claim::Profile => Words::KnowsName,
            Claim::Email => Words::KnowsAddress,
        };
        let lines = scope.protocols.iter().filter_map(line);
        let lines = lines.chain(scope.claims.iter().map(heard));
        lines.map(|words| self.say(words)).collect()
    }

    /// Of a text in both languages the one that there is, rather in this one.
    pub(crate) fn of_two<'t>(self, english: &'t str, chinese: &'t str) -> &'t str {
        match self {
            Self::English if !english.is_empty() => english,
            Self::Chinese if chinese.is_empty() => english,
            _ => chinese,
        }
    }

    /// Why somebody was not let in.
    pub(crate) fn error(self, error: &AccessError) -> String {
        let words = match error {
            AccessError::BadCredentials => Words::BadCredentials,
            AccessError::WrongCode => Words::WrongCode,
            AccessError::Passkey(PasskeyError::NotVerified) => Words::WeakPasskey,
            AccessError::Passkey(_) => Words::WrongPasskey,
            AccessError::LockedOut { .. } => Words::LockedOut,
            AccessError::Suspended => Words::Suspended,
            AccessError::AddressNotAllowed => Words::NotFromHere,
            AccessError::ProtocolClosed(_) => Words::Closed,
            AccessError::NotSignedIn => Words::SessionOver,
            AccessError::ProofNeeded => Words::ProveAgain,
            AccessError::NoTextGateway => Words::NoSms,
            AccessError::TextGatewayFailed => Words::SmsFails,
            AccessError::CodesUsedUp { .. } => Words::CodesUsedUp,
            AccessError::BadPassword(_) if self == Self::Chinese => Words::WeakPassword,
            other => return other.text(),
        };
        self.say(words).to_owned()
    }
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    SignIn,
    Address,
    Password,
    Continue,
    SecondFactor,
    Code,
    CodeHint,
    TrustDevice,
    UsePasskey,
    SingleSignOn,
    TypeAddress,
    SignedOut,
    SsoNone,
    SsoSealed,
    SsoAttempt,
    SsoDenied,
    SsoProvider,
    SamlRequest,
    SsoNobody,
    SsoTaken,
    SsoOverloaded,
    SsoRefused,
    SigningOut,
    SloTells,
    SloWaits,
    SloUntold,
    SloHint,
    SloRefused,
    ChangePassword,
    SetUpSecondFactor,
    ToWebClient,
    WantsAccess,
    SignedInAs,
    OtherAccount,
    Allow,
    Deny,
    AllowHint,
    ProveAgain,
    Device,
    DeviceHint,
    DeviceCode,
    DeviceFrom,
    DeviceWarning,
    DeviceAllowed,
    DeviceDenied,
    DeviceUnknown,
    Refused,
    UnknownClient,
    UnknownRedirect,
    BadCredentials,
    WrongCode,
    WrongPasskey,
    WeakPasskey,
    LockedOut,
    Suspended,
    NotFromHere,
    Closed,
    SessionOver,
    Imap,
    ImapReadOnly,
    Pop3,
    Pop3ReadOnly,
    Submission,
    Jmap,
    JmapReadOnly,
    KnowsWho,
    KnowsName,
    KnowsAddress,
    ForeignClient,
    SignOut,
    Forgot,
    Recover,
    RecoverHint,
    CodeByMail,
    CodeByPhone,
    CodeOfMyOwn,
    CodeWasSent,
    NewPassword,
    OtherWay,
    AskAdministrator,
    Recovered,
    WrongRecovery,
    SignInByPhone,
    Phone,
    PhoneHint,
    ChooseAccount,
    WrongSentCode,
    OtherDevice,
    TypeNumber,
    TypeNumberHint,
    NoOtherDevice,
    Terms,
    TermsHint,
    Accept,
    NoSms,
    SmsFails,
    CodesUsedUp,
    WeakPassword,
}

impl Words {
    fn both(self) -> (&'static str, &'static str) {
        self.of_pages()
            .or_else(|| self.of_single_sign_on())
            .or_else(|| self.of_answers())
            .or_else(|| self.of_codes())
            .unwrap_or(("", ""))
    }

    fn of_pages(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::SignIn => ("Sign in", "登录"),
            Self::Address => ("Mail address", "邮箱地址"),
            Self::Password => ("Password", "密码"),
            Self::Continue => ("Continue", "继续"),
            Self::SecondFactor => ("Second step", "两步验证"),
            Self::Code => ("Code", "验证码"),
            Self::CodeHint => (
                "The six digits of your authenticator app, or a recovery code.",
                "请输入验证器应用显示的六位数字，或一个恢复码。",
            ),
            Self::TrustDevice => ("Trust this browser from now on", "以后信任此浏览器"),
            Self::UsePasskey => ("Use a passkey", "使用通行密钥"),
            Self::ChangePassword => (
                "Your password has to be changed first. Sign in to the web client and change it, then come back.",
                "请先修改密码：登录网页邮箱修改后再返回此页。",
            ),
            Self::SetUpSecondFactor => (
                "Your organisation asks for a second factor. Sign in to the web client and set one up, then come back.",
                "您的组织要求两步验证：请登录网页邮箱完成设置后再返回此页。",
            ),
            Self::ToWebClient => ("To the web client", "前往网页邮箱"),
            Self::WantsAccess => ("wants access to your mail", "请求访问您的邮件"),
            Self::SignedInAs => ("You are signed in as", "当前登录账号"),
            Self::OtherAccount => ("Use another account", "使用其他账号"),
            Self::Allow => ("Allow", "允许"),
            Self::Deny => ("Deny", "拒绝"),
            Self::AllowHint => (
                "You can take this back at any time in the security settings.",
                "您可以随时在安全设置中撤销此授权。",
            ),
            Self::ProveAgain => ("Show again who you are to go on.", "请再次验证身份后继续。"),
            Self::Device => ("Connect a device", "连接设备"),
            Self::DeviceHint => ("Type the code that the device shows.", "请输入设备上显示的代码。"),
            Self::DeviceCode => ("Code of the device", "设备代码"),
            Self::DeviceFrom => ("The device asks from the address", "设备请求来自地址"),
            Self::DeviceWarning => (
                "Go on only if you have started this yourself and the code is on your own device.",
                "仅当此操作由您本人发起且代码显示在您自己的设备上时才继续。",
            ),
            _ => return None,
        })
    }

    fn of_single_sign_on(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::SingleSignOn => ("Single sign-on", "单点登录"),
            Self::TypeAddress => ("Type your mail address first.", "请先输入您的邮箱地址。"),
            Self::SignedOut => ("You are signed out", "您已退出登录"),
            Self::SsoSealed => (
                "Single sign-on does not work: the server cannot use the secret that the provider gave it. An administrator has to set it anew.",
                "单点登录不可用：服务器无法使用身份提供方的密钥，请联系管理员重新设置。",
            ),
            Self::SsoNone => ("There is no single sign-on for this address.", "此地址未启用单点登录。"),
            Self::SsoAttempt => (
                "This sign-in was not begun in this browser, or took too long. Begin again.",
                "此登录并非由本浏览器发起或已超时，请重新开始。",
            ),
            Self::SsoDenied => (
                "Your organisation's sign-in has not let you in.",
                "您的组织登录服务未允许登录。",
            ),
            Self::SamlRequest => (
                "The application has asked for something that cannot be followed. Go back to it and begin again; if that does not help, tell your administrator.",
                "应用发来的请求无法处理。请返回该应用重新开始；如仍不成功，请联系管理员。",
            ),
            Self::SsoProvider => (
                "Something is wrong with your organisation's sign-in. Tell your administrator:",
                "您的组织登录服务出现问题，请告知管理员：",
            ),
            Self::SsoNobody => (
                "You are signed in at your organisation, but have no account here. Ask your administrator.",
                "您已在组织登录，但在此没有账号，请联系管理员。",
            ),
            Self::SsoTaken => ("This identity belongs to another account.", "该身份已绑定其他账号。"),
            Self::SsoOverloaded => (
                "Too many people sign in at the moment. Try again soon.",
                "当前登录人数过多，请稍后再试。",
            ),
            Self::SsoRefused => ("You are not let in:", "无法登录："),
            Self::SigningOut => ("Signing out", "正在退出登录"),
            Self::SloTells => ("You are being signed out at:", "正在退出："),
            Self::SloWaits => (
                "You are signed out here. This has not answered whether you are signed out there, too:",
                "您已在此退出登录。尚未收到以下应用的退出确认：",
            ),
            Self::SloUntold => (
                "You are signed out here. You may still be signed in at:",
                "您已在此退出登录，但可能仍登录于：",
            ),
            Self::SloHint => (
                "Sign out there yourself, or close the browser if others use it, too.",
                "请自行在上述应用中退出；如与他人共用此浏览器，请将其关闭。",
            ),
            Self::SloRefused => (
                "A message about signing out cannot be believed. If this comes again, tell your administrator:",
                "关于退出登录的消息不可信。如再次出现，请告知管理员：",
            ),
            _ => return None,
        })
    }

    fn of_codes(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Forgot => ("Forgot the password?", "忘记密码？"),
            Self::Recover => ("Set a new password", "重设密码"),
            Self::RecoverHint => (
                "Type your mail address and choose how you show who you are. Without any of these ways, ask your administrator.",
                "请输入邮箱地址并选择验证方式。如果以下方式都不可用，请联系管理员。",
            ),
            Self::CodeByMail => ("Code to my recovery mailbox", "发送验证码到安全邮箱"),
            Self::CodeByPhone => ("Code to my phone", "发送短信验证码"),
            Self::CodeOfMyOwn => ("Authenticator app or recovery code", "使用验证器应用或恢复码"),
            Self::CodeWasSent => (
                "If this is set up for the account, a code is on its way. It is good for some minutes.",
                "如果该账号已设置此方式，验证码已发出，几分钟内有效。",
            ),
            Self::NewPassword => ("New password", "新密码"),
            Self::OtherWay => ("Another way", "其他方式"),
            Self::AskAdministrator => (
                "If no code comes and you have no other way, ask your administrator.",
                "如果没有收到验证码且没有其他方式，请联系管理员。",
            ),
            Self::Recovered => (
                "Your new password is set. Other sessions have ended: sign in with it.",
                "新密码已设置，其他会话已结束，请使用新密码登录。",
            ),
            Self::WrongRecovery => (
                "The code is wrong or no longer good, or this way is not set up for the account.",
                "验证码错误或已失效，或该账号未设置此方式。",
            ),
            Self::SignInByPhone => ("Sign in with a code to your phone", "短信验证码登录"),
            Self::Phone => ("Phone number", "手机号码"),
            Self::PhoneHint => (
                "With its country, such as +86 138 0013 8000.",
                "中国大陆号码可直接输入，其他国家和地区请加区号，例如 +852。",
            ),
            Self::ChooseAccount => ("Choose an account", "请选择账号"),
            Self::WrongSentCode => ("The code is wrong or no longer good.", "验证码错误或已失效。"),
            Self::OtherDevice => ("Confirm on another device", "在其他设备上确认"),
            Self::TypeNumber => (
                "Open the web client where you are signed in, and type this number there:",
                "请在已登录的设备上打开网页邮箱，输入以下数字：",
            ),
            Self::TypeNumberHint => (
                "It is good for some minutes. Once you have confirmed, go on here.",
                "数字几分钟内有效。确认后请在此继续。",
            ),
            Self::NoOtherDevice => (
                "No other device is signed in that could confirm it.",
                "没有其他已登录的设备可以确认。",
            ),
            Self::Terms => ("Terms", "使用条款"),
            Self::TermsHint => ("Read and accept these terms to go on.", "请阅读并接受以下条款后继续。"),
            Self::Accept => ("I accept", "我接受"),
            Self::NoSms => ("Codes by SMS are not offered here.", "此服务器未提供短信验证码。"),
            Self::SmsFails => (
                "Messages cannot be sent at the moment. Try again later, or use another way.",
                "暂时无法发送短信，请稍后重试或使用其他方式。",
            ),
            Self::CodesUsedUp => (
                "No more codes are sent today. Try again later, or use another way.",
                "今日验证码发送次数已用完，请稍后重试或使用其他方式。",
            ),
            Self::WeakPassword => (
                "The password is not good enough: upper and lower case letters and digits, nothing of your name or address, none that is common.",
                "密码强度不足：需包含大小写字母和数字，不能含姓名或邮箱信息，不能是常见密码。",
            ),
            _ => return None,
        })
    }

    fn of_answers(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::DeviceAllowed => (
                "The device is let in. You may close this page.",
                "设备已获授权，您可以关闭此页面。",
            ),
            Self::DeviceDenied => (
                "The device is not let in. You may close this page.",
                "已拒绝该设备，您可以关闭此页面。",
            ),
            Self::DeviceUnknown => (
                "No device waits with this code: it may have been mistyped, or its time is over.",
                "没有设备在等待此代码：可能输入有误或已过期。",
            ),
            Self::Refused => ("This does not work", "无法继续"),
            Self::UnknownClient => (
                "The program that sent you here is not registered with this server.",
                "引导您到此页的程序未在本服务器注册。",
            ),
            Self::UnknownRedirect => (
                "The program that sent you here wants to be answered at a place that is not registered for it.",
                "引导您到此页的程序要求返回到未注册的地址。",
            ),
            Self::BadCredentials => ("Address or password is wrong.", "邮箱地址或密码错误。"),
            Self::WrongCode => (
                "The code is wrong or was used before. Check the clock of the device that shows it.",
                "验证码错误或已使用，请检查设备时钟。",
            ),
            Self::WrongPasskey => (
                "The passkey was not accepted, or it took too long. Try again.",
                "通行密钥未被接受或已超时，请重试。",
            ),
            Self::WeakPasskey => (
                "This passkey does not check who uses it. Sign in with your password first.",
                "此通行密钥不验证使用者身份，请先使用密码登录。",
            ),
            Self::LockedOut => (
                "Too many failed attempts. Try again later.",
                "失败次数过多，请稍后再试。",
            ),
            Self::Suspended => ("The account is suspended.", "该账号已停用。"),
            Self::NotFromHere => (
                "Signing in from this address is not allowed.",
                "不允许从此网络地址登录。",
            ),
            Self::Closed => (
                "The web client is switched off for this account.",
                "该账号的网页登录已关闭。",
            ),
            Self::SessionOver => ("The session is over: sign in again.", "会话已结束，请重新登录。"),
            Self::Imap => ("Read and change your mail (IMAP)", "收取和管理您的邮件 (IMAP)"),
            Self::ImapReadOnly => ("Read your mail (IMAP)", "读取您的邮件 (IMAP)"),
            Self::Pop3 => ("Fetch your mail (POP3)", "收取您的邮件 (POP3)"),
            Self::Pop3ReadOnly => ("Fetch your mail and leave it (POP3)", "收取但不删除您的邮件 (POP3)"),
            Self::Submission => ("Send mail in your name (SMTP)", "以您的名义发送邮件 (SMTP)"),
            Self::Jmap => (
                "Read, change and send your mail (JMAP)",
                "读取、管理和发送您的邮件 (JMAP)",
            ),
            Self::JmapReadOnly => ("Read your mail (JMAP)", "读取您的邮件 (JMAP)"),
            Self::KnowsWho => ("Know that it is you who signs in", "确认登录者是您本人"),
            Self::KnowsName => ("Know your name", "获知您的姓名"),
            Self::KnowsAddress => ("Know your mail address", "获知您的邮箱地址"),
            Self::ForeignClient => (
                "This application is for members of another organisation.",
                "该应用仅供其他组织的成员使用。",
            ),
            Self::SignOut => ("Sign out", "退出登录"),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_browser_says_which_language() {
        let check = |asked: &'static str, expect: Language| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(asked));
            assert_eq!(Language::of(&headers), expect, "{asked}");
        };
        check("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese);
        check("de, en;q=0.5, zh;q=0.1", Language::English);
        check("de, zh", Language::Chinese);
        check("", Language::English);
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }

    #[test]
    fn everything_is_said_in_both_languages() {
        let all = [
            Words::SignIn,
            Words::Forgot,
            Words::Recover,
            Words::RecoverHint,
            Words::CodeByMail,
            Words::CodeByPhone,
            Words::CodeOfMyOwn,
            Words::CodeWasSent,
            Words::NewPassword,
            Words::OtherWay,
            Words::AskAdministrator,
            Words::Recovered,
            Words::WrongRecovery,
            Words::SignInByPhone,
            Words::Phone,
            Words::PhoneHint,
            Words::ChooseAccount,
            Words::WrongSentCode,
            Words::OtherDevice,
            Words::TypeNumber,
            Words::TypeNumberHint,
            Words::NoOtherDevice,
            Words::Terms,
            Words::TermsHint,
            Words::Accept,
            Words::NoSms,
            Words::SmsFails,
            Words::CodesUsedUp,
            Words::WeakPassword,
            Words::Address,
            Words::Password,
            Words::Continue,
            Words::SecondFactor,
            Words::Code,
            Words::CodeHint,
            Words::TrustDevice,
            Words::UsePasskey,
            Words::SingleSignOn,
            Words::TypeAddress,
            Words::SignedOut,
            Words::SsoSealed,
            Words::SsoNone,
            Words::SsoAttempt,
            Words::SsoDenied,
            Words::SamlRequest,
            Words::SsoProvider,
            Words::SsoNobody,
            Words::SsoTaken,
            Words::SsoOverloaded,
            Words::SsoRefused,
            Words::SigningOut,
            Words::SloTells,
            Words::SloWaits,
            Words::SloUntold,
            Words::SloHint,
            Words::SloRefused,
            Words::ChangePassword,
            Words::SetUpSecondFactor,
            Words::ToWebClient,
            Words::WantsAccess,
            Words::SignedInAs,
            Words::OtherAccount,
            Words::Allow,
            Words::Deny,
            Words::AllowHint,
            Words::ProveAgain,
            Words::Device,
            Words::DeviceHint,
            Words::DeviceCode,
            Words::DeviceFrom,
            Words::DeviceWarning,
            Words::DeviceAllowed,
            Words::DeviceDenied,
            Words::DeviceUnknown,
            Words::Refused,
            Words::UnknownClient,
            Words::UnknownRedirect,
            Words::BadCredentials,
            Words::WrongCode,
            Words::WrongPasskey,
            Words::WeakPasskey,
            Words::LockedOut,
            Words::Suspended,
            Words::NotFromHere,
            Words::Closed,
            Words::SessionOver,
            Words::Imap,
            Words::ImapReadOnly,
            Words::Pop3,
            Words::Pop3ReadOnly,
            Words::Submission,
            Words::Jmap,
            Words::JmapReadOnly,
        ];
        for words in all {
            let (english, chinese) = words.both();
            assert!(english.is_ascii() && !english.is_empty(), "{words:?}");
            assert!(!chinese.is_ascii(), "{words:?}");
        }
    }
}
