//! The lists of a JMAP client: a page of a mailbox with its threads in one request (RFC 8621 §4.10), and queries of a large
//! mailbox in one order or another.

use crate::connect::{Connector, Link};
use crate::drive::{Load, drive};
use crate::fill;
use crate::imap::Imap;
use crate::options::{Options, Tls};
use anyhow::{Context, Result, bail};
use base64::Engine;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// A page of 50 mails: their ids, what a list shows of them and of their threads.
    View,
    /// 50 ids from somewhere in the mailbox, in the order asked for, and how many there are.
    Query,
    /// A connection that signs in, reads its session object and leaves.
    Login,
}

#[derive(Debug, Clone, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub options: Options,
    /// What is asked for.
    #[arg(long, value_enum, default_value = "view")]
    pub what: What,
    /// Messages in the folder; it is made and filled before the run.
    #[arg(long, default_value_t = 10_000)]
    pub messages: u64,
    /// Octets of each message.
    #[arg(long, default_value_t = 1_024)]
    pub octets: usize,
    /// Port of IMAP on the same host, in clear, by which the folder is filled.
    #[arg(long)]
    pub imap_port: Option<u16>,
    /// The order of a query: receivedAt, sentAt, subject, from, to, size.
    #[arg(long, default_value = "receivedAt")]
    pub sort: String,
    /// The field by which a client signs in, where that is not the password: `authorization: Bearer ...` or `cookie: ...`.
    #[arg(long)]
    pub proof: Option<String>,
}

/// How many mails a page has.
const PAGE: u64 = 50;

struct Lists<'a> {
    arguments: &'a Arguments,
    connector: &'a Connector,
    folder: String,
}

/// A connection over which requests go one after the other.
struct Session {
    /// None between two logins.
    link: Option<Link>,
    proof: String,
    account: String,
    mailbox: String,
}

/// Sends a request; the answer's body.
async fn ask(link: &mut Link, proof: &str, path: &str, body: Option<&Value>) -> Result<Vec<u8>> {
    let (method, body) = match body {
        Some(body) => ("POST", body.to_string()),
        None => ("GET", String::new()),
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{proof}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    link.send(&[head.as_bytes(), body.as_bytes()].concat()).await?;
    let status = link.text().await?;
    let mut octets = None;
    loop {
        let line = link.text().await?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(length) = line.strip_prefix("content-length:") {
            octets = Some(length.trim().parse::<usize>().context("read the length")?);
        }
    }
    let answer = link.take(octets.context("the answer has no length")?).await?;
    if !status.contains(" 200 ") {
        bail!("{status}: {}", String::from_utf8_lossy(&answer));
    }
    Ok(answer)
}

impl Session {
    async fn call(&mut self, calls: Value) -> Result<Vec<u8>> {
        let using = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:mail"];
        let request = json!({"using": using, "methodCalls": calls});
        let link = self.link.as_mut().context("the connection is closed")?;
        ask(link, &self.proof, "/jmap/api", Some(&request)).await
    }
}

impl Lists<'_> {
    fn proof(&self) -> String {
        let options = &self.arguments.options;
        self.arguments.proof.clone().unwrap_or_else(|| {
            let pair = format!("{}:{}", options.user(0), options.password);
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            format!("authorization: Basic {pair}")
        })
    }
}

