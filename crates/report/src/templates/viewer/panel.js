// The panel beside the canvas: how atoms are colored, what else is drawn, the slice, the picked atom.

const coloringPanel = (viewer) => {
  const { scene, filter } = viewer;
  const legend = element("div", { className: "legend-box" });
  const rebuild = () => {
    filter.hidden = new Set();
    Object.assign(filter, { from: -Infinity, to: Infinity });
    viewer.recolor();
    legend.replaceChildren(...legendOf(viewer));
  };
  const select = choice("Color", scene.columns.map((column) => column.label), viewer.column, (chosen) => {
    viewer.column = chosen;
    rebuild();
  });
  const dots = checkbox("Hidden ones as dots", filter.dots, (yes) => {
    filter.dots = yes;
    viewer.recolor();
  });
  const size = slider("Size of atoms", Math.sqrt(viewer.size), (now) => {
    viewer.size = now;
    viewer.changed();
  }, (share) => share * share, (value) => `${Math.round(100 * value)} %`);
  rebuild();
  viewer.refreshLegend = () => legend.replaceChildren(...legendOf(viewer));
  return group("Atoms", select, legend, dots, size);
};

const legendOf = (viewer) => {
  const { scene, filter, range } = viewer;
  const column = scene.columns[viewer.column];
  if (column.names) {
    const counts = new Array(column.names.length).fill(0);
    for (const value of column.values) counts[value]++;
    return column.names.map((name, k) => checkbox(`${name}: ${counts[k]}`, !filter.hidden.has(k), (yes) => {
      if (yes) filter.hidden.delete(k); else filter.hidden.add(k);
      viewer.recolor();
    }, colorOfName(column, k)));
  }
  const bar = element("div", { className: "bar" });
  bar.style.background = gradientOf(range.map);
  const unit = column.unit ? ` ${column.unit}` : "";
  const ends = element("div", { className: "ends" },
    element("span", { textContent: `≤ ${short(range.low)}` }), element("span", { textContent: `≥ ${short(range.high)}${unit}` }));
  // Ends of a slider are those of the values, so that nothing is lost by rounding.
  const value = (share) => share <= 0 ? -Infinity : share >= 1 ? Infinity : range.least + share * (range.most - range.least);
  const share = (x) => Math.min(1, Math.max(0, (x - range.least) / (range.most - range.least || 1)));
  const told = (x) => x === -Infinity ? short(range.least) : x === Infinity ? short(range.most) : short(x);
  const limit = (text, key) => slider(text, share(filter[key]), (now) => {
    filter[key] = now;
    viewer.recolor();
  }, value, told);
  return [bar, ends, limit("Only from", "from"), limit("to", "to")];
};

const linesPanel = (viewer) => {
  const { scene } = viewer;
  const sets = scene.bonds.map((set) => checkbox(`${set.label}: ${set.ends.length / 2}`, set.shown, (yes) => {
    set.shown = yes;
    viewer.rebuild();
  }, set.color));
  const cell = checkbox("Cell", viewer.showsCell, (yes) => {
    viewer.showsCell = yes;
    viewer.rebuild();
  });
  const arrows = [];
  if (scene.displacements || scene.events.length > 0) {
    arrows.push(checkbox("Displacement arrows", viewer.arrows.shown, (yes) => {
      viewer.arrows.shown = yes;
      viewer.rebuild();
    }));
    arrows.push(slider("of at least", Math.sqrt(viewer.arrows.least / 2), (now) => {
      viewer.arrows.least = now;
      viewer.rebuild();
    }, (part) => 2 * part * part, (x) => `${short(Number(x.toFixed(3)))} σ`));
    arrows.push(slider("stretched", 0, (now) => {
      viewer.arrows.factor = now;
      viewer.rebuild();
    }, (part) => Number((10 ** (1.3 * part)).toFixed(1)), (x) => `×${x}`));
  }
  return group("Lines", ...sets, ...arrows, cell);
};

const slicePanel = (viewer) => {
  const { slice } = viewer;
  const set = (key) => (value) => {
    slice[key] = value;
    viewer.changed();
  };
  const percent = (x) => `${Math.round(100 * x)} %`;
  const at = slider("at", slice.at, set("at"), undefined, percent);
  const thickness = slider("thickness", slice.thickness, set("thickness"), undefined, percent);
  const kind = choice("Slice", ["none", "along a", "along b", "along c", "towards the eye"], slice.kind, (chosen) => {
    slice.kind = chosen;
    at.hidden = thickness.hidden = chosen === 0;
    viewer.changed();
  });
  at.hidden = thickness.hidden = slice.kind === 0;
  return group("Slice", kind, at, thickness);
};

const viewPanel = (viewer) => {
  const look = (axis) => button(axis, () => {
    viewer.camera.look(axis);
    viewer.changed();
  }, `Look along ${axis}`);
  const reset = button("Reset", () => {
    viewer.camera.reset(viewer.middle);
    viewer.center(middleOf(viewer.scene.cell));
  }, "The view of the beginning");
  const save = button("Save picture", () => {
    viewer.draw();
    const link = element("a", { download: "atoms.png", href: viewer.canvas.toDataURL("image/png") });
    link.click();
  });
  return element("div", { className: "buttons" }, look("x"), look("y"), look("z"), reset, save);
};

// The numbers of the picked atom.
const pickedPanel = (viewer) => {
  const body = element("div", { className: "picked", id: "picked-atom" });
  const hint = "Tap an atom to read its numbers, twice to put it into the middle.";
  const box = group("Atom", body);
  viewer.tell = () => {
    const i = viewer.picked;
    if (i < 0) {
      body.replaceChildren(element("p", { className: "quiet", textContent: hint }));
      return;
    }
    const { scene } = viewer;
    const rows = [["id", String(scene.ids[i])]];
    for (const column of scene.columns) {
      const value = column.values[i];
      rows.push([column.label, column.names ? column.names[value] : `${short(value)}${column.unit ? ` ${column.unit}` : ""}`]);
    }
    rows.push(["position", Array.from(viewer.positions.subarray(3 * i, 3 * i + 3), short).join(", ")]);
    body.replaceChildren(element("table", {}, element("tbody", {}, ...rows.map(([name, value]) =>
      element("tr", {}, element("th", { scope: "row", textContent: name }), element("td", { textContent: value }))))));
  };
  viewer.tell();
  return box;
};
