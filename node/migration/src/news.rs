//! What members and administrators are told (MIG-4, MIG-12).

use hongyan_env::Env;
use hongyan_notice::{Notice, Recipient, Text};
use hongyan_types::AccountId;

use crate::{Migration, Moving, MovingState};

/// A member's mail is to be moved.
pub(crate) fn begin(env: &Env, account: AccountId) -> Notice {
    let english = Text::new(
        "Your mail moves here",
        "Your organisation moves its mail to this system. What is in your old mailbox will be copied into this one; nothing \
         is changed or deleted there.\n\nIf you are asked for it, give your old address and password in the settings, and \
         fetching begins. The password is kept encrypted and is deleted when the move ends.\n",
    );
    let chinese = Text::new(
        "您的邮件将迁移到本系统",
        "您的单位正在将邮件迁移到本系统。旧邮箱中的邮件会复制到当前邮箱，旧邮箱中的内容不会被修改或删除。\n\n\
         如系统提示，请在设置中填写旧邮箱地址和密码，随后即开始收取。密码以加密方式保存，迁移结束后即被清除。\n",
    );
    Notice::new(env, Recipient::Member(account), "migration.begun", english, chinese)
}

/// What became of a member's mail.
pub(crate) fn of_account(env: &Env, moving: &Moving) -> Notice {
    let (came, total, failed) = (moving.imported + moving.present, moving.total, moving.failed);
    let (english, chinese) = if moving.state == MovingState::Done {
        (
            Text::new(
                "Your old mail is here",
                &format!(
                    "{came} of {total} messages from {} are in this mailbox, {failed} failed.\n",
                    moving.login
                ),
            ),
            Text::new(
                "旧邮件迁移完成",
                &format!(
                    "来自 {} 的 {total} 封邮件中，{came} 封已在本邮箱，{failed} 封失败。\n",
                    moving.login
                ),
            ),
        )
    } else {
        let reason = &moving.reason;
        (
            Text::new(
                "Your old mail could not be fetched",
                &format!(
                    "{came} of {total} messages from {} are in this mailbox. The rest could not be fetched: {reason}.\n",
                    moving.login
                ),
            ),
            Text::new(
                "旧邮件未能收取",
                &format!(
                    "来自 {} 的 {total} 封邮件中，{came} 封已在本邮箱，其余未能收取：{reason}。\n",
                    moving.login
                ),
            ),
        )
    };
    let kind = "migration.account-ended";
    Notice::new(env, Recipient::Member(moving.account), kind, english, chinese)
}

/// The migration is over; `counts` is by state.
pub(crate) fn ended(env: &Env, migration: &Migration, counts: &[u64; 7]) -> Notice {
    let [not_started, _, _, _, done, failed, given_up] = counts;
    let all: u64 = counts.iter().sum();
    let from = &migration.source_domain;
    let english = Text::new(
        &format!("The move of {from} has ended"),
        &format!(
            "Of {all} accounts of {from}, {done} are done, {failed} failed, {given_up} were given up and {not_started} were \
             never started. Passwords of the old system have been deleted here.\n"
        ),
    );
    let chinese = Text::new(
        &format!("{from} 的邮件迁移已结束"),
        &format!(
            "{from} 共 {all} 个帐号：{done} 个完成，{failed} 个失败，{given_up} 个放弃，{not_started} 个未开始。旧系统的密码已清除。\n"
        ),
    );
    let to = Recipient::Administrators(migration.tenant);
    Notice::new(env, to, "migration.ended", english, chinese)
}
