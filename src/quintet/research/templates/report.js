"use strict";
// What this adds: the other language, the near view, figures under the pointer, tables that sort. Every figure, table and
// picture of the whole run is on the page without it.
(() => {
const root = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const words = JSON.parse(one("#words").textContent);
const source = one("#run-data");
const run = source ? JSON.parse(source.textContent) : null;
const THIN = "\u2009", MINUS = "\u2212";
root.classList.add("scripted");

// ---- language, theme, memory: a browser that keeps nothing is fine too
const remember = (name, value) => { try { localStorage.setItem(`quintet-${name}`, value); } catch { /* private */ } };
const remembered = name => { try { return localStorage.getItem(`quintet-${name}`); } catch { return null; } };
const language = () => root.lang;
const word = name => words[language()][name];

function speak(which) {
  root.lang = which;
  for (const drawn of all("[data-ru]")) {
    drawn.dataset.en ??= drawn.getAttribute("aria-label");
    drawn.setAttribute("aria-label", drawn.dataset[which]);
  }
  for (const named of all("[data-label]")) named.setAttribute("aria-label", word(`label.${named.dataset.label}`));
  const button = one('[data-do="language"]');
  button.textContent = word("other_language");
  button.setAttribute("aria-label", word("other_language_name"));
  for (const box of all("input[type=search]")) { box.placeholder = word("filter"); box.setAttribute("aria-label", word("filter")); }
  document.title = `${one("#run-title").innerText} · ${word("title")} · quintet`;
  if (run) draw();
}

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function paint(theme) { if (theme === "dark" || theme === "light") root.dataset.theme = theme; }

// ---- numbers
const fixed = (value, decimals) => {
  const text = Math.abs(value).toFixed(decimals);
  const [whole, rest] = text.split(".");
  const spaced = whole.replace(/\B(?=(\d{3})+$)/g, THIN) + (rest ? `.${rest}` : "");
  return (value < 0 && Number(text) !== 0 ? MINUS : "") + spaced;
};
const signed = (value, decimals) => (value > 0 && Number(value.toFixed(decimals)) !== 0 ? "+" : "") + fixed(value, decimals);
const percent = (value, decimals = 2) => `${signed(value * 100, decimals)}${THIN}%`;
const plain = text => text.replaceAll(THIN, "").replaceAll(MINUS, "-").trim();
const two = value => String(value).padStart(2, "0");

document.addEventListener("copy", event => {
  const text = String(getSelection());
  if (text.includes(THIN) || text.includes(MINUS)) {
    event.clipboardData.setData("text/plain", text.replaceAll(THIN, "").replaceAll(MINUS, "-"));
    event.preventDefault();
  }
});

// ---- tables: sort by a head, filter by a box
function handy(table) {
  const place = table.closest("[data-table]"), body = table.tBodies[0], rows = [...body.rows];
  if (rows.length < 2) return;
  const box = Object.assign(document.createElement("input"), { type: "search" });
  const count = document.createElement("span");
  count.className = "mut";
  const line = document.createElement("div");
  line.className = "filter";
  line.append(box, count);
  table.closest(".long").before(line);
  const texts = rows.map(row => row.textContent.toLowerCase());
  const show = () => {
    const asked = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, n) => { row.hidden = !asked.every(each => texts[n].includes(each)); shown += !row.hidden; });
    count.textContent = asked.length ? `${fixed(shown, 0)} / ${fixed(rows.length, 0)}` : "";
  };
  box.addEventListener("input", show);
  all("th", table).forEach((head, n) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "descending";
      all("th", table).forEach(each => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "ascending" : "descending");
      const key = row => { const text = plain(row.cells[n].textContent), number = Number(text.split(" ")[0]); return text !== "" && !Number.isNaN(number) ? number : text; };
      const before = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1);
      const keyed = rows.map((row, at) => [key(row), at, row]);
      keyed.sort((a, b) => (down ? 1 : -1) * before(a[0], b[0]) || a[1] - b[1]);
      body.append(...keyed.map(each => each[2]));
    });
  });
  if (place.dataset.table !== "fills" && run?.episodes) body.addEventListener("click", event => {
    const row = event.target.closest("tr[data-episode]");
    if (row && String(getSelection()) === "") { goToEpisode(Number(row.dataset.episode)); one('[data-plot="market"]').scrollIntoView({ block: "center" }); }
  });
}

