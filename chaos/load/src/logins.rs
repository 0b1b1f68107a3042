//! Connections that come, sign in, select INBOX and leave. TLS sessions are resumed, as programs that come back do.

use crate::connect::Connector;
use crate::drive::{Load, drive};
use crate::imap::Imap;
use crate::options::Options;
use anyhow::Result;

struct Logins<'a> {
    options: &'a Options,
    connector: &'a Connector,
}

impl Load for Logins<'_> {
    type Session = ();

    async fn open(&self, _: usize) -> Result<()> {
        Ok(())
    }

    async fn operate(&self, (): &mut (), number: u64) -> Result<()> {
        let user = self.options.user(number as usize);
        let mut imap = Imap::open(self.connector, self.options, &user).await?;
        imap.select("INBOX").await?;
        imap.logout().await
    }
}

pub async fn run(options: &Options) -> Result<()> {
    let connector = Connector::new()?;
    let load = Logins {
        options,
        connector: &connector,
    };
    drive(options, &connector, "logins", &load).await?.publish(options)
}
