//! What every minimizer must keep.

use metabasin_interactions::{Counted, EnergyLandscape};
use metabasin_minimizers::{Minimization, MinimizationOutcome, Minimizer};

/// How far energies may differ between equivalent starts `[energy]`.
pub const EQUAL_ENERGY: f64 = 1e-9;
/// How far positions may differ between equivalent starts `[length]`.
pub const EQUAL_POSITION: f64 = 1e-6;

/// Checks that `minimizer` keeps the contract of [`Minimizer`] from one start, converged or not,
/// and gives back where it arrived.
///
/// Every call gets a fresh clone of the landscape, so that no memory of an earlier one (a neighbor
/// list) can show.
///
/// - the energy is not above the start's, to rounding;
/// - energy and force are those of the point returned;
/// - the outcome tells the truth about the force;
/// - the evaluations reported are those made;
/// - a second call gives the same bits;
/// - minimizing a minimum moves nothing.
///
/// # Panics
/// With a message that says which promise was broken, and by how much.
pub fn assert_is_a_minimizer<L: EnergyLandscape + Clone>(
    minimizer: &dyn Minimizer,
    landscape: &L,
    start: &[f64],
    force_tolerance: f64,
) -> Minimization {
    let name = minimizer.name();
    let mut counted = Counted::new(landscape.clone());
    let found = minimizer.minimize(&mut counted, start, force_tolerance);
    assert!(
        found.evaluations == counted.evaluations()
            && found.hessian_products == counted.hessian_products(),
        "{name} reports {} evaluations and {} Hessian-vector products, but made {} and {}",
        found.evaluations,
        found.hessian_products,
        counted.evaluations(),
        counted.hessian_products()
    );
    assert_eq!(
        found.x.len(),
        start.len(),
        "{name} returns a point of another dimension"
    );
    let mut gradient = vec![0.0; start.len()];
    let before = landscape.clone().evaluate(start, &mut gradient);
    let resolution = landscape.energy_resolution(before);
    assert!(
        before.is_nan() || found.energy <= before + resolution,
        "{name} returns a higher energy than it was given: {:?} after {before:?}",
        found.energy
    );
    assert_says_what_is(name, &mut landscape.clone(), &found, force_tolerance);
    let again = minimizer.minimize(&mut landscape.clone(), start, force_tolerance);
    assert!(
        same_bits(&again, &found),
        "{name} does not repeat itself: energies {:?} and {:?} from one start",
        found.energy,
        again.energy
    );
    if found.converged() {
        let rest = minimizer.minimize(&mut landscape.clone(), &found.x, force_tolerance);
        assert!(
            rest.converged() && rest.x == found.x,
            "{name} moves a minimum by {:.3e} ({})",
            largest_difference(&rest.x, &found.x),
            rest.outcome
        );
    }
    found
}

fn assert_says_what_is(
    name: &str,
    landscape: &mut dyn EnergyLandscape,
    found: &Minimization,
    force_tolerance: f64,
) {
    let mut gradient = vec![0.0; found.x.len()];
    let energy = landscape.evaluate(&found.x, &mut gradient);
    let force = landscape.largest_force(&gradient);
    if let MinimizationOutcome::NotFinite { .. } = found.outcome {
        assert!(
            !energy.is_finite() || gradient.iter().any(|component| !component.is_finite()),
            "{name} calls the energy {energy:?} not finite"
        );
        return;
    }
    // A neighbor list built elsewhere sums in another order.
    let close = (energy - found.energy).abs() <= landscape.energy_resolution(energy)
        && (force - found.largest_force).abs() <= 1e-10 + 1e-9 * force;
    assert!(
        close,
        "{name} returns energy {:?} and largest force {:?}, but at its point they are {energy:?} \
         and {force:?}",
        found.energy, found.largest_force
    );
    assert_eq!(
        found.converged(),
        found.largest_force < force_tolerance,
        "{name} says `{}`, but the largest force is {:.3e} under a tolerance of \
         {force_tolerance:.3e}",
        found.outcome,
        found.largest_force
    );
}

