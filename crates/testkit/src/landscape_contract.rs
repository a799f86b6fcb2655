//! What every energy landscape must keep.

use metabasin_interactions::EnergyLandscape;

/// Directions that are tried beside the axes.
const DIRECTIONS: usize = 6;
/// Axes that are tried, evenly spread.
const AXES: usize = 48;

/// Checks that `landscape` keeps the contract of [`EnergyLandscape`] around `x`.
///
/// - equal arguments give equal bits;
/// - the gradient is the derivative of the energy, and the Hessian-vector product that of the
///   gradient, by central differences over `step` and twice `step` (a good `step` is 1e-4 of the
///   length on which the energy changes);
/// - the Hessian is symmetric and its product linear;
/// - a landscape that calls itself translation invariant is;
/// - `largest_force` is a norm.
///
/// # Panics
/// With a message that names the coordinate and both numbers where it does not.
pub fn assert_is_a_landscape<L: EnergyLandscape + ?Sized>(landscape: &mut L, x: &[f64], step: f64) {
    assert_eq!(
        landscape.dimension(),
        x.len(),
        "the landscape has {} coordinates, the point {}",
        landscape.dimension(),
        x.len()
    );
    let (energy, gradient) = ask(landscape, x);
    assert!(
        energy.is_finite() && gradient.iter().all(|component| component.is_finite()),
        "energy {energy} or its gradient is not finite at the point"
    );
    assert_repeats(landscape, x, energy, &gradient);
    assert_norm(landscape, &gradient);
    let directions = directions(x.len());
    for direction in &directions {
        assert_slope(landscape, x, &gradient, direction, step);
    }
    for direction in &directions {
        assert_curvature(landscape, x, &gradient, direction, step);
    }
    assert_symmetric(landscape, x);
    if landscape.translation_invariant() {
        assert_translation_invariant(landscape, x, energy, &gradient);
    }
}

fn ask<L: EnergyLandscape + ?Sized>(landscape: &mut L, x: &[f64]) -> (f64, Vec<f64>) {
    // A landscape that adds to what it finds there is noticed.
    let mut gradient = vec![0.125; x.len()];
    let energy = landscape.evaluate(x, &mut gradient);
    (energy, gradient)
}

fn product<L: EnergyLandscape + ?Sized>(landscape: &mut L, x: &[f64], v: &[f64]) -> Vec<f64> {
    let mut product = vec![0.125; x.len()];
    landscape.hessian_vector(x, v, &mut product);
    product
}

fn dot(u: &[f64], v: &[f64]) -> f64 {
    u.iter().zip(v).map(|(u, v)| u * v).sum()
}

fn shifted(x: &[f64], v: &[f64], step: f64) -> Vec<f64> {
    x.iter().zip(v).map(|(x, v)| x + step * v).collect()
}

/// Some axes, and some directions of no particular symmetry.
fn directions(dimension: usize) -> Vec<(String, Vec<f64>)> {
    let stride = dimension.div_ceil(AXES).max(1);
    let axes = (0..dimension).step_by(stride).map(|axis| {
        let mut unit = vec![0.0; dimension];
        unit[axis] = 1.0;
        (format!("coordinate {axis}"), unit)
    });
    let oblique = (0..DIRECTIONS).map(|number| {
        let v = wave(dimension, number);
        (format!("oblique direction {number}"), v)
    });
    axes.chain(oblique).collect()
}

/// A vector of unit length and no particular symmetry.
fn wave(dimension: usize, number: usize) -> Vec<f64> {
    let mut v: Vec<f64> = (0..dimension)
        .map(|k| ((k + 1) as f64 * (0.7 + 0.31 * number as f64)).sin())
        .collect();
    let norm = dot(&v, &v).sqrt();
    for component in &mut v {
        *component /= norm;
    }
    v
}

fn assert_repeats<L: EnergyLandscape + ?Sized>(
    landscape: &mut L,
    x: &[f64],
    energy: f64,
    gradient: &[f64],
) {
    // Elsewhere and back: a memory of other points must not show.
    ask(landscape, &shifted(x, &wave(x.len(), 1), 0.01));
    let (again, gradient_again) = ask(landscape, x);
    assert!(
        again.to_bits() == energy.to_bits() && gradient_again == gradient,
        "asked twice at one point, the landscape answers {energy:?} and {again:?}, or another \
         gradient"
    );
}

fn assert_norm<L: EnergyLandscape + ?Sized>(landscape: &L, gradient: &[f64]) {
    let norm = landscape.largest_force(gradient);
    let doubled: Vec<f64> = gradient.iter().map(|component| -2.0 * component).collect();
    let twice = landscape.largest_force(&doubled);
    let largest = gradient.iter().fold(0.0, |m: f64, g| m.max(g.abs()));
    assert!(
        (twice - 2.0 * norm).abs() <= 1e-12 * twice && norm >= 0.999 * largest,
        "largest_force is no norm: {norm} for a gradient whose largest component is {largest}, \
         {twice} for minus twice that gradient"
    );
    assert_eq!(landscape.largest_force(&vec![0.0; gradient.len()]), 0.0);
}

