//! Where in the world an address is: told by a GeoIP file in MaxMind's format, if the operator has one (LOG-2).
//!
//! Nothing is guessed: what the file does not know is unknown, and addresses of no place in the world are internal.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use crate::Access;

/// Where an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On a private network, or this machine.
    Internal,
    /// Nobody knows.
    Unknown,
    /// There.
    Known {
        /// The country, in ISO 3166-1 letters; empty when only a city is known.
        country: String,
        /// City and country in English.
        english: String,
        /// Country and city in Chinese, in English where there is no Chinese name.
        chinese: String,
    },
}

/// A GeoIP file.
pub struct Places(maxminddb::Reader<Vec<u8>>);

/// The file is not one of that kind.
#[derive(Debug, thiserror::Error)]
#[error("not a GeoIP file in MaxMind's format")]
pub struct PlacesError(#[source] maxminddb::MaxMindDbError);

#[derive(Deserialize)]
struct Found<'d> {
    #[serde(borrow)]
    city: Option<Named<'d>>,
    #[serde(borrow)]
    country: Option<Named<'d>>,
    #[serde(borrow)]
    registered_country: Option<Named<'d>>,
}

#[derive(Deserialize)]
struct Named<'d> {
    iso_code: Option<&'d str>,
    #[serde(borrow, default)]
    names: BTreeMap<&'d str, &'d str>,
}

impl Named<'_> {
    fn english(&self) -> Option<&str> {
        self.names.get("en").copied()
    }
    fn chinese(&self) -> Option<&str> {
        self.names.get("zh-CN").copied().or_else(|| self.english())
    }
}

fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

impl Places {
    /// Takes a file's octets.
    ///
    /// # Errors
    /// When they are no such file.
    pub fn read(octets: Vec<u8>) -> Result<Self, PlacesError> {
        maxminddb::Reader::from_source(octets).map(Self).map_err(PlacesError)
    }

    fn find(&self, address: IpAddr) -> Option<Place> {
        // A damaged part of the file is as good as none.
        let found = self.0.lookup(address).ok()?;
        let found: Found<'_> = found.decode().ok()??;
        let country = found.country.or(found.registered_country);
        let join = |parts: [Option<&str>; 2], between: &str| {
            let known: Vec<&str> = parts.into_iter().flatten().collect();
            known.join(between)
        };
        let (city, land) = (found.city.as_ref(), country.as_ref());
        let english = join([city.and_then(Named::english), land.and_then(Named::english)], ", ");
        let chinese = join([land.and_then(Named::chinese), city.and_then(Named::chinese)], " ");
        (!english.is_empty()).then(|| Place::Known {
            country: land.and_then(|land| land.iso_code).unwrap_or_default().to_owned(),
            english,
            chinese,
        })
    }
}

impl Access {
    /// Tells where addresses are from now on, once.
    pub fn set_places(&self, places: Places) {
        if self.0.places.set(places).is_err() {
            tracing::warn!("there is a GeoIP file already");
        }
    }

