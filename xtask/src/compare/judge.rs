//! Goes through all directions of a capture and says of each what became of the comparison with one peer.

use std::collections::BTreeMap;

use anyhow::Result;

use super::account::{Account, Heard, joined};
use super::explain::Case;
use super::ours::{Connection, Direction, Egret, Ours, Side};
use super::pair::{Pair, pair};
use super::peer::Peer;
use super::reason::Reason;
use super::verdict::{Ends, Judged, Place, Verdict, Witness, describe};

/// Judges every direction that either has bytes of.
pub(super) fn all(
    peer: Peer,
    heard: &Heard,
    ours: &Ours,
    egret: &Egret<'_>,
    witness: &Witness,
) -> Result<Vec<Judged>> {
    let mut groups: BTreeMap<Ends, (Vec<Place>, Vec<&Account>)> = BTreeMap::new();
    for (index, connection) in ours.connections.iter().enumerate() {
        for direction in Direction::BOTH {
            groups.entry(connection.ends(direction)).or_default().0.push((index, direction));
        }
    }
    for account in &heard.accounts {
        groups.entry((account.from, account.to)).or_default().1.push(account);
    }
    let mut judged = Vec::new();
    for (ends, (mine, theirs)) in groups {
        let court = Court { peer, heard, ours, egret, witness, mine: &mine, theirs: &theirs };
        let side = |(index, direction): &Place| {
            ours.connections.get(*index).map_or((0, ""), |connection| {
                let side = connection.side(*direction);
                (side.bytes, side.sha256.as_str())
            })
        };
        let digests: Vec<_> = mine.iter().map(side).collect();
        let others: Vec<_> = theirs.iter().map(|account| (account.len, account.sha256.as_str())).collect();
        for pair in pair(&digests, &others) {
            let verdict = court.verdict(&pair)?;
            let labels = pair.theirs.iter().filter_map(|index| theirs.get(*index));
            let label = labels.map(|account| account.label.as_str()).collect::<Vec<_>>().join(", ");
            let places = pair.ours.iter().map(|index| mine.get(*index).copied());
            let mut judge =
                |ours| judged.push(Judged { ours, ends, label: label.clone(), verdict: verdict.clone() });
            if pair.ours.is_empty() {
                judge(None);
            }
            places.for_each(judge);
        }
    }
    judged.sort_by_key(|judged| judged.ours.map_or((usize::MAX, None), |(index, side)| (index, Some(side))));
    Ok(judged)
}

/// All that two endpoints said in one direction, by both programs.
struct Court<'a> {
    peer: Peer,
    heard: &'a Heard,
    ours: &'a Ours,
    egret: &'a Egret<'a>,
    witness: &'a Witness,
    mine: &'a [Place],
    theirs: &'a [&'a Account],
}

