//! A small SMTP and LMTP client: one mail after the other on a connection, commands of a mail in one write where the
//! server allows PIPELINING (RFC 2920).

use crate::connect::{Connector, Link};
use crate::options::{Options, Tls};
use anyhow::{Result, bail};
use base64::Engine;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Smtp,
    Lmtp,
    Submission,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Lmtp => "lmtp",
            Self::Submission => "submission",
        }
    }
}

pub struct Smtp {
    link: Link,
    has_pipelining: bool,
}

impl Smtp {
    /// Connects, greets, and signs in where that is asked for.
    pub async fn open(
        connector: &Connector,
        options: &Options,
        kind: Kind,
        login: Option<(&str, &str)>,
    ) -> Result<Self> {
        let link = connector.connect(options).await?;
        let mut smtp = Self {
            link,
            has_pipelining: false,
        };
        smtp.expect(2).await?;
        let hello = if kind == Kind::Lmtp { "LHLO" } else { "EHLO" };
        smtp.hello(hello).await?;
        if options.tls == Tls::Start {
            smtp.link.send(b"STARTTLS\r\n").await?;
            smtp.expect(2).await?;
            connector.start_tls(&mut smtp.link).await?;
            smtp.hello(hello).await?;
        }
        if let Some((user, password)) = login {
            let plain = base64::engine::general_purpose::STANDARD.encode(format!("\0{user}\0{password}"));
            smtp.link.send(format!("AUTH PLAIN {plain}\r\n").as_bytes()).await?;
            smtp.expect(2).await?;
        }
        Ok(smtp)
    }

    async fn hello(&mut self, verb: &str) -> Result<()> {
        self.link
            .send(format!("{verb} load.example.test\r\n").as_bytes())
            .await?;
        let lines = self.expect(2).await?;
        self.has_pipelining = lines.iter().any(|line| line.get(4..) == Some("PIPELINING"));
        Ok(())
    }

    /// Hands over one mail; returns when the server has answered for it.
    pub async fn deliver(&mut self, from: &str, to: &str, mail: &[u8]) -> Result<()> {
        let commands = [
            format!("MAIL FROM:<{from}>\r\n"),
            format!("RCPT TO:<{to}>\r\n"),
            "DATA\r\n".to_owned(),
        ];
        if self.has_pipelining {
            self.link.send(commands.concat().as_bytes()).await?;
            for class in [2, 2, 3] {
                self.expect(class).await?;
            }
        } else {
            for (command, class) in commands.iter().zip([2, 2, 3]) {
                self.link.send(command.as_bytes()).await?;
                self.expect(class).await?;
            }
        }
        let mut data = Vec::with_capacity(mail.len() + 3);
        data.extend_from_slice(mail);
        data.extend_from_slice(b".\r\n");
        self.link.send(&data).await?;
        // LMTP answers once a recipient (RFC 2033 §4.2), and there is one.
        self.expect(2).await?;
        Ok(())
    }

    /// Reads a reply whose code begins with `class`.
    async fn expect(&mut self, class: u8) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        loop {
            let line = self.link.text().await?;
            let is_last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line);
            if is_last {
                break;
            }
        }
        let is_expected = lines
            .last()
            .is_some_and(|line| line.as_bytes().first() == Some(&(b'0' + class)));
        if !is_expected {
            bail!("the server says: {}", lines.join(" / "));
        }
        Ok(lines)
    }
}
