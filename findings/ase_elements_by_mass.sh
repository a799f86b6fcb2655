#!/usr/bin/env bash
# ASE 3.29.0 names the atoms of LAMMPS files by their masses, against what file and caller say.
#
# - A dump with a column `mass`: the element is the one whose mass is nearest, `type` is not asked, and
#   `specorder`, by which the caller says what the types are, is ignored without a word. In reduced
#   units (masses 1 and 0.5) every atom becomes X with mass 1: the masses of the file are lost too,
#   and velocities become momenta by the wrong ones. The same dump without `mass` obeys `specorder`.
# - A data file with `Atom Type Labels`: labels that are element names are taken only where there is no
#   section `Masses`, which nearly every data file has. Nickel of the isotope 60, labelled Ni, becomes Co.
#
# Seen:
#   dump with mass:       ['X', 'X'], masses [1.0, 1.0]
#   dump without mass:    ['Cu', 'Zr']
#   data, labels, masses: ['Co'], masses [60.0]
#   data, labels:         ['Ni']
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ase==3.29.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
from ase.io import read

head = """ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0.0 10.0
0.0 10.0
0.0 10.0
"""


def dump(name, atoms):
    with open(name, "w") as file:
        file.write(head + atoms)
    return read(name, format="lammps-dump-text", specorder=["Cu", "Zr"])


def data(name, masses):
    with open(name, "w") as file:
        file.write(
            "title\n\n1 atoms\n1 atom types\n\n0 10 xlo xhi\n0 10 ylo yhi\n0 10 zlo zhi\n\n"
            f"Atom Type Labels\n\n1 Ni\n\n{masses}Atoms # atomic\n\n1 Ni 1 2 3\n"
        )
    return read(name, format="lammps-data")


atoms = dump("mass.dump", "ITEM: ATOMS id type mass x y z\n1 1 1.0 1 1 1\n2 2 0.5 4 5 6\n")
print("dump with mass:", list(atoms.symbols), atoms.get_masses().tolist())
assert list(atoms.symbols) == ["X", "X"] and atoms.get_masses().tolist() == [1.0, 1.0], "mended?"
atoms = dump("type.dump", "ITEM: ATOMS id type x y z\n1 1 1 1 1\n2 2 4 5 6\n")
print("dump without mass:", list(atoms.symbols))
assert list(atoms.symbols) == ["Cu", "Zr"]
atoms = data("masses.data", "Masses\n\n1 60.0\n\n")
print("data, labels, masses:", list(atoms.symbols), atoms.get_masses().round(6).tolist())
assert list(atoms.symbols) == ["Co"], "mended?"
atoms = data("labels.data", "")
print("data, labels:", list(atoms.symbols))
assert list(atoms.symbols) == ["Ni"]
PYTHON
