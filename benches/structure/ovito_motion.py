"""OVITO's displacements, D2min and bond orders of the structures that `cargo bench --bench structure -- --write FOLDER` leaves:
python benches/structure/ovito_motion.py FOLDER [ROUNDS]. Processor time, all threads of OVITO together."""

import statistics
import sys
import time

from ovito.io import import_file
from ovito.modifiers import AtomicStrainModifier, CalculateDisplacementsModifier, VoronoiAnalysisModifier
from ovito.pipeline import FileSource

folder, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
reference = FileSource()
reference.load(f"{folder}/reference.extxyz")

def motion(modifier):
    modifier.reference = reference
    modifier.minimum_image_convention = True
    modifier.affine_mapping = type(modifier).AffineMapping.ToReference
    return modifier


modifiers = {
    "displacements": lambda: motion(CalculateDisplacementsModifier()),
    "D2min": lambda: motion(AtomicStrainModifier(cutoff=1.5, output_nonaffine_squared_displacements=True)),
    "Voronoi": lambda: VoronoiAnalysisModifier(use_radii=True, compute_indices=True, generate_bonds=True),
}
for name, modifier in modifiers.items():
    seconds = []
    for _ in range(rounds):
        pipeline = import_file(f"{folder}/now.extxyz")
        data = pipeline.compute()
        modified = modifier()
        start = time.process_time()
        data.apply(modified)
        seconds.append(time.process_time() - start)
    print(f"{name:<16} {statistics.median(seconds):.3f} s")
