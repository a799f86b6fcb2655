//! Perfect matchings: who in one arrangement stands where in another.

/// Whether every item of the left side can be given a partner of its own on the right side.
///
/// `candidates[k]` lists the partners that item k accepts, out of `0..candidates.len()`. Augmenting
/// paths (Kuhn 1955, Naval Res. Logist. 2, 83; Berge 1957, PNAS 43, 842): a matching is a largest
/// one exactly when no augmenting path is left, so that no order of the items and no greedy choice
/// can hide a perfect matching. Costs at most the number of items times the number of candidates.
pub(crate) fn has_perfect_matching(candidates: &[Vec<usize>]) -> bool {
    let mut partner_of: Vec<Option<usize>> = vec![None; candidates.len()];
    let mut visited = vec![usize::MAX; candidates.len()];
    (0..candidates.len()).all(|item| augment(item, item, candidates, &mut partner_of, &mut visited))
}

/// Finds an augmenting path from `start`, depth first without recursion, and applies it. `visited`
/// holds the round in which a partner was last looked at.
fn augment(
    start: usize,
    round: usize,
    candidates: &[Vec<usize>],
    partner_of: &mut [Option<usize>],
    visited: &mut [usize],
) -> bool {
    // Items on the path, each with the place in its list of candidates that is tried.
    let mut path: Vec<(usize, usize)> = vec![(start, 0)];
    while let Some(&(item, tried)) = path.last() {
        let Some(&partner) = candidates[item].get(tried) else {
            path.pop();
            if let Some(last) = path.last_mut() {
                last.1 += 1;
            }
            continue;
        };
        if visited[partner] == round {
            if let Some(last) = path.last_mut() {
                last.1 += 1;
            }
            continue;
        }
        visited[partner] = round;
        if let Some(rival) = partner_of[partner] {
            path.push((rival, 0));
        } else {
            for &(item, tried) in &path {
                partner_of[candidates[item][tried]] = Some(item);
            }
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greedy_choice_does_not_hide_the_matching() {
        // Item 0 takes 0 first; 1 accepts only 0, 2 only 1: 0 has to give way twice.
        assert!(has_perfect_matching(&[vec![0, 1, 2], vec![0], vec![1]]));
        assert!(!has_perfect_matching(&[vec![0, 1], vec![0], vec![1]]));
        assert!(!has_perfect_matching(&[vec![0], vec![]]));
        assert!(has_perfect_matching(&[]));
    }

    #[test]
    fn every_small_graph_agrees_with_trying_all_permutations() {
        let permutations = [
            [0, 1, 2],
            [0, 2, 1],
            [1, 0, 2],
            [1, 2, 0],
            [2, 0, 1],
            [2, 1, 0],
        ];
        for edges in 0_u32..512 {
            let accepts = |item: usize, partner: usize| edges >> (3 * item + partner) & 1 == 1;
            let candidates: Vec<Vec<usize>> = (0..3)
                .map(|item| (0..3).filter(|&partner| accepts(item, partner)).collect())
                .collect();
            let expected = permutations
                .iter()
                .any(|order| (0..3).all(|item| accepts(item, order[item])));
            assert_eq!(has_perfect_matching(&candidates), expected, "{edges:09b}");
        }
    }
}