    /// Where an address is.
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Place {
        let address = address.to_canonical();
        if is_internal(address) {
            return Place::Internal;
        }
        let known = self.0.places.get().and_then(|places| places.find(address));
        known.unwrap_or(Place::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, cheap};

    /// A value of the file's data section.
    enum Value<'v> {
        Text(&'v str),
        Map(&'v [(&'v str, Value<'v>)]),
        Array(&'v [Value<'v>]),
        Number(u8, u32),
    }

    const U16: u8 = 5;
    const U32: u8 = 6;
    /// An extended type: 9 is a number of 64 bits, 11 an array.
    const EXTENDED: u8 = 7;

    fn write(value: &Value<'_>, out: &mut Vec<u8>) {
        match value {
            Value::Text(text) => {
                out.push(2 << 5 | u8::try_from(text.len()).unwrap());
                out.extend_from_slice(text.as_bytes());
            }
            Value::Map(pairs) => {
                out.push(7 << 5 | u8::try_from(pairs.len()).unwrap());
                for (key, value) in *pairs {
                    write(&Value::Text(key), out);
                    write(value, out);
                }
            }
            Value::Array(values) => {
                out.extend([u8::try_from(values.len()).unwrap(), 11 - EXTENDED]);
                values.iter().for_each(|value| write(value, out));
            }
            Value::Number(9, number) => {
                out.extend([4, 9 - EXTENDED]);
                out.extend(number.to_be_bytes());
            }
            Value::Number(kind, number) => {
                let octets = if *kind == U16 { 2 } else { 4 };
                out.push(kind << 5 | octets);
                out.extend(&number.to_be_bytes()[4 - usize::from(octets)..]);
            }
        }
    }

    /// A file that knows the networks, each by its first bits in IPv6.
    fn file(networks: &[(&str, u32, Value<'_>)]) -> Vec<u8> {
        let mut nodes = vec![[None::<u32>; 2]];
        let mut data = Vec::new();
        let mut leaves = Vec::new();
        for (network, bits, value) in networks {
            let address = u128::from(network.parse::<std::net::Ipv6Addr>().unwrap());
            let bit = |at: u32| usize::from(address >> (127 - at) & 1 == 1);
            let mut node = 0;
            for at in 0..bits - 1 {
                let next = nodes[node][bit(at)].unwrap_or_else(|| {
                    nodes.push([None; 2]);
                    u32::try_from(nodes.len() - 1).unwrap()
                });
                nodes[node][bit(at)] = Some(next);
                node = usize::try_from(next).unwrap();
            }
            leaves.push((node, bit(bits - 1), u32::try_from(data.len()).unwrap()));
            write(value, &mut data);
        }
        let count = u32::try_from(nodes.len()).unwrap();
        for (node, side, offset) in leaves {
            nodes[node][side] = Some(count + 16 + offset);
        }
        let mut out = Vec::new();
        for record in nodes.iter().flatten() {
            out.extend(&record.unwrap_or(count).to_be_bytes()[1..]);
        }
        out.extend([0; 16]);
        out.extend(data);
        out.extend(b"\xab\xcd\xefMaxMind.com");
        let metadata = Value::Map(&[
            ("binary_format_major_version", Value::Number(U16, 2)),
            ("binary_format_minor_version", Value::Number(U16, 0)),
            ("build_epoch", Value::Number(9, 1)),
            ("database_type", Value::Text("Test")),
            ("description", Value::Map(&[("en", Value::Text("Test"))])),
            ("ip_version", Value::Number(U16, 6)),
            ("languages", Value::Array(&[Value::Text("en")])),
            ("node_count", Value::Number(U32, count)),
            ("record_size", Value::Number(U16, 24)),
        ]);
        write(&metadata, &mut out);
        out
    }

    fn names<'v>(pairs: &'v [(&'v str, Value<'v>)]) -> (&'v str, Value<'v>) {
        ("names", Value::Map(pairs))
    }

    #[tokio::test]
    async fn log_2_addresses_have_a_place_or_none() {
        let china = [("en", Value::Text("China")), ("zh-CN", Value::Text("中国"))];
        let shanghai = [("en", Value::Text("Shanghai")), ("zh-CN", Value::Text("上海"))];
        let country = [("iso_code", Value::Text("CN")), names(&china)];
        let city = [names(&shanghai)];
        let full = [("city", Value::Map(&city)), ("country", Value::Map(&country))];
        let norway = [("en", Value::Text("Norway"))];
        let land = [("iso_code", Value::Text("NO")), names(&norway)];
        let registered = [("registered_country", Value::Map(&land))];
        let file = file(&[
            // 192.0.2.0/24
            ("::c000:200", 120, Value::Map(&full)),
            ("2001:db8::", 32, Value::Map(&registered)),
            // 203.0.113.0/24, of which it only knows that it is there.
            ("::cb00:7100", 120, Value::Map(&[])),
        ]);
        let world = Fixture::new(cheap(), "pass").await;
        let place = |address: &str| world.access.place(address.parse().unwrap());
        assert_eq!(place("192.0.2.7"), Place::Unknown, "without a file");
        world.access.set_places(Places::read(file).unwrap());
        let known = |country: &str, english: &str, chinese: &str| Place::Known {
            country: country.to_owned(),
            english: english.to_owned(),
            chinese: chinese.to_owned(),
        };
        let shanghai = known("CN", "Shanghai, China", "中国 上海");
        assert_eq!(place("192.0.2.7"), shanghai);
        assert_eq!(place("::ffff:192.0.2.7"), shanghai);
        assert_eq!(place("2001:db8::1"), known("NO", "Norway", "Norway"));
        for unknown in ["198.51.100.1", "203.0.113.1", "2001:db9::1"] {
            assert_eq!(place(unknown), Place::Unknown, "{unknown}");
        }
        for internal in ["10.0.0.1", "127.0.0.1", "169.254.1.1", "::1", "fd00::1", "fe80::1"] {
            assert_eq!(place(internal), Place::Internal, "{internal}");
        }
        assert!(Places::read(b"no file".to_vec()).is_err());
    }
}
