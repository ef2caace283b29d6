//! What the daemon and its launcher say to each other, in packets of a socketpair: orders with
//! descriptors one way, outcomes the other.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::unistd::Pid;
use rustix::cmsg_space;
use rustix::io::retry_on_intr;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, send, sendmsg,
    socketpair,
};

use super::Outcome;

/// Descriptors in a packet; the kernel takes 253 (`SCM_MAX_FD`).
const MOST: usize = 64;
/// Most bytes of a packet.
const PACKET: usize = 4096;

/// Says that an order is called off.
const OFF: &[u8] = b"off";

/// A socket that is handed on, and its name for the process that gets it.
pub(crate) type Handed<'s> = (&'s str, BorrowedFd<'s>);

/// What is to be launched with.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Sockets, and a name for each.
    pub(super) sockets: Vec<OwnedFd>,
    pub(super) names: Vec<String>,
    /// Time to get ready.
    pub(super) patience: Duration,
}

/// The two ends.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    Ok(pair?)
}

/// Gives an order, in as many packets as its sockets need.
pub(super) fn order(to: impl AsFd, sockets: &[Handed<'_>], patience: Duration) -> io::Result<()> {
    let mut packets = sockets.chunks(MOST).peekable();
    loop {
        let packet = packets.next().unwrap_or_default();
        let is_last = packets.peek().is_none();
        let names: Vec<_> = packet.iter().map(|(name, _)| *name).collect();
        let text = format!("{} {is_last} {}", patience.as_millis(), names.join(":"));
        let descriptors: Vec<_> = packet.iter().map(|(_, socket)| *socket).collect();
        let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
        let mut control = SendAncillaryBuffer::new(&mut room);
        if !descriptors.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
        }
        let text = [IoSlice::new(text.as_bytes())];
        retry_on_intr(|| sendmsg(&to, &text, &mut control, SendFlags::NOSIGNAL))?;
        if is_last {
            return Ok(());
        }
    }
}

/// Calls off what was ordered.
pub(super) fn call_off(to: impl AsFd) -> io::Result<()> {
    send(to, OFF, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Whether a launch is called off, and not whoever ordered it gone: one of both is the case when the
/// socket is readable meanwhile.
pub(super) fn is_called_off(from: impl AsFd) -> io::Result<bool> {
    let (size, _) = retry_on_intr(|| recv(&from, &mut [0; OFF.len()], RecvFlags::empty()))?;
    Ok(size > 0)
}

/// Waits for an order; `None` when whoever gives them is gone.
pub(super) fn take(from: impl AsFd) -> io::Result<Option<Order>> {
    let mut order = Order::default();
    loop {
        let mut bytes = [0; PACKET];
        let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
        let mut control = RecvAncillaryBuffer::new(&mut room);
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = retry_on_intr(|| recvmsg(&from, &mut buffers, &mut control, flags))?;
        if received.bytes == 0 {
            return Ok(None);
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(sockets) = message {
                order.sockets.extend(sockets);
            }
        }
        let bytes = bytes.get(..received.bytes).unwrap_or_default();
        if bytes == OFF {
            // It came too late: what was ordered is done.
            continue;
        }
        let text = String::from_utf8_lossy(bytes);
        let mut parts = text.splitn(3, ' ');
        let milliseconds = parts.next().and_then(|text| text.parse().ok()).unwrap_or_default();
        let is_last = parts.next() == Some("true");
        let names = parts.next().unwrap_or_default().split(':').filter(|name| !name.is_empty());
        order.names.extend(names.map(str::to_owned));
        order.patience = Duration::from_millis(milliseconds);
        if is_last {
            return Ok(Some(order));
        }
    }
}

/// Tells what became of an order.
pub(super) fn tell(to: impl AsFd, outcome: &Outcome) -> io::Result<()> {
    let text = match outcome {
        Outcome::Ready(pid) => format!("+{pid}"),
        Outcome::Failed(why) => format!("-{why}"),
        Outcome::Gone => return Ok(()),
    };
    send(to, text.as_bytes(), SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Waits for what became of an order.
pub(super) fn hear(from: impl AsFd) -> io::Result<Outcome> {
    let mut bytes = [0; PACKET];
    let (size, _) = retry_on_intr(|| recv(&from, &mut bytes, RecvFlags::empty()))?;
    let text = String::from_utf8_lossy(bytes.get(..size).unwrap_or_default());
    Ok(match text.strip_prefix('+').and_then(|pid| pid.parse().ok()) {
        Some(pid) => Outcome::Ready(Pid::from_raw(pid)),
        None => text.strip_prefix('-').map_or(Outcome::Gone, |why| Outcome::Failed(why.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn an_order_of_many_sockets_arrives_whole_and_in_order() {
        let (one, other) = pair().unwrap();
        let file = File::open("/dev/null").unwrap();
        let zero = File::open("/dev/zero").unwrap();
        let mut sockets = vec![("http", file.as_fd()); 150];
        sockets.push(("admin", zero.as_fd()));
        let patience = Duration::from_millis(1500);
        std::thread::scope(|scope| {
            scope.spawn(|| order(&one, &sockets, patience).unwrap());
            let order = take(&other).unwrap().unwrap();
            assert_eq!(order.patience, patience);
            assert_eq!(order.names[..150], vec!["http"; 150]);
            assert_eq!(order.names[150..], ["admin"]);
            assert_eq!(order.sockets.len(), 151);
            let device =
                |fd: &OwnedFd| File::from(fd.try_clone().unwrap()).metadata().unwrap().rdev();
            assert_eq!(device(&order.sockets[149]), file.metadata().unwrap().rdev());
            assert_eq!(device(&order.sockets[150]), zero.metadata().unwrap().rdev());
        });
    }

    #[test]
    fn what_is_called_off_too_late_is_no_order() {
        let (one, other) = pair().unwrap();
        call_off(&one).unwrap();
        order(&one, &[], Duration::from_secs(1)).unwrap();
        assert_eq!(take(&other).unwrap().unwrap().patience, Duration::from_secs(1));
        call_off(&one).unwrap();
        assert!(is_called_off(&other).unwrap());
        drop(one);
        assert!(!is_called_off(&other).unwrap());
    }

    #[test]
    fn no_order_comes_from_one_who_is_gone() {
        let (one, other) = pair().unwrap();
        drop(one);
        assert!(take(&other).unwrap().is_none());
    }

    #[test]
    fn an_outcome_arrives_as_it_was_told() {
        let (one, other) = pair().unwrap();
        for outcome in
            [Outcome::Ready(Pid::from_raw(7)), Outcome::Failed("+ took too long".to_owned())]
        {
            tell(&one, &outcome).unwrap();
            assert_eq!(hear(&other).unwrap(), outcome);
        }
        drop(one);
        assert_eq!(hear(&other).unwrap(), Outcome::Gone);
    }
}
