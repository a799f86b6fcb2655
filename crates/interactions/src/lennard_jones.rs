//! The binary Lennard-Jones mixture of the Wahnström glass.

use metabasin_atoms::Species;
use metabasin_neighbors::{ClusterList, VerletList};
use nalgebra::Vector3;

use crate::clusters::{self, ClusterPotential, ClusterSums};
use crate::lanes::mixed::{self, MixedTerms, PairConstants};
use crate::pair::{self, PairLinearization, PairPotential};
use crate::potential::{Execution, Linearization, Potential, StepVirial, StrainSums, Totals};
use crate::{Cut, Kernel, lanes};

/// `V_ab(r)` = 4ε [(`σ_ab/r)¹²` − (`σ_ab/r)⁶`] of two species, cut at one `r_c` for all pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct BinaryLennardJones {
    cut: Cut,
    cutoff: f64,
    inner: f64,
    /// One an unordered pair of species: 11, 12, 22.
    terms: [Term; 3],
    diameters: [f64; 3],
}

/// Constants of one pair of species.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Term {
    /// `σ_ab⁶`.
    pub sigma_sixth: f64,
    /// Added to V inside `r_in` (or `r_c`).
    pub shift: f64,
    /// Force between `r_in` and `r_c`: f₁ + f₂ t + f₃ t² + f₄ t³ with t = r − `r_in`.
    pub force: [f64; 4],
    /// Energy at `r_in`, counted from zero at `r_c`.
    pub inner_energy: f64,
}

/// One energy scale for all pairs.
pub(crate) const EPSILON: f64 = 1.0;

impl Term {
    fn new(diameter: f64, cut: Cut, inner: f64, cutoff: f64) -> Self {
        let sigma_sixth = diameter.powi(6);
        let plain = |r: f64| {
            let x = sigma_sixth / r.powi(6);
            4.0 * EPSILON * x * (x - 1.0)
        };
        let mut term = Self {
            sigma_sixth,
            shift: 0.0,
            force: [0.0; 4],
            inner_energy: 0.0,
        };
        match cut {
            Cut::Truncated => {}
            Cut::Shifted => term.shift = -plain(cutoff),
            Cut::Smooth => {
                let t = cutoff - inner;
                let x = sigma_sixth / inner.powi(6);
                let f1 = 24.0 * EPSILON * x * (2.0 * x - 1.0) / inner;
                let f2 = -24.0 * EPSILON * x * (26.0 * x - 7.0) / (inner * inner);
                let f3 = -3.0 / (t * t) * (f1 + 2.0 / 3.0 * f2 * t);
                let f4 = -(f2 + 2.0 * f3 * t) / (3.0 * t * t);
                term.force = [f1, f2, f3, f4];
                term.inner_energy =
                    f1 * t + f2 * t.powi(2) / 2.0 + f3 * t.powi(3) / 3.0 + f4 * t.powi(4) / 4.0;
                term.shift = term.inner_energy - plain(inner);
            }
        }
        term
    }
}

impl BinaryLennardJones {
    /// The mixture of Wahnström (Phys. Rev. A 44, 3752, 1991): `σ_11` = 1, `σ_22` = 5/6,
    /// `σ_12` = 11/12, one ε; cut at 2.5 `σ_11` for every pair, `Smooth` from 2.3 `σ_11` on.
    pub fn wahnstrom(cut: Cut) -> Self {
        let (inner, cutoff) = (2.3, 2.5);
        let diameters = [1.0, 11.0 / 12.0, 5.0 / 6.0];
        Self {
            cut,
            cutoff,
            inner: if cut == Cut::Smooth { inner } else { cutoff },
            terms: diameters.map(|diameter| Term::new(diameter, cut, inner, cutoff)),
            diameters,
        }
    }

    pub(crate) fn cutoff_length(&self) -> f64 {
        self.cutoff
    }

    pub(crate) fn inner(&self) -> f64 {
        self.inner
    }

    pub(crate) fn terms(&self) -> &[Term; 3] {
        &self.terms
    }
}

impl PairPotential for BinaryLennardJones {
    fn cutoff(&self) -> f64 {
        self.cutoff
    }

    fn energy_and_force(&self, a: usize, b: usize, squared: f64) -> (f64, f64) {
        let term = &self.terms[a + b];
        if squared > self.inner * self.inner {
            let r = squared.sqrt();
            let t = r - self.inner;
            let [f1, f2, f3, f4] = term.force;
            let force = f1 + t * (f2 + t * (f3 + t * f4));
            let fallen = t * (f1 + t * (f2 / 2.0 + t * (f3 / 3.0 + t * f4 / 4.0)));
            return (term.inner_energy - fallen, force / r);
        }
        let inverse = 1.0 / squared;
        let x = term.sigma_sixth * (inverse * inverse * inverse);
        (
            4.0 * EPSILON * x * (x - 1.0) + term.shift,
            24.0 * EPSILON * x * (2.0 * x - 1.0) * inverse,
        )
    }

