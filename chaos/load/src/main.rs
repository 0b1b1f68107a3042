//! `chaos`: puts load on a mail server, ours or any other, and says what it did and what it cost the server; runs
//! simulations of ours, and real processes of it under faults.
//!
//! One thread, so that the client leaves the machine to the server. Every run is bounded in time and count.

mod connect;
mod corpus;
mod cpu;
mod disk;
mod drive;
mod fill;
mod folder;
mod idle;
mod imap;
mod imap_mix;
mod jmap;
mod live;
mod logins;
mod mail;
mod notify;
mod options;
mod pop3;
mod report;
mod sim;
mod smtp;
mod smtp_load;

use clap::{Parser, Subcommand};
use options::Options;
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "chaos",
    about = "Load on a mail server and its measurements; simulations; faults of real processes"
)]
struct Arguments {
    #[command(subcommand)]
    load: Load,
}

#[derive(Subcommand)]
enum Load {
    /// Mail by SMTP: one recipient each, many on a connection.
    Smtp(smtp_load::Arguments),
    /// Mail by LMTP.
    Lmtp(smtp_load::Arguments),
    /// Mail by an account that signs in.
    Submission(smtp_load::Arguments),
    /// What mail programs do with a folder: envelopes, bodies, flags, status, search.
    ImapMix(imap_mix::Arguments),
    /// Connections that sign in, select INBOX and leave.
    Logins(Options),
    /// SELECT and FETCH 1:* (UID FLAGS) of a folder of a given size.
    Folder(folder::Arguments),
    /// Envelopes of the last 100 messages of a folder of a given size.
    Envelopes(folder::Arguments),
    /// What an IMAP client asks for the same list as `jmap`: the last 50 messages with envelopes, structures, ids and threads.
    View(folder::Arguments),
    /// Lists of a JMAP client, over HTTPS.
    Jmap(jmap::Arguments),
    /// All bodies of a folder of a given size through one connection at a time.
    FetchAll(folder::Arguments),
    /// Connections that do nothing but wait, and the memory they take.
    Idle(idle::Arguments),
    /// POP3: RETR of all messages.
    Pop3(pop3::Arguments),
    /// From the 250 of SMTP to the EXISTS of a waiting IMAP connection.
    Notify(notify::Arguments),
    /// Brings INBOX of each user to a number of messages.
    Fill(fill::Arguments),
    /// Whole nodes in this process on virtual time, disturbed from a seed; what clients saw is checked.
    Sim(sim::Arguments),
    /// Real processes that are killed, paused, cut off and upgraded while clients watch. Exit code 0: all promises were
    /// kept; 1: not; 77: this machine lacks something that the plan needs.
    Run(live::Arguments),
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    match &arguments.load {
        // A simulation brings its own runtime, whose time stands still.
        Load::Sim(arguments) => sim::run(arguments)?,
        Load::Run(arguments) => return live::run(arguments),
        load => put_load(load)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn put_load(load: &Load) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match load {
            Load::Smtp(arguments) => smtp_load::run(arguments, smtp::Kind::Smtp).await,
            Load::Lmtp(arguments) => smtp_load::run(arguments, smtp::Kind::Lmtp).await,
            Load::Submission(arguments) => smtp_load::run(arguments, smtp::Kind::Submission).await,
            Load::ImapMix(arguments) => imap_mix::run(arguments).await,
            Load::Logins(options) => logins::run(options).await,
            Load::Folder(arguments) => folder::run(arguments, folder::What::Flags).await,
            Load::Envelopes(arguments) => folder::run(arguments, folder::What::Envelopes).await,
            Load::View(arguments) => folder::run(arguments, folder::What::View).await,
            Load::Jmap(arguments) => jmap::run(arguments).await,
            Load::FetchAll(arguments) => folder::run(arguments, folder::What::Bodies).await,
            Load::Idle(arguments) => idle::run(arguments).await,
            Load::Pop3(arguments) => pop3::run(arguments).await,
            Load::Notify(arguments) => notify::run(arguments).await,
            Load::Fill(arguments) => fill::run(arguments).await,
            Load::Sim(_) | Load::Run(_) => Ok(()),
        }
    })
}
