//! Streams of the simulated network: a delay line for each direction.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;

use super::network::{Host, Passage, SimNetwork};
use crate::NodeId;
use crate::stream::{Arrival, Outlet, Stream, StreamEnd};

/// How long a stream over a cut link stays before both ends notice.
const NOTICE_AFTER: Duration = Duration::from_secs(2);

enum Piece {
    Data(Bytes),
    Credit(u32),
    End,
    Reset,
}

struct Line(mpsc::UnboundedSender<Piece>);

impl Line {
    fn put(&self, piece: Piece) {
        // The line ends with the stream; what comes later goes nowhere.
        let _ = self.0.send(piece);
    }
}

impl Outlet for Line {
    fn data(&self, piece: Bytes) {
        self.put(Piece::Data(piece));
    }
    fn credit(&self, octets: u32) {
        self.put(Piece::Credit(octets));
    }
    fn end(&self) {
        self.put(Piece::End);
    }
    fn reset(&self) {
        self.put(Piece::Reset);
    }
}

/// Both ends' carriers; emptied when the stream breaks.
type Ends = Arc<Mutex<[Option<StreamEnd>; 2]>>;

fn shatter(ends: &Ends) {
    for end in ends.lock().iter_mut().filter_map(Option::take) {
        end.credit.close();
    }
}

/// A stream between two nodes: (the end of `from`, the end of `to`).
pub(super) fn connect(network: &SimNetwork, from: &Arc<Host>, to: &Arc<Host>) -> (Stream, Stream) {
    let (there, there_line) = mpsc::unbounded_channel();
    let (back, back_line) = mpsc::unbounded_channel();
    let (ours, our_end) = Stream::new(Arc::new(Line(there)));
    let (theirs, their_end) = Stream::new(Arc::new(Line(back)));
    let ends: Ends = Arc::new(Mutex::new([Some(our_end), Some(their_end)]));
    for (line, target, pair) in [
        (there_line, 1, (from.node(), to.node())),
        (back_line, 0, (to.node(), from.node())),
    ] {
        let (network, ends) = (network.clone(), Arc::clone(&ends));
        let (one, other) = (Arc::clone(from), Arc::clone(to));
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = one.ended() => {}
                () = other.ended() => {}
                () = carry(&network, line, &ends, target, pair) => return,
            }
            shatter(&ends);
        });
    }
    (ours, theirs)
}

async fn carry(
    network: &SimNetwork,
    mut line: mpsc::UnboundedReceiver<Piece>,
    ends: &Ends,
    target: usize,
    (from, to): (NodeId, NodeId),
) {
    while let Some(piece) = line.recv().await {
        let octets = if let Piece::Data(bytes) = &piece {
            bytes.len()
        } else {
            0
        };
        match network.passage(from, to, octets) {
            Passage::After(delay) => network.env().sleep(delay).await,
            // Streams lose nothing; a bad link makes them wait, a cut one breaks them in the end.
            Passage::Lost if network.is_open(from, to) => network.env().sleep(NOTICE_AFTER / 10).await,
            Passage::Lost => {
                network.env().sleep(NOTICE_AFTER).await;
                if !network.is_open(from, to) {
                    return shatter(ends);
                }
            }
        }
        let mut guard = ends.lock();
        let Some(end) = &guard[target] else { return };
        match piece {
            // A receiver that is gone has reset the stream itself.
            Piece::Data(bytes) => drop(end.arrivals.send(Arrival::Data(bytes))),
            Piece::End => drop(end.arrivals.send(Arrival::End)),
            Piece::Credit(octets) => end.credit.add_permits(octets as usize),
            Piece::Reset => {
                for end in guard.iter_mut().filter_map(Option::take) {
                    end.credit.close();
                }
                return;
            }
        }
    }
}
