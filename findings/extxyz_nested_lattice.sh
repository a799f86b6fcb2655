#!/bin/sh
# The `extxyz` library 0.4.6 (libAtoms) reads a nested Lattice=[[...], [...], [...]] as the matrix whose
# COLUMNS are the lattice vectors: the same nine numbers in the same order, flat and nested, are two
# cells, each the transpose of the other. No word is said. `pbc` and the volume are the same, so a
# cubic, orthorhombic or hexagonal file by rows of vectors looks right until its tilts are used.
# ASE 3.29.0's own reader takes the flat form only. Seen on Linux, Python 3.11.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet extxyz==0.4.6 ase==3.29.0
cd "$folder"
venv/bin/python - <<'PY'
import ase.io
import extxyz
import numpy as np

flat = '"3 0 0 0.5 4 0 0.25 -0.5 5"'
nested = "[[3, 0, 0], [0.5, 4, 0], [0.25, -0.5, 5]]"
cells = {}
for name, lattice in (("flat", flat), ("nested", nested)):
    with open(f"{name}.xyz", "w") as file:
        file.write(f"1\nLattice={lattice} Properties=species:S:1:pos:R:3\nH 0 0 0\n")
    for parser in (True, False):
        frame = extxyz.read_dicts(f"{name}.xyz", use_cextxyz=parser)
        # Columns of `cell` are the vectors, says the documentation of Frame.
        vectors = np.array(frame.cell).T
        print(name, "C" if parser else "Python", "vectors:", vectors.tolist())
        cells[name, parser] = vectors
for parser in (True, False):
    assert np.allclose(cells["flat", parser][1], [0.5, 4, 0])
    assert np.allclose(cells["nested", parser][1], [0, 4, -0.5])
    assert np.allclose(cells["flat", parser], cells["nested", parser].T)
assert np.allclose(ase.io.read("flat.xyz", format="extxyz").cell.array, cells["flat", True])
try:
    ase.io.read("nested.xyz", format="extxyz")
    raise SystemExit("ASE reads the nested form now")
except ValueError as error:
    print("ASE, nested:", error)
print("as found")
PY
