#!/bin/sh
# ASE 3.29.0 reads a LAMMPS data file whose header stands between tabs (valid for LAMMPS, which splits
# at any blank) without a word, but with a cell of 1 x 1 x 1: the lines `0<tab>5<tab>xlo xhi` do not
# match its pattern and the box keeps its initial value, while atoms, masses and velocities are read.
# Distances by minimum image are then nonsense. Seen on Linux, Python 3.11.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ase==3.29.0
cd "$folder"
venv/bin/python - <<'PY'
import ase.io

text = """glass

2 atoms
2 atom types

0 5 xlo xhi
0 5 ylo yhi
0 5 zlo zhi

Masses

1 1
2 0.5

Atoms # atomic

1 1 0.5 0.5 0.5
2 2 3 3 3
"""
lengths = {}
for name, blank in (("blanks", " "), ("tabs", "\t")):
    rows = text.split("\n")
    rows[5:8] = [row.replace(" ", blank) for row in rows[5:8]]
    with open(name, "w") as file:
        file.write("\n".join(rows))
    atoms = ase.io.read(name, format="lammps-data")
    lengths[name] = atoms.cell.lengths().tolist()
    print(name, len(atoms), "atoms, cell", lengths[name], "pbc", atoms.pbc.tolist())
assert lengths["blanks"] == [5, 5, 5]
assert lengths["tabs"] == [1, 1, 1]
print("as found")
PY
