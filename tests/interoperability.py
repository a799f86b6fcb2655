"""Measures what other programs read in our files, and writes what they make of them.

Usage: interoperability.py FOLDER

FOLDER holds `truth.json` (numbers of a sample, in the order of its ids), the sample in our formats
(`sample.*`, `wrapped.*`, two frames of it in `frames.*`), and takes `measured.json` and the files
that other programs write, `back/PROGRAM, OURS.FORMAT`. Programs that are not installed are left out.

A quantity is "yes" where a program has our numbers, "no" where it has none, "scaled" where it has a
multiple of ours by a factor of its units, "wrong" where it has others. "refused" is a file that it
does not read.
"""

import importlib.util
import json
import logging
import os
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")
logging.disable(logging.INFO)

FOLDER = sys.argv[1]
TRUTH = {}
QUANTITIES = ["positions", "cell", "ids", "species", "masses", "radii", "velocities", "forces", "energy", "shifts"]
# ASE's and OVITO's eight to ten decimals, and single precision of some.
ROUNDING = 2e-6


def path(name):
    return os.path.join(FOLDER, name)


def installed(*names):
    return all(importlib.util.find_spec(name) for name in names)


def verdict(found, expected):
    if found is None:
        return "no"
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return "wrong"
    if found.dtype.kind in "US":
        return "yes" if (found == expected).all() else "wrong"
    found, expected = found.astype(float), expected.astype(float)
    if np.allclose(found, expected, rtol=ROUNDING, atol=ROUNDING):
        return "yes"
    factor = (found * expected).sum() / (expected * expected).sum()
    if factor > 0 and np.allclose(found, factor * expected, rtol=1e-4, atol=1e-6 * factor):
        return "scaled"
    return "wrong"


def row(ids, wrapped_file=False, **found):
    """Verdicts on what was found, atoms in the order of `ids`, or of the file where None."""
    given = np.asarray(TRUTH["file_order"] if ids is None else ids).astype(int)
    order = np.argsort(given)
    result = {}
    for name in QUANTITIES:
        values = ids if name == "ids" else found.get(name)
        expected = TRUTH["wrapped" if name == "positions" and wrapped_file else name]
        if values is not None and name not in ("cell", "energy"):
            values = np.asarray(values)[order]
        result[name] = verdict(values, expected)
    return result


def column(table, *names):
    """Columns of a table as one array, None where one is missing."""
    if any(name not in table.columns for name in names):
        return None
    return table.select(*names).to_numpy().squeeze()


# --- ASE


def ase_row(atoms, kind, wrapped_file):
    results = dict(atoms.calc.results) if atoms.calc else {}
    arrays = atoms.arrays
    names = list(atoms.symbols)
    species = None if set(names) == {"X"} else [{"H": 1, "He": 2}.get(name, 0) for name in names]
    ids, shifts = arrays.get("id"), arrays.get("image")
    if kind == "dump":
        # Sorted by id, the ids forgotten; an energy of zero stands beside forces.
        ids = TRUTH["ids"]
        results.pop("energy", None)
    if kind == "data" and wrapped_file:
        # Shifts are applied.
        wrapped_file = False
        sites = np.asarray(TRUTH["wrapped"])[np.argsort(np.argsort(ids))]
        shifts = (atoms.positions - sites) @ np.linalg.inv(TRUTH["cell"])
    verdicts = row(
        ids,
        wrapped_file,
        positions=atoms.positions,
        cell=atoms.cell.array,
        species=arrays.get("type", species),
        masses=atoms.get_masses(),
        radii=arrays.get("radius"),
        velocities=atoms.get_velocities() if "momenta" in arrays else None,
        forces=results.get("forces"),
        energy=results.get("energy"),
        shifts=shifts,
    )
    return verdicts | ({"ids": "no"} if kind == "dump" else {})


def ase():
    from ase.io import read, write

    formats = {"extxyz": "extxyz", "data": "lammps-data", "dump": "lammps-dump-text"}
    rows = {}
    for prefix in ("sample", "wrapped"):
        for ours, name in formats.items():
            shown = f"ASE, {'wrapped ' if prefix == 'wrapped' else ''}{ours}"
            atoms = read(path(f"{prefix}.{ours}"), format=name)
            rows[shown] = ase_row(atoms, ours, prefix == "wrapped")
    for prefix in ("wrapped", "sample"):
        atoms = read(path(f"{prefix}.extxyz"))
        write(path(f"back/ase, {prefix}.extxyz"), atoms)
        write(path(f"back/ase, {prefix}.data"), atoms, format="lammps-data", masses=True)
    return rows


# --- OVITO


