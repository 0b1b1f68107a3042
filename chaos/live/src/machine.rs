//! Where processes run: each is a host of its own, with an address of the loopback interface or a network namespace.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::namespaces::Namespaces;
use crate::plan::Network;
use crate::programs::find;

/// Ports are the usual ones plus this, so that no privilege is needed for them.
const PORT_OFFSET: u16 = 20_000;

/// The port of a service whose usual one is given.
pub(crate) fn port(usual: u16) -> u16 {
    usual + PORT_OFFSET
}

/// Something with an address.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
    /// Its namespace, if it has one of its own.
    pub(crate) namespace: Option<String>,
}

impl Host {
    /// Where its service listens whose usual port is given.
    pub(crate) fn at(&self, usual: u16) -> SocketAddr {
        SocketAddr::new(self.address, port(usual))
    }
    /// A command that runs there.
    pub(crate) fn command(&self, program: &Path) -> Command {
        match &self.namespace {
            None => Command::new(program),
            Some(namespace) => {
                let mut command = Command::new(find("ip").unwrap_or_else(|| "ip".into()));
                command.args(["netns", "exec", namespace]).arg(program);
                command
            }
        }
    }
}

/// All hosts of a run.
pub(crate) struct Machine {
    /// Two octets that tell this run's addresses from those of others.
    pair: (u8, u8),
    namespaces: Option<Namespaces>,
    hosts: u8,
}

impl Machine {
    pub(crate) fn new(network: Network) -> Result<Self> {
        let id = std::process::id();
        let octet = |number: u32| u8::try_from(number % 180).unwrap_or(0) + 64;
        let namespaces = match network {
            Network::Loopback => None,
            Network::Namespaces => Some(Namespaces::new(octet(id))?),
        };
        Ok(Self {
            pair: (octet(id), octet(id / 180)),
            namespaces,
            hosts: 0,
        })
    }
    /// One more host.
    pub(crate) fn host(&mut self, name: &str) -> Result<Host> {
        self.hosts += 1;
        let number = self.hosts;
        match &mut self.namespaces {
            None => Ok(Host {
                name: name.to_owned(),
                address: Ipv4Addr::new(127, self.pair.0, self.pair.1, number).into(),
                namespace: None,
            }),
            Some(namespaces) => namespaces.host(name, number),
        }
    }
    pub(crate) fn namespaces(&self) -> Option<&Namespaces> {
        self.namespaces.as_ref()
    }
}
