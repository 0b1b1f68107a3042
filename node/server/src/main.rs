//! The binary `hongyan`: arguments, and what each of them starts.

mod arguments;
mod certificate;
mod dev;
mod dns_records;
mod http;
mod init;
mod node;
mod ports;
mod readiness;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
        Command::Dev(dev) => dev::run(dev),
        Command::Serve(serve) => serve::run(serve),
        Command::Init(init) => init::run(init),
        Command::Manage(command) => {
            let socket = arguments.socket();
            hongyan_actor::run(0, hongyan_cli::run(command, &socket, arguments.json))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hongyan: {error:#}");
            ExitCode::FAILURE
        }
    }
}
