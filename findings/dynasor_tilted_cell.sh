#!/usr/bin/env bash
# dynasor 2.5, trajectory_format="lammps_internal": a tilted cell comes out as its bounding box.
#
# A LAMMPS dump gives a tilted cell by the box around it ("BOX BOUNDS xy xz yz": xlo_bound = xlo +
# min(0, xy, xz, xy + xz), and so on), from which the reader has to take the tilts off again.
# dynasor's own reader takes the width of the bounds for lx: a cell of 10 x 10 x 10 with xy = 3 becomes
# one of 13 x 10 x 10, without a word, and every q-point and volume with it. Its "ase" format reads
# the same file right.
#
# Seen:
#   lammps_internal: cell [[13, 0, 0], [3, 10, 0], [0, 0, 10]], volume 1300
#   ase:             cell [[10, 0, 0], [3, 10, 0], [0, 0, 10]], volume 1000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check dynasor==2.5 ase==3.29.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import logging

import numpy as np
from dynasor import Trajectory

logging.disable(logging.INFO)
frame = """ITEM: TIMESTEP
{step}
ITEM: NUMBER OF ATOMS
2
ITEM: BOX BOUNDS xy xz yz pp pp pp
0.0 13.0 3.0
0.0 10.0 0.0
0.0 10.0 0.0
ITEM: ATOMS id type x y z
1 1 1.0 1.0 1.0
2 1 5.0 5.0 5.0
"""
with open("tilted.dump", "w") as file:
    file.write(frame.format(step=0) + frame.format(step=1))
cells = {name: Trajectory("tilted.dump", trajectory_format=name).cell for name in ("lammps_internal", "ase")}
for name, cell in cells.items():
    print(f"{name}: {cell.tolist()}, volume {abs(np.linalg.det(cell)):.0f}")
assert np.allclose(cells["ase"], [[10, 0, 0], [3, 10, 0], [0, 0, 10]])
assert np.allclose(cells["lammps_internal"], [[13, 0, 0], [3, 10, 0], [0, 0, 10]]), "mended?"
PYTHON