def ovito():
    from ovito.io import export_file, import_file

    def array(particles, name):
        return np.asarray(particles[name]) if name in particles else None

    rows = {}
    for prefix in ("sample", "wrapped"):
        for ours in ("extxyz", "data", "dump"):
            data = import_file(path(f"{prefix}.{ours}")).compute()
            particles = data.particles
            masses = array(particles, "Mass")
            shown = f"OVITO, {'wrapped ' if prefix == 'wrapped' else ''}{ours}"
            rows[shown] = row(
                array(particles, "Particle Identifier"),
                prefix == "wrapped",
                positions=array(particles, "Position"),
                cell=np.asarray(data.cell[:, :3]).T,
                species=array(particles, "Particle Type"),
                masses=masses,
                radii=array(particles, "Radius"),
                velocities=array(particles, "Velocity"),
                forces=array(particles, "Force"),
                energy=data.attributes.get("energy"),
                shifts=array(particles, "Periodic Image"),
            )
    pipeline = import_file(path("sample.extxyz"))
    export_file(pipeline, path("back/ovito, sample.data"), "lammps/data", atom_style="atomic")
    columns = ["Particle Identifier", "Particle Type", "Position.X", "Position.Y", "Position.Z"]
    columns += ["Velocity.X", "Velocity.Y", "Velocity.Z"]
    export_file(pipeline, path("back/ovito, sample.dump"), "lammps/dump", columns=columns)
    columns += ["masses", "Radius"]
    export_file(pipeline, path("back/ovito, sample.extxyz"), "xyz", columns=columns)
    return rows


# --- lammpsio


def lammpsio():
    import lammpsio as module

    def snapshot_row(snapshot, wrapped_file):
        def given(name):
            return getattr(snapshot, name) if getattr(snapshot, f"has_{name}")() else None

        box = snapshot.box
        lengths = np.asarray(box.high) - np.asarray(box.low)
        tilts = [0.0, 0.0, 0.0] if box.tilt is None else box.tilt
        cell = [[lengths[0], 0, 0], [tilts[0], lengths[1], 0], [tilts[1], tilts[2], lengths[2]]]
        return row(
            given("id"),
            wrapped_file,
            positions=given("position"),
            cell=cell,
            species=given("typeid"),
            masses=given("mass"),
            velocities=given("velocity"),
            shifts=given("image"),
        )

    rows = {}
    for prefix, shown in (("sample", ""), ("wrapped", "wrapped ")):
        wrapped_file = prefix == "wrapped"
        data = module.DataFile(path(f"{prefix}.data")).read()
        rows[f"lammpsio, {shown}data"] = snapshot_row(data, wrapped_file)
        dump = next(iter(module.DumpFile(path(f"{prefix}.dump"))))
        rows[f"lammpsio, {shown}dump"] = snapshot_row(dump, wrapped_file)
        if wrapped_file:
            module.DataFile.create(path("back/lammpsio, wrapped.data"), data)
            schema = {"id": 0, "typeid": 1, "position": (2, 3, 4), "image": (5, 6, 7), "velocity": (8, 9, 10)}
            module.DumpFile.create(path("back/lammpsio, wrapped.dump"), schema, dump)
    return rows


# --- dynasor


def dynasor():
    from dynasor import Trajectory

    rows = {}
    for reader, name in (("extxyz", "frames.extxyz"), ("ase", "frames.extxyz"), ("lammps_internal", "frames.dump")):
        shown = f"dynasor {reader}, {name.split('.')[1]}"
        try:
            trajectory = Trajectory(path(name), trajectory_format=reader)
        except ValueError:
            rows[shown] = {quantity: "refused" for quantity in QUANTITIES}
            continue
        frame = next(trajectory)
        rows[shown] = row(
            None,
            positions=frame.positions_by_type["X"],
            cell=trajectory.cell,
            velocities=frame.velocities_by_type["X"] if trajectory.has_velocities else None,
            forces=frame.forces_by_type["X"] if trajectory.has_forces else None,
        )
    return rows


# --- mdapy


def mdapy():
    import mdapy as module

    rows = {}
    for prefix, shown in (("sample", ""), ("wrapped", "wrapped ")):
        for ours in ("extxyz", "data", "dump"):
            # It tells formats by their names.
            name = path(f"{prefix}.{ours}")
            system = module.System(name, format="xyz") if ours == "extxyz" else module.System(name)
            table = system.data
            elements = table["element"].to_list() if "element" in table.columns else None
            species = [{"H": 1, "He": 2}[name] for name in elements] if elements else column(table, "type")
            rows[f"mdapy, {shown}{ours}"] = row(
                column(table, "id"),
                prefix == "wrapped",
                positions=column(table, "x", "y", "z"),
                cell=system.box.box,
                species=species,
                masses=column(table, "mass"),
                radii=column(table, "radius"),
                velocities=column(table, "vx", "vy", "vz"),
                forces=column(table, "fx", "fy", "fz"),
                energy=float(system.global_info["energy"]) if "energy" in (system.global_info or {}) else None,
                shifts=column(table, "ix", "iy", "iz"),
            )
            if prefix == "sample" and ours == "extxyz":
                system.write_xyz(path("back/mdapy, sample.extxyz"))
                system.set_type_by_element(["H", "He"])
                system.write_data(path("back/mdapy, sample.data"))
            if prefix == "sample" and ours == "dump":
                system.write_dump(path("back/mdapy, sample.dump"))
    return rows


