#!/usr/bin/env bash
# lammpsio 0.9.0 (and 0.10.0): unwrapped positions of a LAMMPS dump are read as zeros.
#
# DumpFile knows the columns x, y, z only. Of a dump with `xu yu zu`, which LAMMPS writes for
# diffusion and which is as common as the wrapped kind, it reads ids, types and velocities, leaves the
# positions out, and answers `snapshot.position` with an array of zeros instead of an error or None:
# every atom at the origin. Only `has_position()` tells. A schema that names the columns by number helps.
#
# Seen:
#   has_position False
#   position [[0, 0, 0], [0, 0, 0]]
#   with a schema [[11, 1, 1], [4, 5, 6]]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lammpsio==0.9.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import lammpsio
import numpy as np

with open("unwrapped.dump", "w") as file:
    file.write("""ITEM: TIMESTEP
0
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS pp pp pp
0.0 10.0
0.0 10.0
0.0 10.0
ITEM: ATOMS id type xu yu zu
1 1 11.0 1.0 1.0
2 2 4.0 5.0 6.0
""")
snapshot = next(iter(lammpsio.DumpFile("unwrapped.dump")))
print("has_position", snapshot.has_position())
print("position", snapshot.position.tolist())
assert snapshot.typeid.tolist() == [1, 2]
assert np.array_equal(snapshot.position, np.zeros((2, 3))), "mended?"
schema = {"id": 0, "typeid": 1, "position": (2, 3, 4)}
snapshot = next(iter(lammpsio.DumpFile("unwrapped.dump", schema)))
print("with a schema", snapshot.position.tolist())
assert np.array_equal(snapshot.position, [[11, 1, 1], [4, 5, 6]])
PYTHON
