//! The views in three dimensions as a browser draws them: Chromium without a screen, by software.
//!
//! Where there is no Chromium (Debian: `apt-get install chromium`) these tests say so and check nothing.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "the support of several tests holds more than each needs"
)]
#[path = "support/program.rs"]
mod program;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use program::{glass, json, text};

/// The browser, where there is one.
fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|candidate| candidate.is_file());
    if found.is_none() {
        println!("skipped: no Chromium on the PATH (Debian: apt-get install chromium)");
    }
    found
}

/// What a browser in a window so wide says of a page at which a script, the body of a function, looked.
fn probed(browser: &Path, page: &Path, script: &str, width: u32, options: &[&str]) -> Value {
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("page.html");
    let html = std::fs::read_to_string(page).unwrap();
    let probe = format!(
        "<pre id=\"probe\"></pre><script>document.getElementById('probe').textContent = \
         JSON.stringify((() => {{ {script} }})());</script></body>"
    );
    std::fs::write(&copy, html.replace("</body>", &probe)).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-dev-shm-usage"])
        .args(["--use-angle=swiftshader", "--enable-unsafe-swiftshader"])
        .args(options)
        .arg(format!("--window-size={width},900"))
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        .arg("--dump-dom")
        .arg(format!("file://{}", copy.display()))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&output.stdout);
    let said = dom
        .split_once("<pre id=\"probe\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"))
        .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)))
        .0;
    serde_json::from_str(
        &said
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&"),
    )
    .unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// Functions that scripts of the tests share.
const LIBRARY: &str = "
const v = window.metabasinView, gl = v.drawing.gl;
v.camera.zoom = 1;
v.resize();
const dense = v.canvas.width / v.width;
const pixels = () => {
  v.draw();
  const read = new Uint8Array(4 * v.canvas.width * v.canvas.height);
  gl.readPixels(0, 0, v.canvas.width, v.canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, read);
  return read;
};
const empty = [244, 246, 248];
const drawn = () => {
  const read = pixels();
  let count = 0;
  for (let k = 0; k < read.length; k += 4) {
    count += empty.some((level, channel) => Math.abs(read[k + channel] - level) > 3);
  }
  return count;
};
// One atom in one color, all others in another; an opacity of 0 hides.
const painted = (atom, own, others) => {
  const colors = new Uint8Array(4 * v.scene.count);
  for (let i = 0; i < v.scene.count; i++) colors.set(i === atom ? own : others, 4 * i);
  v.drawing.fillColors(colors);
  return pixels();
};
const RED = [255, 0, 0, 255], BLUE = [0, 0, 255, 255], NONE = [0, 0, 0, 0];
const at = (read, x, y) => {
  const k = 4 * (Math.floor((v.height - y) * dense) * v.canvas.width + Math.floor(x * dense));
  return [read[k], read[k + 1], read[k + 2]];
};
const tap = (x, y) => {
  const box = v.canvas.getBoundingClientRect();
  for (const kind of ['pointerdown', 'pointerup']) {
    v.canvas.dispatchEvent(new PointerEvent(kind, { clientX: box.left + x, clientY: box.top + y, pointerId: 1 }));
  }
};
";

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn the_browser_draws_the_atoms_and_picks_what_it_draws() {
    let Some(browser) = chromium() else { return };
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("view.html");
    let found = json(&["analyze", &glass(), "--view", text(&page)]);
    let script = format!(
        "{LIBRARY}
const all = drawn(), taps = [], area = v.width * v.height * dense * dense;
const reds = new Set();
for (const read = pixels(), k = {{ at: 0 }}; k.at < read.length; k.at += 4) {{
  reds.add((read[k.at] << 16) | (read[k.at + 1] << 8) | read[k.at + 2]);
}}
for (const right of [-0.2, -0.12, -0.05, 0.03, 0.11, 0.19]) for (const up of [-0.18, -0.06, 0.05, 0.17]) {{
  const [x, y] = [v.width / 2 + right * v.height, v.height / 2 - up * v.height];
  const atom = v.pick(x, y);
  // Away from rims, where half a pixel decides.
  if (atom < 0 || [[-2, 0], [2, 0], [0, -2], [0, 2]].some(([p, q]) => v.pick(x + p, y + q) !== atom)) continue;
  taps.push({{ own: at(painted(atom, RED, BLUE), x, y), other: at(painted(atom, BLUE, RED), x, y) }});
}}
v.recolor();
v.slice = {{ kind: 2, at: 0.5, thickness: 0.2 }};
const slice = drawn();
v.slice = {{ kind: 0, at: 0.5, thickness: 0.2 }};
v.scene.bonds.forEach((set) => {{ set.shown = true; }});
v.rebuild();
v.size = 0;
const lines = drawn();
v.size = 1;
v.scene.bonds.forEach((set) => {{ set.shown = false; }});
v.showsCell = false;
v.rebuild();
painted(-1, NONE, NONE);
const nothing = drawn();
v.recolor();
const [x, y] = [v.width / 2, v.height / 2], picked = v.pick(x, y);
tap(x, y);
const told = document.getElementById('picked-atom').textContent;
const start = performance.now();
for (let k = 0; k < 100; k++) v.draw();
const milliseconds = (performance.now() - start) / 100;
return {{ all, slice, lines, nothing, area, colors: reds.size, taps, told, id: v.scene.ids[picked],
  picked: v.picked === picked, milliseconds, wide: document.documentElement.scrollWidth - innerWidth }};"
    );
    let seen = probed(&browser, &page, &script, 1100, &[]);
    println!(
        "script of one frame of 300 atoms: {} ms",
        seen["milliseconds"]
    );
    let (all, area) = (number(&seen["all"]), number(&seen["area"]));
    assert!(all > 0.15 * area && all < 0.9 * area, "{seen}");
    assert!(number(&seen["colors"]) > 200.0, "{seen}");
    assert!(number(&seen["slice"]) < 0.6 * all, "{seen}");
    assert!(number(&seen["lines"]) > 0.02 * area, "{seen}");
    assert_eq!(number(&seen["nothing"]), 0.0, "{seen}");
    let taps = seen["taps"].as_array().unwrap();
    assert!(taps.len() >= 16, "{seen}");
    for tap in taps {
        let channel = |which: &str, k: usize| number(&tap[which][k]);
        assert!(channel("own", 0) > channel("own", 2), "{tap}");
        assert!(channel("other", 2) > channel("other", 0), "{tap}");
    }
    assert!(seen["picked"].as_bool().unwrap());
    let told = seen["told"].as_str().unwrap();
    assert!(told.contains(&format!("id{}", seen["id"])), "{told}");
    assert!(told.contains("von Mises stress"), "{told}");
    assert!(number(&seen["wide"]) <= 0.0, "{seen}");
    assert_eq!(found["atoms"], 300);

    let narrow = "return { wide: document.documentElement.scrollWidth - innerWidth, \
                  columns: getComputedStyle(document.getElementById('atoms-view')).gridTemplateColumns };";
    let seen = probed(&browser, &page, narrow, 500, &[]);
    assert!(number(&seen["wide"]) <= 0.0, "{seen}");
    let columns = seen["columns"].as_str().unwrap();
    assert_eq!(columns.split_whitespace().count(), 1, "{columns}");
}