// ---- buttons that are not about time
async function copy(button) {
  const text = one("pre, span", button.closest(".copy")).textContent;
  try { await navigator.clipboard.writeText(text); } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
  }
  const said = button.innerHTML;
  button.textContent = word("copied");
  setTimeout(() => { button.innerHTML = said; }, 1200);
}

const deeds = {
  language: () => { const to = language() === "en" ? "ru" : "en"; speak(to); remember("language", to); },
  theme: () => { const to = isDark() ? "light" : "dark"; paint(to); remember("theme", to); },
  copy,
  in: () => zoom(0.5), out: () => zoom(2), earlier: () => pan(-0.5), later: () => pan(0.5),
  previous: () => stepEpisode(-1), next: () => stepEpisode(1),
};
document.addEventListener("click", event => {
  const button = event.target.closest("button[data-do], button[data-span]");
  if (!button) return;
  if (button.dataset.span) span(Number(button.dataset.span)); else deeds[button.dataset.do](button);
});

// ---- the run, unpacked: a column is whole numbers as zigzag varints in base64
function unpack(text, isSum = false) {
  const octets = atob(text), values = [];
  let part = 0, scale = 1, last = 0;
  for (let n = 0; n < octets.length; n++) {
    const octet = octets.charCodeAt(n);
    part += (octet & 127) * scale;
    if (octet > 127) { scale *= 128; continue; }
    const value = part % 2 ? -(part + 1) / 2 : part / 2;
    last = isSum ? last + value : value;
    values.push(last);
    part = 0; scale = 1;
  }
  return values;
}
const sums = text => unpack(text, true);

let marks, bars, fills, lanes, whole, view;
function open() {
  const PPM = 1e6, unit = run.unit;
  marks = { time: sums(run.marks.time).map(value => run.marks.seconds ? value / 60 : value), price: sums(run.marks.price), gain: {} };
  for (const [policy, column] of Object.entries(run.marks.gain)) marks.gain[policy] = sums(column).map(value => value / PPM);
  marks.drawdown = sums(run.marks.drawdown).map(value => -value / PPM);
  marks.share = sums(run.marks.share).map(value => value / PPM);
  marks.zero = new Float64Array(marks.time.length);
  marks.isShort = marks.share.some(value => value < 0);
  marks.below = marks.share.map(value => Math.min(value, 0)); marks.above = marks.share.map(value => Math.max(value, 0));
  marks.hold = marks.price.map(price => price / marks.price[0] - 1);
  const policies = Object.values(marks.gain);
  marks.worst = marks.gain[run.headline];
  marks.low = policies[0].slice(); marks.high = policies[0].slice();
  for (const gain of policies) gain.forEach((value, n) => { if (value < marks.low[n]) marks.low[n] = value; if (value > marks.high[n]) marks.high[n] = value; });
  if (run.bars) {
    const close = sums(run.bars.close), body = unpack(run.bars.body), above = unpack(run.bars.above), below = unpack(run.bars.below);
    bars = { time: sums(run.bars.time), close: close.map(value => value * unit) };
    bars.open = close.map((value, n) => (value - body[n]) * unit);
    bars.high = close.map((value, n) => (Math.max(value, value - body[n]) + above[n]) * unit);
    bars.low = close.map((value, n) => (Math.min(value, value - body[n]) - below[n]) * unit);
  } else {
    const price = marks.price.map(value => value * unit);
    bars = { time: marks.time, open: price, high: price, low: price, close: price };
  }
  fills = { time: sums(run.fills.time).map(value => value / 60), side: unpack(run.fills.side), price: sums(run.fills.price).map(value => value * unit), lots: unpack(run.fills.lots) };
  lanes = {};
  for (const name of ["states", "policies"]) if (run[name]) lanes[name] = { names: run[name].names, time: sums(run[name].time), which: unpack(run[name].which) };
  whole = { from: marks.time[0], to: marks.time.at(-1) };
  view = { ...whole };
}

// The first place whose value is not below the one asked for.
function place(times, moment) {
  let low = 0, high = times.length;
  while (low < high) { const middle = (low + high) >> 1; if (times[middle] < moment) low = middle + 1; else high = middle; }
  return low;
}
const near = (times, moment) => Math.min(Math.max(place(times, moment), 0), times.length - 1);
const within = times => [Math.max(place(times, view.from) - 1, 0), Math.min(place(times, view.to) + 1, times.length)];

