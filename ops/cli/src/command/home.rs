//! `hongyan home`

use anyhow::Result;

use super::Whose;
use crate::client::Client;
use crate::output::{self, Style};

pub(crate) async fn run(whose: &Whose, client: &Client, style: Style) -> Result<()> {
    let home = client.get(&format!("/api/home{}", whose.suffix())).await?;
    output::item(style, &home);
    Ok(())
}
