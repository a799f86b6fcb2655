#!/usr/bin/env bash
# freud 3.4.0: a radial distribution function of unwrapped positions loses pairs, a Voronoi diagram of
# the same points does not.
#
# A simple cubic crystal, every atom with its six neighbors, and every second atom written one lattice
# vector of the box further: the same crystal. freud.density.RDF and neighbor queries
# take such points without a word and find fewer neighbors; freud.locality.Voronoi wraps and is right.
# Points have to go through `box.wrap` first.
#
# Seen (neighbors of an atom by the RDF, by a query, mean volume of its Voronoi cell):
#   inside     6.0  6.0  1.0
#   unwrapped  5.5  5.5  1.0
#   wrapped    6.0  6.0  1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check freud-analysis==3.4.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import freud
import numpy as np

edge = 6
box = freud.box.Box.cube(edge)
sites = np.array([(i, j, k) for i in range(edge) for j in range(edge) for k in range(edge)])
inside = sites - edge / 2 + 0.5
away = inside + edge * (sites.sum(axis=1) % 2)[:, None]
found = {}
for name, points in (("inside", inside), ("unwrapped", away), ("wrapped", box.wrap(away))):
    rdf = freud.density.RDF(bins=20, r_max=2.0)
    rdf.compute((box, points))
    near = rdf.n_r[rdf.bin_centers < 1.2][-1]
    query = freud.locality.AABBQuery(box, points).query(points, {"r_max": 1.1, "exclude_ii": True})
    pairs = len(query.toNeighborList()) / len(points)
    voronoi = freud.locality.Voronoi()
    voronoi.compute((box, points))
    volume = float(np.mean(voronoi.volumes))
    found[name] = (round(float(near), 2), round(pairs, 2), round(volume, 4))
    print(name, "neighbors by RDF, by query, Voronoi volume:", found[name])
assert found["inside"] == found["wrapped"] == (6.0, 6.0, 1.0)
assert found["unwrapped"] == (5.5, 5.5, 1.0), "mended?"
PYTHON
