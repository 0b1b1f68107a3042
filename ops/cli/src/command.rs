//! The commands, one file each.

mod active_sync;
mod alias;
mod app_password;
mod application;
mod audit;
mod badge;
mod bulk;
mod clean_up;
pub(crate) mod cluster;
mod deleted_mail;
mod department;
mod department_number;
mod domain;
mod first_password;
mod group;
mod home;
mod import;
mod invitation;
mod ldap;
mod link;
mod log;
mod login;
mod member;
mod migration;
mod oauth;
mod operator_request;
mod organisation;
mod password;
mod plan;
mod queue;
mod recycle_bin;
mod role;
mod saml;
mod saml_application;
mod sanction;
mod seat;
mod secrets;
mod sent_mail;
mod session;
mod shared;
mod sheet;
mod sign_in;
mod sign_in_page;
mod single_sign_on;
mod statistics;
mod tag;
mod task;
mod terms;
mod token;
mod visibility;
mod webhook;

use std::path::Path;

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::output::Style;

/// What to do on a running server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Organisations: each owns domains, members and groups of its own.
    #[command(subcommand, alias = "tenant")]
    Organisation(organisation::Organisation),
    /// Plans: what organisations may have, and which has which.
    #[command(subcommand)]
    Plan(plan::Plan),
    /// What the operator does against abuse: warnings, limits, suspensions.
    #[command(subcommand)]
    Sanction(sanction::Sanction),
    /// What organisations ask of the operator: more members, verification.
    #[command(subcommand)]
    Request(operator_request::Request),
    /// Advanced seats of an organisation.
    #[command(subcommand)]
    Seat(seat::Seat),
    /// Mail domains of an organisation.
    #[command(subcommand)]
    Domain(domain::Domain),
    /// People and shared mailboxes.
    #[command(subcommand, alias = "account")]
    Member(member::Member),
    /// Ways in for those who are to come, and those who want to join.
    #[command(subcommand)]
    Invitation(invitation::Invitation),
    /// Mailboxes of those who left: given back, given on, or gone for good.
    #[command(subcommand)]
    RecycleBin(recycle_bin::RecycleBin),
    /// Mails that members have sent, and taking them back.
    #[command(subcommand)]
    SentMail(sent_mail::SentMail),
    /// Mails that were deleted for good and can be had back for a while.
    #[command(subcommand)]
    DeletedMail(deleted_mail::DeletedMail),
    /// Old, large or otherwise chosen mails of a member: shown, and deleted with `--delete`.
    CleanUp(clean_up::CleanUp),
    /// How the certificates from the authority stand.
    Certificates {
        /// Only those of its domains.
        #[command(flatten)]
        whose: Whose,
    },
    /// Names and ports for mail clients, with those for members abroad.
    ClientSettings,
    /// Departments of an organisation.
    #[command(subcommand)]
    Department(department::Department),
    /// What members and departments have in common.
    #[command(subcommand)]
    Tag(tag::Tag),
    /// Who sees whom in the directory.
    #[command(subcommand)]
    Visibility(visibility::Visibility),
    /// Links to other systems that an organisation shows its members.
    #[command(subcommand)]
    Link(link::Link),
    /// Pictures that lead to a mail to a member, for pages of their own.
    #[command(subcommand)]
    Badge(badge::Badge),
    /// Who may manage an organisation.
    #[command(subcommand)]
    Role(role::Role),
    /// Who did what.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Further addresses of a member.
    #[command(subcommand)]
    Alias(alias::Alias),
    /// Passwords for single mail clients.
    #[command(subcommand)]
    AppPassword(app_password::AppPassword),
    /// Who signed in, from where and with what result.
    #[command(subcommand)]
    Login(login::Login),
    /// What members sent and got, and lists as files.
    #[command(subcommand)]
    Log(log::Log),
    /// How members prove to be who they are.
    #[command(subcommand)]
    SignIn(sign_in::SignIn),
    /// What members accept before they use the web client.
    #[command(subcommand)]
    Terms(terms::Terms),
    /// Mail clients that sign in with tokens (OAuth), and who has let them in.
    #[command(subcommand)]
    Oauth(oauth::Oauth),
    /// Programs of an organisation's own that its members sign in to (OpenID Connect).
    #[command(subcommand)]
    Application(application::Application),
    /// Addresses whose mail goes to many.
    #[command(subcommand)]
    Group(group::Group),
    /// Mailboxes that several people use.
    #[command(subcommand)]
    Shared(shared::Shared),
    /// Who is signed in with a mail client.
    #[command(subcommand)]
    Session(session::Session),
    /// What programs prove themselves with to the admin API.
    #[command(subcommand)]
    Token(token::Token),
    /// What changes, posted to an organisation's programs.
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Sign-in at an organisation's own OpenID Connect provider.
    #[command(subcommand)]
    SingleSignOn(single_sign_on::SingleSignOn),
    /// Sign-in at an organisation's own SAML 2.0 identity provider.
    #[command(subcommand)]
    Saml(saml::Saml),
    /// Applications that members sign in to here by SAML 2.0.
    #[command(subcommand)]
    SamlApplication(saml_application::SamlApplication),
    /// Phones that sync over ActiveSync.
    #[command(subcommand)]
    ActiveSync(active_sync::ActiveSync),
    /// The LDAP directory that an organisation's people come from.
    #[command(subcommand)]
    Ldap(ldap::Ldap),
    /// An organisation at a glance: people, plan, seats, what is to be done first, last week.
    Home {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
    /// How much mail members send and get, how often they sign in.
    #[command(subcommand)]
    Statistics(statistics::Statistics),
    /// What the system has told the administrators.
    Messages {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
    /// Long work, such as imports.
    #[command(subcommand)]
    Task(task::Task),
    /// Mails from files of this machine: mbox, Maildir, EML.
    Import(import::Import),
    /// Mail from other systems, over IMAP or POP3.
    #[command(subcommand)]
    Migration(migration::Migration),
    /// Mail waiting to leave.
    #[command(subcommand)]
    Queue(queue::Queue),
    /// The keys that seal what the store keeps secret.
    #[command(subcommand)]
    Secrets(secrets::Secrets),
}

/// Runs a command against the server whose admin socket is `socket`.
///
/// # Errors
/// When the server cannot be reached or refuses; the text says why.
pub async fn run(command: &Command, socket: &Path, json: bool) -> Result<()> {
    let client = Client::new(socket);
    let style = if json { Style::Json } else { Style::Text };
    match command {
        Command::Organisation(command) => organisation::run(command, &client, style).await,
        Command::Plan(command) => plan::run(command, &client, style).await,
        Command::Sanction(command) => sanction::run(command, &client, style).await,
        Command::Request(command) => operator_request::run(command, &client, style).await,
        Command::Seat(command) => seat::run(command, &client, style).await,
        Command::Domain(command) => domain::run(command, &client, style).await,
        Command::Member(command) => member::run(command, &client, style).await,
        Command::Invitation(command) => invitation::run(command, &client, style).await,
        Command::RecycleBin(command) => recycle_bin::run(command, &client, style).await,
        Command::SentMail(command) => sent_mail::run(command, &client, style).await,
        Command::DeletedMail(command) => deleted_mail::run(command, &client, style).await,
        Command::Home { whose } => home::run(whose, &client, style).await,
        Command::CleanUp(command) => clean_up::run(command, &client, style).await,
        Command::Certificates { whose } => {
            let items = client.list("/api/certificates", &whose.query()).await?;
            crate::output::list(
                style,
                &items,
                &["domain", "state", "names", "not_after_millis", "error"],
            );
            Ok(())
        }
        Command::ClientSettings => {
            let found = client.get("/api/client-settings").await?;
            crate::output::list(
                style,
                &found["servers"],
                &["service", "host", "port", "security", "region"],
            );
            Ok(())
        }
        Command::Department(command) => department::run(command, &client, style).await,
        Command::Tag(command) => tag::run(command, &client, style).await,
        Command::Visibility(command) => visibility::run(command, &client, style).await,
        Command::Link(command) => link::run(command, &client, style).await,
        Command::Badge(command) => badge::run(command, &client, style).await,
        Command::Role(command) => role::run(command, &client, style).await,
        Command::Audit(command) => audit::run(command, &client, style).await,
        Command::Alias(command) => alias::run(command, &client, style).await,
        Command::AppPassword(command) => app_password::run(command, &client, style).await,
        Command::Login(command) => login::run(command, &client, style).await,
        Command::Log(command) => log::run(command, &client, style).await,
        Command::SignIn(command) => sign_in::run(command, &client, style).await,
        Command::Terms(command) => terms::run(command, &client, style).await,
        Command::Oauth(command) => oauth::run(command, &client, style).await,
        Command::Application(command) => application::run(command, &client, style).await,
        Command::Group(command) => group::run(command, &client, style).await,
        Command::Shared(command) => shared::run(command, &client, style).await,
        Command::Session(command) => session::run(command, &client, style).await,
        Command::Token(command) => token::run(command, &client, style).await,
        Command::Webhook(command) => webhook::run(command, &client, style).await,
        Command::SingleSignOn(command) => single_sign_on::run(command, &client, style).await,
        Command::Saml(command) => saml::run(command, &client, style).await,
        Command::SamlApplication(command) => saml_application::run(command, &client, style).await,
        Command::ActiveSync(command) => active_sync::run(command, &client, style).await,
        Command::Ldap(command) => ldap::run(command, &client, style).await,
        Command::Statistics(command) => statistics::run(command, &client, style).await,
        Command::Messages { whose } => {
            let items = client.list("/api/messages", &whose.query()).await?;
            crate::output::list(style, &items, &["id", "at_millis", "kind", "title"]);
            Ok(())
        }
        Command::Task(command) => task::run(command, &client, style).await,
        Command::Import(command) => import::run(command, &client, style).await,
        Command::Migration(command) => migration::run(command, &client, style).await,
        Command::Queue(command) => queue::run(command, &client, style).await,
        Command::Secrets(command) => secrets::run(command, &client, style).await,
    }
}

/// A limit in an argument; `none` removes it.
#[derive(Debug, Clone, Copy)]
pub struct Max(Option<u64>);

impl std::str::FromStr for Max {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self(None));
        }
        text.parse().map(|max| Self(Some(max))).map_err(|_| "a number, or none")
    }
}