impl Court<'_> {
    fn verdict(&self, pair: &Pair) -> Result<Verdict> {
        let theirs: Vec<&Account> =
            pair.theirs.iter().filter_map(|index| self.theirs.get(*index).copied()).collect();
        let mine: Vec<Mine<'_>> = pair.ours.iter().filter_map(|index| self.mine(*index)).collect();
        match (mine.as_slice(), theirs.as_slice()) {
            ([mine], []) => Ok(self.nothing_of_theirs(mine)),
            ([mine], [theirs]) if mine.side().sha256 == theirs.sha256 => Ok(Verdict::Equal),
            ([], theirs) => Ok(self.nothing_of_ours(theirs)),
            ([mine], theirs) => self.one_of_ours(mine, theirs),
            (mine, theirs) => self.several_of_ours(mine, theirs),
        }
    }

    fn mine(&self, index: usize) -> Option<Mine<'_>> {
        let place = *self.mine.get(index)?;
        let (index, direction) = place;
        let connection = self.ours.connections.get(index)?;
        let silent =
            connection.side(direction).bytes == 0 && self.witness.knows_nothing(connection.ends(direction));
        Some(Mine { connection, direction, witnessed: silent || self.witness.equal.contains(&place) })
    }

    fn all_of_ours(&self) -> impl Iterator<Item = Mine<'_>> {
        (0..self.mine.len()).filter_map(|index| self.mine(index))
    }

    fn nothing_of_theirs(&self, mine: &Mine<'_>) -> Verdict {
        let (connection, side) = (mine.connection, mine.side());
        let ipv6 = connection.ends(mine.direction).0.is_ipv6();
        let before = self.all_of_ours().take_while(|other| other.connection.id < connection.id).last();
        let in_another_path =
            |other: &Mine<'_>| other.connection.path != connection.path && other.side().sha256 == side.sha256;
        let reason = match self.peer {
            Peer::Tcpflow if self.heard.accounts.is_empty() => Reason::NotRead,
            Peer::Tcpflow if connection.path.iter().any(|step| !step.starts_with("vlan") || ipv6) => {
                Reason::NotFollowed
            }
            _ if self.all_of_ours().any(|other| in_another_path(&other)) => Reason::VlansMerged,
            _ if before.is_some_and(|before| before.connection.closed == "idle") => Reason::Idle,
            peer => {
                let text = format!("{} has nothing of these {} bytes", peer.name(), side.bytes);
                return Verdict::Unexplained(text);
            }
        };
        Verdict::Explained(vec![reason])
    }

    fn nothing_of_ours(&self, theirs: &[&Account]) -> Verdict {
        let known = match self.mine {
            [] => theirs.iter().all(|account| self.witness.knows_nothing((account.from, account.to))),
            _ => self.all_of_ours().all(|mine| mine.witnessed || mine.side().bytes == 0),
        };
        if self.peer == Peer::Tcpflow && known && theirs.iter().all(|account| account.is_ghost()) {
            return Verdict::Explained(vec![Reason::Ghost]);
        }
        let text =
            if self.mine.is_empty() { "egret has no such connection" } else { "egret has only others" };
        Verdict::Unexplained(text.to_owned())
    }

    fn one_of_ours(&self, mine: &Mine<'_>, theirs: &[&Account]) -> Result<Verdict> {
        let ghosts = theirs.iter().filter(|account| account.is_ghost()).count();
        if self.peer == Peer::Tcpflow && ghosts > 0 && ghosts + 1 == theirs.len() {
            let real: Vec<&Account> = theirs.iter().copied().filter(|account| !account.is_ghost()).collect();
            return Ok(match self.one_of_ours(mine, &real)? {
                Verdict::Equal => Verdict::Explained(vec![Reason::Ghost]),
                Verdict::Explained(reasons) => Verdict::Explained([&reasons[..], &[Reason::Ghost]].concat()),
                unexplained => unexplained,
            });
        }
        let Mine { connection, direction, witnessed } = *mine;
        let side = mine.side();
        let Some(bytes) = joined(theirs)? else { return Ok(too_long()) };
        let Some(mine) = self.egret.bytes(connection.id, direction, "linux")? else { return Ok(too_long()) };
        let split = (theirs.len() > 1).then_some(match self.peer {
            Peer::Tshark => Reason::SplitAtSyn,
            Peer::Tcpflow => Reason::SplitAtReset,
        });
        let explained = |more: &[Reason]| Ok(Verdict::Explained(split.iter().chain(more).copied().collect()));
        if mine == bytes {
            return if split.is_some() { explained(&[]) } else { Ok(Verdict::Equal) };
        }
        let over = !self.ours.went_on.contains(&connection.id);
        let case = Case { peer: self.peer, connection, side, theirs: &bytes, over, witnessed };
        if let Some(reasons) = case.reasons(&mine) {
            return explained(&reasons);
        }
        if !side.conflicts.is_empty() {
            for (overlap, reason) in [("last", Reason::LastWins), ("first", Reason::FirstWins)] {
                let Some(variant) = self.egret.bytes(connection.id, direction, overlap)? else { continue };
                let more = if variant == bytes { Some(Vec::new()) } else { case.reasons(&variant) };
                if let Some(more) = more {
                    return explained(&[&[reason], &more[..]].concat());
                }
            }
            if case.only_in_conflicts(&mine) {
                let tshark = self.peer == Peer::Tshark;
                return explained(&[if tshark { Reason::FirstWins } else { Reason::LastWins }]);
            }
        }
        let mut text = describe(self.peer, &mine, &bytes);
        if !over {
            text.push_str("; what was sent behind the RST that egret believed was acknowledged");
        }
        Ok(Verdict::Unexplained(text))
    }

    fn several_of_ours(&self, mine: &[Mine<'_>], theirs: &[&Account]) -> Result<Verdict> {
        let Some(bytes) = joined(theirs)? else { return Ok(too_long()) };
        let mut rest = bytes.as_slice();
        for Mine { connection, direction, .. } in mine {
            let part = self.egret.bytes(connection.id, *direction, "linux")?.unwrap_or_default();
            let Some(behind) = rest.strip_prefix(part.as_slice()) else {
                let ids: Vec<_> = mine.iter().map(|mine| mine.connection.id.to_string()).collect();
                let text = format!("theirs is one, ours are {}, and the bytes are others", ids.join(", "));
                return Ok(Verdict::Unexplained(text));
            };
            rest = behind;
        }
        let mut paths = mine.iter().map(|mine| &mine.connection.path);
        let first = paths.next();
        Ok(match rest {
            [] if paths.any(|path| Some(path) != first) => Verdict::Explained(vec![Reason::VlansMerged]),
            [] => Verdict::Unexplained("the same bytes, but theirs is one connection".to_owned()),
            _ => Verdict::Unexplained(format!("theirs is one connection, with {} bytes more", rest.len())),
        })
    }
}

