// Colors of atoms: a palette for names, maps for numbers.

const NAMED = ["#e69f00", "#0072b2", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#f0e442", "#7a7a7a"];
// What is left over stays in the background.
const LEFT_OVER = "#9aa9b8";
const DOT = [176, 186, 197];
const colorOfName = (column, k) => column.names[k] === "other" ? LEFT_OVER : NAMED[k % NAMED.length];
// Viridis (van der Walt and Smith) at nine equal steps, and a map from blue over gray to red for both signs.
const UP = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const BOTH = ["#2b5fb3", "#5f8fd0", "#9dbbe3", "#d2dcea", "#ececec", "#f2d3c4", "#e8a283", "#d56a4f", "#b0252d"];

const channels = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
const colorAt = (map, share) => {
  const at = Math.min(1, Math.max(0, share)) * (map.length - 1);
  const low = Math.min(map.length - 2, Math.floor(at)), part = at - low;
  const [p, q] = [channels(map[low]), channels(map[low + 1])];
  return p.map((x, k) => Math.round(x + part * (q[k] - x)));
};
const gradientOf = (map) => `linear-gradient(90deg, ${map.join(", ")})`;

const short = (value) => {
  if (!Number.isFinite(value)) return "none";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
};

// From where to where a column of numbers is colored, and by which map: 1 in 100 atoms lies beyond either end.
const rangeOf = ({ values, range }) => {
  const sorted = Float32Array.from(values).filter(Number.isFinite).sort();
  if (sorted.length === 0) return { low: 0, high: 1, least: 0, most: 1, map: UP };
  const quantile = (share) => sorted[Math.round(share * (sorted.length - 1))];
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  // A column may say its own, where few atoms are what it is about.
  if (range) return { low: range[0], high: range[1], least, most, map: UP };
  let [low, high] = [quantile(0.01), quantile(0.99)];
  const both = low < 0 && high > 0 && Math.min(-low, high) > 0.2 * Math.max(-low, high);
  if (both) {
    high = Math.max(-low, high);
    low = -high;
  }
  if (!(high > low)) [low, high] = most > least ? [least, most] : [low - 0.5, low + 0.5];
  return { low, high, least, most, map: both ? BOTH : UP };
};

// Red, green, blue, and 255 for a sphere, 128 for a dot, 0 for nothing, of every atom.
const colorsOf = (scene, column, range, filter, picked) => {
  const colors = new Uint8Array(4 * scene.count);
  const palette = column.names ? column.names.map((_, k) => channels(colorOfName(column, k))) : null;
  const steps = range ? Array.from({ length: 256 }, (_, k) => colorAt(range.map, k / 255)) : null;
  for (let i = 0; i < scene.count; i++) {
    const value = column.values[i];
    const inside = column.names
      ? !filter.hidden.has(value)
      : !(value < filter.from || value > filter.to);
    const color = palette
      ? palette[value]
      : Number.isFinite(value)
        ? steps[Math.min(255, Math.max(0, Math.round(255 * (value - range.low) / (range.high - range.low))))]
        : [150, 150, 150];
    colors.set(inside ? color : DOT, 4 * i);
    colors[4 * i + 3] = inside ? 255 : filter.dots ? 128 : 0;
  }
  if (picked >= 0) colors.set([255, 30, 200, 255], 4 * picked);
  return colors;
};