#[test]
fn without_webgl_a_still_picture_stays() {
    let Some(browser) = chromium() else { return };
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("report.html");
    json(&["analyze", &glass(), "--report", text(&page)]);
    let script = "const root = document.getElementById('atoms-view'); const still = root.querySelector('.still');
return { live: root.classList.contains('live'), circles: still.querySelectorAll('circle').length,
  high: still.getBoundingClientRect().height, why: root.querySelector('.why-still').textContent };";
    let seen = probed(&browser, &page, script, 1100, &["--disable-3d-apis"]);
    assert_eq!(seen["live"], false);
    assert!(
        number(&seen["circles"]) > 50.0 && number(&seen["circles"]) < 300.0,
        "{seen}"
    );
    assert!(number(&seen["high"]) > 200.0, "{seen}");
    assert!(seen["why"].as_str().unwrap().contains("WebGL2"), "{seen}");
}

#[test]
fn an_event_moves_its_atoms_from_minimum_over_saddle_to_end() {
    let Some(browser) = chromium() else { return };
    let folder = TempDir::new().unwrap();
    let (catalogue, page) = (
        folder.path().join("glass.sqlite"),
        folder.path().join("events.html"),
    );
    json(&[
        "search",
        &glass(),
        "--searches",
        "12",
        "--kernel",
        "portable",
        "-o",
        text(&catalogue),
    ]);
    json(&["barriers", text(&catalogue), "--view", text(&page)]);
    let script = format!(
        "{LIBRARY}
const row = document.querySelectorAll('#atoms-view .events tbody tr')[0];
row.click();
const event = v.scene.events[0], lengths = v.scene.columns.find((column) => column.name === 'to_end').values;
const atom = lengths.indexOf(Math.max(...lengths));
v.showsCell = false;
v.rebuild();
const middle = (s) => {{
  v.events.at(s);
  const read = painted(atom, RED, NONE);
  let [x, y, count] = [0, 0, 0];
  for (let k = 0; k < read.length; k += 4) {{
    if (read[k] > read[k + 2] + 20) {{
      x += (k / 4) % v.canvas.width;
      y += Math.floor(k / 4 / v.canvas.width);
      count++;
    }}
  }}
  return [x / count, y / count];
}};
const from = middle(0), scale = v.camera.scale(v.width, v.height) * dense;
const moved = (s) => middle(s).map((x, k) => (x - from[k]) / scale);
const place = Array.from(event.atoms).indexOf(atom);
const turned = (u) => v.camera.rotation.slice(0, 2).map((row) => row[0] * u[0] + row[1] * u[1] + row[2] * u[2]);
const of = (field) => turned(field.subarray(3 * place, 3 * place + 3));
return {{ saddle: moved(1), half: moved(1.5), end: moved(2), to_saddle: of(event.to_saddle), to_end: of(event.to_end),
  chosen: row.classList.contains('chosen'), told: document.querySelector('#atoms-view .told').textContent,
  barriers: v.scene.events.map((event) => event.barrier) }};"
    );
    let seen = probed(&browser, &page, &script, 1100, &[]);
    let vector = |key: &str| [0, 1].map(|k| number(&seen[key][k]));
    let (saddle, end) = (vector("to_saddle"), vector("to_end"));
    assert!(end[0].hypot(end[1]) > 0.05, "{seen}");
    for (key, expected) in [
        ("saddle", saddle),
        ("half", [0, 1].map(|k| 0.5 * (saddle[k] + end[k]))),
        ("end", end),
    ] {
        let found = vector(key);
        // A fifth of a pixel: one pixel is about 1/50 of a length.
        let off = (found[0] - expected[0]).hypot(found[1] - expected[1]);
        assert!(off < 0.02, "{key}: {off} in {seen}");
    }
    let barriers = seen["barriers"].as_array().unwrap();
    assert!(
        barriers
            .windows(2)
            .all(|pair| number(&pair[0]) <= number(&pair[1]))
    );
    assert!(seen["chosen"].as_bool().unwrap());
    assert!(seen["told"].as_str().unwrap().contains("barrier"), "{seen}");
}
