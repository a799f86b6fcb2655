//! Minimization of energy landscapes to inherent structures.
