//! The network addresses that a program may use.

use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use wasmtime_wasi::sockets::SocketAddrUse;

/// An address that a [`Policy`](crate::Policy) grants: `192.0.2.7:443`, `[2001:db8::7]:443`; `*` stands
/// for any address or any port.
///
/// ```
/// use isopod_host::NetworkAddress;
/// let any_port: NetworkAddress = "127.0.0.1:*".parse()?;
/// assert_eq!(any_port.to_string(), "127.0.0.1:*");
/// assert!("example.org:80".parse::<NetworkAddress>().is_err());
/// # Ok::<(), isopod_host::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NetworkAddress {
    /// `None` stands for any address; likewise for the port.
    ip: Option<IpAddr>,
    port: Option<u16>,
}

impl NetworkAddress {
    /// Whether this grant covers the address. An IPv4 address may be written as an IPv6 one.
    #[must_use]
    pub fn contains(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        self.ip.is_none_or(|own| own == ip) && self.port.is_none_or(|own| own == address.port())
    }

    /// The port; `None` stands for any.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// Whether this grant covers everything that `other` grants.
    pub(crate) fn covers(&self, other: &NetworkAddress) -> bool {
        (self.ip.is_none() || self.ip == other.ip)
            && (self.port.is_none() || self.port == other.port)
    }
}

impl FromStr for NetworkAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<NetworkAddress> {
        let invalid = |why: &str| {
            let shown = crate::limits::cut(text.escape_debug().to_string(), 100);
            Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "`{shown}` is no network address: {why}; one looks like `127.0.0.1:80`, `[::1]:80` or `*:80`"
                ),
            )
        };
        let (ip, port) = text
            .rsplit_once(':')
            .ok_or_else(|| invalid("it has no port"))?;
        let ip = match ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')) {
            _ if ip == "*" => None,
            Some(inner) => {
                Some(IpAddr::V6(inner.parse().map_err(|_| {
                    invalid("the text in brackets is no IPv6 address")
                })?))
            }
            None => Some(IpAddr::V4(ip.parse().map_err(|_| {
                invalid("the text before the port is no IP address, and names are not looked up")
            })?)),
        };
        let port = match port {
            "*" => None,
            port => Some(
                port.parse()
                    .map_err(|_| invalid("the port is no number up to 65535"))?,
            ),
        };
        let ip = ip.map(|ip: IpAddr| ip.to_canonical());
        Ok(NetworkAddress { ip, port })
    }
}

impl fmt::Display for NetworkAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            None => formatter.write_str("*")?,
            Some(IpAddr::V4(ip)) => write!(formatter, "{ip}")?,
            Some(IpAddr::V6(ip)) => write!(formatter, "[{ip}]")?,
        }
        match self.port {
            None => formatter.write_str(":*"),
            Some(port) => write!(formatter, ":{port}"),
        }
    }
}

/// The rights of a process on the network. The default is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) connect: Vec<NetworkAddress>,
    pub(crate) listen: Vec<NetworkAddress>,
    pub(crate) name_lookup: bool,
}

impl Network {
    /// Whether a socket would be of any use.
    pub(crate) fn has_addresses(&self) -> bool {
        !self.connect.is_empty() || !self.listen.is_empty()
    }

    /// Whether an address may be used in this way.
    pub(crate) fn allows(&self, address: SocketAddr, way: SocketAddrUse) -> bool {
        let is_in = |granted: &[NetworkAddress]| granted.iter().any(|own| own.contains(address));
        match way {
            SocketAddrUse::TcpConnect | SocketAddrUse::UdpSend => is_in(&self.connect),
            SocketAddrUse::TcpListen => is_in(&self.listen),
            // A client's socket that the system binds by itself has no address yet.
            SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
                let is_unbound =
                    address.ip().to_canonical().is_unspecified() && address.port() == 0;
                is_in(&self.listen) || (is_unbound && !self.connect.is_empty())
            }
            // Peers that connect to an address that is listened at, and answers from peers that the guest
            // may connect to.
            SocketAddrUse::TcpAccept => !self.listen.is_empty(),
            SocketAddrUse::UdpReceive => is_in(&self.connect) || !self.listen.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn address(text: &str) -> NetworkAddress {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_are_read_and_shown() {
        for text in [
            "192.0.2.7:443",
            "[2001:db8::7]:1",
            "*:80",
            "127.0.0.1:*",
            "*:*",
        ] {
            assert_eq!(address(text).to_string(), text);
        }
        for text in [
            "",
            "80",
            "::1:80",
            "[127.0.0.1]:80",
            "host:80",
            "1.2.3.4:",
            "1.2.3.4:65536",
        ] {
            let error = text.parse::<NetworkAddress>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
        }
    }

    #[test]
    fn an_address_grants_what_it_says() {
        let grants = |granted: &str, used: &str| address(granted).contains(used.parse().unwrap());
        assert!(grants("127.0.0.1:80", "127.0.0.1:80"));
        assert!(grants("127.0.0.1:80", "[::ffff:127.0.0.1]:80"));
        assert!(grants("[::ffff:127.0.0.1]:80", "127.0.0.1:80"));
        assert!(!grants("127.0.0.1:80", "127.0.0.1:81"));
        assert!(!grants("127.0.0.1:80", "127.0.0.2:80"));
        assert!(grants("*:80", "[::1]:80") && !grants("*:80", "[::1]:81"));
        assert!(address("*:*").covers(&address("1.2.3.4:*")));
        assert!(!address("1.2.3.4:5").covers(&address("1.2.3.4:*")));
        assert!(!address("1.2.3.4:*").covers(&address("*:5")));
    }

    #[test]
    fn each_way_needs_its_grant() {
        let network = |connect: &[&str], listen: &[&str]| Network {
            connect: connect.iter().map(|text| address(text)).collect(),
            listen: listen.iter().map(|text| address(text)).collect(),
            name_lookup: false,
        };
        let client = network(&["127.0.0.1:80"], &[]);
        let server = network(&[], &["127.0.0.1:80"]);
        let at: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let unbound: SocketAddr = "0.0.0.0:0".parse().unwrap();
        assert!(client.allows(at, SocketAddrUse::TcpConnect));
        assert!(client.allows(unbound, SocketAddrUse::TcpBind));
        assert!(!client.allows(at, SocketAddrUse::TcpBind));
        assert!(!client.allows(at, SocketAddrUse::TcpListen));
        assert!(server.allows(at, SocketAddrUse::TcpBind));
        assert!(server.allows(at, SocketAddrUse::TcpListen));
        assert!(!server.allows(at, SocketAddrUse::TcpConnect));
        assert!(!server.allows(unbound, SocketAddrUse::TcpListen));
        assert!(!Network::default().allows(unbound, SocketAddrUse::UdpBind));
    }
}
