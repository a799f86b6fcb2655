//! Disclination lines for other programs: `analyze --disclinations`.

use std::io::{self, Write};
use std::path::Path;

use metabasin_atoms::Configuration;
use metabasin_files::{Overwrite, write_atomic_compressed};
use metabasin_structure::{BondTopology, DisclinationNetwork};
use serde::Serialize;

use crate::PipelineError;
use crate::structure_file::Written;

/// How disclination lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisclinationFormat {
    /// A LAMMPS data file whose bonds are the defect bonds, their type 1 for order 4, 2 for order 6, 3 for
    /// another: OVITO shows them as they are.
    LammpsData,
    /// Polylines with their atoms, points and lengths, and the nodes.
    Json,
}

impl DisclinationFormat {
    /// The format that a file name asks for.
    ///
    /// # Errors
    /// Bad input that names the endings.
    pub fn of_name(path: &Path) -> Result<Self, PipelineError> {
        let name = path.to_string_lossy().to_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        let format = match name.rsplit_once('.') {
            Some((_, "data")) => Some(Self::LammpsData),
            Some((_, "json")) => Some(Self::Json),
            _ => None,
        };
        format.ok_or_else(|| {
            PipelineError::in_file(
                path,
                "the name says no format of disclination lines: end it in .data (bonds, for OVITO) or .json \
                 (polylines; .gz or .zst behind)",
            )
        })
    }
}

#[derive(Serialize)]
struct Polyline {
    order: u32,
    closed: bool,
    length: f64,
    /// Ids of the atoms.
    atoms: Vec<u64>,
    points: Vec<[f64; 3]>,
}

#[derive(Serialize)]
struct Polylines {
    /// Lattice vectors a, b, c.
    cell: [[f64; 3]; 3],
    /// Ids of the atoms at which lines meet or end.
    nodes: Vec<u64>,
    lines: Vec<Polyline>,
}

/// Writes the lines in the format that the name asks for.
pub(crate) fn write_disclinations(
    (path, overwrite): (&Path, Overwrite),
    configuration: &Configuration,
    topology: &BondTopology,
    network: &DisclinationNetwork,
) -> Written {
    let format = DisclinationFormat::of_name(path)?;
    write_atomic_compressed(path, overwrite, |output| match format {
        DisclinationFormat::LammpsData => write_bonds(output, configuration, topology),
        DisclinationFormat::Json => {
            let text = serde_json::to_string(&polylines(configuration, network))
                .map_err(io::Error::other)?;
            writeln!(output, "{text}")
        }
    })?;
    Ok(())
}

fn polylines(configuration: &Configuration, network: &DisclinationNetwork) -> Polylines {
    let id = |atom: usize| configuration.ids[atom];
    let h = configuration.cell.matrix();
    Polylines {
        cell: [0, 1, 2].map(|k| [0, 1, 2].map(|axis| h[(axis, k)])),
        nodes: network.nodes().iter().map(|&atom| id(atom)).collect(),
        lines: network
            .lines()
            .iter()
            .map(|line| Polyline {
                order: line.order,
                closed: line.is_closed,
                length: line.length,
                atoms: line.atoms.iter().map(|&atom| id(atom as usize)).collect(),
                points: line.points.iter().map(|p| [p.x, p.y, p.z]).collect(),
            })
            .collect(),
    }
}

fn write_bonds(
    output: &mut dyn Write,
    configuration: &Configuration,
    topology: &BondTopology,
) -> io::Result<()> {
    let defects: Vec<_> = topology.bonds().iter().filter(|bond| bond.1 != 5).collect();
    let [lx, ly, lz, xy, xz, yz] = configuration.cell.components();
    writeln!(
        output,
        "Disclinations by metabasin {}: bond type 1 order 4, type 2 order 6, type 3 other orders\n",
        env!("CARGO_PKG_VERSION")
    )?;
    writeln!(
        output,
        "{} atoms\n{} bonds",
        configuration.len(),
        defects.len()
    )?;
    writeln!(
        output,
        "{} atom types\n3 bond types\n",
        configuration.masses.len()
    )?;
    for (axis, length) in ["x", "y", "z"].into_iter().zip([lx, ly, lz]) {
        writeln!(output, "0.0 {length:?} {axis}lo {axis}hi")?;
    }
    if [xy, xz, yz].iter().any(|tilt| *tilt != 0.0) {
        writeln!(output, "{xy:?} {xz:?} {yz:?} xy xz yz")?;
    }
    writeln!(output, "\nMasses\n")?;
    for (k, mass) in configuration.masses.iter().enumerate() {
        writeln!(output, "{} {mass:?}", k + 1)?;
    }
    writeln!(output, "\nAtoms # bond\n")?;
    for (i, position) in configuration.positions.iter().enumerate() {
        let (inside, _) = configuration.cell.wrap(position);
        writeln!(
            output,
            "{} 0 {} {:?} {:?} {:?}",
            configuration.ids[i],
            configuration.species[i].number(),
            inside.x,
            inside.y,
            inside.z
        )?;
    }
    writeln!(output, "\nBonds\n")?;
    for (k, (bond, order)) in defects.into_iter().enumerate() {
        let kind = match order {
            4 => 1,
            6 => 2,
            _ => 3,
        };
        let [from, to] = [bond.from, bond.to].map(|atom| configuration.ids[atom as usize]);
        writeln!(output, "{} {kind} {from} {to}", k + 1)?;
    }
    Ok(())
}
