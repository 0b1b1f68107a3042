//! Ports of this machine that are kept for somebody who listens on them later: a process that is started with the number, a
//! node that reads it in its configuration. Whoever asks the system for a free port and gives it back may find it
//! taken when it is used.
//!
//! A held port is bound and does not listen. Nobody else gets it, and whoever names it and sets SO_REUSEADDR, as [`crate::Env::listen`]
//! does, listens on it at once, again and again, while it is held.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// How many places are tried for ports that belong together.
const PLACES_MAX: usize = 1000;

/// A port of the loopback interface.
#[derive(Debug)]
pub struct HeldPort {
    _socket: Socket,
    port: u16,
}

impl HeldPort {
    /// Any that is free.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn any() -> io::Result<Self> {
        Self::at(0)
    }
    /// This one.
    ///
    /// # Errors
    /// When it is held or used by anybody, or what the operating system says.
    pub fn at(port: u16) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
        // Only now: two who bind with it would both get the port.
        socket.set_reuse_address(true)?;
        let bound = socket
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self {
            _socket: socket,
            port: bound.port(),
        })
    }
    /// Its number.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

/// Ports at fixed distances above a base.
#[derive(Debug)]
pub struct HeldPorts {
    base: u16,
    _ports: Vec<HeldPort>,
}

impl HeldPorts {
    /// Finds a base, below the ports that the system hands out, above which all of `distances` are free.
    ///
    /// # Errors
    /// When there is none, or what the operating system says.
    pub fn above(distances: &[u16]) -> io::Result<Self> {
        for _ in 0..PLACES_MAX {
            let base = HeldPort::any()?.port() / 2;
            let at = |distance: &u16| HeldPort::at(base.saturating_add(*distance));
            if let Ok(ports) = distances.iter().map(at).collect::<io::Result<Vec<_>>>() {
                return Ok(Self { base, _ports: ports });
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }
    /// The base.
    #[must_use]
    pub fn base(&self) -> u16 {
        self.base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    #[tokio::test]
    async fn a_held_port_is_for_who_names_it_and_for_nobody_else() {
        let held = HeldPort::any().unwrap();
        assert_eq!(HeldPort::at(held.port()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let env = Env::real();
        for _ in 0..2 {
            let listener = env.listen(held.address()).await.unwrap();
            let (accepted, connected) = tokio::join!(listener.accept(), env.connect(held.address()));
            assert_eq!(accepted.unwrap().1, connected.unwrap().local_address().unwrap());
            assert!(env.listen(held.address()).await.is_err(), "one listens at a time");
        }
    }

    #[test]
    fn ports_that_belong_together_are_held_together() {
        let one = HeldPorts::above(&[1, 5]).unwrap();
        assert!(HeldPort::at(one.base() + 5).is_err());
        let two = HeldPorts::above(&[1, 5]).unwrap();
        assert_ne!(one.base(), two.base());
    }
}
