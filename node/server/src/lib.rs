//! The binary `hongyan`: arguments, what each of them starts, and the wiring of a node.
//!
//! A library, so that simulation wires its nodes as the binary does: [`Assembly`] is all of a node but its store on
//! disk, its signals and its admin socket.

mod acme;
mod arguments;
mod assembly;
mod certificate;
mod cluster;
mod dev;
mod dev_cluster;
mod entities;
mod following;
mod holders;
mod http;
mod init;
mod ldap;
mod migration;
mod node;
mod offer;
mod ports;
mod readiness;
mod registry;
mod retention;
mod secrets;
mod serve;
mod settings;
mod single_sign_on;
mod sms;
mod store;
mod web_port;
mod webhook;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Cluster, Command};

pub use assembly::{Assembly, AssemblyParts, Ground};

/// Exit code of a node that must not run as it is, its cluster says or it finds itself: starting it again cannot help.
const EXIT_REFUSED: u8 = 3;

/// The program: reads the arguments and does what they say.
#[must_use]
pub fn main() -> ExitCode {
    use_small_pages();
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
        Command::Dev(dev) => dev::run(dev),
        Command::Serve(serve) => serve::run(serve),
        Command::Init(init) => init::run(init),
        Command::Cluster(Cluster::Init(init)) => cluster::run_init(init),
        Command::Cluster(Cluster::Join(join)) => cluster::run_join(join),
        Command::Cluster(Cluster::Manage(command)) => {
            let socket = arguments.socket();
            hongyan_actor::run(0, hongyan_cli::run_cluster(command, &socket, arguments.json))
        }
        Command::Manage(command) => {
            let socket = arguments.socket();
            hongyan_actor::run(0, hongyan_cli::run(command, &socket, arguments.json))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hongyan: {error:#}");
            match error.downcast_ref::<cluster::Refused>() {
                Some(_) => ExitCode::from(EXIT_REFUSED),
                None => ExitCode::FAILURE,
            }
        }
    }
}

/// A page of 2 MB stays in memory as long as one octet of it is in use, which doubles what a node takes at rest and keeps
/// most of what a busy hour took. Where the system does not let us choose, it stays as it is.
fn use_small_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
