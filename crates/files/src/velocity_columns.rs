//! Velocities that stand in a frame under several names: which column counts.

use nalgebra::Vector3;

use crate::Problem;

/// How far columns that say the same may be apart, relative to 1 and to the velocity: eight
/// decimals, which other programs write, of a momentum over a mass of one half.
const ROUNDING: f64 = 1e-6;

/// Velocities as one column gives them `[length / time]`.
pub(crate) struct VelocityColumn {
    /// Its name in the file.
    pub name: String,
    /// One velocity an atom; momenta are divided by masses.
    pub velocities: Vec<Vector3<f64>>,
}

impl VelocityColumn {
    fn agrees(&self, other: &Self) -> bool {
        let pairs = self.velocities.iter().zip(&other.velocities);
        pairs
            .into_iter()
            .all(|(v, w)| (v - w).amax() <= ROUNDING * (1.0 + v.amax().max(w.amax())))
    }
}

/// The column that another program has changed since all of them agreed: our own files hold the
/// same three times, and each program knows one of the names. With two columns, momenta are the
/// changed one: ASE, whose name it is, keeps the other as it was read.
fn changed(columns: &[VelocityColumn]) -> Option<usize> {
    if let [_, second] = columns {
        return (second.name == "momenta").then_some(1);
    }
    (0..columns.len()).find(|&odd| {
        let mut others = (0..columns.len()).filter(|k| *k != odd);
        let first = others.next();
        first.is_some_and(|first| {
            !columns[odd].agrees(&columns[first])
                && others.all(|other| columns[first].agrees(&columns[other]))
        })
    })
}

/// The velocities that count, and a sentence for people where columns differ.
type Settled = (Vec<Vector3<f64>>, Option<String>);

/// The velocities of a frame, and a sentence for people where its columns differ.
///
/// # Errors
/// Columns that differ so that nobody can tell which is meant.
pub(crate) fn settle(mut columns: Vec<VelocityColumn>) -> Result<Option<Settled>, Problem> {
    let Some((first, others)) = columns.split_first() else {
        return Ok(None);
    };
    if others.iter().all(|other| first.agrees(other)) {
        return Ok(Some((columns.swap_remove(0).velocities, None)));
    }
    let names: Vec<String> = columns.iter().map(|c| format!("`{}`", c.name)).collect();
    let names = names.join(", ");
    let Some(odd) = changed(&columns) else {
        return Err(Problem::Unsupported {
            what: format!("columns {names} with different velocities (keep the right one only)"),
        });
    };
    let VelocityColumn { name, velocities } = columns.swap_remove(odd);
    let note = format!(
        "the columns {names} give different velocities: those of `{name}` were taken, as changed \
         by another program"
    );
    Ok(Some((velocities, Some(note))))
}
