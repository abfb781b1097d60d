//! Which connections of a peer are which of ours, when both have the same addresses: ports are used again, and one
//! program's connection may be several of another's.

/// What is taken for the same: positions in the lists of either program. At least one list is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) ours: Vec<usize>,
    pub(super) theirs: Vec<usize>,
}

/// Pairs what two programs say that one endpoint sent to another: each an (amount, digest), in the order of the
/// capture. Equal ones belong together; what is left goes by its order. Nothing is said about those with no bytes on
/// either side.
pub(super) fn pair(ours: &[(u64, &str)], theirs: &[(u64, &str)]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut rest: Vec<usize> = said(theirs).collect();
    let mut unpaired = Vec::new();
    for index in said(ours) {
        match rest.iter().position(|candidate| theirs.get(*candidate) == ours.get(index)) {
            Some(position) => pairs.push(Pair { ours: vec![index], theirs: vec![rest.remove(position)] }),
            None => unpaired.push(index),
        }
    }
    if unpaired.len() < rest.len() {
        // Where we have no bytes at all, they may have some.
        let silent = (0..ours.len()).filter(|index| ours.get(*index).is_some_and(|(bytes, _)| *bytes == 0));
        unpaired.extend(silent.take(rest.len() - unpaired.len()));
        unpaired.sort_unstable();
    }
    match (unpaired.len(), rest.len()) {
        (_, 0) => pairs.extend(unpaired.into_iter().map(|index| Pair { ours: vec![index], theirs: vec![] })),
        (0 | 1, _) | (_, 1) => pairs.push(Pair { ours: unpaired, theirs: rest }),
        (count, _) => {
            let (each, surplus) = rest.split_at(count.min(rest.len()));
            let mut each = each.iter().map(|index| vec![*index]);
            pairs.extend(
                unpaired
                    .into_iter()
                    .map(|index| Pair { ours: vec![index], theirs: each.next().unwrap_or_default() }),
            );
            if let Some(last) = pairs.last_mut() {
                last.theirs.extend(surplus);
            }
        }
    }
    pairs
}

fn said(list: &[(u64, &str)]) -> impl Iterator<Item = usize> {
    (0..).zip(list).filter(|(_, (bytes, _))| *bytes > 0).map(|(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: (u64, &str) = (0, "nothing");

    fn paired(ours: &[(u64, &str)], theirs: &[(u64, &str)]) -> Vec<(Vec<usize>, Vec<usize>)> {
        pair(ours, theirs).into_iter().map(|pair| (pair.ours, pair.theirs)).collect()
    }

    #[test]
    fn equal_ones_belong_together_wherever_they_are() {
        let (a, b, c) = ((1, "a"), (2, "b"), (3, "c"));
        assert_eq!(
            paired(&[a, b, c], &[c, a, b]),
            [(vec![0], vec![1]), (vec![1], vec![2]), (vec![2], vec![0])]
        );
        assert_eq!(paired(&[a, a], &[a, a]), [(vec![0], vec![0]), (vec![1], vec![1])]);
        assert_eq!(paired(&[NOTHING], &[NOTHING]), []);
    }

    #[test]
    fn the_rest_goes_by_its_order() {
        let (a, b, x, y, z) = ((1, "a"), (2, "b"), (3, "x"), (4, "y"), (5, "z"));
        assert_eq!(paired(&[a], &[x]), [(vec![0], vec![0])]);
        assert_eq!(paired(&[a], &[]), [(vec![0], vec![])]);
        assert_eq!(paired(&[], &[x]), [(vec![], vec![0])]);
        assert_eq!(paired(&[a], &[x, y]), [(vec![0], vec![0, 1])], "one of ours is several of theirs");
        assert_eq!(paired(&[a, b], &[x]), [(vec![0, 1], vec![0])], "and the other way round");
        assert_eq!(paired(&[a, b], &[x, y, z]), [(vec![0], vec![0]), (vec![1], vec![1, 2])]);
        assert_eq!(paired(&[NOTHING, b], &[x]), [(vec![1], vec![0])]);
        assert_eq!(paired(&[NOTHING, b], &[x, y]), [(vec![0], vec![0]), (vec![1], vec![1])]);
    }

    #[test]
    fn more_of_ours_than_of_theirs() {
        let (a, b, c, x, y) = ((1, "a"), (2, "b"), (3, "c"), (4, "x"), (5, "y"));
        let pairs = paired(&[a, b, c], &[x, y]);
        assert_eq!(pairs, [(vec![0], vec![0]), (vec![1], vec![1]), (vec![2], vec![])]);
    }
}
