//! The commands, one file each.

mod account;
mod alias;
mod domain;
mod group;
mod queue;
mod tenant;

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;

use crate::client::Client;
use crate::output::Style;

/// What to do on a running server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Organisations: each owns domains, accounts and groups of its own.
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Mail domains of a tenant.
    #[command(subcommand)]
    Domain(domain::Domain),
    /// People and shared mailboxes.
    #[command(subcommand)]
    Account(account::Account),
    /// Further addresses of an account.
    #[command(subcommand)]
    Alias(alias::Alias),
    /// Addresses whose mail goes to many.
    #[command(subcommand)]
    Group(group::Group),
    /// Mail waiting to leave.
    #[command(subcommand)]
    Queue(queue::Queue),
}

/// Runs a command against the server whose admin socket is `socket`.
///
/// # Errors
/// When the server cannot be reached or refuses; the text says why.
pub async fn run(command: &Command, socket: &Path, json: bool) -> Result<()> {
    let client = Client::new(socket);
    let style = if json { Style::Json } else { Style::Text };
    match command {
        Command::Tenant(command) => tenant::run(command, &client, style).await,
        Command::Domain(command) => domain::run(command, &client, style).await,
        Command::Account(command) => account::run(command, &client, style).await,
        Command::Alias(command) => alias::run(command, &client, style).await,
        Command::Group(command) => group::run(command, &client, style).await,
        Command::Queue(command) => queue::run(command, &client, style).await,
    }
}

/// `none` removes a limit.
fn or_none(text: &str) -> Result<Option<u64>, String> {
    if text == "none" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| "a number, or none".to_owned())
}

/// The query that names a tenant.
fn of_tenant(tenant: Option<&str>) -> String {
    tenant.map_or_else(String::new, |name| format!("tenant={}&", crate::client::encode(name)))
}
