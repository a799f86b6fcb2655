#!/usr/bin/env bash
# Velocities in extended XYZ: ASE 3.29.0, OVITO 3.17.2 and dynasor 2.5 look under three names, no two
# under the same, and none says that it found nothing.
#
# - ASE takes `momenta` (mass times velocity) and keeps `velo` and `vel` as arrays that nothing uses:
#   its kinetic energy is zero.
# - OVITO maps `velo` to its property Velocity; `vel` and `momenta` become user properties.
# - dynasor's "extxyz" format takes `vel` only: velocities that ASE itself wrote (`momenta`) are not
#   seen, while dynasor's "ase" format sees them in the same file.
#
# Seen, for a file with one column each:
#   velo:    ASE no,  OVITO yes, dynasor extxyz no
#   vel:     ASE no,  OVITO no,  dynasor extxyz yes
#   momenta: ASE yes, OVITO no,  dynasor extxyz no (its "ase" format: yes)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ase==3.29.0 ovito==3.17.2 dynasor==2.5
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import logging
import warnings

warnings.filterwarnings("ignore")
from ase.io import read
from dynasor import Trajectory
from ovito.io import import_file

logging.disable(logging.INFO)


def main():
    found = {}
    for name in ("velo", "vel", "momenta"):
        file_name = f"{name}.xyz"
        frame = (
            f'2\nLattice="9 0 0 0 9 0 0 0 9" Properties=species:S:1:pos:R:3:{name}:R:3 pbc="T T T"\n'
            "Cu 1 1 1 0.1 0.2 0.3\nZr 4 4 4 0.3 0.2 0.1\n"
        )
        with open(file_name, "w") as file:
            file.write(2 * frame)
        ase = read(file_name).get_kinetic_energy() > 0
        ovito = "Velocity" in import_file(file_name).compute().particles
        dynasor = [
            Trajectory(file_name, trajectory_format=reader).has_velocities
            for reader in ("extxyz", "ase")
        ]
        found[name] = (bool(ase), ovito, *dynasor)
        print(name, dict(zip(("ASE", "OVITO", "dynasor extxyz", "dynasor ase"), found[name])))
    assert found == {
        "velo": (False, True, False, False),
        "vel": (False, False, True, False),
        "momenta": (True, False, False, True),
    }, "mended?"


if __name__ == "__main__":
    main()
PYTHON
