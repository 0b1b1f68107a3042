//! The PROXY protocol, versions 1 and 2: a load balancer says who the client is.
//!
//! Read only from peers that must send it, before anything else, and never an octet more than the header.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest version 1 line, with its line end.
const V1_OCTETS_MAX: usize = 107;
/// Longest version 2 address block with its extensions.
const V2_OCTETS_MAX: usize = 4096;

/// Client and server addresses as the balancer saw them; `None` for its own health checks.
pub type ProxyAddresses = Option<(SocketAddr, SocketAddr)>;

/// Reads a header.
///
/// # Errors
/// `InvalidData` when there is none, else what reading says.
pub async fn read_header(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<ProxyAddresses> {
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    if &start == V2_SIGNATURE {
        return read_v2(stream).await;
    }
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= V1_OCTETS_MAX {
            return Err(invalid("PROXY line is too long"));
        }
        line.push(stream.read_u8().await?);
    }
    let line = std::str::from_utf8(&line).map_err(|_| invalid("PROXY line is not text"))?;
    parse_v1(line.trim_end_matches("\r\n")).ok_or_else(|| invalid("no PROXY header"))
}

fn invalid(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Outer: is it a header; inner: does it name a client.
fn parse_v1(line: &str) -> Option<ProxyAddresses> {
    let mut words = line.split(' ');
    if words.next() != Some("PROXY") {
        return None;
    }
    match words.next()? {
        "UNKNOWN" => return Some(None),
        "TCP4" | "TCP6" => {}
        _ => return None,
    }
    let from: IpAddr = words.next()?.parse().ok()?;
    let to: IpAddr = words.next()?.parse().ok()?;
    let from_port = words.next()?.parse().ok()?;
    let to_port = words.next()?.parse().ok()?;
    if words.next().is_some() {
        return None;
    }
    Some(Some((SocketAddr::new(from, from_port), SocketAddr::new(to, to_port))))
}

async fn read_v2(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<ProxyAddresses> {
    let command = stream.read_u8().await?;
    let family = stream.read_u8().await?;
    let length = usize::from(stream.read_u16().await?);
    if length > V2_OCTETS_MAX {
        return Err(invalid("PROXY header is too long"));
    }
    let mut block = vec![0; length];
    stream.read_exact(&mut block).await?;
    match command {
        // LOCAL: the balancer's own connection.
        0x20 => Ok(None),
        0x21 => Ok(addresses_v2(family, &block)),
        _ => Err(invalid("unknown PROXY command")),
    }
}

fn addresses_v2(family: u8, block: &[u8]) -> ProxyAddresses {
    let port = |at: usize| Some(u16::from_be_bytes(block.get(at..at + 2)?.try_into().ok()?));
    match family {
        0x11 => {
            let address = |at: usize| {
                Some(IpAddr::V4(Ipv4Addr::from(
                    <[u8; 4]>::try_from(block.get(at..at + 4)?).ok()?,
                )))
            };
            Some((
                SocketAddr::new(address(0)?, port(8)?),
                SocketAddr::new(address(4)?, port(10)?),
            ))
        }
        0x21 => {
            let address = |at: usize| {
                Some(IpAddr::V6(Ipv6Addr::from(
                    <[u8; 16]>::try_from(block.get(at..at + 16)?).ok()?,
                )))
            };
            Some((
                SocketAddr::new(address(0)?, port(32)?),
                SocketAddr::new(address(16)?, port(34)?),
            ))
        }
        // Other families (UNSPEC, Unix sockets) name no address: the connection's own stand.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(header: &[u8]) -> Result<ProxyAddresses, io::ErrorKind> {
        let mut input = [header, b"EHLO"].concat();
        input.truncate(header.len() + 4);
        let mut reader = &input[..];
        let read = read_header(&mut reader).await.map_err(|error| error.kind());
        if read.is_ok() {
            assert_eq!(reader, b"EHLO", "reads the header only");
        }
        read
    }

    fn pair(from: &str, to: &str) -> ProxyAddresses {
        Some((from.parse().unwrap(), to.parse().unwrap()))
    }

    #[tokio::test]
    async fn version_1() {
        assert_eq!(
            check(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n").await,
            Ok(pair("192.0.2.1:56324", "198.51.100.2:25"))
        );
        assert_eq!(
            check(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n").await,
            Ok(pair("[2001:db8::1]:1", "[2001:db8::2]:2"))
        );
        assert_eq!(check(b"PROXY UNKNOWN\r\n").await, Ok(None));
        assert_eq!(
            check(b"EHLO mail.example.test\r\n").await,
            Err(io::ErrorKind::InvalidData)
        );
        assert_eq!(check(&[b'P'; 200]).await, Err(io::ErrorKind::InvalidData));
        assert_eq!(check(b"PROXY TCP4 x").await, Err(io::ErrorKind::UnexpectedEof));
    }

    #[tokio::test]
    async fn version_2() {
        let header = |command: u8, family: u8, block: &[u8]| {
            let length = u16::try_from(block.len()).unwrap().to_be_bytes();
            [&V2_SIGNATURE[..], &[command, family], &length, block].concat()
        };
        let v4 = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0, 25, 4, 0, 0];
        assert_eq!(
            check(&header(0x21, 0x11, &v4)).await,
            Ok(pair("192.0.2.1:56324", "198.51.100.2:25"))
        );
        assert_eq!(check(&header(0x20, 0, b"")).await, Ok(None));
        assert_eq!(check(&header(0x21, 0x11, b"short")).await, Ok(None));
        assert_eq!(check(&header(0x2f, 0x11, &v4)).await, Err(io::ErrorKind::InvalidData));
    }
}
