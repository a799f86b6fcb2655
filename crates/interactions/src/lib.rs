//! Interatomic potentials, force fields and the energy landscape they span.
