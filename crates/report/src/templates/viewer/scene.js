// The atoms as the page holds them: typed arrays in base64, little-endian.

const fromBase64 = (text, Type) => {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Type(bytes.buffer);
};

const readScene = (element) => {
  const scene = JSON.parse(element.textContent);
  const floats = (text) => fromBase64(text, Float32Array);
  scene.positions = floats(scene.positions);
  scene.radii = floats(scene.radii);
  scene.count = scene.radii.length;
  scene.displacements = scene.displacements ? floats(scene.displacements) : null;
  for (const column of scene.columns) {
    column.values = column.names ? fromBase64(column.values, Uint8Array) : floats(column.values);
  }
  for (const set of scene.bonds) {
    set.ends = fromBase64(set.ends, Uint32Array);
    set.shifts = fromBase64(set.shifts, Int8Array);
  }
  for (const event of scene.events) {
    event.atoms = fromBase64(event.atoms, Uint32Array);
    event.to_saddle = floats(event.to_saddle);
    event.to_end = floats(event.to_end);
  }
  scene.inverse = inverted(scene.cell);
  return scene;
};

// Rows of the result give fractional coordinates; `cell` holds the lattice vectors.
const inverted = ([a, b, c]) => {
  const cross = (p, q) => [
    p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]];
  const bc = cross(b, c);
  const volume = a[0] * bc[0] + a[1] * bc[1] + a[2] * bc[2];
  return [bc, cross(c, a), cross(a, b)].map((row) => row.map((x) => x / volume));
};

const dot = (p, q) => p[0] * q[0] + p[1] * q[1] + p[2] * q[2];

// The lattice vector n of three whole numbers.
const latticeVector = (cell, n) =>
  [0, 1, 2].map((k) => n[0] * cell[0][k] + n[1] * cell[1][k] + n[2] * cell[2][k]);

const middleOf = (cell) => latticeVector(cell, [0.5, 0.5, 0.5]);

// Positions of all atoms in the cell around `middle`, and the whole lattice vectors that take them there.
const wrappedAround = (scene, middle) => {
  const positions = new Float32Array(scene.positions.length);
  const images = new Int8Array(scene.positions.length);
  for (let i = 0; i < scene.count; i++) {
    const at = scene.positions.subarray(3 * i, 3 * i + 3);
    const from = [at[0] - middle[0], at[1] - middle[1], at[2] - middle[2]];
    const n = scene.inverse.map((row) => -Math.round(dot(row, from)));
    const shift = latticeVector(scene.cell, n);
    for (let k = 0; k < 3; k++) {
      positions[3 * i + k] = at[k] + shift[k];
      images[3 * i + k] = n[k];
    }
  }
  return { positions, images };
};
