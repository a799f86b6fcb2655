//! What the macroscopic cell is told: strain in some directions, stress in the others.

use serde::{Deserialize, Serialize};

use crate::mandel::{Mandel, subtract};
use crate::settings::CellShape;

/// Index of the xy component.
pub(crate) const XY: usize = 3;

/// Which strains are prescribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Control {
    /// None: all six stresses are prescribed.
    Stress,
    /// Only the xy shear.
    ShearStrain,
    /// All but the volume.
    Shape,
    /// All but the volume and the xy shear.
    ShapeFreeShear,
    /// All six.
    Strain,
}

impl Control {
    /// The control that drives xy by strain in such a cell.
    pub fn driven(cell: CellShape) -> Self {
        match cell {
            CellShape::Free => Self::ShearStrain,
            CellShape::Fixed => Self::Shape,
        }
    }

    /// The control that prescribes the xy stress in such a cell.
    pub fn released(cell: CellShape) -> Self {
        match cell {
            CellShape::Free => Self::Stress,
            CellShape::Fixed => Self::ShapeFreeShear,
        }
    }

    /// P : tensor.
    pub(crate) fn prescribed(self, tensor: &Mandel) -> Mandel {
        let mean = (tensor[0] + tensor[1] + tensor[2]) / 3.0;
        match self {
            Self::Stress => [0.0; 6],
            Self::ShearStrain => {
                let mut shear = [0.0; 6];
                shear[XY] = tensor[XY];
                shear
            }
            Self::Shape | Self::ShapeFreeShear => {
                let mut deviator = *tensor;
                for normal in &mut deviator[..3] {
                    *normal -= mean;
                }
                if self == Self::ShapeFreeShear {
                    deviator[XY] = 0.0;
                }
                deviator
            }
            Self::Strain => *tensor,
        }
    }

    /// (1 − P) : tensor.
    pub(crate) fn free(self, tensor: &Mandel) -> Mandel {
        subtract(tensor, &self.prescribed(tensor))
    }
}