/// What a `set` changes, which must be something.
fn changes(change: Map<String, Value>) -> Result<Value> {
    if change.is_empty() {
        bail!("nothing to change: name at least one option, see --help");
    }
    Ok(Value::Object(change))
}

/// A value in an argument; `none` removes it.
fn or_none(text: &str) -> Option<&str> {
    Some(text).filter(|text| *text != "none")
}

/// Which organisation a command is about.
#[derive(Debug, Clone, clap::Args)]
pub struct Whose {
    /// Whose, by the organisation's name; may be left out while there is one.
    #[arg(long, alias = "tenant")]
    organisation: Option<String>,
}

impl Whose {
    fn query(&self) -> String {
        let name = self.organisation.as_deref();
        name.map_or_else(String::new, |name| {
            format!("organisation={}&", crate::client::encode(name))
        })
    }
    /// The query alone, with its question mark.
    fn suffix(&self) -> String {
        format!("?{}", self.query())
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    #[derive(Parser)]
    struct All {
        #[command(subcommand)]
        command: super::Command,
    }

    #[test]
    fn arguments_are_read() {
        All::command().debug_assert();
        for line in [
            "x account set a@b --quota-octets 5 --quota-messages none --imap off --pop-range all",
            "x account add a@b --quota-octets 5 --no-password",
            "x tenant set A --accounts-max none --aliases-max 7 --postmaster none",
            "x account set a@b --language zh-CN",
            "x tenant set A --language none",
            "x queue retry 1-2 3-4",
            "x member import a.csv --dry-run --take-good --invited --domain b.test --department 3 --tenant A",
            "x member export a.xlsx --department 3 --department 4",
            "x member template a.csv --chinese",
            "x task cancel 3 --organisation A",
            "x request list --state waiting --organisation A",
            "x request ask-members 500 letter.png --text more --organisation A",
            "x request ask-verification a.pdf b.png",
            "x request document 1 2 x.pdf",
            "x request approve 1 --limit 400",
            "x request approve 1 --days 30",
            "x request refuse 1 --reason unreadable",
            "x member delete a@b --confirm-uses",
            "x member disable a@b --confirm-uses",
            "x member set a@b --recover-deleted off",
            "x member bulk move-to-departments a@b c@d --department 3 --dry-run",
            "x member bulk join-groups a@b --group g@b --tenant A",
            "x member bulk add-alias a@b=c@d e@b=f@d",
            "x member bulk delete --file members.txt --confirm-uses",
            "x group import a.csv --dry-run --take-good --domain b.test",
            "x group export a.xlsx --tenant A",
            "x group template a.csv --chinese",
            "x member unbind a@b",
            "x terms set --english a.txt --chinese b.txt --organisation A",
            "x terms show --installation",
            "x sign-in unbind a@b",
            "x webhook add Portal https://p.test/ --event mail --event member",
            "x webhook set 3 --on false",
            "x messages --organisation A",
            "x ldap set ldaps://ad.test dc=test --kind active-directory --bind-name u@test --attribute title=title:hongyan",
            "x ldap sync --dry-run --report r.csv --organisation A",
            "x deleted-mail restore a@b 1-2 3-4",
            "x sent-mail list a@b",
            "x home --organisation A",
            "x organisation connections A",
            "x clean-up a@b --older-than-days 365 --folder Archive --folder Sent",
            "x clean-up a@b --subject report --delete",
            "x clean-up a@b --delete 1-2-3 1-2-4",
            "x sent-mail show a@b 3",
            "x sent-mail recall a@b 3",
            "x certificates",
            "x client-settings",
            "x invitation add --label x --domain b.test --department 3 --review --uses 5 --days 2",
            "x invitation notify a@b c@d",
            "x visibility set --hide-departments 1,2 --hide-tags none --confine 4>2,3 --show-title on --show-phones on",
            "x badge set a@b --language zh-CN --name",
            "x badge remove a@b",
            "x link set Wiki https://w.test/ --name-zh 百科 --department 3 --tag 1 --place 1 --organisation A",
            "x link set Portal https://p.test/ --application portal --login-url https://p.test/login",
            "x link remove Wiki",
            "x invitation refuse 3 unknown",
            "x statistics members --from 2026-11-01",
            "x statistics time-zone Asia/Shanghai",
            "x recycle-bin list --tenant A",
            "x domain records d.test",
            "x domain licence d.test --text ICP-1 --remind 300",
            "x recycle-bin restore a@b --name Ben --invited",
            "x recycle-bin share a@b --name Info --member c@d --department 3",
            "x recycle-bin give a@b c@d",
            "x recycle-bin purge a@b",
            "x member list --text zs --department 3 --deep --tenant A",
            "x member set a@b --department 3 --department 4 --tag 1 --title Engineer --mobile +491 --seat advanced",
            "x department add Sales --under 3 --rank 2",
            "x department move 4 --under 0",
            "x department move Research/Compilers --under Sales",
            "x member add a@b --department Research/Compilers --department 4",
            "x role grant a@b delegated --function members --department Research",
            "x visibility set --hide-departments Board,2 --confine Interns>Sales,3",
            "x department delete 4 --members-to 0",
            "x tag set 3 --name T --department 1",
            "x role grant a@b super",
            "x role grant a@b delegated --function members --department 3",
            "x audit list --action member. --limit 5",
            "x audit verify --installation --noted 7:00",
            "x session list --account a@b",
            "x session revoke 00000000000000aa 00000000000000ab",
            "x session revoke --account a@b",
            "x app-password add a@b --name Phone --protocol imap --protocol submission --days 90",
            "x app-password add a@b --name Archive --read-only",
            "x app-password list a@b",
            "x app-password delete a@b 3",
            "x active-sync list a@b",
            "x active-sync wipe a@b phone1",
            "x active-sync keep a@b phone1",
            "x active-sync remove a@b phone1",
            "x sign-in policy set --active-sync on",
            "x sign-in show a@b",
            "x sign-in set a@b --secure-login on",
            "x sign-in set a@b --must-change-password off",
            "x sign-in set a@b --close pop3 --close imap --network 10.0.0.0/8 --force-secure-login on",
            "x sign-in policy show --tenant A",
            "x sign-in policy set --close none --network 10.0.0.0/8 --network ::1 --exempt a@b --exempt-department 3",
            "x organisation sign-in-page A --domain a.test --title Acme --title-zh-cn 甲 --colour #0a5c36 --layout left --logo l.png",
            "x organisation sign-in-page A --remove",
            "x organisation add A --no-trial-domain",
            "x organisation sign-in-form A --horizontal --domain a.test --domain b.test --no-forgotten --chinese",
            "x sign-in policy set --exit-page https://www.a.test/bye --organisation A",
            "x sign-in policy set --second-factor administrators --grace-days 3 --secure-login off",
            "x oauth set-client thunderbird --name Thunderbird --redirect http://localhost/ --scope mail",
            "x oauth clients",
            "x oauth delete-client thunderbird",
            "x oauth list a@b",
            "x oauth revoke a@b 00000000000000aa",
            "x application add portal --name Portal --redirect https://p.test/back --signed-out https://p.test/ --public",
            "x application list --organisation A",
            "x application show portal",
            "x application set portal --name Portal --signed-out none --has-secret true --tenant A",
            "x application delete portal",
            "x application rotate portal",
            "x login list --account a@b --failed",
            "x login list --tenant A --limit 5",
            "x sign-in reset a@b",
            "x sign-in devices a@b",
            "x sign-in distrust a@b 00000000000000aa",
            "x sign-in distrust a@b",
            "x group add-member g@b a@b c@d",
            "x group add g@b a@b --posting members --representative a@b --owner a@b --member-department 0 --member-tag 3",
            "x group add-department 3 b.test",
            "x group set g@b --posting custom --poster x@y --poster-department 3 --owner none --member-tag none",
            "x token add sync --scope members:read --scope groups:write --account a@b --network 10.0.0.0/8 --days none",
            "x shared allow info@b --member a@b --department 3 --read-only",
            "x shared withdraw info@b --member a@b",
            "x shared acts info@b",
            "x shared add info@b --name Info",
            "x token list --operator",
            "x token rotate 3",
            "x token revoke 3 4",
        ] {
            let read = All::try_parse_from(line.split(' '));
            assert!(
                read.is_ok(),
                "{line}: {}",
                read.err().map(|error| error.to_string()).unwrap_or_default()
            );
            let shown = format!("{:?}", read.map(|all| all.command).ok());
            assert!(!shown.is_empty());
        }
        assert!(All::try_parse_from(["x", "session", "revoke"]).is_err());
        assert!(All::try_parse_from("x account set a@b --quota-octets many".split(' ')).is_err());
    }
}
