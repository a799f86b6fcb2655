//! The landscape of atoms under load, whether the cell gives way or not.

use metabasin_atoms::{Strain, Stress};
use metabasin_interactions::{Counted, EnergyLandscape, FixedCell, unflatten};

use super::dead_load::DeadLoad;
use super::loading::Response;
use crate::displacement::{displacements, largest};
use crate::flat::difference;
use crate::index::{count_again, index_by_inertia, index_by_lanczos};
use crate::lowest_mode::LowestMode;
use crate::preconditioner::{IncompleteCholesky, Preconditioner};
use crate::settings::SearchSettings;
use crate::verify::count_index;

/// Atoms under load.
#[derive(Clone, Debug)]
pub(crate) enum LoadedLandscape {
    /// In a cell that was strained by this from the search cell.
    Strained(Box<FixedCell>, Strain),
    /// In a cell that gives way.
    Stressed(Box<DeadLoad>),
}

impl LoadedLandscape {
    fn inner(&self) -> &dyn EnergyLandscape {
        match self {
            Self::Strained(landscape, _) => &**landscape,
            Self::Stressed(landscape) => &**landscape,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn EnergyLandscape {
        match self {
            Self::Strained(landscape, _) => &mut **landscape,
            Self::Stressed(landscape) => &mut **landscape,
        }
    }

    /// Stress, volume and strain at `x`.
    pub fn response(&mut self, x: &[f64]) -> Response {
        let stress = self.inner_mut().stress(x).unwrap_or_default();
        match self {
            Self::Strained(landscape, strain) => Response {
                stress,
                volume: landscape.cell().volume(),
                strain: *strain,
            },
            Self::Stressed(landscape) => Response {
                stress,
                volume: landscape.volume_at(x),
                strain: landscape.strain(x),
            },
        }
    }

    /// The farthest that a coordinate moved, apart from drift `[length]`.
    pub fn moved(&self, from: &[f64], to: &[f64]) -> f64 {
        match self {
            Self::Strained(landscape, _) => {
                let field = displacements(landscape.cell(), &unflatten(from), &unflatten(to));
                largest(&field)
            }
            Self::Stressed(landscape) => landscape.largest_force(&difference(to, from)),
        }
    }

    /// The number of negative eigenvalues at a saddle with this lowest mode, exactly for small samples.
    pub fn count_index(
        &mut self,
        x: &[f64],
        mode: &mut LowestMode,
        settings: &SearchSettings,
        preconditioner: &dyn Preconditioner,
    ) -> u32 {
        let found = match self {
            Self::Strained(landscape, _) => {
                let mut counted = Counted::new(&mut **landscape);
                count_index(&mut counted, x, mode, settings, preconditioner)
            }
            Self::Stressed(landscape) => {
                let small = x.len() / 3 <= settings.inertia_up_to as usize;
                let dense = small.then(|| landscape.dense_hessian(x)).flatten();
                let landscape = &mut **landscape;
                count_again(
                    landscape,
                    x,
                    mode,
                    preconditioner,
                    |landscape, mode| match &dense {
                        Some(hessian) => {
                            index_by_inertia(landscape, x, mode, hessian, preconditioner)
                        }
                        None => index_by_lanczos(landscape, x, mode, preconditioner),
                    },
                )
            }
        };
        found.index
    }

    /// Curvatures of the cell's coordinates at `x`, atoms fixed; none where the cell is fixed.
    pub fn cell_diagonal(&mut self, x: &[f64]) -> Vec<f64> {
        match self {
            Self::Strained(..) => Vec::new(),
            Self::Stressed(landscape) => landscape.cell_diagonal(x),
        }
    }
}

impl EnergyLandscape for LoadedLandscape {
    fn dimension(&self) -> usize {
        self.inner().dimension()
    }

    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.inner_mut().evaluate(x, gradient)
    }

    fn hessian_vector(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.inner_mut().hessian_vector(x, v, product);
    }

    fn stress(&mut self, x: &[f64]) -> Option<Stress> {
        self.inner_mut().stress(x)
    }

    fn largest_force(&self, gradient: &[f64]) -> f64 {
        self.inner().largest_force(gradient)
    }

    fn translation_invariant(&self) -> bool {
        self.inner().translation_invariant()
    }

    fn is_interrupted(&self) -> bool {
        self.inner().is_interrupted()
    }

    fn energy_resolution(&self, energy: f64) -> f64 {
        self.inner().energy_resolution(energy)
    }
}

/// The preconditioner of the atoms, and a diagonal for the coordinates of the cell.
pub(crate) struct BorderedPreconditioner<'a> {
    pub atoms: &'a IncompleteCholesky,
    pub cell: &'a [f64],
}

impl Preconditioner for BorderedPreconditioner<'_> {
    fn apply(&self, r: &[f64], z: &mut [f64]) {
        let atoms = r.len() - self.cell.len();
        self.atoms.apply(&r[..atoms], &mut z[..atoms]);
        for ((z, r), curvature) in z[atoms..].iter_mut().zip(&r[atoms..]).zip(self.cell) {
            *z = r / curvature;
        }
    }
}
