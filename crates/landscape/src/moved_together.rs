//! A displacement split into what moves together.

/// Atoms that moved and are this close moved together: nearest neighbors `[length]`.
const TOGETHER: f64 = 1.6;
/// An atom that moves less keeps its place: soft spots flip by twice as much and more `[length]`.
pub const SAME_PLACE: f64 = 0.05;

fn moved(field: &[f64], atom: usize) -> f64 {
    let u = &field[3 * atom..3 * atom + 3];
    u.iter().map(|c| c * c).sum::<f64>().sqrt()
}

/// Groups of atoms that leave their places, each with the atoms around that give way, which go with
/// the group they are nearest to: displacements of all coordinates whose sum is the whole, up to
/// groups that move by less than twice [`SAME_PLACE`]. `distance` is that between two atoms by their
/// nearest images `[length]`.
pub fn moved_together(
    displacement: &[f64],
    distance: &dyn Fn(usize, usize) -> f64,
) -> Vec<Vec<f64>> {
    let atoms = displacement.len() / 3;
    let mut left: Vec<usize> = (0..atoms)
        .filter(|&atom| moved(displacement, atom) > SAME_PLACE)
        .collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    while let Some(first) = left.pop() {
        let mut group = vec![first];
        let mut looked = 0;
        while looked < group.len() {
            let here = group[looked];
            looked += 1;
            left.retain(|&other| {
                let near = distance(other, here) < TOGETHER;
                if near {
                    group.push(other);
                }
                !near
            });
        }
        groups.push(group);
    }
    let mut parts = vec![vec![0.0; displacement.len()]; groups.len()];
    for atom in 0..atoms {
        let nearness = |group: &[usize]| {
            let distances = group.iter().map(|&other| distance(atom, other));
            distances.fold(f64::INFINITY, f64::min)
        };
        let nearest = (0..groups.len())
            .min_by(|&a, &b| nearness(&groups[a]).total_cmp(&nearness(&groups[b])));
        if let Some(nearest) = nearest {
            let k = 3 * atom;
            parts[nearest][k..k + 3].copy_from_slice(&displacement[k..k + 3]);
        }
    }
    parts.retain(|part| (0..atoms).any(|atom| moved(part, atom) > 2.0 * SAME_PLACE));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Atoms on a line, one apart.
    fn on_a_line(a: usize, b: usize) -> f64 {
        a.abs_diff(b) as f64
    }

    fn field(moves: &[(usize, [f64; 3])]) -> Vec<f64> {
        let mut field = vec![0.0; 36];
        for (atom, u) in moves {
            field[3 * atom..3 * atom + 3].copy_from_slice(u);
        }
        field
    }

    /// Two neighbors that move are one part, an atom far away another; what hardly moves goes with the
    /// nearer one, and what is alone and moves little is none.
    #[test]
    fn neighbors_that_move_are_one_part() {
        let first = [
            (0, [0.5, 0.0, 0.0]),
            (1, [0.0, 0.15, 0.0]),
            (2, [0.0, 0.03, 0.0]),
        ];
        let second = [(9, [0.0, 0.0, -0.3]), (7, [0.04, 0.0, 0.0])];
        let both = field(&[&first[..], &second[..]].concat());
        let mut parts = moved_together(&both, &on_a_line);
        parts.sort_by(|a, b| b[0].total_cmp(&a[0]));
        assert_eq!(parts, [field(&first), field(&second)]);
        let weak = field(&[(5, [0.08, 0.0, 0.0])]);
        assert!(moved_together(&weak, &on_a_line).is_empty());
        assert!(moved_together(&field(&[]), &on_a_line).is_empty());
    }
}