// ---- drawing: the same marks and classes as the picture that came with the page
const WIDTH = 1000;
class Plot {
  constructor(name, low, high) {
    this.figure = one(`[data-plot="${name}"]`);
    this.height = this.figure.clientHeight;
    this.low = low; this.high = high; this.marks = []; this.words = [];
  }
  x(time) { return (time - view.from) / (view.to - view.from || 1) * WIDTH; }
  y(value) { return (1 - (value - this.low) / (this.high - this.low || 1)) * this.height; }
  path(css, d) { if (d) this.marks.push(`<path class="${css}" d="${d}"/>`); }
  segment(css, t1, v1, t2, v2) { this.marks.push(`<line class="${css}" x1="${this.x(t1).toFixed(1)}" y1="${this.y(v1).toFixed(1)}" x2="${this.x(t2).toFixed(1)}" y2="${this.y(v2).toFixed(1)}"/>`); }
  box(css, t1, t2, top, height) {
    const left = Math.max(this.x(t1), 0), right = Math.min(this.x(t2), WIDTH);
    if (right > left - 0.5) this.marks.push(`<rect class="${css}" x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${Math.max(right - left, 0.5).toFixed(1)}" height="${height.toFixed(1)}"/>`);
  }
  label(time, value, text, css) { this.words.push(`<span class="${css}" style="left:${(this.x(time) / 10).toFixed(2)}%;top:${(this.y(value) / this.height * 100).toFixed(2)}%">${text}</span>`); }
  grid(values, text) { for (const value of values) { this.segment("grid", view.from, value, view.to, value); this.label(view.to, value, text(value), "ax"); } }
  upright(css, time) { this.segment(css, time, this.low, time, this.high); }
  // A series by columns: first, lowest, highest, last, so that the worst point of a column is never lost.
  columns(times, low, high = low) {
    const [begin, end] = within(times), found = [];
    let column = null;
    for (let n = begin; n < end; n++) {
      const at = Math.floor(this.x(times[n]));
      if (column === null || at !== column.at) found.push(column = { at, first: low[n], low: low[n], high: high[n], last: low[n] });
      else { column.low = Math.min(column.low, low[n]); column.high = Math.max(column.high, high[n]); column.last = low[n]; }
    }
    return found;
  }
  line(css, times, values) {
    const [begin, end] = within(times);
    if (end - begin <= WIDTH) {
      const points = [];
      for (let n = begin; n < end; n++) points.push(`${this.x(times[n]).toFixed(1)} ${this.y(values[n]).toFixed(1)}`);
      this.path(css, points.length ? `M${points.join("L")}` : "");
    } else this.path(css, this.columns(times, values).map((c, n) => `${n ? "L" : "M"}${c.at + 0.5} ${this.y(c.first).toFixed(1)}V${this.y(c.low).toFixed(1)}V${this.y(c.high).toFixed(1)}V${this.y(c.last).toFixed(1)}`).join(""));
  }
  field(css, times, low, high) {
    const columns = this.columns(times, low, high);
    const side = value => columns.map(c => `${c.at + 0.5} ${this.y(value(c)).toFixed(1)}`);
    this.path(css, columns.length ? `M${[...side(c => c.high), ...side(c => c.low).reverse()].join("L")}Z` : "");
  }
  show() {
    one("svg", this.figure).setAttribute("viewBox", `0 0 ${WIDTH} ${this.height}`);
    one("svg", this.figure).innerHTML = this.marks.join("");
    one("div", this.figure).innerHTML = this.words.join("");
    const axis = this.figure.nextElementSibling;
    if (axis?.classList.contains("xaxis")) axis.innerHTML = moments().map(([time, text], n) => [this.x(time), text, n]).filter(([x]) => x > 30 && x < 970).map(([x, text, n]) => `<span${n % 2 ? ' class="thin"' : n % 4 && text.length > 8 ? ' class="thinner"' : ""} style="left:${(x / 10).toFixed(2)}%">${text}</span>`).join("");
  }
}

