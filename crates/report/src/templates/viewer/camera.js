// Where the eye is: a parallel projection, turned, moved and zoomed by mouse, finger or key.

const rotationAbout = (axis, angle) => {
  const [x, y, z] = axis, c = Math.cos(angle), s = Math.sin(angle), t = 1 - c;
  return [
    [t * x * x + c, t * x * y - s * z, t * x * z + s * y],
    [t * x * y + s * z, t * y * y + c, t * y * z - s * x],
    [t * x * z - s * y, t * y * z + s * x, t * z * z + c]];
};
const times = (p, q) => p.map((row) => [0, 1, 2].map((k) =>
  row[0] * q[0][k] + row[1] * q[1][k] + row[2] * q[2][k]));
// Rounding errors of thousands of small turns are taken out.
const orthonormal = (rows) => {
  const unit = (v) => v.map((x) => x / Math.hypot(...v));
  const x = unit(rows[0]);
  const along = dot(x, rows[1]);
  const y = unit(rows[1].map((value, k) => value - along * x[k]));
  const z = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]];
  return [x, y, z];
};

// Rows are right, up and towards the viewer.
const LOOKS = {
  x: [[0, 1, 0], [0, 0, 1], [1, 0, 0]],
  y: [[-1, 0, 0], [0, 0, 1], [0, 1, 0]],
  z: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
};
const OBLIQUE = times(rotationAbout([1, 0, 0], 0.42), times(rotationAbout([0, 1, 0], -0.55), LOOKS.z));

class Camera {
  constructor(scene) {
    this.scene = scene;
    this.reset(middleOf(scene.cell));
  }

  reset(middle) {
    this.middle = middle;
    this.rotation = OBLIQUE;
    this.zoom = 1;
    this.pan = [0, 0];
  }

  // Half of the longest diagonal: nothing that is drawn lies farther from the middle.
  get reach() {
    const [a, b, c] = this.scene.cell;
    let longest = 0;
    for (const p of [1, -1]) for (const q of [1, -1]) {
      longest = Math.max(longest, Math.hypot(...[0, 1, 2].map((k) => a[k] + p * b[k] + q * c[k])));
    }
    return longest / 2 + 1;
  }

  turn(right, up) {
    const turned = times(rotationAbout([0, 1, 0], right), times(rotationAbout([1, 0, 0], -up), this.rotation));
    this.rotation = orthonormal(turned);
  }

  look(axis) {
    this.rotation = LOOKS[axis];
    this.pan = [0, 0];
  }

  // Pixels a length, for a canvas of this size in pixels of the page.
  scale(width, height) {
    return this.zoom * Math.min(width, height) / (1.7 * this.reach);
  }

  // A point as the eye sees it: right, up, towards the viewer [length].
  seen(point) {
    const from = [0, 1, 2].map((k) => point[k] - this.middle[k]);
    return this.rotation.map((row) => dot(row, from));
  }
}

// Turns pointers, wheel and keys into changes of the camera; `tapped(x, y, twice)` is a click that did not move.
const steer = (canvas, camera, changed, tapped) => {
  const down = new Map();
  let moved = 0, lastTap = [0, 0, 0];
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const zoomBy = (factor) => {
    const zoom = Math.min(60, Math.max(0.3, camera.zoom * factor));
    camera.pan = camera.pan.map((x) => x * zoom / camera.zoom);
    camera.zoom = zoom;
  };
  canvas.addEventListener("pointerdown", (event) => {
    // A pointer that is made by a script cannot be captured; it works without.
    try { canvas.setPointerCapture(event.pointerId); } catch { /* as said */ }
    down.set(event.pointerId, place(event));
    if (down.size === 1) moved = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const now = place(event), [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    moved += Math.hypot(dx, dy);
    if (down.size === 1) {
      if (event.shiftKey || event.buttons === 2 || event.buttons === 4) {
        camera.pan = [camera.pan[0] + dx, camera.pan[1] - dy];
      } else {
        camera.turn(dx * 0.008, -dy * 0.008);
      }
    } else if (down.size === 2) {
      const other = [...down].find(([id]) => id !== event.pointerId)[1];
      const apart = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
      zoomBy(apart(now) / Math.max(1, apart(before)));
      camera.pan = [camera.pan[0] + dx / 2, camera.pan[1] - dy / 2];
    }
    down.set(event.pointerId, now);
    changed();
  });
  const up = (event) => {
    if (!down.delete(event.pointerId) || event.type === "pointercancel") return;
    if (down.size === 0 && moved < 6 && event.button !== 2) {
      const [x, y] = place(event);
      const soon = event.timeStamp - lastTap[2] < 350 && Math.hypot(x - lastTap[0], y - lastTap[1]) < 12;
      lastTap = soon ? [0, 0, 0] : [x, y, event.timeStamp];
      tapped(x, y, soon);
    }
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(Math.exp(-0.0015 * event.deltaY * (event.deltaMode === 1 ? 20 : 1)));
    changed();
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    if (step) camera.turn(...step);
    else if (event.key === "+" || event.key === "=") zoomBy(1.15);
    else if (event.key === "-") zoomBy(1 / 1.15);
    else return;
    event.preventDefault();
    changed();
  });
};
