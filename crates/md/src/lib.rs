//! Molecular dynamics of glasses: ensembles, shear, unloading and recovery.