function ticks(low, high, count = 4) {
  const width = high - low;
  if (!(width > 0)) return [];
  const size = 10 ** Math.floor(Math.log10(width / count));
  const step = [1, 2, 2.5, 5, 10].map(factor => factor * size).find(each => each >= width / count);
  const values = [];
  for (let n = Math.ceil(low / step - 1e-9); n <= Math.floor(high / step + 1e-9); n++) values.push(n * step);
  return values;
}
const decimals = (values, scale) => {
  const step = values.length > 1 ? Math.abs(values[1] - values[0]) * scale : 0;
  if (!step) return 2;
  for (let n = 0; n < 4; n++) if (Math.abs(step * 10 ** n - Math.round(step * 10 ** n)) < 1e-6) return n;
  return 4;
};
const padded = (values, share = 0.06) => {
  let low = Infinity, high = -Infinity;
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  const air = (high - low) * share || Math.abs(high) * share || 1;
  return [low - air, high + air];
};

// ---- moments below: months, days or hours, as many as there is room for
const date = minutes => new Date((run.start_s + minutes * 60) * 1000);
const minutesOf = moment => (moment / 1000 - run.start_s) / 60;
let marksKept = null;
function moments() {
  const key = `${view.from} ${view.to} ${language()}`;
  if (marksKept?.key === key) return marksKept.list;
  const names = word("months").split(" "), ofDays = word("months_of_days").split(" "), list = [], days = (view.to - view.from) / 1440;
  if (days > 75) {
    const every = Math.ceil(days / 370), first = date(view.from);
    for (let n = first.getUTCFullYear() * 12 + first.getUTCMonth() + 1; ; n++) {
      const time = minutesOf(Date.UTC(Math.floor(n / 12), n % 12, 1));
      if (time > view.to) break;
      if (n % every === 0) list.push([time, n % 12 ? names[n % 12] : `${names[0]} ${Math.floor(n / 12)}`]);
    }
  } else {
    const hours = [1 / 60, 1 / 30, 1 / 12, 1 / 6, 0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 96, 168].find(each => days * 24 / each <= 12) ?? 168;
    const step = hours * 3600, first = Math.ceil((run.start_s + view.from * 60) / step) * step;
    for (let at = first; at <= run.start_s + view.to * 60; at += step) {
      const when = new Date(at * 1000), day = `${two(when.getUTCDate())} ${ofDays[when.getUTCMonth()]}`;
      list.push([(at - run.start_s) / 60, hours >= 24 ? day : days > 1.5 ? `${day} ${two(when.getUTCHours())}:${two(when.getUTCMinutes())}` : `${two(when.getUTCHours())}:${two(when.getUTCMinutes())}`]);
    }
  }
  marksKept = { key, list };
  return list;
}
const timeGrid = plot => { for (const [time] of moments()) plot.upright("grid", time); };
const percents = (plot, count = 4, isSigned = true) => {
  const values = ticks(plot.low, plot.high, count), digits = decimals(values, 100);
  plot.grid(values, value => (Math.abs(value) < 1e-12 ? `0${THIN}%` : isSigned ? percent(value, digits) : `${fixed(value * 100, digits)}${THIN}%`));
};
// The lowest and the highest value in view.
function seen(times, ...series) {
  const [begin, end] = within(times);
  let low = Infinity, high = -Infinity;
  for (const values of series) for (let n = begin; n < end; n++) { if (values[n] < low) low = values[n]; if (values[n] > high) high = values[n]; }
  return [low, high];
}

