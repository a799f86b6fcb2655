// Small parts that the panel is made of.

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
};

const group = (title, ...children) =>
  element("fieldset", {}, element("legend", { textContent: title }), ...children);

const labeled = (text, control, output = null) => element("label", { className: "row" },
  element("span", { textContent: text }), control, output);

const checkbox = (text, checked, changed, swatch = null) => {
  const box = element("input", { type: "checkbox", checked });
  box.addEventListener("change", () => changed(box.checked));
  const mark = swatch ? element("i", { className: "swatch" }) : null;
  if (mark) mark.style.background = swatch;
  return element("label", { className: "check" }, box, mark, element("span", { textContent: text }));
};

// A slider from 0 to 1000 that stands for `value(share)`, and the number beside it.
const slider = (text, share, changed, value = (x) => x, shown = short) => {
  const output = element("output", { textContent: shown(value(share)) });
  const input = element("input", { type: "range", min: 0, max: 1000, step: 1, value: Math.round(1000 * share) });
  input.setAttribute("aria-label", text);
  const set = () => {
    const now = value(input.value / 1000);
    output.textContent = shown(now);
    changed(now);
  };
  input.addEventListener("input", set);
  return Object.assign(labeled(text, input, output), { input, set });
};

const choice = (text, names, chosen, changed) => {
  const select = element("select", {}, ...names.map((name, k) =>
    element("option", { value: k, textContent: name, selected: k === chosen })));
  select.setAttribute("aria-label", text);
  select.addEventListener("change", () => changed(Number(select.value)));
  return Object.assign(labeled(text, select), { select });
};

const button = (text, pressed, hint = "") => {
  const made = element("button", { type: "button", textContent: text, title: hint });
  made.addEventListener("click", pressed);
  return made;
};
