#!/bin/sh
# ASE 3.29.0 reads extended XYZ with pbc="f f f", pbc="no no no" or pbc=FFF as periodic in every
# direction: its table knows T, F, true, True, TRUE (and false) only, anything else stays a string,
# and a string that is not empty is true. The `extxyz` library 0.4.6 keeps one true value for it as
# well. Seen on Linux, Python 3.11.
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

for flags, periodic in (
    ('"F F F"', False), ('"f f f"', True), ('"no no no"', True), ("FFF", True), ('"0 0 0"', False),
):
    with open("x.xyz", "w") as file:
        file.write(f'1\nLattice="3 0 0 0 4 0 0 0 5" Properties=species:S:1:pos:R:3 pbc={flags}\nH 0 0 0\n')
    ase_says = ase.io.read("x.xyz", format="extxyz").pbc.tolist()
    library = np.atleast_1d(extxyz.read_dicts("x.xyz").pbc).astype(bool).tolist()
    print(f"pbc={flags}: ASE {ase_says}, extxyz {library}")
    assert ase_says == [periodic] * 3
    assert all(flag == periodic for flag in library)
print("as found")
PY