# --- What is counted in them


def counted(number, expected):
    return "yes" if abs(number - expected) < 0.5 else "wrong"


def ovito_analyses(prefix):
    from ovito.io import import_file
    from ovito.modifiers import CoordinationAnalysisModifier, VoronoiAnalysisModifier

    results = {}
    pipeline = import_file(path(f"{prefix}.extxyz"))
    pipeline.modifiers.append(CoordinationAnalysisModifier(cutoff=TRUTH["range"]))
    coordination = np.asarray(pipeline.compute().particles["Coordination"])
    results["OVITO, neighbors"] = counted(coordination.sum(), TRUTH["neighbors"])
    for kind in ("extxyz", "data", "dump"):
        pipeline = import_file(path(f"{prefix}.{kind}"))
        pipeline.modifiers.append(VoronoiAnalysisModifier(use_radii=True, compute_indices=True))
        indices = np.asarray(pipeline.compute().particles["Voronoi Index"])
        # Column n holds the faces with n + 1 edges.
        icosahedral = (indices[:, 4] == 12) & (indices.sum(axis=1) == 12)
        results[f"OVITO, icosahedra with use_radii, {kind}"] = counted(icosahedral.sum(), TRUTH["icosahedra"])
    return results


def freud_analyses(prefix):
    import freud
    from ase.io import read

    atoms = read(path(f"{prefix}.extxyz"))
    system = (freud.box.Box.from_matrix(atoms.cell.array.T), atoms.positions)
    query = freud.locality.AABBQuery(*system).query(atoms.positions, {"r_max": TRUTH["range"], "exclude_ii": True})
    voronoi = freud.locality.Voronoi()
    voronoi.compute(system)
    return {
        "freud, neighbors": counted(len(query.toNeighborList()), TRUTH["neighbors"]),
        "freud, Voronoi volumes": counted(voronoi.volumes.sum(), atoms.get_volume()),
    }


def matscipy_analyses(prefix):
    from ase.io import read
    from matscipy.neighbours import neighbour_list

    atoms = read(path(f"{prefix}.extxyz"))
    return {"matscipy, neighbors": counted(len(neighbour_list("i", atoms, TRUTH["range"])), TRUTH["neighbors"])}


def ase_analyses(prefix):
    from ase.io import read
    from ase.neighborlist import neighbor_list

    atoms = read(path(f"{prefix}.extxyz"))
    return {"ASE, neighbors": counted(len(neighbor_list("i", atoms, TRUTH["range"])), TRUTH["neighbors"])}


def mdapy_analyses(prefix):
    import mdapy as module

    system = module.System(path(f"{prefix}.extxyz"), format="xyz")
    system.build_neighbor(TRUTH["range"])
    return {"mdapy, neighbors": counted(np.asarray(system.neighbor_number).sum(), TRUTH["neighbors"])}


def together(rows):
    """One row for a format, unwrapped and wrapped; "a/b" where they differ. Shifts are in one only."""
    result = {}
    for name, found in rows.items():
        wrapped = rows.get(name.replace(", ", ", wrapped "), found)
        if "wrapped" not in name:
            result[name] = {
                key: value if value == wrapped[key] else f"{value}/{wrapped[key]}"
                for key, value in found.items()
            } | {"shifts": wrapped["shifts"]}
    return result


def main():
    with open(path("truth.json")) as file:
        TRUTH.update(json.load(file))
    os.makedirs(path("back"), exist_ok=True)
    read_by = {"ase": ase, "ovito": ovito, "lammpsio": lammpsio, "dynasor": dynasor, "mdapy": mdapy}
    analysed_by = {
        "ase": ase_analyses,
        "ovito": ovito_analyses,
        "matscipy": matscipy_analyses,
        "freud": freud_analyses,
        "mdapy": mdapy_analyses,
    }
    measured = {"quantities": QUANTITIES, "read": {}, "analysed": {}}
    for name in sorted(read_by | analysed_by):
        if not installed(name):
            print(f"skipped: {name} is not installed")
            continue
        if name in read_by:
            measured["read"].update(together(read_by[name]()))
        if name in analysed_by:
            unwrapped, wrapped = (analysed_by[name](prefix) for prefix in ("sample", "wrapped"))
            measured["analysed"].update({key: [unwrapped[key], wrapped[key]] for key in unwrapped})
    with open(path("measured.json"), "w") as file:
        json.dump(measured, file, indent=1)


if __name__ == "__main__":
    main()