    fn stiffness(&self, a: usize, b: usize, squared: f64) -> (f64, f64) {
        let term = &self.terms[a + b];
        let inverse = 1.0 / squared;
        if squared > self.inner * self.inner {
            let r = squared.sqrt();
            let t = r - self.inner;
            let [f1, f2, f3, f4] = term.force;
            let across = -(f1 + t * (f2 + t * (f3 + t * f4))) / r;
            let curvature = -(f2 + t * (2.0 * f3 + t * 3.0 * f4));
            return ((curvature - across) * inverse, across);
        }
        let x = term.sigma_sixth * (inverse * inverse * inverse);
        let across = -24.0 * EPSILON * x * (2.0 * x - 1.0) * inverse;
        let curvature = 24.0 * EPSILON * x * (26.0 * x - 7.0) * inverse;
        ((curvature - across) * inverse, across)
    }
}

impl Potential for BinaryLennardJones {
    fn name(&self) -> String {
        format!("Wahnström binary Lennard-Jones, {}", self.cut)
    }

    fn cut(&self) -> Option<Cut> {
        Some(self.cut)
    }

    fn cutoff(&self) -> f64 {
        self.cutoff
    }

    fn species(&self) -> usize {
        2
    }

    fn least_distance(&self, first: Species, second: Species) -> f64 {
        0.3 * self.diameters[usize::from(first.0 + second.0).min(2)]
    }

    fn as_pair(&self) -> Option<&dyn PairPotential> {
        Some(self)
    }

    fn as_clusters(&self) -> Option<&dyn ClusterPotential> {
        Some(self)
    }

    fn evaluate(
        &self,
        list: &VerletList,
        execution: Execution,
        forces: &mut [Vector3<f64>],
    ) -> Totals {
        if execution.kernel.or_portable() == Kernel::Portable {
            return pair::evaluate(self, list, execution.parallel, forces);
        }
        let parts = pair::sum_forces(list, execution.parallel, forces, |rows, by_row| {
            lanes::forces(execution.kernel, self, list, rows, by_row)
                .expect("only the portable kernel is not vectorized")
        });
        pair::half_of(&parts)
    }

    fn step_forces(
        &self,
        list: &VerletList,
        execution: Execution,
        forces: &mut [Vector3<f64>],
    ) -> StepVirial {
        if execution.kernel.or_portable() == Kernel::Portable {
            let [xx, yy, zz, xy, ..] = self.evaluate(list, execution, forces).virial;
            let trace = xx + yy + zz;
            return StepVirial { trace, xy };
        }
        let parts = pair::sum_forces(list, execution.parallel, forces, |rows, by_row| {
            lanes::step_forces(execution.kernel, self, list, rows, by_row)
                .expect("only the portable kernel is not vectorized")
        });
        pair::half_of_step(&parts)
    }

    fn per_atom(&self, list: &VerletList, execution: Execution) -> Vec<Totals> {
        pair::per_atom(self, list, execution.parallel)
    }

    fn linearize(
        &self,
        list: &VerletList,
        execution: Execution,
        spare: Option<Box<dyn Linearization>>,
    ) -> Box<dyn Linearization> {
        Box::new(PairLinearization::new(
            list,
            execution,
            spare,
            |rows, writer| {
                if !lanes::linearize(execution.kernel, self, list, rows.clone(), writer) {
                    pair::linearize_rows(self, list, rows, writer);
                }
            },
        ))
    }

    fn strain_sums(&self, list: &VerletList, execution: Execution) -> StrainSums {
        pair::strain_sums(self, list, execution.parallel)
    }
}

impl ClusterPotential for BinaryLennardJones {
    fn mixed_forces(
        &self,
        list: &ClusterList,
        execution: Execution,
        sums: &mut ClusterSums,
        forces: &mut [Vector3<f64>],
    ) -> StepVirial {
        let pairs = self.diameters.map(|diameter| PairConstants {
            diameter,
            epsilon: EPSILON,
            cutoff: self.cutoff,
            inner: self.inner,
        });
        let terms = MixedTerms::new(&pairs, list.steps_per_length());
        clusters::step_forces(list, execution.parallel, sums, forces, |part, sums| {
            mixed::forces(execution.kernel, &terms, list, part, sums);
        })
    }

    fn evaluate_clusters(
        &self,
        list: &ClusterList,
        execution: Execution,
        sums: &mut ClusterSums,
        forces: &mut [Vector3<f64>],
    ) -> Totals {
        clusters::evaluate(list, execution.parallel, sums, forces, |part, sums| {
            lanes::cluster_forces(execution.kernel, self, list, part, sums)
        })
    }
}
