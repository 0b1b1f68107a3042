//! Mails that sign-in sends: codes to outside mailboxes, and what an account's owner has to hear of (AUTH-12, AUTH-28).

use hongyan_directory::{AccountRecord, Error, Factors};
use hongyan_kv::Transaction;
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_sasl::Secret;
use hongyan_types::{AccountId, Address};

use crate::{Access, AccessError};

/// What a code that is mailed is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodeFor {
    /// The mailbox is to be the account's recovery mailbox.
    Mailbox,
    /// The password is forgotten.
    Recovery,
}

impl Access {
    /// A mail with a code, to a mailbox outside.
    pub(crate) fn code_letter(&self, account: &AccountRecord, to: &Address, code: &Secret, purpose: CodeFor) -> Notice {
        let (address, code, minutes) = (&account.address, code.reveal(), self.0.options.sent_code_secs / 60);
        let (english, chinese) = match purpose {
            CodeFor::Mailbox => (
                format!("to make this mailbox the recovery mailbox of {address}"),
                format!("用于将本邮箱设为 {address} 的安全邮箱"),
            ),
            CodeFor::Recovery => (
                format!("to set a new password for {address}"),
                format!("用于重设 {address} 的密码"),
            ),
        };
        let english = Text::new(
            &format!("Code for {address}"),
            &format!(
                "Your code {english}:\n\n    {code}\n\nIt is good for {minutes} minutes. Tell it to nobody.\n\
                 If you have not asked for it, there is nothing to do: without the code nothing changes.\n"
            ),
        );
        let chinese = Text::new(
            &format!("{address} 的验证码"),
            &format!(
                "您的验证码（{chinese}）：\n\n    {code}\n\n{minutes} 分钟内有效，请勿告诉他人。\n如非本人操作，请忽略此邮件：没有验证码，账号不会有任何变化。\n"
            ),
        );
        let to = Recipient::Outside {
            tenant: account.tenant,
            address: to.clone(),
            about: Some(account.id),
        };
        Notice::new(&self.0.env, to, "account.code", english, chinese)
    }

    /// All mailboxes of an account's owner: its own, the recovery mailbox, the private address.
    fn everywhere(account: &AccountRecord, factors: &Factors) -> Vec<Recipient> {
        let private = Address::try_from(account.profile.private_address.as_str()).ok();
        let mut outside: Vec<Address> = factors.recovery_mailbox.iter().cloned().chain(private).collect();
        outside.dedup_by_key(|address| address.key());
        let outside = outside.into_iter().map(|address| Recipient::Outside {
            tenant: account.tenant,
            address,
            about: Some(account.id),
        });
        std::iter::once(Recipient::Member(account.id)).chain(outside).collect()
    }

    /// Tells an account's owner, everywhere they are reached, that an administrator took away what proves them.
    pub(crate) async fn tell_of_reset(&self, account: AccountId, factors: &Factors) -> Result<(), AccessError> {
        let Some(owner) = self.0.directory.account(account).await? else {
            return Ok(());
        };
        let address = &owner.address;
        let english = Text::new(
            &format!("The sign-in of {address} was reset"),
            &format!(
                "An administrator has removed the second factor, the phone or the recovery mailbox of {address}.\n\n\
                 Set them up again in the security settings. If you have not asked for it, tell your administrator now.\n"
            ),
        );
        let chinese = Text::new(
            &format!("{address} 的登录验证方式已重置"),
            &format!(
                "管理员已移除账号 {address} 的两步验证、绑定手机或安全邮箱。\n\n请在安全设置中重新设置。如非您本人申请，请立即联系管理员。\n"
            ),
        );
        let letters: Vec<Notice> = Self::everywhere(&owner, factors)
            .into_iter()
            .map(|to| {
                let (english, chinese) = (english.clone(), chinese.clone());
                Notice::new(&self.0.env, to, "account.sign-in-reset", english, chinese)
            })
            .collect();
        let tell = async move |transaction: &mut Transaction| {
            for letter in &letters {
                hongyan_notice::write(transaction, letter);
            }
            Ok::<_, hongyan_kv::Error>(())
        };
        Ok(self.0.database.run(tell).await.map_err(Error::from)?)
    }

    /// Mails that tell of a new password, and from where it was set.
    pub(crate) fn password_letters(
        &self,
        account: &AccountRecord,
        factors: &Factors,
        peer: &str,
        is_recovered: bool,
    ) -> Vec<Notice> {
        let address = &account.address;
        let (how, how_chinese) = match is_recovered {
            true => (" because it was forgotten", "（通过找回密码）"),
            false => ("", ""),
        };
        let english = Text::new(
            &format!("The password of {address} was changed"),
            &format!(
                "The password of {address} was changed{how}.\n\nFrom the address: {peer}\n\n\
                 Other sessions and trusted devices have ended. If it was not you, tell your administrator now.\n"
            ),
        );
        let chinese = Text::new(
            &format!("{address} 的密码已修改"),
            &format!(
                "您的账号 {address} 的密码已修改{how_chinese}。\n\n来源地址：{peer}\n\n其他会话和受信任设备已失效。如非本人操作，请立即联系管理员。\n"
            ),
        );
        let letters = Self::everywhere(account, factors).into_iter().map(|to| {
            Notice::new(
                &self.0.env,
                to,
                "account.password-changed",
                english.clone(),
                chinese.clone(),
            )
        });
        letters.collect()
    }
}