impl Load for Lists<'_> {
    type Session = Session;

    async fn open(&self, _: usize) -> Result<Session> {
        let options = &self.arguments.options;
        let mut session = Session {
            link: None,
            proof: self.proof(),
            account: String::new(),
            mailbox: String::new(),
        };
        if self.arguments.what == What::Login {
            return Ok(session);
        }
        let link = session.link.insert(self.connector.connect(options).await?);
        let object = ask(link, &session.proof, "/jmap/session", None).await?;
        let object: Value = serde_json::from_slice(&object).context("read the session object")?;
        let account = object["primaryAccounts"]["urn:ietf:params:jmap:mail"].as_str();
        session.account = account.context("find the account")?.to_owned();
        let calls = json!([["Mailbox/query", {"accountId": session.account, "filter": {"name": self.folder}}, "0"]]);
        let found: Value = serde_json::from_slice(&session.call(calls).await?)?;
        let mailbox = found["methodResponses"][0][1]["ids"][0].as_str();
        session.mailbox = mailbox.context("find the mailbox")?.to_owned();
        Ok(session)
    }

    async fn operate(&self, session: &mut Session, number: u64) -> Result<()> {
        if self.arguments.what == What::Login {
            let mut link = self.connector.connect(&self.arguments.options).await?;
            ask(&mut link, &session.proof, "/jmap/session", None).await?;
            return Ok(());
        }
        let (account, filter) = (session.account.clone(), json!({"inMailbox": session.mailbox}));
        let calls = match self.arguments.what {
            What::View | What::Login => json!([
                ["Email/query", {"accountId": account, "filter": filter, "collapseThreads": true, "limit": PAGE,
                    "sort": [{"property": "receivedAt", "isAscending": false}]}, "0"],
                ["Email/get", {"accountId": account, "properties": ["threadId"],
                    "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"}}, "1"],
                ["Thread/get", {"accountId": account,
                    "#ids": {"resultOf": "1", "name": "Email/get", "path": "/list/*/threadId"}}, "2"],
                ["Email/get", {"accountId": account,
                    "properties": ["threadId", "mailboxIds", "keywords", "hasAttachment", "from", "subject", "receivedAt", "size", "preview"],
                    "#ids": {"resultOf": "2", "name": "Thread/get", "path": "/list/*/emailIds"}}, "3"],
            ]),
            What::Query => {
                let position = number.wrapping_mul(7_919) % self.arguments.messages.max(1);
                json!([["Email/query", {"accountId": account, "filter": filter, "position": position, "limit": PAGE,
                    "calculateTotal": true, "sort": [{"property": self.arguments.sort, "isAscending": false}]}, "3"]])
            }
        };
        let answer = session.call(calls).await?;
        let has = |text: &str| memchr::memmem::find(&answer, text.as_bytes()).is_some();
        if has("[\"error\",") || !has("\"3\"]") {
            bail!(
                "answered with: {}",
                String::from_utf8_lossy(&answer[..answer.len().min(500)])
            );
        }
        Ok(())
    }
}

async fn fill_folder(arguments: &Arguments, connector: &Connector, folder: &str) -> Result<()> {
    let options = &arguments.options;
    let port = arguments
        .imap_port
        .context("--imap-port is needed to fill the folder")?;
    let link = connector.connect_to(options, port, Tls::None).await?;
    let mut imap = Imap::greet(link).await?;
    imap.login(&options.user(0), &options.password).await?;
    // It may be there from an earlier run.
    let _ = imap.run(&format!("CREATE {folder}")).await;
    fill::fill(&mut imap, folder, arguments.messages, arguments.octets, 1).await?;
    imap.logout().await
}

pub async fn run(arguments: &Arguments) -> Result<()> {
    let options = &arguments.options;
    let connector = Connector::new()?;
    let folder = format!("load{}x{}", arguments.messages, arguments.octets);
    if arguments.what != What::Login {
        fill_folder(arguments, &connector, &folder).await?;
    }
    let load = Lists {
        arguments,
        connector: &connector,
        folder,
    };
    let title = match arguments.what {
        What::View => format!("jmap view of {PAGE} of {}", arguments.messages),
        What::Login => format!("jmap login by {}", method(arguments)),
        What::Query => format!("jmap query by {} of {}", arguments.sort, arguments.messages),
    };
    drive(options, &connector, &title, &load).await?.publish(options)
}

/// How the clients sign in, for the report.
fn method(arguments: &Arguments) -> &str {
    let field = arguments.proof.as_deref().unwrap_or("authorization: Basic");
    let value = field.split_once(": ").map_or(field, |(_, value)| value);
    match field.get(..7) {
        Some(name) if name.eq_ignore_ascii_case("cookie:") => "cookie",
        _ => value.split(' ').next().unwrap_or(value),
    }
}