/// A central difference and how far it can be wrong: the third order is eliminated between two
/// steps, its size and the rounding stay as the uncertainty.
fn derivative(ahead: [f64; 2], behind: [f64; 2], step: f64, rounding: f64) -> (f64, f64) {
    let near = (ahead[0] - behind[0]) / (2.0 * step);
    let far = (ahead[1] - behind[1]) / (4.0 * step);
    let value = (4.0 * near - far) / 3.0;
    (value, 0.3 * (near - far).abs() + rounding / step)
}

/// Energies and gradients one and two steps ahead and behind.
type Around = [[(f64, Vec<f64>); 2]; 2];

fn around<L: EnergyLandscape + ?Sized>(
    landscape: &mut L,
    x: &[f64],
    v: &[f64],
    step: f64,
) -> Around {
    [[1.0, 2.0], [-1.0, -2.0]]
        .map(|side| side.map(|multiple| ask(landscape, &shifted(x, v, multiple * step))))
}

fn assert_slope<L: EnergyLandscape + ?Sized>(
    landscape: &mut L,
    x: &[f64],
    gradient: &[f64],
    (name, v): &(String, Vec<f64>),
    step: f64,
) {
    let [ahead, behind] = around(landscape, x, v, step);
    let resolution = landscape.energy_resolution(ahead[0].0.abs().max(behind[0].0.abs()));
    let (measured, uncertainty) = derivative(
        [ahead[0].0, ahead[1].0],
        [behind[0].0, behind[1].0],
        step,
        resolution,
    );
    let slope = dot(gradient, v);
    assert!(
        (slope - measured).abs() <= uncertainty + 1e-7 * slope.abs(),
        "along {name} the gradient says {slope:.12e}, finite differences {measured:.12e} ± \
         {uncertainty:.1e}"
    );
}

fn assert_curvature<L: EnergyLandscape + ?Sized>(
    landscape: &mut L,
    x: &[f64],
    gradient: &[f64],
    (name, v): &(String, Vec<f64>),
    step: f64,
) {
    let [ahead, behind] = around(landscape, x, v, step);
    let hessian_vector = product(landscape, x, v);
    let scale = dot(&hessian_vector, &hessian_vector).sqrt();
    let largest = gradient.iter().fold(1.0, |m: f64, g| m.max(g.abs()));
    for (k, component) in hessian_vector.iter().enumerate() {
        let (measured, uncertainty) = derivative(
            [ahead[0].1[k], ahead[1].1[k]],
            [behind[0].1[k], behind[1].1[k]],
            step,
            1e-13 * largest,
        );
        assert!(
            (component - measured).abs() <= uncertainty + 1e-6 * scale,
            "along {name} the Hessian-vector product says {component:.12e} for coordinate {k}, \
             finite differences {measured:.12e} ± {uncertainty:.1e}"
        );
    }
}

fn assert_symmetric<L: EnergyLandscape + ?Sized>(landscape: &mut L, x: &[f64]) {
    let (u, v) = (wave(x.len(), 2), wave(x.len(), 3));
    let (h_u, h_v) = (product(landscape, x, &u), product(landscape, x, &v));
    let scale = dot(&h_u, &h_u).sqrt() + dot(&h_v, &h_v).sqrt();
    let (one, other) = (dot(&v, &h_u), dot(&u, &h_v));
    assert!(
        // A Hessian from differences of gradients, the default, is symmetric to about 1e-6.
        (one - other).abs() <= 1e-6 * scale,
        "the Hessian is not symmetric: v·Hu = {one:.12e}, u·Hv = {other:.12e}"
    );
    let sum: Vec<f64> = u.iter().zip(&v).map(|(u, v)| u - 2.0 * v).collect();
    let h_sum = product(landscape, x, &sum);
    for k in 0..x.len() {
        let wanted = h_u[k] - 2.0 * h_v[k];
        assert!(
            (h_sum[k] - wanted).abs() <= 1e-6 * scale,
            "the Hessian-vector product is not linear: coordinate {k} is {:.12e} where the parts \
             add to {wanted:.12e}",
            h_sum[k]
        );
    }
}

fn assert_translation_invariant<L: EnergyLandscape + ?Sized>(
    landscape: &mut L,
    x: &[f64],
    energy: f64,
    gradient: &[f64],
) {
    assert_eq!(x.len() % 3, 0, "translation invariant, but not in triples");
    let scale = dot(gradient, gradient).sqrt() + 1.0;
    for axis in 0..3 {
        let total: f64 = gradient.iter().skip(axis).step_by(3).sum();
        assert!(
            total.abs() <= 1e-9 * scale,
            "translation invariant, but the gradients along axis {axis} add to {total:.3e}"
        );
    }
    let moved: Vec<f64> = (0..x.len())
        .map(|k| x[k] + [0.31, -0.17, 0.23][k % 3])
        .collect();
    let (there, _) = ask(landscape, &moved);
    assert!(
        (there - energy).abs() <= landscape.energy_resolution(energy),
        "translation invariant, but a common shift takes the energy from {energy:?} to {there:?}"
    );
}
