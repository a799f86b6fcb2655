//! The bonds of an atom by their order, and the class that they put it into.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many bonds of order 4, 5 and 6 an atom has, and how many of any other order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BondEnvironment {
    /// Bonds of order 4.
    pub four: u32,
    /// Bonds of order 5: those without defect.
    pub five: u32,
    /// Bonds of order 6.
    pub six: u32,
    /// Bonds of any other order.
    pub others: u32,
}

impl BondEnvironment {
    /// Number of bonds Z.
    pub fn coordination(&self) -> u32 {
        self.four + self.five + self.six + self.others
    }

    /// The class of an atom with these bonds.
    ///
    /// Where all bonds are of order 4, 5 or 6 and their other ends form a triangulated sphere,
    /// Euler's formula gives Z = 12 − n₄ + n₆; of these, SU(2) allows (n₄, n₅, n₆) = (0, 12, 0..6
    /// without 1), (1, 10, 2..7), (2, 8, 0..8) and (3, 6, 0..9).
    pub fn class(&self) -> Su2Class {
        if self.others > 0 {
            return Su2Class::Other;
        }
        match (self.four, self.five, self.six) {
            (0, 12, 0) => Su2Class::Icosahedral,
            (0, 12, 2..=4) => Su2Class::FrankKasper,
            (0, 12, 5..=6) | (1, 10, 2..=7) | (2, 8, 0..=8) | (3, 6, 0..=9) => Su2Class::Nelson,
            _ => Su2Class::Other,
        }
    }

    pub(crate) fn add(&mut self, order: u32) {
        match order {
            4 => self.four += 1,
            5 => self.five += 1,
            6 => self.six += 1,
            _ => self.others += 1,
        }
    }
}

/// Classes of atoms by the SU(2) topology of their bonds (Nelson, Phys. Rev. B 28, 5515, 1983;
/// Derlet, arXiv 2007.08878).
///
/// The allowed sets are Nelson's. Split off from them are the icosahedron and the other
/// coordination polyhedra of Frank & Kasper (Acta Cryst. 11, 184, 1958): 12 bonds of order 5 and
/// 2, 3 or 4 of order 6, called Z14, Z15 and Z16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Su2Class {
    /// (n₄, n₅, n₆) = (0, 12, 0): no defect bond.
    Icosahedral,
    /// (0, 12, 2..4).
    FrankKasper,
    /// The other allowed sets: (0, 12, 5..6), (1, 10, 2..7), (2, 8, 0..8), (3, 6, 0..9).
    Nelson,
    /// Everything that breaks the rules.
    Other,
}

impl Su2Class {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 4] = [
        Self::Icosahedral,
        Self::FrankKasper,
        Self::Nelson,
        Self::Other,
    ];

    /// `icosahedral`, `frank_kasper`, `nelson` or `other`, as in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Icosahedral => "icosahedral",
            Self::FrankKasper => "frank_kasper",
            Self::Nelson => "nelson",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Su2Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allowed_set_has_the_coordination_of_a_triangulated_sphere() {
        let mut allowed = 0;
        for four in 0..6 {
            for five in 0..16 {
                for six in 0..12 {
                    let bonds = BondEnvironment {
                        four,
                        five,
                        six,
                        others: 0,
                    };
                    if bonds.class() == Su2Class::Other {
                        continue;
                    }
                    allowed += 1;
                    assert_eq!(bonds.coordination() + four, 12 + six);
                    let odd = BondEnvironment { others: 1, ..bonds };
                    assert_eq!(odd.class(), Su2Class::Other);
                }
            }
        }
        // 31 sets: 6 + 6 + 9 + 10.
        assert_eq!(allowed, 31);
    }

    #[test]
    fn frank_kasper_polyhedra_have_fourteen_to_sixteen_bonds() {
        for (six, class) in [
            (0, Su2Class::Icosahedral),
            (1, Su2Class::Other),
            (2, Su2Class::FrankKasper),
            (3, Su2Class::FrankKasper),
            (4, Su2Class::FrankKasper),
            (5, Su2Class::Nelson),
            (7, Su2Class::Other),
        ] {
            let bonds = BondEnvironment {
                five: 12,
                six,
                ..BondEnvironment::default()
            };
            assert_eq!(bonds.class(), class, "{six} bonds of order 6");
        }
    }
}
