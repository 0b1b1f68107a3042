//! Where a node listens for others, and under which address they reach it.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result, bail};
use hongyan_config::Config;
use hongyan_env::Env;

/// A node's doors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it listens for nodes.
    pub(crate) listen: Vec<SocketAddr>,
    /// Where it listens for those who join.
    pub(crate) join_listen: Vec<SocketAddr>,
    /// How others reach this machine.
    pub(crate) address: IpAddr,
}

impl Place {
    /// The one of this configuration.
    pub(crate) fn of(config: &Config, env: &Env) -> Result<Self> {
        let section = &config.cluster;
        let listen = parse("listen", &section.listen)?;
        let join_listen = parse("join_listen", &section.join_listen)?;
        let named = listen.iter().map(SocketAddr::ip).find(|ip| !ip.is_unspecified());
        let address = match (section.advertise.as_str(), named) {
            ("", Some(named)) => named,
            ("", None) => env
                .outward_address()
                .context("find this machine's address: set cluster.advertise")?,
            (text, _) => text
                .parse()
                .with_context(|| format!("setting cluster.advertise: {text:?} is no IP address"))?,
        };
        if address.is_unspecified() {
            bail!("setting cluster.advertise: {address} is no address that other nodes can reach");
        }
        Ok(Self {
            listen,
            join_listen,
            address,
        })
    }
    /// Where other nodes reach it.
    pub(crate) fn for_nodes(&self) -> Result<SocketAddr> {
        let first = self.listen.first().context("setting cluster.listen is empty")?;
        Ok(SocketAddr::new(self.address, first.port()))
    }
    /// Where those who join reach it.
    pub(crate) fn for_joining(&self) -> Option<SocketAddr> {
        let first = self.join_listen.first()?;
        Some(SocketAddr::new(self.address, first.port()))
    }
}

fn parse(setting: &str, texts: &[String]) -> Result<Vec<SocketAddr>> {
    let parse = |text: &String| {
        text.parse()
            .with_context(|| format!("setting cluster.{setting}: {text:?} is no address:port, such as 0.0.0.0:7400"))
    };
    texts.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listen: &str, advertise: &str, expect: Option<&str>) {
        let mut config = Config::default();
        config.cluster.listen = vec![listen.to_owned()];
        advertise.clone_into(&mut config.cluster.advertise);
        let found = Place::of(&config, &Env::real()).and_then(|place| place.for_nodes());
        assert_eq!(found.ok().map(|place| place.to_string()).as_deref(), expect);
    }

    #[test]
    fn others_reach_it_where_it_says_or_listens() {
        check("127.0.0.1:7400", "", Some("127.0.0.1:7400"));
        check("0.0.0.0:7400", "192.0.2.7", Some("192.0.2.7:7400"));
        check("0.0.0.0:7400", "0.0.0.0", None);
        check("0.0.0.0:7400", "mx.example", None);
        check("nowhere", "", None);
    }
}
