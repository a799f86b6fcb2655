#!/usr/bin/env bash
# OVITO 3.17.2: a comment behind a mass in a LAMMPS data file changes the Voronoi polyhedra.
#
# OVITO takes the text behind `#` in the section Masses for the name of the type, and a name that is an
# element's brings the element's display radius along. VoronoiAnalysisModifier(use_radii=True) then
# builds the radical tessellation with it. Without the comment the types have radius 0 and the same
# modifier, asked the same, builds the plain tessellation. Neither says so. (Labels of types do the same.)
#
# Seen, 1000 atoms of two types, mean number of faces of each:
#   no comment:     radii 0 and 0,       15.60 and 15.67
#   # Zr and # Cu:  radii 1.6 and 1.28,  16.46 and 14.53
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ovito==3.17.2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import random
import warnings

warnings.filterwarnings("ignore")
import numpy as np
from ovito.io import import_file
from ovito.modifiers import VoronoiAnalysisModifier


def analysed(name, comments):
    random.seed(1)
    lines = ["title", "", "1000 atoms", "2 atom types", ""]
    lines += [f"0 28.0 {axis}lo {axis}hi" for axis in "xyz"]
    lines += ["", "Masses", "", f"1 91.2{comments[0]}", f"2 63.5{comments[1]}", "", "Atoms # atomic", ""]
    for number in range(1000):
        site = (number % 10, number // 10 % 10, number // 100)
        place = [2.8 * s + random.uniform(0.0, 1.4) for s in site]
        lines.append(" ".join(map(str, [number + 1, random.randint(1, 2), *place])))
    with open(name, "w") as file:
        file.write("\n".join(lines) + "\n")
    pipeline = import_file(name)
    pipeline.modifiers.append(VoronoiAnalysisModifier(use_radii=True))
    particles = pipeline.compute().particles
    faces = np.asarray(particles["Coordination"])
    kinds = np.asarray(particles["Particle Type"])
    radii = [round(kind.radius, 3) for kind in particles.particle_types.types]
    means = [float(faces[kinds == kind].mean()) for kind in (1, 2)]
    print(comments, "radii", radii, "mean faces", means)
    return radii, means, faces


plain = analysed("plain.data", ("", ""))
named = analysed("named.data", (" # Zr", " # Cu"))
assert plain[0] == [0.0, 0.0]
assert named[0] == [1.6, 1.28], "mended?"
assert not np.array_equal(plain[2], named[2])
assert named[1][0] - named[1][1] > plain[1][0] - plain[1][1] + 0.5
PYTHON
