//! Ports that nobody else is given while a service is on its way to them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// A free port of the loopback address, held by a socket that is bound but does not listen.
///
/// The operating system gives such a port to nobody who asks for any port, but lets a server that names it listen on
/// it, provided both sockets have `SO_REUSEADDR` (servers set it as a rule). So the address of every service is known
/// before any of them starts: they start in parallel, a restarted service comes back at the same address, and no
/// other process can slip in between. Elsewhere than on Linux the system refuses the second bind, so the port is
/// let go just before it is used.
#[derive(Debug)]
pub struct ReservedPort {
    number: u16,
    holder: Option<TcpSocket>,
}

impl ReservedPort {
    /// Reserves any free port.
    ///
    /// # Errors
    /// When no socket or port is left.
    pub fn any() -> io::Result<Self> {
        let holder = TcpSocket::new_v4()?;
        holder.set_reuseaddr(true)?;
        holder.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let number = holder.local_addr()?.port();
        Ok(Self { number, holder: Some(holder) })
    }

    /// The port.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Called just before the service starts.
    pub fn about_to_be_used(&mut self) {
        if !cfg!(target_os = "linux") {
            self.holder = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_reserved_port_refuses_connections_until_its_service_listens_and_again_after() {
        let mut port = ReservedPort::any().unwrap();
        let address = ("127.0.0.1", port.number());
        assert!(TcpStream::connect(address).is_err());
        port.about_to_be_used();
        for _ in 0..2 {
            let listener = TcpListener::bind(address).unwrap();
            assert!(TcpStream::connect(address).is_ok());
            drop(listener);
            assert!(TcpStream::connect(address).is_err());
        }
    }

    #[tokio::test]
    async fn nobody_else_is_given_a_reserved_port() {
        let held: Vec<ReservedPort> = (0..50).map(|_| ReservedPort::any().unwrap()).collect();
        let others: Vec<TcpListener> = (0..200).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let taken = |number: u16| others.iter().any(|other| other.local_addr().unwrap().port() == number);
        assert!(!held.iter().any(|port| taken(port.number())));
    }
}
