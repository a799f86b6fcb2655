// One sample on one canvas: what is shown, and the picture whenever that changes.

class Viewer {
  constructor(scene, canvas, drawing) {
    Object.assign(this, { scene, canvas, drawing, camera: new Camera(scene) });
    this.middle = middleOf(scene.cell);
    this.path = [0, 0];
    this.toSaddle = this.toEnd = null;
    this.size = 1;
    this.slice = { kind: 0, at: 0.5, thickness: 0.25 };
    this.column = 0;
    this.filter = { hidden: new Set(), from: -Infinity, to: Infinity, dots: false };
    this.showsCell = true;
    this.arrows = { shown: false, factor: 1, least: 0 };
    this.picked = -1;
    this.waiting = false;
    Object.assign(this, { sharpness: 1, lastFrame: 0, slowFrames: 0, sharpen: 0 });
    this.center(this.middle);
    this.resize();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  // Puts the cell around a point.
  center(middle) {
    this.middle = this.camera.middle = middle;
    Object.assign(this, wrappedAround(this.scene, middle));
    this.drawing.fillAtoms(this.positions, this.scene.radii);
    if (this.toEnd) this.drawing.fillPath(this.toSaddle, this.toEnd);
    this.recolor();
    this.rebuild();
  }

  // Displacements of all atoms to a saddle and to an end state.
  setPath(toSaddle, toEnd) {
    Object.assign(this, { toSaddle, toEnd });
    this.drawing.fillPath(toSaddle, toEnd);
    this.rebuild();
  }

  resize() {
    const box = this.canvas.getBoundingClientRect();
    const dense = this.sharpness * Math.min(2, window.devicePixelRatio || 1);
    Object.assign(this, { width: Math.max(1, box.width), height: Math.max(1, box.height) });
    this.canvas.width = Math.max(1, Math.round(this.width * dense));
    this.canvas.height = Math.max(1, Math.round(this.height * dense));
    this.changed();
  }

  recolor() {
    const column = this.scene.columns[this.column];
    this.range = column.names ? null : rangeOf(column);
    this.colors = colorsOf(this.scene, column, this.range, this.filter, this.picked);
    this.drawing.fillColors(this.colors);
    this.changed();
  }

  rebuild() {
    const ribbons = new Ribbons();
    if (this.showsCell) addCell(ribbons, this.scene.cell, this.middle);
    for (const set of this.scene.bonds) if (set.shown) addBonds(ribbons, this.scene, this, set);
    // Of an event arrows go from the minimum to the end state, of a motion from the reference to the structure.
    const vectors = this.toEnd || this.scene.displacements;
    if (this.arrows.shown && vectors) {
      for (let i = 0; i < this.scene.count; i++) {
        const vector = Array.from(vectors.subarray(3 * i, 3 * i + 3));
        if (Math.hypot(...vector) >= this.arrows.least) {
          const at = this.positions.subarray(3 * i, 3 * i + 3);
          addArrow(ribbons, at, vector, this.arrows.factor, !this.toEnd);
        }
      }
    }
    this.drawing.fillRibbons(ribbons);
    this.changed();
  }

  // The slice as a direction and from where to where along it.
  sliced() {
    const { kind, at, thickness } = this.slice;
    if (kind === 0) return { normal: [0, 0, 1], range: [-1e30, 1e30] };
    // Along an axis of the cell: the distance between the faces that the two other axes span.
    const row = kind === 4 ? this.camera.rotation[2] : this.scene.inverse[kind - 1];
    const long = Math.hypot(...row);
    const normal = row.map((x) => x / long);
    const width = kind === 4 ? 2 * this.camera.reach - 2 : 1 / long;
    const middle = dot(normal, this.middle) + (at - 0.5) * width;
    return { normal, range: [middle - 0.5 * thickness * width, middle + 0.5 * thickness * width] };
  }

  place(i) {
    const at = Array.from(this.positions.subarray(3 * i, 3 * i + 3));
    if (!this.toEnd) return at;
    return at.map((x, k) =>
      x + this.path[0] * this.toSaddle[3 * i + k] + this.path[1] * this.toEnd[3 * i + k]);
  }

  // Where on the canvas an atom is, in pixels of the page.
  project(i) {
    const seen = this.camera.seen(this.place(i)), scale = this.camera.scale(this.width, this.height);
    return [
      this.width / 2 + this.camera.pan[0] + seen[0] * scale,
      this.height / 2 - this.camera.pan[1] - seen[1] * scale];
  }

  // The nearest atom that is seen at a point of the canvas; -1 where there is none.
  pick(x, y) {
    const scale = this.camera.scale(this.width, this.height);
    const right = (x - this.width / 2 - this.camera.pan[0]) / scale;
    const up = (this.height / 2 - y - this.camera.pan[1]) / scale;
    const { normal, range } = this.sliced();
    let [best, nearest] = [-1, -Infinity];
    for (let i = 0; i < this.scene.count; i++) {
      const shown = this.colors[4 * i + 3];
      if (shown === 0) continue;
      const at = this.place(i), along = dot(normal, at);
      if (along < range[0] || along > range[1]) continue;
      // A dot is too small for a finger, and in the way of what is meant.
      const radius = this.scene.radii[i] * (shown < 192 ? Math.min(0.14, this.size) : Math.max(0.3, this.size));
      const seen = this.camera.seen(at);
      const inside = radius * radius - (seen[0] - right) ** 2 - (seen[1] - up) ** 2;
      if (inside < 0) continue;
      const towards = seen[2] + Math.sqrt(inside);
      if (towards > nearest) [best, nearest] = [i, towards];
    }
    return best;
  }

  // The picked atom in a line: its id, and the number or name that colors it.
  inShort() {
    if (this.picked < 0) return "";
    const column = this.scene.columns[this.column], value = column.values[this.picked];
    const told = column.names ? column.names[value] : `${short(value)} ${column.unit}`;
    return `Atom ${this.scene.ids[this.picked]}: ${column.label} ${told}`;
  }

  draw() {
    const slice = this.sliced();
    this.drawing.draw(this.camera, {
      size: this.size, path: this.path, slice, width: this.width, height: this.height });
  }

  // One picture for all that changes before the screen is drawn again.
  changed() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame((now) => {
      this.waiting = false;
      this.keepUp(now);
      this.draw();
    });
  }

  // Where frames come slower than 20 a second while something moves, they get coarser; at rest all is sharp again.
  keepUp(now) {
    const gap = now - this.lastFrame;
    this.lastFrame = now;
    this.slowFrames = gap > 50 && gap < 2000 ? this.slowFrames + 1 : 0;
    const sharp = (sharpness) => {
      this.sharpness = sharpness;
      this.slowFrames = 0;
      this.resize();
    };
    if (this.slowFrames >= 3 && this.sharpness > 0.35) sharp(0.7 * this.sharpness);
    clearTimeout(this.sharpen);
    if (this.sharpness < 1) this.sharpen = setTimeout(() => sharp(1), 600);
  }
}