const drawings = {
  equity() {
    const plot = new Plot("equity", ...padded([0, ...seen(marks.time, marks.low, marks.high)]));
    timeGrid(plot); percents(plot);
    plot.field("band", marks.time, marks.low, marks.high);
    plot.segment("zero", view.from, 0, view.to, 0);
    for (const time of run.kills ?? []) if (time >= view.from && time <= view.to) {
      plot.upright("limit", time);
      plot.label(time, plot.low + (plot.high - plot.low) * 0.05, word("kill_switch"), `wrn halo ${plot.x(time) > 200 ? "left" : "right"}`);
    }
    plot.line("main", marks.time, marks.worst);
    plot.show();
  },
  against() {
    const plot = new Plot("against", ...padded([0, ...seen(marks.time, marks.hold, marks.worst)]));
    timeGrid(plot); percents(plot, 3);
    plot.segment("zero", view.from, 0, view.to, 0);
    plot.label(view.from, 0, word("cash"), "right above-line halo");
    plot.line("hold", marks.time, marks.hold); plot.line("main", marks.time, marks.worst);
    plot.show();
  },
  drawdown() {
    const plot = new Plot("drawdown", Math.min(...padded(seen(marks.time, marks.drawdown), 0.08), -1e-4), 0);
    timeGrid(plot); percents(plot, 2);
    plot.field("fall", marks.time, marks.drawdown, marks.zero);
    plot.line("loss", marks.time, marks.drawdown);
    plot.show();
  },
  market() {
    const [begin, end] = within(bars.time), count = end - begin;
    const plot = new Plot("market", ...padded(seen(bars.time, bars.low, bars.high)));
    timeGrid(plot);
    const values = ticks(plot.low, plot.high), digits = Math.min(run.decimals, decimals(values, 1));
    plot.grid(values, value => fixed(value, digits));
    const each = grouping(count);
    if (count <= 4500) structure(plot, count);
    candles(plot, begin, end, each);
    trades(plot, count);
    plot.show();
  },
  inventory() {
    const [least, most] = padded([0, ...seen(marks.time, marks.share)], 0.1);
    const plot = new Plot("inventory", marks.isShort ? least : 0, Math.max(most, 0.01));
    timeGrid(plot); percents(plot, 2, marks.isShort);
    const [begin, end] = within(marks.time);
    if (end - begin > 600) plot.field("held", marks.time, marks.below, marks.above);
    else {
      // What a mark found was held since the mark before it.
      const ground = plot.y(0).toFixed(1);
      let d = `M${plot.x(marks.time[begin]).toFixed(1)} ${ground}`;
      for (let n = begin + 1; n < end; n++) d += `V${plot.y(marks.share[n]).toFixed(1)}H${plot.x(marks.time[n]).toFixed(1)}`;
      plot.path("held", `${d}V${ground}Z`);
    }
    plot.show();
  },
  states: () => lane("states"), policies: () => lane("policies"),
};

function lane(name) {
  const { names, time, which } = lanes[name], plot = new Plot(name, 0, names.length), height = plot.height / names.length;
  timeGrid(plot);
  for (let n = Math.max(place(time, view.from) - 1, 0); n < time.length && time[n] <= view.to; n++) plot.box(`lane s${names[which[n]].toLowerCase()}`, time[n], time[n + 1] ?? whole.to, which[n] * height + 3, height - 6);
  names.forEach((text, n) => plot.label(view.to, names.length - n - 0.5, text, "ax"));
  plot.show();
}

