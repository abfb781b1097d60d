//! Why a peer's bytes differ from egret's: the known faults of tshark and tcpflow, each with the proof it needs.
//!
//! Promises: a reason is given only when the difference is exactly what the fault does and egret itself reports what
//! leads to it (a conflict, a gap, a refused segment, how the connection ended). Everything else stays unexplained.

use super::account::MOST_TRAILER;
use super::bytes::{differences, filled, holes, is_within, is_zero, replaced};
use super::ours::{Connection, Side};
use super::peer::Peer;
use super::reason::Reason;

/// The most bytes that fill up an Ethernet frame with an IPv4 and a TCP header, and the place of a FIN in front of them.
const MOST_PADDING: usize = 7;

/// Two programs that disagree about a direction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) peer: Peer,
    pub(super) connection: &'a Connection,
    pub(super) side: &'a Side,
    /// What the peer has.
    pub(super) theirs: &'a [u8],
    /// Whether the end of the connection is beyond doubt: nobody acknowledged anything behind a RST.
    pub(super) over: bool,
    /// Whether another peer has exactly what egret has.
    pub(super) witnessed: bool,
}

impl Case<'_> {
    /// Why theirs is not `mine`, which is what egret delivered, if that can be proved.
    pub(super) fn reasons(&self, mine: &[u8]) -> Option<Vec<Reason>> {
        let padding = if self.peer == Peer::Tcpflow { self.padding(mine) } else { None };
        padding.or_else(|| self.one(mine).map(|reason| vec![reason]))
    }

    fn one(&self, mine: &[u8]) -> Option<Reason> {
        let Self { peer, connection, side, theirs, .. } = *self;
        let discarded = usize::try_from(side.discarded).unwrap_or(usize::MAX);
        let more = theirs.len().checked_sub(mine.len()).filter(|_| is_within(mine, theirs));
        if side.count("late") > 0 && more.is_some_and(|more| more <= discarded) {
            return Some(Reason::Late);
        }
        if side.count("urgent") > 0 && more.is_some_and(|more| more as u64 == side.count("urgent")) {
            return Some(Reason::UrgentByte);
        }
        let tail = theirs.strip_prefix(mine);
        if tail.is_some() && connection.closed == "reset" && self.over {
            return Some(Reason::AfterReset);
        }
        if side.count("refused") > 0
            && (more.is_some_and(|more| more <= discarded) || replaced(mine, theirs) <= discarded)
        {
            return Some(Reason::RefusedSegment);
        }
        match peer {
            _ if tail.is_some() && connection.closed == "finished" => Some(Reason::AfterFin),
            Peer::Tshark if theirs.is_empty() => None,
            Peer::Tshark if connection.opened == "midstream" && mine.ends_with(theirs) => {
                Some(Reason::FirstSegment)
            }
            Peer::Tshark if mine.starts_with(theirs) && holes(side).any(|hole| hole == theirs.len()) => {
                Some(Reason::SilentAfterHole)
            }
            _ => None,
        }
    }

    /// Zeros in gaps, and bytes behind the IP packet where no payload is.
    fn padding(&self, mine: &[u8]) -> Option<Vec<Reason>> {
        let Self { connection, side, theirs, witnessed, .. } = *self;
        let (filled, filling) = filled(mine, side, theirs.len())?;
        let filling = || filling.then_some(Reason::ZeroFilled);
        if filled == theirs {
            return filling().map(|reason| vec![reason]);
        }
        let padded = || Some(filling().into_iter().chain([Reason::Padding]).collect());
        let (same_room, tail) = theirs.split_at_checked(filled.len())?;
        if filled == same_room && tail.len() <= MOST_PADDING && is_zero(tail) {
            return padded();
        }
        if filled == same_room && is_zero(tail) && witnessed && connection.closed == "reset" {
            // The RST's number says how far the stream went; nothing of that was captured.
            return Some(vec![Reason::ZeroFilled]);
        }
        // All payload there is has been delivered, and another program has the same: the rest is no payload.
        let nothing_else = side.retransmitted + side.discarded == 0;
        let of_no_segment = |run: &[u8]| {
            (nothing_else && run.len() <= MOST_TRAILER) || (run.len() < MOST_PADDING && is_zero(run))
        };
        let differences = differences(&filled, theirs);
        (witnessed && differences.iter().all(|run| theirs.get(run.clone()).is_some_and(of_no_segment)))
            .then(padded)
            .flatten()
    }

    /// Whether the bytes differ only where egret reports that two segments did.
    pub(super) fn only_in_conflicts(&self, mine: &[u8]) -> bool {
        let known = |at: usize| {
            let covers =
                |(offset, len, ..): &(u64, u64, u64, u64)| (*offset..offset + len).contains(&(at as u64));
            self.side.conflicts.iter().any(covers)
        };
        let Some((filled, _)) = filled(mine, self.side, self.theirs.len()) else { return false };
        // tshark leaves nothing in the gaps, so that offsets are only good without any.
        let comparable = self.peer == Peer::Tcpflow || self.side.gaps.is_empty();
        comparable
            && filled.len() == self.theirs.len()
            && (0..)
                .zip(filled.iter().zip(self.theirs))
                .all(|(at, (mine, theirs))| mine == theirs || known(at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ours::Direction;
    use super::super::ours::tests::connection;
    use super::*;
    use Peer::{Tcpflow, Tshark};
    use Reason::*;

    /// What egret reports of the client's side.
    fn side(retransmitted: u64, discarded: u64, gaps: &str, anomalies: &str) -> String {
        format!(
            r#""bytes":9,"gaps":[{gaps}],"retransmitted":{retransmitted},"discarded":{discarded},
            "conflicts":[[1,2,7,8]],"anomalies":{{{anomalies}}},"sha256":"x""#
        )
    }

    fn asked<T>(peer: Peer, closed: &str, side: &str, theirs: &str, ask: impl FnOnce(Case<'_>) -> T) -> T {
        let connection = connection(1, closed, side);
        let side = connection.side(Direction::ClientToServer);
        let theirs = theirs.as_bytes();
        ask(Case { peer, connection: &connection, side, theirs, over: true, witnessed: false })
    }

    fn reasons(peer: Peer, closed: &str, side: &str, mine: &str, theirs: &str) -> Vec<Reason> {
        asked(peer, closed, side, theirs, |case| case.reasons(mine.as_bytes())).unwrap_or_default()
    }

    fn witnessed(side: &str, mine: &str, theirs: &str) -> Vec<Reason> {
        let ask = |case: Case<'_>| Case { witnessed: true, ..case }.reasons(mine.as_bytes());
        asked(Tcpflow, "reset", side, theirs, |case| ask(Case { over: false, ..case })).unwrap_or_default()
    }

    #[test]
    fn zeros_must_be_where_the_gaps_are() {
        let side = side(0, 0, r#"[2,3,"acknowledged"],[7,2,"end"]"#, "");
        let filled = |theirs| reasons(Tcpflow, "idle", &side, "abcd", theirs);
        assert_eq!(filled("ab\0\0\0cd\0\0"), [ZeroFilled]);
        assert_eq!(filled("ab\0\0\0cd"), [ZeroFilled], "nothing is behind the last gap");
        assert_eq!(filled("ab\0\0\0cd\0\0\0\0"), [ZeroFilled, Padding]);
        assert_eq!(filled("ab\0\0\0ce"), []);
        assert_eq!(filled("ab\0\0cd"), []);
        assert_eq!(filled("abc\0\0\0d"), []);
        assert_eq!(filled("abcdef"), []);
        assert_eq!(reasons(Tshark, "idle", &side, "abcd", "ab\0\0\0cd\0\0"), [], "only tcpflow does that");
    }

    #[test]
    fn a_tail_is_explained_by_how_the_connection_ended() {
        let quiet = side(0, 0, "", "");
        assert_eq!(reasons(Tshark, "reset", &quiet, "ab", "abc"), [AfterReset]);
        assert_eq!(reasons(Tcpflow, "reset", &quiet, "", "abc"), [AfterReset]);
        assert_eq!(reasons(Tshark, "finished", &quiet, "ab", "abc"), [AfterFin]);
        assert_eq!(reasons(Tshark, "end-of-capture", &quiet, "ab", "abc"), []);
        assert_eq!(reasons(Tshark, "reset", &quiet, "ab", "xbc"), []);
        assert_eq!(reasons(Tcpflow, "idle", &quiet, "ab", "ab\0\0"), [Padding]);
        assert_eq!(
            reasons(Tcpflow, "idle", &quiet, "ab", "ab\0\0\0\0\0\0\0\0"),
            [],
            "more than a frame needs"
        );
        assert_eq!(reasons(Tshark, "idle", &quiet, "ab", "ab\0\0"), [], "tshark knows padding");
    }

    #[test]
    fn a_reset_that_was_not_believed_explains_nothing() {
        let over = |over| {
            asked(Tshark, "reset", &side(0, 0, "", ""), "abc", |case| Case { over, ..case }.reasons(b"ab"))
        };
        assert_eq!(over(true), Some(vec![AfterReset]));
        assert_eq!(over(false), None);
    }

    #[test]
    fn what_is_no_payload_needs_a_witness_and_nothing_else_it_could_be() {
        let quiet = side(0, 0, "", "");
        assert_eq!(witnessed(&quiet, "abcd", "abXdYZ"), [Padding]);
        assert_eq!(reasons(Tcpflow, "idle", &quiet, "abcd", "abXdYZ"), []);
        assert_eq!(witnessed(&quiet, "abcd", &format!("abcd{}", "X".repeat(17))), []);
        let repeated = side(4, 0, "", "");
        assert_eq!(
            witnessed(&repeated, "abcd", "abXdYZ"),
            [],
            "the other version of what was captured twice"
        );
        assert_eq!(witnessed(&repeated, "abcd", "a\0\0d"), [Padding]);
        assert_eq!(witnessed(&repeated, "abcd", &format!("abcd{}", "\0".repeat(99))), [ZeroFilled]);
    }

    #[test]
    fn what_egret_refused_is_found_again_in_theirs() {
        let refused = side(0, 3, "", r#""refused":1"#);
        let open = |mine, theirs| reasons(Tshark, "end-of-capture", &refused, mine, theirs);
        assert_eq!(open("abef", "abXYef"), [RefusedSegment]);
        assert_eq!(open("abef", "aXYf"), [RefusedSegment], "in the place of others");
        assert_eq!(open("abef", "abefXYZ"), [RefusedSegment]);
        assert_eq!(open("abef", "abWXYZef"), [], "more than was refused");
        assert_eq!(open("abef", "bXYaef"), []);
        assert_eq!(reasons(Tshark, "idle", &side(0, 3, "", ""), "abef", "abXYef"), [], "nothing was refused");
    }

    #[test]
    fn urgent_bytes_and_late_ones() {
        let urgent = side(0, 1, "", r#""urgent":1"#);
        assert_eq!(reasons(Tcpflow, "finished", &urgent, "abc", "ab!c"), [UrgentByte]);
        assert_eq!(reasons(Tcpflow, "idle", &urgent, "abc", "ab!!c"), []);
        let late = side(0, 2, r#"[2,2,"acknowledged"]"#, r#""late":1,"refused":1"#);
        assert_eq!(reasons(Tshark, "idle", &late, "abef", "abcdef"), [Late]);
    }

    #[test]
    fn tshark_starts_late_and_stops_early() {
        let holes = side(0, 0, r#"[2,3,"end"]"#, "");
        assert_eq!(reasons(Tshark, "idle", &holes, "abcd", "ab"), [SilentAfterHole]);
        assert_eq!(reasons(Tshark, "idle", &holes, "abcd", "abc"), []);
        let mut connection = connection(1, "idle", &side(0, 0, "", ""));
        let explain = |connection: &Connection| {
            let side = connection.side(Direction::ClientToServer);
            let case = Case { peer: Tshark, connection, side, theirs: b"cd", over: true, witnessed: false };
            case.reasons(b"abcd")
        };
        assert_eq!(explain(&connection), None);
        connection.opened = "midstream".to_owned();
        assert_eq!(explain(&connection), Some(vec![FirstSegment]));
    }

    #[test]
    fn another_version_is_only_where_a_conflict_is_reported() {
        let only = |mine: &str, theirs: &str| {
            asked(Tshark, "idle", &side(2, 0, "", ""), theirs, |case| case.only_in_conflicts(mine.as_bytes()))
        };
        assert!(only("abcd", "aXYd"));
        assert!(!only("abcd", "aXYZ"));
        assert!(!only("abcd", "aXYde"));
    }
}
