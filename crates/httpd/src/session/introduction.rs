//! What a connection from a proxy begins with: the header that says whom it is from.

use protocol::proxy::{Header, Source};

use super::{Ending, Session};
use crate::access::Address;
use crate::metrics::Refusal;
use crate::service::Service;

impl Session {
    /// That of a connection from a proxy at this address, before its header.
    pub(crate) fn of_proxy(address: Address) -> Self {
        Self { address, awaits_header: true, ..Self::default() }
    }

    /// Reads the header that `bytes` begin with: its size, `None` if more of it has to come. All is
    /// done with if it is none, and the connection ends without an answer, which the proxy could not
    /// tell from one to somebody else.
    #[cold]
    pub(super) fn introduce(&mut self, bytes: &[u8], service: &Service) -> Option<usize> {
        match Header::read(bytes) {
            Ok(header) => {
                let Header { source, size } = header?;
                self.awaits_header = false;
                // This address counts from here on, and not that of the proxy.
                self.address = match source {
                    Source::Peer(address) => address.into(),
                    Source::Unix => Address::default(),
                    Source::Connection => self.address,
                };
                match service.door.admit(self.address) {
                    Some(ticket) => self.ticket = ticket,
                    // As if the proxy had not been between.
                    None => {
                        service.meter.turned_away(Refusal::Address);
                        self.ended = Some(Ending::Close);
                    }
                }
                Some(size)
            }
            Err(fault) => {
                service.door.turn_away(self.address, Some(fault));
                service.meter.turned_away(Refusal::Proxy);
                self.ended = Some(Ending::Close);
                Some(bytes.len())
            }
        }
    }
}
