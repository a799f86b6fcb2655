//! What `step` tells: the intervals, the verdict in words, and the table as CSV.

use std::path::Path;

use metabasin_files::{Overwrite, write_atomic};
use serde::Serialize;

use crate::{PipelineError, csv};

/// A number of molecular dynamics or of the model, with its standard error over pairs or runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SteppedStress {
    /// Mean xy stress over the strain of the step `[energy / length³]`.
    pub modulus: f64,
    /// Its standard error; none of fewer than two.
    pub modulus_error: Option<f64>,
    /// While held, how far it fell since the first interval of the hold, pair by pair; after the step back,
    /// how far it stands below zero `[energy / length³]`.
    pub relaxed: f64,
    /// Its standard error; none of fewer than two.
    pub relaxed_error: Option<f64>,
}

/// An interval of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepRow {
    /// Whether the strain has been taken back.
    pub back: bool,
    /// Where it begins, since the step or the step back `[τ]`.
    pub from: f64,
    /// Where it ends `[τ]`.
    pub to: f64,
    /// Molecular dynamics.
    pub md: SteppedStress,
    /// The inherent structures of its trajectories where the interval ends: where they stand higher than it does,
    /// heat softens the minima themselves.
    pub md_inherent: SteppedStress,
    /// Share of its trajectories, of both signs, that end the interval in a state that the catalogue stores.
    pub md_in_states: Option<f64>,
    /// The Eshelby model.
    pub kmc: Option<SteppedStress>,
    /// Whether both stand at the same stress: null where either has fewer than four pairs or runs, where
    /// molecular dynamics alone cannot be told from a solid that does not relax, or where the errors are too
    /// large; at 95 %, by Student's t.
    pub agrees: Option<bool>,
    /// The states that molecular dynamics visited at zero load, where the catalogue stores them; errors by the
    /// counts of their jumps.
    pub states: Option<SteppedStress>,
    /// Whether they stand where molecular dynamics does, as `agrees`.
    pub states_agree: Option<bool>,
}

/// What `step` reports.
#[derive(Clone, Debug, Serialize)]
pub struct StrainStep {
    /// k_B T `[energy]`.
    pub temperature: f64,
    /// Strain of the step.
    pub strain: f64,
    /// How long it was held `[τ]`.
    pub hold: f64,
    /// Pairs of trajectories.
    pub pairs: u64,
    /// Runs of the model.
    pub runs: u64,
    /// Seed of trajectories and runs.
    pub seed: u64,
    /// Events in the model, each once.
    pub events: Option<usize>,
    /// Shear modulus of the model's medium, which is isotropic `[energy / length³]`.
    pub medium: Option<f64>,
    /// Shear modulus xy of its cell as a whole, that of the sample `[energy / length³]`.
    pub cell_modulus: Option<f64>,
    /// Why there is no model, where it was asked for.
    pub left_out: Option<String>,
    /// The intervals of the hold, then those after the step back.
    pub rows: Vec<StepRow>,
    /// Residual strain: minus the mean stress of the last interval after the step back, over the modulus of
    /// the first interval of the hold; of molecular dynamics.
    pub residual_strain_md: f64,
    /// Its standard error; none of fewer than two pairs.
    pub residual_strain_md_error: Option<f64>,
    /// The same of the model.
    pub residual_strain_kmc: Option<f64>,
    /// Its standard error, over runs.
    pub residual_strain_kmc_error: Option<f64>,
    /// States of the catalogue that have a weight.
    pub states: Option<usize>,
    /// Share of the harvested time that was spent in them.
    pub states_share: Option<f64>,
    /// Of their equilibrium at zero load, the share in states that the strain takes away without heat, mean of
    /// both signs.
    pub states_fallen: Option<f64>,
    /// Modulus in xy of their wells at this temperature over that of their minima between both signs of the
    /// strain, by which what the strain does to each is multiplied; none where the harvest did not measure it, which leaves them as they are.
    pub softening: Option<f64>,
    /// Its standard error.
    pub softening_error: Option<f64>,
    /// Why they tell nothing, where the catalogue stores some.
    pub states_left_out: Option<String>,
    /// Residual strain by the states.
    pub residual_strain_states: Option<f64>,
    /// Its standard error.
    pub residual_strain_states_error: Option<f64>,
    /// Wall seconds.
    pub seconds: f64,
}

impl StrainStep {
    /// The result in a sentence.
    pub fn verdict(&self) -> String {
        let told = |of: fn(&StepRow) -> Option<bool>| -> [usize; 2] {
            let told: Vec<bool> = self.rows.iter().filter_map(of).collect();
            [told.iter().filter(|alike| **alike).count(), told.len()]
        };
        let mut beside = Vec::new();
        if self.runs > 0 && self.left_out.is_none() {
            beside.push(("the Eshelby model stands", told(|row| row.agrees)));
        }
        if self.states.is_some() {
            beside.push(("the visited states stand", told(|row| row.states_agree)));
        }
        if beside.is_empty() {
            return "molecular dynamics alone: nothing is laid beside it".to_owned();
        }
        if beside.iter().all(|(_, [_, told])| *told == 0) {
            return "in no interval can molecular dynamics and what is laid beside it be told apart or together: \
                    more --pairs or a longer --hold"
                .to_owned();
        }
        let sentences = beside.iter().map(|(what, [alike, told])| {
            format!(
                "{what} where molecular dynamics does in {alike} of the {told} intervals in which that can be told"
            )
        });
        sentences.collect::<Vec<String>>().join("; ")
    }
}

/// Writes the intervals as CSV.
///
/// # Errors
/// What the system reports, or a file in the way.
pub fn write_step_csv(
    step: &StrainStep,
    output: &Path,
    overwrite: Overwrite,
) -> Result<(), PipelineError> {
    write_atomic(output, overwrite, |writer| {
        let what = format!(
            "a step of strain {:?} at fixed cell, held {:?} tau, and back; k_B T {:?}, {} pairs of trajectories \
             and {} runs of the model, seed {}; moduli in epsilon/sigma^3",
            step.strain, step.hold, step.temperature, step.pairs, step.runs, step.seed
        );
        csv::comment(writer, &what)?;
        writeln!(
            writer,
            "back,from,to,md_modulus,md_modulus_error,md_relaxed,md_relaxed_error,kmc_modulus,\
             kmc_modulus_error,kmc_relaxed,kmc_relaxed_error,agrees,states_modulus,states_modulus_error,\
             states_relaxed,states_relaxed_error,states_agree,md_in_states,md_inherent_modulus,\
             md_inherent_modulus_error"
        )?;
        let real = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:?}"));
        let columns = |stress: Option<SteppedStress>| {
            [
                real(stress.map(|s| s.modulus)),
                real(stress.and_then(|s| s.modulus_error)),
                real(stress.map(|s| s.relaxed)),
                real(stress.and_then(|s| s.relaxed_error)),
            ]
            .join(",")
        };
        let verdict = |agrees: Option<bool>| agrees.map_or("", |yes| if yes { "1" } else { "0" });
        for row in &step.rows {
            writeln!(
                writer,
                "{},{:?},{:?},{},{},{},{},{},{},{:?},{}",
                u8::from(row.back),
                row.from,
                row.to,
                columns(Some(row.md)),
                columns(row.kmc),
                verdict(row.agrees),
                columns(row.states),
                verdict(row.states_agree),
                real(row.md_in_states),
                row.md_inherent.modulus,
                real(row.md_inherent.modulus_error),
            )?;
        }
        Ok(())
    })?;
    Ok(())
}
