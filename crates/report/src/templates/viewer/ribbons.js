// What is drawn beside atoms: bonds, displacement arrows, and the edges of the cell.

class Ribbons {
  constructor() {
    Object.assign(this, { starts: [], alongs: [], radii: [], colors: [] });
  }

  // `fixed` is never sliced away; radii below zero are in pixels.
  add(start, along, [first, last], color, fixed = false) {
    this.starts.push(...start);
    this.alongs.push(...along);
    this.radii.push(first, last);
    this.colors.push(...color, fixed ? 0 : 255);
  }
}

// Halves of bonds, each from its own atom, so that a bond through a face of the cell leaves and enters it.
const addBonds = (ribbons, scene, { positions, images }, set) => {
  const color = channels(set.color);
  for (let k = 0; 2 * k < set.ends.length; k++) {
    const [i, j] = [set.ends[2 * k], set.ends[2 * k + 1]];
    const n = [0, 1, 2].map((axis) => set.shifts[3 * k + axis] + images[3 * i + axis] - images[3 * j + axis]);
    const shift = latticeVector(scene.cell, n);
    const p = positions.subarray(3 * i, 3 * i + 3), q = positions.subarray(3 * j, 3 * j + 3);
    const half = shift.map((x, axis) => 0.5 * (q[axis] + x - p[axis]));
    ribbons.add(p, half, [set.radius, set.radius], color);
    ribbons.add(q, half.map((x) => -x), [set.radius, set.radius], color);
  }
};

// An arrow is a cylinder and a cone, from where the atom was to where it is (`backwards`), or from where it is on.
const addArrow = (ribbons, position, vector, factor, backwards) => {
  const long = Math.hypot(...vector);
  const drawn = factor * long;
  if (!(drawn > 0)) return;
  const head = Math.min(0.35, 0.45 * drawn), shaft = 0.055;
  const tail = [0, 1, 2].map((k) => position[k] - (backwards ? factor * vector[k] : 0));
  const body = vector.map((x) => (x / long) * (drawn - head));
  const color = [33, 37, 41];
  ribbons.add(tail, body, [shaft, shaft], color);
  ribbons.add(tail.map((x, k) => x + body[k]), vector.map((x) => (x / long) * head), [0.16, 0], color);
};

const addCell = (ribbons, cell, middle) => {
  const origin = [0, 1, 2].map((k) => middle[k] - 0.5 * (cell[0][k] + cell[1][k] + cell[2][k]));
  for (let axis = 0; axis < 3; axis++) {
    const [p, q] = [0, 1, 2].filter((k) => k !== axis).map((k) => cell[k]);
    for (const [m, n] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
      ribbons.add(origin.map((x, k) => x + m * p[k] + n * q[k]), cell[axis], [-0.9, -0.9], [70, 78, 88], true);
    }
  }
};