// How many bars one candle is made of, so that none is narrower than two pixels and its gap.
const GROUPS = [1, 2, 3, 6, 12, 24, 48, 96, 144, 288, 864, 2016];
const grouping = count => GROUPS.find(each => count / each <= one('[data-plot="market"]').clientWidth / 2.4) ?? GROUPS.at(-1);
const lengthOf = minutes => minutes % 1440 === 0 ? `${minutes / 1440}d` : minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`;

// Up hollow, down filled. Groups begin at whole multiples of their length in UTC.
function candles(plot, begin, end, each) {
  const length = run.bar_minutes * each, zero = run.start_s / 60, half = length * 0.32;
  const groupOf = n => Math.floor((zero + bars.time[n] - run.bar_minutes) / length + 1e-9);
  for (let n = begin; n < end;) {
    const group = groupOf(n), first = bars.open[n];
    let high = -Infinity, low = Infinity, last = first;
    for (; n < end && groupOf(n) === group; n++) { high = Math.max(high, bars.high[n]); low = Math.min(low, bars.low[n]); last = bars.close[n]; }
    const middle = (group + 0.5) * length - zero, css = last >= first ? "c up" : "c down", upper = Math.max(first, last), lower = Math.min(first, last);
    plot.segment(css, middle, high, middle, upper);
    plot.segment(css, middle, lower, middle, low);
    plot.box(css, middle - half, middle + half, plot.y(upper), Math.max(plot.y(lower) - plot.y(upper), 0.8));
  }
}

// Pullback fields, broken highs (dashed while only potential), hard stops, and from near the swings.
function structure(plot, count) {
  const unit = run.unit, shown = (from, to) => to >= view.from && from <= view.to;
  for (const [from, to, top, bottom] of run.fields ?? []) if (shown(from, to)) plot.box("field", from, to, Math.max(plot.y(top * unit), 0), Math.max(Math.min(plot.y(bottom * unit), plot.height) - Math.max(plot.y(top * unit), 0), 0));
  for (const [from, to, level, confirmed] of run.breaks ?? []) if (shown(from, to)) {
    plot.segment(confirmed ? "bos" : "bos maybe", from, level * unit, to, level * unit);
    if (confirmed && count <= 420) plot.label((from + to) / 2, level * unit, "BOS", "above halo k");
  }
  for (const [from, to, price] of run.stops ?? []) if (shown(from, to) && price * unit > plot.low && price * unit < plot.high) {
    plot.segment("limit", from, price * unit, to, price * unit);
    if (count <= 420) plot.label(Math.max(from, view.from), price * unit, "S", "wrn left halo");
  }
  if (count <= 420) for (const [time, price, isHigh, label] of run.swings ?? []) if (shown(time, time)) plot.label(time - run.bar_minutes / 2, price * unit, label || "·", isHigh ? "swing above halo" : "swing below halo");
}

function trades(plot, count) {
  const begin = place(fills.time, view.from), end = place(fills.time, view.to + 1e-9);
  if (count > 420 || end - begin > 300) {
    for (const [side, css, below] of [[1, "dot buy", 5], [-1, "dot sell", -5]]) {
      let d = "";
      for (let n = begin; n < end; n++) if (fills.side[n] === side) d += `M${plot.x(fills.time[n]).toFixed(0)} ${(plot.y(fills.price[n]) + below).toFixed(0)}h.01`;
      plot.path(css, d);
    }
    return;
  }
  for (let n = begin; n < end; n++) {
    const middle = Math.floor(fills.time[n] / run.bar_minutes) * run.bar_minutes + run.bar_minutes / 2;
    plot.label(middle, fills.price[n], fills.side[n] > 0 ? "▲" : "▼", fills.side[n] > 0 ? "fill up" : "fill dn");
  }
}

let waiting = false;
function draw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    for (const [name, drawing] of Object.entries(drawings)) if (one(`[data-plot="${name}"]`)) drawing();
    for (const button of all("button[data-span]")) { const asked = Number(button.dataset.span); button.setAttribute("aria-pressed", String(Math.abs((asked || whole.to - whole.from) - (view.to - view.from)) < 1)); }
    read(pointed);
  });
}

// ---- the window of time, one for all panes
function look(from, to) {
  const least = run.bar_minutes * 24, width = Math.min(Math.max(to - from, least), whole.to - whole.from);
  const begin = Math.min(Math.max(from + (to - from - width) / 2, whole.from), whole.to - width);
  view = { from: begin, to: begin + width };
  draw();
}
function zoom(factor, around = (view.from + view.to) / 2) { look(around - (around - view.from) * factor, around + (view.to - around) * factor); }
function pan(share) { const by = (view.to - view.from) * share; look(view.from + by, view.to + by); }
function span(minutes) {
  if (!minutes) return look(whole.from, whole.to);
  const centre = view.to - view.from >= whole.to - whole.from - 1 ? whole.to - minutes / 2 : (view.from + view.to) / 2;
  look(centre - minutes / 2, centre + minutes / 2);
}
let episode = null;
function goToEpisode(number) {
  const at = run.episodes.findIndex(each => each[0] === number);
  if (at < 0) return;
  episode = at;
  const [, from, to] = run.episodes[at], room = Math.max((to - from) * 0.4, run.bar_minutes * 40);
  one('[data-shown="episode"]').textContent = `${word("episode")} ${number}`;
  look(from - room, to + room);
}
function stepEpisode(by) {
  const count = run.episodes.length;
  const at = episode === null ? (by > 0 ? 0 : count - 1) : (episode + by + count) % count;
  goToEpisode(run.episodes[at][0]);
}

// ---- the pointer: a line through all panes, its figures in the margin
let pointed = null;
const pair = (name, value) => `<div><dt>${name}</dt><dd>${value}</dd></div>`;
function stampOf(minutes) {
  const when = date(minutes);
  return `${when.getUTCFullYear()}-${two(when.getUTCMonth() + 1)}-${two(when.getUTCDate())} ${two(when.getUTCHours())}:${two(when.getUTCMinutes())}`;
}
function read(moment) {
  for (const cross of all(".cross")) { cross.hidden = moment === null; if (moment !== null) cross.style.left = `${((moment - view.from) / (view.to - view.from) * 100).toFixed(2)}%`; }
  const n = moment === null ? near(marks.time, view.to) : near(marks.time, moment), places = all('[data-read="equity"] dd');
  [stampOf(marks.time[n]), percent(marks.low[n]), percent(marks.high[n]), percent(marks.hold[n]), `0${THIN}%`, percent(marks.drawdown[n])].forEach((text, at) => { if (places[at]) places[at].textContent = text; });
  const market = one('[data-read="market"]');
  if (!market) return;
  const b = moment === null ? near(bars.time, view.to) : near(bars.time, moment), price = value => fixed(value, run.decimals);
  let shown = pair(word("time"), stampOf(bars.time[b])) + pair(word("open"), price(bars.open[b])) + pair(word("high"), price(bars.high[b])) + pair(word("low"), price(bars.low[b])) + pair(word("close"), price(bars.close[b]));
  for (const [name, label] of [["states", "state"], ["policies", "policy"]]) if (lanes[name]) { const { time, which, names } = lanes[name]; shown += pair(word(label), names[which[Math.max(place(time, bars.time[b]) - 1, 0)]]); }
  shown += pair(word("held"), `${fixed(marks.share[n] * 100, 1)}${THIN}%`);
  if (run.bars) { const [begin, end] = within(bars.time); shown += pair(word("bars"), lengthOf(run.bar_minutes * grouping(end - begin))); }
  for (const [side, label] of [[1, "bought"], [-1, "sold"]]) {
    let lots = 0;
    for (let f = place(fills.time, bars.time[b] - run.bar_minutes); f < fills.time.length && fills.time[f] <= bars.time[b]; f++) if (fills.side[f] === side) lots += fills.lots[f];
    shown += pair(word(label), lots ? String(Number((lots * run.lot).toPrecision(6))) : "0");
  }
  market.innerHTML = shown;
}

function follow() {
  for (const figure of all("[data-plot]")) {
    figure.append(Object.assign(document.createElement("i"), { className: "cross", hidden: true }));
    const momentOf = event => { const box = figure.getBoundingClientRect(); return view.from + Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * (view.to - view.from); };
    const held = new Map();
    let grip = null;
    figure.addEventListener("pointerdown", event => { held.set(event.pointerId, event.clientX); grip = { x: event.clientX, ...view, apart: apart(held) }; if (event.pointerType === "mouse") figure.setPointerCapture(event.pointerId); pointed = momentOf(event); read(pointed); });
    figure.addEventListener("pointermove", event => {
      if (held.has(event.pointerId)) held.set(event.pointerId, event.clientX);
      if (grip && held.size === 2 && grip.apart) { const centre = (grip.from + grip.to) / 2, width = (grip.to - grip.from) * grip.apart / Math.max(apart(held), 20); return look(centre - width / 2, centre + width / 2); }
      if (grip && held.size === 1 && Math.abs(event.clientX - grip.x) > 3) { const by = (grip.x - event.clientX) / figure.clientWidth * (grip.to - grip.from); return look(grip.from + by, grip.to + by); }
      pointed = momentOf(event); read(pointed);
    });
    const release = event => { held.delete(event.pointerId); grip = null; };
    figure.addEventListener("pointerup", release); figure.addEventListener("pointercancel", release);
    // A finger that is lifted leaves its figures standing, a mouse that goes takes them along.
    figure.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") { pointed = null; read(null); } });
    figure.addEventListener("wheel", event => { if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return; event.preventDefault(); zoom((event.deltaY || event.deltaX) > 0 ? 1.25 : 0.8, momentOf(event)); }, { passive: false });
    figure.addEventListener("dblclick", event => zoom(event.shiftKey ? 4 : 0.25, momentOf(event)));
  }
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea") || !event.target.closest(".tools")) return;
    const act = { ArrowLeft: () => pan(-0.25), ArrowRight: () => pan(0.25), "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => span(0) }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
}
const apart = held => { const [a, b] = [...held.values()]; return b === undefined ? 0 : Math.abs(a - b); };

// ---- begin
paint(remembered("theme"));
if (run) { open(); follow(); }
all("[data-table] table").forEach(handy);
const asked = remembered("language");
speak(asked in words ? asked : navigator.language?.startsWith("ru") ? "ru" : "en");
let resized = null;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => run && draw(), 120); });
addEventListener("beforeprint", () => { if (run) { view = { ...whole }; for (const [name, drawing] of Object.entries(drawings)) if (one(`[data-plot="${name}"]`)) drawing(); } });
})();
