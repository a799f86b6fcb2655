//! Which states lead to each other.

/// For every node the number of its strongly connected component: nodes that can be reached from each
/// other along directed edges. Components are numbered in the order of their first nodes.
pub(crate) fn strong_components(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut forth = vec![Vec::new(); nodes];
    let mut back = vec![Vec::new(); nodes];
    for &(from, to) in edges {
        forth[from].push(to);
        back[to].push(from);
    }
    let reached = |start: usize, neighbors: &[Vec<usize>]| {
        let mut reached = vec![false; nodes];
        let mut left = vec![start];
        while let Some(node) = left.pop() {
            if !std::mem::replace(&mut reached[node], true) {
                left.extend(&neighbors[node]);
            }
        }
        reached
    };
    let mut component = vec![usize::MAX; nodes];
    let mut next = 0;
    for node in 0..nodes {
        if component[node] != usize::MAX {
            continue;
        }
        let (after, before) = (reached(node, &forth), reached(node, &back));
        for other in 0..nodes {
            if after[other] && before[other] {
                component[other] = next;
            }
        }
        next += 1;
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_returns_is_apart() {
        let edges = [(0, 1), (1, 0), (1, 2), (2, 3), (3, 2), (5, 0)];
        assert_eq!(strong_components(6, &edges), [0, 0, 1, 1, 2, 3]);
        assert!(strong_components(0, &[]).is_empty());
    }
}
