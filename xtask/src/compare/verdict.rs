//! What a comparison comes to, and what the peers that were asked before bear witness to.

use std::collections::HashSet;
use std::net::SocketAddr;

use super::account::Heard;
use super::ours::Direction;
use super::peer::Peer;
use super::reason::Reason;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Equal,
    /// Different for reasons that are known.
    Explained(Vec<Reason>),
    Unexplained(String),
}

/// One comparison.
#[derive(Debug)]
pub(super) struct Judged {
    /// Which direction of which of our connections, by its place in the list; absent where only the peer has one.
    pub(super) ours: Option<Place>,
    /// Of what only the peer has: who to whom.
    pub(super) ends: Ends,
    /// What the peer calls it.
    pub(super) label: String,
    pub(super) verdict: Verdict,
}

/// A direction of a connection, by its place in the list.
pub(super) type Place = (usize, Direction);
/// Who sends and who receives.
pub(super) type Ends = (SocketAddr, SocketAddr);

/// What the peers that were asked before agree with egret about.
#[derive(Debug, Default)]
pub(super) struct Witness {
    pub(super) asked: bool,
    /// What they have exactly as egret has it.
    pub(super) equal: HashSet<Place>,
    /// Who said anything at all.
    spoken: HashSet<Ends>,
}

impl Witness {
    /// Takes down what one more peer said.
    pub(super) fn hear(&mut self, heard: &Heard, judged: &[Judged]) {
        self.asked = true;
        let equal = judged.iter().filter(|judged| judged.verdict == Verdict::Equal);
        self.equal.extend(equal.filter_map(|judged| judged.ours));
        let spoken = heard.accounts.iter().filter(|account| account.len > 0);
        self.spoken.extend(spoken.map(|account| (account.from, account.to)));
    }

    pub(super) fn knows_nothing(&self, ends: Ends) -> bool {
        self.asked && !self.spoken.contains(&ends)
    }
}

/// Where two versions part, for a person.
pub(super) fn describe(peer: Peer, mine: &[u8], theirs: &[u8]) -> String {
    let at = mine.iter().zip(theirs).take_while(|(mine, theirs)| mine == theirs).count();
    let (ours, name) = (mine.len(), peer.name());
    match (at == mine.len(), at == theirs.len()) {
        (true, false) => format!("{name} has {} bytes more, behind {ours}", theirs.len() - at),
        (false, true) => format!("{name} stops at {at} of {ours} bytes"),
        _ => format!("different from byte {at} on; {ours} bytes here, {} there", theirs.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_they_part_is_told() {
        assert_eq!(describe(Peer::Tshark, b"ab", b"abc"), "tshark has 1 bytes more, behind 2");
        assert_eq!(describe(Peer::Tcpflow, b"abc", b"a"), "tcpflow stops at 1 of 3 bytes");
        assert_eq!(
            describe(Peer::Tshark, b"abc", b"aXcd"),
            "different from byte 1 on; 3 bytes here, 4 there"
        );
    }
}
