//! OpenLDAP's own client (ldap-utils) over TLS and StartTLS. Skipped by name where it is not installed.

use std::path::Path;
use std::process::{Command, Output};

use hongyan_directory::NewAccount;
use hongyan_listener::{TlsConfig, TlsMode, self_signed};
use hongyan_miniature::{Miniature, Options, PASSWORD, USER};
use hongyan_session_ldap::{LdapServerSettings, LdapService, Parts};
use hongyan_types::Address;

const PROGRAM: &str = "/usr/bin/ldapsearch";
const WHO_AM_I: &str = "/usr/bin/ldapwhoami";
const BASE: &str = "dc=example,dc=test";

/// The certificate is the server's own, which GnuTLS takes for no authority: other tests look at certificates.
fn run(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.env("LDAPTLS_REQCERT", "never");
    command.args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(error))
}

#[test]
fn acc_20_ldapsearch_asks_over_tls() {
    if !Path::new(PROGRAM).exists() || !Path::new(WHO_AM_I).exists() {
        eprintln!("SKIPPED the directory with ldapsearch: it is not installed");
        return;
    }
    hongyan_actor::run(1, async {
        let node = Miniature::start(&Options::default()).await;
        let new = NewAccount {
            display_name: "张三".to_owned(),
            ..NewAccount::at(Address::try_from("zs@example.test").unwrap())
        };
        node.directory.create_account(&new).await.unwrap();
        let pem = self_signed(&["localhost".to_owned()]).unwrap();
        let tls = TlsConfig::from_pem(&[pem]).unwrap();
        let service = || {
            LdapService::new(Parts {
                env: node.env.clone(),
                directory: node.directory.clone(),
                access: node.access.clone(),
                settings: LdapServerSettings {
                    entries_max: 3,
                    ..LdapServerSettings::default()
                },
            })
        };
        let implicit = node.listen(service(), TlsMode::Implicit(tls.clone())).await;
        let upgraded = node.listen(service(), TlsMode::Upgrade(tls)).await;
        let ldaps = format!("ldaps://localhost:{}", implicit.local_address().port());
        let ldap = format!("ldap://localhost:{}", upgraded.local_address().port());
        let env = node.env.clone();
        let asked = env.run_blocking(move || {
            let ask = |program: &str, arguments: &[&str]| run(program, arguments);
            let bound = ["-x", "-LLL", "-D", USER, "-w", PASSWORD, "-b", BASE];
            let search = |url: &str, more: &[&str]| {
                let arguments = [&["-H", url][..], bound.as_slice(), more].concat();
                ask(PROGRAM, &arguments)
            };
            let filter = "(|(mail=*zhangs*)(cn=*zhangs*)(sn=*zhangs*))";
            for found in [
                search(&ldaps, &[filter, "mail"]),
                search(&ldap, &["-ZZ", filter, "mail"]),
            ] {
                let shown = text(&found);
                assert!(found.status.success(), "{shown}");
                let expect = "dn: uid=zs,ou=people,dc=example,dc=test\nmail: zs@example.test\n\n";
                assert_eq!(String::from_utf8_lossy(&found.stdout), expect, "{shown}");
            }
            // Page by page, without types, with what is not there, and with a limit of the client's own.
            let paged = search(&ldaps, &["-E", "pr=1/noprompt", "(objectClass=inetOrgPerson)", "cn"]);
            let shown = text(&paged);
            assert!(paged.status.success(), "{shown}");
            assert_eq!(shown.matches("dn: uid=").count(), 2, "{shown}");
            let limited = search(&ldaps, &["-z", "1", "(objectClass=inetOrgPerson)"]);
            assert_eq!(limited.status.code(), Some(4), "{}", text(&limited));
            let too_many = search(&ldaps, &["(objectClass=*)"]);
            assert_eq!(too_many.status.code(), Some(4), "{}", text(&too_many));
            assert!(text(&too_many).contains("at most 3 entries"), "{}", text(&too_many));
            let missing = search(&ldaps, &["-b", "ou=nothing,dc=example,dc=test"]);
            assert_eq!(missing.status.code(), Some(32), "{}", text(&missing));
            assert!(
                text(&missing).contains("Matched DN: dc=example,dc=test"),
                "{}",
                text(&missing)
            );
            // The root, before anybody has signed in.
            let root = ask(PROGRAM, &["-H", &ldap, "-x", "-LLL", "-b", "", "-s", "base", "+"]);
            assert!(
                text(&root).contains("supportedExtension: 1.3.6.1.4.1.1466.20037"),
                "{}",
                text(&root)
            );
            let anonymous = ask(PROGRAM, &["-H", &ldap, "-x", "-b", BASE]);
            assert_eq!(anonymous.status.code(), Some(8), "{}", text(&anonymous));
            let clear = search(&ldap, &[filter]);
            assert_eq!(clear.status.code(), Some(13), "{}", text(&clear));
            let wrong = ask(PROGRAM, &["-H", &ldaps, "-x", "-D", USER, "-w", "wrong", "-b", BASE]);
            assert_eq!(wrong.status.code(), Some(49), "{}", text(&wrong));
            let who = ask(WHO_AM_I, &["-H", &ldaps, "-x", "-D", USER, "-w", PASSWORD]);
            assert_eq!(text(&who).trim(), "dn:uid=anna,ou=people,dc=example,dc=test");
        });
        asked.await.unwrap();
        drop((implicit, upgraded));
        node.stop().await;
    });
}