/// One direction of a connection of ours.
struct Mine<'a> {
    connection: &'a Connection,
    direction: Direction,
    /// Whether another peer has exactly the same bytes.
    witnessed: bool,
}

impl Mine<'_> {
    fn side(&self) -> &Side {
        self.connection.side(self.direction)
    }
}

fn too_long() -> Verdict {
    Verdict::Unexplained("different, and too long to be looked at".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::account::Scratch;
    use super::super::ours::tests::connection;
    use super::*;
    use std::collections::HashSet;
    use std::path::Path;

    const FROM_CLIENT: (&str, &str) = ("10.0.0.1:1000", "10.0.0.2:80");

    /// A capture of which every egret has these connections, without one to ask for bytes.
    fn judged(peer: Peer, ours: &[Connection], theirs: &[(u64, &str)], witness: &Witness) -> Vec<Verdict> {
        let (from, to) = (FROM_CLIENT.0.parse().unwrap(), FROM_CLIENT.1.parse().unwrap());
        let account = |(len, sha256): &(u64, &str)| {
            let sha256 = (*sha256).to_owned();
            Account { from, to, label: String::new(), len: *len, sha256, kept: None }
        };
        let heard = Heard { accounts: theirs.iter().map(account).collect(), complaint: None };
        let ours = Ours { connections: ours.to_vec(), complaint: None, went_on: HashSet::new() };
        let scratch = Scratch::new().unwrap();
        let nowhere = Path::new("/nowhere");
        let egret = Egret { program: nowhere, capture: nowhere, scratch: &scratch };
        let judged = all(peer, &heard, &ours, &egret, witness).unwrap();
        judged.into_iter().map(|judged| judged.verdict).collect()
    }

    fn said(id: u64, closed: &str, bytes: u64, sha256: &str) -> Connection {
        let side = format!(
            r#""bytes":{bytes},"gaps":[],"retransmitted":0,"discarded":0,"conflicts":[],"anomalies":{{}},"sha256":"{sha256}""#
        );
        connection(id, closed, &side)
    }

    fn explained(reason: Reason) -> Verdict {
        Verdict::Explained(vec![reason])
    }

    #[test]
    fn what_the_peer_does_not_have() {
        let nobody = Witness::default();
        let one = |id, path: &[&str]| {
            let mut connection = said(id, "idle", 5, "aa");
            connection.path = path.iter().map(|step| (*step).to_owned()).collect();
            connection
        };
        assert_eq!(judged(Peer::Tcpflow, &[one(1, &[])], &[], &nobody), [explained(Reason::NotRead)]);
        assert!(matches!(judged(Peer::Tshark, &[one(1, &[])], &[], &nobody)[..], [Verdict::Unexplained(_)]));
        let two = [one(1, &["vlan 1"]), one(2, &["vlan 2"])];
        assert_eq!(
            judged(Peer::Tshark, &two, &[(5, "aa")], &nobody),
            [Verdict::Equal, explained(Reason::VlansMerged)]
        );
        let two = [one(1, &[]), one(2, &[])];
        assert_eq!(
            judged(Peer::Tshark, &two, &[(5, "aa")], &nobody),
            [Verdict::Equal, explained(Reason::Idle)]
        );
        let tunnel = [one(1, &[]), one(2, &["gre"])];
        assert_eq!(
            judged(Peer::Tcpflow, &tunnel, &[(5, "aa")], &nobody),
            [Verdict::Equal, explained(Reason::NotFollowed)]
        );
    }

    #[test]
    fn a_ghost_needs_a_witness() {
        let mut witness = Witness::default();
        let ghost = |witness: &Witness| {
            judged(Peer::Tcpflow, &[said(1, "finished", 50, "aa")], &[(50, "aa"), (6, "00")], witness)
        };
        assert!(matches!(ghost(&witness)[..], [Verdict::Equal, Verdict::Unexplained(_)]));
        witness.equal.insert((0, Direction::ClientToServer));
        assert_eq!(ghost(&witness), [Verdict::Equal, explained(Reason::Ghost)]);
        let alone = |witness: &Witness| judged(Peer::Tcpflow, &[], &[(6, "00")], witness);
        assert!(matches!(alone(&witness)[..], [Verdict::Unexplained(_)]));
        witness.asked = true;
        assert_eq!(alone(&witness), [explained(Reason::Ghost)]);
    }

    #[test]
    fn what_could_not_be_kept_is_not_explained() {
        let ours = [said(1, "finished", 50, "aa")];
        let verdicts = judged(Peer::Tshark, &ours, &[(51, "bb")], &Witness::default());
        assert_eq!(verdicts, [too_long()]);
    }
}
