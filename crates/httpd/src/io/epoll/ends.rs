//! How connections of the loop on epoll end other than by themselves: their file was changed, their
//! patience is at its end, the worker stops.

use super::{FIRST_LISTENER, Loop, Peer, Transmit};
use crate::control::Drain;
use crate::io::LAST_CALL;
use crate::io::patience::Stage;

impl<T: Transmit> Loop<'_, T> {
    /// Ends the connections that are in the middle of a file that was changed in place.
    pub(super) fn cut_off(&mut self) {
        let unsound = self.peers.iter().filter(|(_, peer)| !peer.out.is_sound());
        let unsound: Vec<usize> = unsound.map(|(key, _)| key).collect();
        unsound.into_iter().for_each(|key| self.end(key));
    }

    /// Ends the connections whose patience is at its end.
    pub(super) fn expire(&mut self) {
        while let Some((token, tick)) = self.timers.expired() {
            let key = token as usize;
            let Some(peer) = self.peers.get_mut(key) else { continue };
            if !self.timers.is_due(token, tick, &mut peer.patience) {
                continue;
            }
            let Peer { patience, session, socket, sent, disk, .. } = peer;
            if disk.is_read() {
                // The peer is not to blame.
                self.timers.enter(token, patience, Stage::Sending, true);
                continue;
            }
            if self.timers.is_fast_enough(token, patience, session, socket, *sent) {
                continue;
            }
            if peer.patience.stage == Stage::Request && peer.session.ending().is_none() {
                peer.session.time_out(&mut peer.out, &mut self.service);
                self.turn(key);
            } else {
                self.end(key);
            }
        }
    }

    /// Stops accepting, ends idle connections or lets them have one more request, and sets the time
    /// by which all have to end. What is told again changes nothing.
    pub(super) fn drain(&mut self, drain: Drain) {
        if self.draining.replace(drain) == Some(drain) {
            return;
        }
        self.service.draining = true;
        self.drains_until = Some(self.timers.after(drain.limit));
        if self.rests_until.take().is_none() {
            for listener in &self.listeners {
                let _ = self.epoll.delete(&listener.socket);
            }
        }
        // What was connected before is served, so that nobody else has to hear of it.
        for token in (FIRST_LISTENER..).take(self.listeners.len()) {
            let _ = self.accept(token, usize::MAX);
        }
        self.rests_until = None;
        self.listeners.clear();
        self.worker.stop_listening();
        if drain.keeps_idle {
            return;
        }
        self.timers.hurry(LAST_CALL);
        let keys: Vec<usize> = self.peers.iter().map(|(key, _)| key).collect();
        for key in keys {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.session.drain(peer.out.is_empty());
                let stage = peer.patience.stage;
                self.timers.enter(key as u64, &mut peer.patience, stage, stage == Stage::Request);
            }
            self.turn(key);
        }
    }
}
