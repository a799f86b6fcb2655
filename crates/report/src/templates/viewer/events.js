// Events of a catalogue: a list to choose from, and the way from minimum over saddle to end as an animation.

// Seconds from the minimum to the end; it waits a while at both.
const TRAVEL = 2.4, REST = 0.5;

// Weights of the displacements to the saddle and to the end at a point s of the way, 0 to 2: straight from state to state.
const weightsAt = (s) => s <= 1 ? [s, 0] : [2 - s, s - 1];

const signed = (value, digits) => value === null ? "–" : value.toFixed(digits).replace("-", "−");

const eventsPanel = (viewer) => {
  const { scene } = viewer;
  const displacement = scene.columns.findIndex((column) => column.name === "to_end");
  const state = { event: 0, s: 0, playing: true, since: 0, waiting: false };
  const told = element("p", { className: "told" });
  const profile = element("div", { className: "profile" });
  const marks = ["minimum", "saddle", "end"];

  const show = () => {
    viewer.path = weightsAt(state.s);
    position.input.value = Math.round(500 * state.s);
    position.querySelector("output").textContent = state.s < 0.05 ? marks[0] : state.s > 1.95 ? marks[2]
      : Math.abs(state.s - 1) < 0.03 ? marks[1] : "";
    const dotAt = profile.querySelector("circle");
    const [x, y] = profilePoint(scene.events[state.event], state.s);
    dotAt.setAttribute("cx", x);
    dotAt.setAttribute("cy", y);
    viewer.changed();
  };
  const position = slider("Way", 0, (s) => {
    stop();
    state.s = s;
    show();
  }, (share) => 2 * share, () => "");
  const play = button("Pause", () => state.playing ? stop() : start());
  play.className = "play";
  // One way and back: `since` is the time at which the way began.
  const tick = (now) => {
    state.waiting = false;
    if (!state.playing) return;
    const round = 2 * (TRAVEL + REST);
    const at = ((now - state.since) / 1000) % round;
    const part = at < TRAVEL + REST ? at / TRAVEL : (round - at - REST) / TRAVEL;
    const smooth = Math.min(1, Math.max(0, part));
    state.s = 2 * (0.5 - 0.5 * Math.cos(Math.PI * smooth));
    show();
    state.waiting = true;
    requestAnimationFrame(tick);
  };
  const start = () => {
    state.playing = true;
    play.textContent = "Pause";
    state.since = performance.now() - 1000 * TRAVEL * Math.acos(1 - state.s) / Math.PI;
    if (!state.waiting) {
      state.waiting = true;
      requestAnimationFrame(tick);
    }
  };
  const stop = () => {
    state.playing = false;
    play.textContent = "Play";
  };

  const choose = (chosen) => {
    state.event = chosen;
    const event = scene.events[chosen];
    const toSaddle = new Float32Array(3 * scene.count), toEnd = new Float32Array(3 * scene.count);
    const lengths = new Float32Array(scene.count);
    event.atoms.forEach((atom, k) => {
      toSaddle.set(event.to_saddle.subarray(3 * k, 3 * k + 3), 3 * atom);
      toEnd.set(event.to_end.subarray(3 * k, 3 * k + 3), 3 * atom);
      lengths[atom] = Math.hypot(...event.to_end.subarray(3 * k, 3 * k + 3));
    });
    Object.assign(scene.columns[displacement], { values: lengths, range: [0, event.largest] });
    viewer.setPath(toSaddle, toEnd);
    viewer.picked = -1;
    viewer.tell();
    viewer.center(event.center);
    viewer.filter.hidden = new Set();
    // Who moved is a sphere, the rest dots; a tenth of the farthest is a mover.
    const moved = viewer.column === displacement;
    Object.assign(viewer.filter, { from: moved ? 0.1 * event.largest : -Infinity, to: Infinity });
    viewer.recolor();
    viewer.refreshLegend();
    told.replaceChildren(
      `Event ${event.id}: barrier ${signed(event.barrier, 3)} ε, back ${signed(event.barrier_reverse, 3)} ε, Ω`,
      element("sub", { textContent: "xy" }),
      ` ${signed(event.activation_volume, 3)}${event.activation_volume === null ? "" : " σ³"}, `
      + `${event.participation.toFixed(1)} atoms take part, the farthest goes ${event.largest.toFixed(3)} σ`
      + (event.structure_class ? `; its class is ${event.structure_class}` : ""));
    profile.innerHTML = profileOf(event);
    for (const row of list.tBodies[0].rows) {
      const chosenRow = Number(row.dataset.event) === chosen;
      row.classList.toggle("chosen", chosenRow);
      row.setAttribute("aria-selected", chosenRow);
    }
    state.s = 0;
    show();
    start();
  };

  const { list, box } = eventList(scene.events, choose);
  const panel = group("Events", box, told, profile, element("div", { className: "buttons" }, play), position);
  viewer.events = { choose, stop, start, at: (s) => { stop(); state.s = s; show(); } };
  // Near enough to see who moves, in any sample.
  const begin = () => {
    viewer.camera.zoom = Math.max(1, viewer.camera.reach / 6);
    choose(0);
  };
  return { panel, begin };
};