fn same_bits(one: &Minimization, other: &Minimization) -> bool {
    let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    bits(&one.x) == bits(&other.x)
        && one.energy.to_bits() == other.energy.to_bits()
        && one.evaluations == other.evaluations
        && one.hessian_products == other.hessian_products
}

fn largest_difference(one: &[f64], other: &[f64]) -> f64 {
    one.iter()
        .zip(other)
        .fold(0.0, |largest, (x, y)| f64::max(largest, (x - y).abs()))
}

/// Checks that `minimizer` takes `minimum` + `push` back to `minimum`: energies to 1e-9,
/// positions to 1e-6 (apart from a common translation where the landscape has that freedom).
///
/// The push must stay in the basin: 0.02 σ is safe in a glass. `force_tolerance` must be small
/// enough for these bounds: about 1e-6 times the smallest curvature.
///
/// # Panics
/// If it does not converge, or arrives elsewhere.
pub fn assert_returns(
    minimizer: &dyn Minimizer,
    landscape: &mut dyn EnergyLandscape,
    minimum: &[f64],
    push: &[f64],
    force_tolerance: f64,
) {
    let mut gradient = vec![0.0; minimum.len()];
    let energy = landscape.evaluate(minimum, &mut gradient);
    let start: Vec<f64> = minimum.iter().zip(push).map(|(x, p)| x + p).collect();
    let found = minimizer.minimize(landscape, &start, force_tolerance);
    assert_arrives(minimizer.name(), landscape, &found, energy, minimum);
}

/// Checks that `minimizer` does not care about a symmetry: from `map`(start) on `mapped` it must
/// arrive at `map` of where it arrives from `start` on `landscape`, energies to 1e-9, positions to
/// 1e-6 (apart from a common translation where the landscape has that freedom).
///
/// `mapped` is the landscape of the mapped system: with permuted species, a rotated cell. Only
/// starts within about 0.02 σ of a minimum are a fair test: from hot ones rounding alone can
/// change the basin.
///
/// # Panics
/// If it does not converge, or arrives elsewhere.
pub fn assert_is_equivariant(
    minimizer: &dyn Minimizer,
    landscape: &mut dyn EnergyLandscape,
    mapped: &mut dyn EnergyLandscape,
    map: &dyn Fn(&[f64]) -> Vec<f64>,
    start: &[f64],
    force_tolerance: f64,
) {
    let found = minimizer.minimize(landscape, start, force_tolerance);
    assert!(
        found.converged(),
        "{} did not converge from the start: {}",
        minimizer.name(),
        found.outcome
    );
    let image = minimizer.minimize(mapped, &map(start), force_tolerance);
    assert_arrives(
        minimizer.name(),
        mapped,
        &image,
        found.energy,
        &map(&found.x),
    );
}

fn assert_arrives(
    name: &str,
    landscape: &dyn EnergyLandscape,
    found: &Minimization,
    energy: f64,
    x: &[f64],
) {
    assert!(
        found.converged(),
        "{name} did not converge: {}",
        found.outcome
    );
    let mut difference: Vec<f64> = found.x.iter().zip(x).map(|(x, y)| x - y).collect();
    if landscape.translation_invariant() {
        let atoms = (difference.len() / 3) as f64;
        for axis in 0..3 {
            let mean = difference.iter().skip(axis).step_by(3).sum::<f64>() / atoms;
            for component in difference.iter_mut().skip(axis).step_by(3) {
                *component -= mean;
            }
        }
    }
    let farthest = landscape.largest_force(&difference);
    assert!(
        (found.energy - energy).abs() <= EQUAL_ENERGY && farthest <= EQUAL_POSITION,
        "{name} arrives at energy {:?} instead of {energy:?}, {farthest:.3e} away",
        found.energy
    );
}
