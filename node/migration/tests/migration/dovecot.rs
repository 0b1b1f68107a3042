//! Mail comes from a real Dovecot, with members' passwords and by a master user (MIG-8).

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hongyan_audit::Author;
use hongyan_migration::{Delegation, MovingState, NewMigration, Protocol};
use hongyan_miniature::Options;
use hongyan_sasl::Secret;

use crate::support::{Here, LOGIN, options, source};

const PROGRAM: &str = "/usr/sbin/dovecot";

/// Ends with the test.
struct Dovecot {
    child: Child,
    port: u16,
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // It ends its own processes.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Says why where there is none.
fn is_missing() -> bool {
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.starts_with(b"0"));
    let missing = !Path::new(PROGRAM).exists() || !Path::new("/usr/lib/dovecot/imap").exists() || !is_root;
    if missing {
        eprintln!("SKIPPED mail from Dovecot: dovecot-imapd is not installed, or this is not root");
    }
    missing
}

async fn start(here: &Here, folder: &Path) -> Dovecot {
    let listener = here.node.env.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let port = listener.local_address().unwrap().port();
    drop(listener);
    let base = folder.display();
    std::fs::write(folder.join("users"), format!("{LOGIN}:{{PLAIN}}old::::::\n")).unwrap();
    std::fs::write(folder.join("masters"), "mover:{PLAIN}master::::::\n").unwrap();
    let config = format!(
        "base_dir = {base}/run\nstate_dir = {base}/state\nlog_path = {base}/log\nprotocols = imap\nssl = no\n\
         disable_plaintext_auth = no\nauth_mechanisms = plain\nauth_master_user_separator = *\n\
         mail_location = maildir:{base}/mail/%u:LAYOUT=fs\nfirst_valid_uid = 1\n\
         mail_uid = nobody\nmail_gid = nogroup\ndefault_internal_user = nobody\ndefault_login_user = nobody\n\
         default_internal_group = nogroup\n\
         passdb {{\n driver = passwd-file\n args = {base}/masters\n master = yes\n}}\n\
         passdb {{\n driver = passwd-file\n args = {base}/users\n}}\n\
         userdb {{\n driver = static\n args = uid=nobody gid=nogroup home={base}/home allow_all_users=yes\n}}\n\
         service imap-login {{\n chroot =\n inet_listener imap {{\n  address = 127.0.0.1\n  port = {port}\n }}\n}}\n\
         service anvil {{\n chroot =\n}}\n\
         namespace inbox {{\n inbox = yes\n separator = /\n mailbox Outgoing {{\n  special_use = \\Sent\n }}\n}}\n"
    );
    let path = folder.join("dovecot.conf");
    std::fs::write(&path, config).unwrap();
    for name in ["mail", "home"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    let boxes = [("", 3), ("Outgoing", 1), ("&XfJT0ZAB-", 1), ("Work/Deep", 2)];
    let root = folder.join("mail").join(LOGIN);
    for (name, count) in boxes {
        let maildir = root.join(name);
        for part in ["cur", "new", "tmp"] {
            std::fs::create_dir_all(maildir.join(part)).unwrap();
        }
        for number in 0..count {
            let mail = crate::support::mail(number + name.len() * 10, 0);
            std::fs::write(maildir.join("cur").join(format!("{number}.test:2,FS")), mail).unwrap();
        }
    }
    let owned = Command::new("chown")
        .args(["-R", "nobody:nogroup"])
        .arg(folder)
        .status();
    assert!(owned.unwrap().success());
    let opened = Command::new("chmod").arg("755").arg(folder).status();
    assert!(opened.unwrap().success());
    let child = Command::new(PROGRAM)
        .arg("-F")
        .arg("-c")
        .arg(&path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut dovecot = Dovecot { child, port };
    while here.node.env.connect(([127, 0, 0, 1], port).into()).await.is_err() {
        if let Ok(Some(ended)) = dovecot.child.try_wait() {
            let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            panic!("Dovecot ended: {ended}: {log}");
        }
        here.node.env.sleep(Duration::from_millis(20)).await;
    }
    dovecot
}

async fn check_content(here: &Here) {
    let content = here.content().await;
    let counts: Vec<(&str, usize)> = content
        .iter()
        .map(|(path, mails)| (path.as_str(), mails.len()))
        .collect();
    // `已发送` means sent, but Dovecot says that another folder is: it keeps its name.
    assert_eq!(counts, [("INBOX", 3), ("Sent", 1), ("Work/Deep", 2), ("已发送", 1)]);
    assert!(
        content
            .iter()
            .all(|(_, mails)| mails.iter().all(|mail| mail.contains("flagged+seen"))),
        "{content:?}"
    );
}

#[test]
fn mig_3_mail_comes_from_dovecot() {
    if is_missing() {
        return;
    }
    hongyan_actor::run(0, async {
        let here = Here::start(options(), &Options::default()).await;
        let folder = tempfile::tempdir().unwrap();
        let dovecot = start(&here, folder.path()).await;
        let migration = here.create(source(Protocol::Imap, dovecot.port)).await;
        here.give(&migration, LOGIN, "wrong").await;
        let failed = here.over(&migration).await;
        assert_eq!(failed.state, MovingState::Failed, "{failed:?}");
        here.give(&migration, LOGIN, "old").await;
        let done = here
            .until(&migration, |moving| moving.imported > 0 && moving.state.is_over())
            .await;
        assert_eq!(
            (done.state, done.imported, done.total),
            (MovingState::Done, 7, 7),
            "{done:?}"
        );
        check_content(&here).await;
        here.stop().await;
    });
}

#[test]
fn mig_8_a_master_user_of_dovecot_moves_without_members_passwords() {
    if is_missing() {
        return;
    }
    hongyan_actor::run(0, async {
        for form in [Delegation::Star, Delegation::Authzid] {
            let here = Here::start(options(), &Options::default()).await;
            let folder = tempfile::tempdir().unwrap();
            let dovecot = start(&here, folder.path()).await;
            let new = NewMigration {
                source: source(Protocol::Imap, dovecot.port),
                source_domain: "example.test".to_owned(),
                target_domain: "example.test".to_owned(),
                delegated: Some(("mover".to_owned(), form, Secret::new("master"))),
                takes_new: false,
                tells: false,
            };
            let tenant = here.node.mailbox.tenant;
            let migration = here.migrations.create(tenant, Author::system(), new).await.unwrap();
            let done = here.over(&migration).await;
            assert_eq!(
                (done.state, done.imported),
                (MovingState::Done, 7),
                "{form:?}: {done:?}"
            );
            check_content(&here).await;
            here.stop().await;
        }
    });
}
