//! The letter that new members find in their mailbox (ORG-10).

use hongyan_env::Env;
use hongyan_notice::{Notice, Recipient, Text};

use super::{read_tenant, set_page};
use crate::{AccountKind, AccountRecord, Change, Result, TenantRecord, Welcome};

/// Has it written, if the tenant wants one.
pub(crate) async fn greet(transaction: &mut Change, account: &AccountRecord, env: &Env) -> Result<()> {
    if account.kind != AccountKind::Member {
        return Ok(());
    }
    let (english, chinese) = match set_page::read(transaction, account.tenant).await?.welcome {
        Welcome::None => return Ok(()),
        Welcome::Own { subject, text } => (Text::new(&subject, &text), Text::new(&subject, &text)),
        Welcome::Standard => standard(&read_tenant(transaction, account.tenant).await?, account),
    };
    let notice = Notice::new(env, Recipient::Member(account.id), "member.welcome", english, chinese);
    transaction.send(&notice);
    Ok(())
}

fn standard(tenant: &TenantRecord, account: &AccountRecord) -> (Text, Text) {
    let (organisation, address) = (&tenant.name, &account.address);
    let english = Text::new(
        &format!("Welcome to {organisation}"),
        &format!(
            "Your mailbox is ready.\n\nYour address is {address}. It is also your login name, on the web and in mail programs.\n\n\
             Mail programs on computers and phones set themselves up from the address alone. Nobody will ever ask for your \
             password by mail.\n"
        ),
    );
    let chinese = Text::new(
        &format!("欢迎加入{organisation}"),
        &format!(
            "您的邮箱已开通。\n\n您的邮箱地址是 {address}，它也是您在网页和邮件客户端中的登录名。\n\n\
             电脑和手机上的邮件客户端只需填写邮箱地址即可自动完成设置。任何人都不会通过邮件向您索要密码。\n"
        ),
    );
    (english, chinese)
}
