//! Energy and stress, class by class.

use metabasin_atoms::Stress;

use crate::StructureError;

/// Averages over the atoms of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassAverage<C> {
    /// The class.
    pub class: C,
    /// Its atoms.
    pub atoms: usize,
    /// Its share of all atoms: the weight with which the averages give back the global values.
    pub fraction: f64,
    /// Mean energy per atom `[energy]`.
    pub energy_per_atom: f64,
    /// Mean of the per-atom stresses.
    pub stress: Stress,
}

/// Averages of per-atom energy and stress over each class that occurs, in the order of the
/// classes.
///
/// With per-atom stresses that refer to V/N each, the class means weighted by their fractions give
/// back the global virial stress: Σ f(c) σ(c) = (1/N) Σ σᵢ = σ (Derlet & Maass, arXiv
/// 2011.02704, Eq. 2 and Fig. 2b).
///
/// # Errors
/// [`StructureError::Length`] unless all three have one entry an atom.
pub fn class_averages<C: Copy + Ord>(
    classes: &[C],
    energies: &[f64],
    stresses: &[Stress],
) -> Result<Vec<ClassAverage<C>>, StructureError> {
    let count = classes.len();
    StructureError::unless_one_an_atom("per-atom energy", energies.len(), count)?;
    StructureError::unless_one_an_atom("per-atom stress", stresses.len(), count)?;
    let mut present = classes.to_vec();
    present.sort_unstable();
    present.dedup();
    Ok(present
        .into_iter()
        .map(|class| {
            let (mut atoms, mut energy, mut stress) = (0_usize, 0.0, Stress::ZERO);
            for i in (0..count).filter(|&i| classes[i] == class) {
                atoms += 1;
                energy += energies[i];
                stress += stresses[i];
            }
            ClassAverage {
                class,
                atoms,
                fraction: atoms as f64 / count as f64,
                energy_per_atom: energy / atoms as f64,
                stress: stress * (1.0 / atoms as f64),
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StructureClass::{Icosahedral, Other};
    use metabasin_atoms::{Purpose, random_stream};
    use rand::RngExt;

    #[test]
    fn classes_are_averaged_apart() {
        let stress = |xx: f64, xy: f64| Stress([xx, 0.0, 0.0, xy, 0.0, 0.0]);
        let averages = class_averages(
            &[Other, Icosahedral, Other, Other],
            &[-7.0, -9.0, -6.0, -5.0],
            &[
                stress(1.0, 0.3),
                stress(-5.0, 0.1),
                stress(2.0, -0.6),
                stress(3.0, 0.0),
            ],
        )
        .unwrap();
        assert_eq!(averages[0].class, Icosahedral);
        assert_eq!((averages[0].atoms, averages[0].fraction), (1, 0.25));
        assert_eq!(averages[0].energy_per_atom, -9.0);
        assert_eq!(averages[1].energy_per_atom, -6.0);
        assert!((averages[1].stress - stress(2.0, -0.1)).norm() < 1e-15);
    }

    #[test]
    fn weighted_means_give_back_the_global_values() {
        let mut random = random_stream(3, Purpose::Test, 0, 0);
        let count = 5000;
        let classes: Vec<u8> = (0..count).map(|_| random.random_range(0..3)).collect();
        let energies: Vec<f64> = (0..count)
            .map(|_| random.random_range(-9.0..-5.0))
            .collect();
        let stresses: Vec<Stress> = (0..count)
            .map(|_| Stress(std::array::from_fn(|_| random.random_range(-80.0..80.0))))
            .collect();
        let averages = class_averages(&classes, &energies, &stresses).unwrap();
        assert_eq!(averages.len(), 3);
        let energy: f64 = averages
            .iter()
            .map(|a| a.fraction * a.energy_per_atom)
            .sum();
        let global = energies.iter().sum::<f64>() / f64::from(count);
        assert!((energy / global - 1.0).abs() < 1e-12);
        let mut stress = Stress::ZERO;
        let mut difference = Stress::ZERO;
        for average in &averages {
            stress += average.stress * average.fraction;
        }
        for per_atom in &stresses {
            difference += *per_atom * (1.0 / f64::from(count));
        }
        difference -= stress;
        assert!(difference.norm() < 1e-12 * 80.0);
    }

    #[test]
    fn arrays_of_other_lengths_are_refused_by_name() {
        let refused = class_averages(&[Other], &[1.0, 2.0], &[Stress::ZERO]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "per-atom energy has 2 entries for 1 atoms"
        );
        assert!(class_averages(&[Other], &[1.0], &[]).is_err());
        assert_eq!(class_averages::<u8>(&[], &[], &[]), Ok(Vec::new()));
    }
}