// The list, sorted by whichever head is tapped.
const eventList = (events, choose) => {
  const heads = [
    [["event"], (e) => e.id, (e) => String(e.id)],
    [["barrier"], (e) => e.barrier, (e) => signed(e.barrier, 3)],
    [["Ω", element("sub", { textContent: "xy" })], (e) => e.activation_volume, (e) => signed(e.activation_volume, 3)],
    [["atoms"], (e) => e.participation, (e) => e.participation.toFixed(1)]];
  const body = element("tbody");
  const rows = events.map((event, k) => {
    const row = element("tr", { tabIndex: 0 }, ...heads.map(([, , text]) => element("td", { textContent: text(event) })));
    row.dataset.event = k;
    row.addEventListener("click", () => choose(k));
    row.addEventListener("keydown", (key) => {
      if (key.key === "Enter" || key.key === " ") {
        key.preventDefault();
        choose(k);
      }
    });
    return row;
  });
  body.append(...rows);
  let [by, way] = [-1, 1];
  const header = element("tr", {}, ...heads.map(([name, value], k) => {
    const sort = button("", () => {
      way = by === k ? -way : 1;
      by = k;
      const number = (row) => value(events[Number(row.dataset.event)]) ?? Infinity;
      rows.sort((p, q) => way * (number(p) - number(q)));
      body.replaceChildren(...rows);
    }, "Sort");
    sort.append(...name);
    return element("th", { scope: "col" }, sort);
  }));
  const list = element("table", { className: "events" }, element("thead", {}, header), body);
  return { list, box: element("div", { className: "event-list" }, list) };
};

// The energies of the three states as a curve: the heights are the event's, the shape between them is drawn.
const profileHeights = (event) => {
  const end = event.barrier - event.barrier_reverse;
  const low = Math.min(0, end), high = event.barrier;
  return [0, high, end].map((energy) => 52 - 42 * (energy - low) / (high - low || 1));
};
const profilePoint = (event, s) => {
  const [a, b, c] = profileHeights(event);
  const ease = (t) => 0.5 - 0.5 * Math.cos(Math.PI * t);
  return [14 + 106 * s, s <= 1 ? a + (b - a) * ease(s) : b + (c - b) * ease(s - 1)];
};
const profileOf = (event) => {
  const points = Array.from({ length: 41 }, (_, k) => profilePoint(event, k / 20).map((x) => x.toFixed(1)).join(","));
  return `<svg viewBox="0 0 240 70" role="img" aria-label="Energy along the way">
<polyline points="${points.join(" ")}" fill="none" stroke="#5b6470" stroke-width="1.6"/>
<circle r="4.5" fill="#d55e00"/>
<text x="14" y="68" text-anchor="middle">min</text><text x="120" y="68" text-anchor="middle">saddle</text><text x="226" y="68" text-anchor="middle">end</text></svg>`;
};
