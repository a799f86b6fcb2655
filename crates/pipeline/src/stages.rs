//! The stages of a run, one file each.

pub(crate) mod branches;
pub(crate) mod compare;
pub(crate) mod creep;
pub(crate) mod cycle;
pub(crate) mod equilibrate;
pub(crate) mod harvest;
pub(crate) mod kmc;
pub(crate) mod loading;
pub(crate) mod recover;
pub(crate) mod relax;
pub(crate) mod search;
pub(crate) mod shear;
pub(crate) mod start;
pub(crate) mod unload;
