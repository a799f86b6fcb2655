// Puts canvas and panel together; where there is no WebGL2 the still picture stays.

const begin = () => {
  const root = document.getElementById("atoms-view");
  const canvas = root.querySelector("canvas");
  const scene = readScene(document.getElementById("atoms-data"));
  let drawing;
  try {
    drawing = new Drawing(canvas);
  } catch (error) {
    root.querySelector(".why-still").textContent =
      `This browser draws no WebGL2 (${error.message}): a still picture of the outermost atoms, colored by ${scene.columns[0].label}.`;
    return;
  }
  root.classList.add("live");
  const viewer = new Viewer(scene, canvas, drawing);
  if (scene.events.length > 0) {
    viewer.column = scene.columns.findIndex((column) => column.name === "to_end");
    viewer.filter.dots = true;
    viewer.arrows.least = 0.1;
  } else {
    viewer.arrows.least = scene.arrows_from;
  }
  const panel = root.querySelector(".panel");
  const events = scene.events.length > 0 ? eventsPanel(viewer) : null;
  const picked = pickedPanel(viewer);
  panel.append(...(events ? [events.panel] : []), coloringPanel(viewer), linesPanel(viewer), slicePanel(viewer), picked);
  root.querySelector(".stage").append(viewPanel(viewer));
  const tip = root.querySelector(".tip");
  steer(canvas, viewer.camera, () => viewer.changed(), (x, y, twice) => {
    const found = viewer.pick(x, y);
    viewer.picked = found;
    viewer.tell();
    tip.textContent = viewer.inShort();
    if (twice && found >= 0) viewer.center(viewer.place(found));
    else viewer.recolor();
  });
  if (events) events.begin();
  viewer.draw();
  // For scripts: `draw()` draws now, `pick(x, y)` finds an atom, `project(atom)` says where one is.
  window.metabasinView = viewer;
};
begin();
