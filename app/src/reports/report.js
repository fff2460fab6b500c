"use strict";
// Charts that answer: a crosshair with the values of the data block, one range for all, lines that
// come and go, a scale to choose. Without this the page shows the same figures, at rest.
(() => {
  const TOP = 8, BOTTOM = 26, DAY = 86400;
  const charts = [];
  let range = null;

  const make = (tag, text, set = {}) => {
    const node = document.createElement(tag);
    node.textContent = text;
    for (const key in set) node.setAttribute(key, set[key]);
    return node;
  };
  const clean = (text) => text.replace(/[&<>"]/g, (c) => "&#" + c.charCodeAt(0) + ";");
  const date = (s, fine) => new Date(s * 1000).toISOString().slice(0, fine ? 16 : 10).replace("T", " ");

  function shown(value, percent) {
    if (value === null) return "–";
    if (percent) return (value * 100).toFixed(2) + " %";
    const digits = Math.abs(value) >= 1000 ? 0 : 2;
    return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  function label(value, step, percent) {
    if (percent) { value *= 100; step *= 100; }
    const big = Math.max(Math.abs(value), step);
    const [unit, tail] = big >= 1e9 ? [1e9, "G"] : big >= 1e6 ? [1e6, "M"] : big >= 1e4 ? [1e3, "k"] : [1, ""];
    const digits = Math.min(8, Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9)));
    const fine = Math.abs(step / unit * 10 ** digits - Math.round(step / unit * 10 ** digits)) > 1e-6 ? 1 : 0;
    return ((value / unit).toFixed(digits + fine) + (value ? tail : "") + (percent ? "%" : "")).replace("-", "\u2212");
  }

  function valueTicks(low, high, log, percent) {
    const span = high - low || Math.abs(low) || 1;
    if (log && high > 2 * low) {
      const all = [];
      for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++)
        for (const m of high > 100 * low ? [1, 3] : [1, 2, 5]) all.push(m * 10 ** k);
      return all.filter((v) => v >= low && v <= high).map((v) => [v, label(v, v, percent)]);
    }
    const power = 10 ** Math.floor(Math.log10(span / 5));
    const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= span / 5 * 0.999);
    const ticks = [];
    for (let k = Math.floor(low / step + 1e-9); k <= Math.ceil(high / step - 1e-9); k++)
      if (!log || k > 0) ticks.push([k * step, label(k * step, step, percent)]);
    return ticks;
  }

  function timeTicks(from, to, target) {
    const months = (to - from) / (30.4 * DAY) / target;
    const ticks = [];
    if (months > 0.7) {
      const step = [1, 2, 3, 6, 12, 24, 60, 120, 240].find((m) => m >= months) || 600;
      const start = new Date(from * 1000);
      let m = Math.ceil((start.getUTCFullYear() * 12 + start.getUTCMonth()) / step) * step;
      for (; ; m += step) {
        const at = Date.UTC(Math.floor(m / 12), m % 12, 1) / 1000;
        if (at > to) return ticks;
        if (at >= from) ticks.push([at, date(at).slice(0, step % 12 ? 7 : 4)]);
      }
    }
    const step = [60, 300, 900, 3600, 10800, 43200, DAY, 2 * DAY, 7 * DAY, 14 * DAY].find((s) => s >= (to - from) / target) || 28 * DAY;
    for (let at = Math.ceil(from / step) * step; at <= to; at += step)
      ticks.push([at, step < DAY ? date(at, true).slice(5) : date(at)]);
    return ticks;
  }

  const lower = (times, at) => {
    let a = 0, b = times.length;
    while (a < b) { const m = (a + b) >> 1; if (times[m] < at) a = m + 1; else b = m; }
    return a;
  };

  class Chart {
    constructor(figure, data) {
      this.figure = figure; this.data = data; this.log = data.log; this.at = null;
      this.times = [data.start];
      for (const step of data.steps) this.times.push(this.times[this.times.length - 1] + step * data.unit);
      this.fine = data.unit % 3600 !== 0 || this.times.length > 1 && data.steps.some((s) => s * data.unit < 40000);
      this.on = data.series.map(() => true);
      this.fills = [...figure.querySelectorAll(".legend rect")].map((r) => r.getAttribute("class"));
      this.rest = new Map();
      figure.classList.add("live");
      this.readout = figure.insertBefore(make("p", "", { class: "readout" }), figure.querySelector("figure > svg"));
      for (const svg of figure.querySelectorAll(":scope > svg")) { this.rest.set(svg, svg.innerHTML); this.listen(svg); }
      this.controls();
    }

    controls() {
      this.figure.querySelectorAll(".legend li").forEach((item, i) => {
        const button = make("button", "", { type: "button", "aria-pressed": "true" });
        button.append(...item.childNodes);
        item.append(button);
        button.onclick = () => {
          if (this.on[i] && this.on.filter(Boolean).length === 1) return;
          this.on[i] = !this.on[i];
          button.setAttribute("aria-pressed", this.on[i]);
          this.draw();
        };
      });
      if (!this.data.log) return;
      const unit = this.figure.querySelector(".unit"), words = unit.textContent;
      const button = make("button", "linear scale", { type: "button", class: "scale" });
      button.onclick = () => {
        this.log = !this.log;
        unit.textContent = this.log ? words : words.replace(" (log scale)", "");
        button.textContent = this.log ? "linear scale" : "log scale";
        this.draw();
      };
      unit.after(" ", button);
    }

    get span() { return range || [this.times[0], this.times[this.times.length - 1]]; }

    frame(svg) {
      const box = svg.viewBox.baseVal, left = +svg.dataset.left;
      return { left, right: box.width - svg.dataset.right, floor: box.height - BOTTOM, width: box.width };
    }

    draw() {
      const plain = !range && this.log === this.data.log && this.on.every(Boolean);
      for (const [svg, rest] of this.rest) svg.innerHTML = plain ? rest : this.picture(svg);
      this.say(null);
    }

    picture(svg) {
      const { data, times } = this, [from, to] = this.span, f = this.frame(svg);
      const a = Math.max(0, lower(times, from)), b = Math.min(times.length, lower(times, to + 1));
      const stack = data.kind === "stack", wide = svg.classList.contains("wide");
      const usable = (v) => v !== null && (!this.log || v > 0);
      let low = Infinity, high = -Infinity;
      const edges = [], up = new Float64Array(b - a), down = new Float64Array(b - a);
      data.series.forEach((series, k) => {
        const edge = [];
        if (this.on[k]) for (let i = a; i < b; i++) {
          let v = series.values[i];
          if (stack) {
            const side = v < 0 ? down : up, base = side[i - a];
            v = side[i - a] = base + v;
            edge.push([base, v]);
          }
          if (usable(v)) { low = Math.min(low, v); high = Math.max(high, v); }
        }
        edges.push(edge);
      });
      if (low > high) return '<text x="50%" y="50%">No data in this range.</text>';
      if (data.fill) { low = Math.min(low, 0); high = Math.max(high, 0); }
      if (this.log) { const air = Math.min(2, (high / low) ** 0.05); low /= air; high *= air; }
      if (stack) { low = +low.toFixed(4); high = +high.toFixed(4); }
      const ticks = valueTicks(low, high, this.log, data.percent);
      for (const [v] of ticks) { low = Math.min(low, v); high = Math.max(high, v); }
      const along = this.log ? Math.log10 : (v) => v, bottom = along(low), size = along(high) - bottom || 1;
      const y = (v) => (f.floor - (f.floor - TOP) * (along(v) - bottom) / size).toFixed(1);
      const x = (t) => (f.left + (f.right - f.left) * (t - from) / (to - from || 1)).toFixed(1);
      let axes = "", lines = "";
      for (const [v, text] of ticks)
        axes += `<path class="${v ? "grid" : "zero"}" d="M${f.left} ${y(v)}H${f.right}"/><text class="v" x="${f.left - 7}" y="${+y(v) + 4}">${text}</text>`;
      axes += `<path class="axis" d="M${f.left} ${f.floor}H${f.right}"/>`;
      for (const [t, text] of timeTicks(from, to, wide ? 9 : 4)) {
        const end = +x(t) + 3.5 * text.length > f.right + 10 ? ' class="end"' : "";
        axes += `<path class="axis" d="M${x(t)} ${f.floor}v5"/><text${end} x="${x(t)}" y="${f.floor + 19}">${text}</text>`;
      }
      data.series.forEach((series, k) => {
        if (!this.on[k]) return;
        if (stack) {
          const stride = Math.ceil((b - a) / (wide ? 500 : 170)), there = [], back = [];
          for (let i = a; i < b; i = i === b - 1 ? b : Math.min(i + stride, b - 1)) {
            there.push(x(times[i]) + " " + y(edges[k][i - a][1]));
            back.push(x(times[i]) + " " + y(edges[k][i - a][0]));
          }
          lines += `<path class="${this.fills[k]}" d="M${there.concat(back.reverse()).join("L")}Z"/>`;
          return;
        }
        let path = "", pen = false, first = null, last = null;
        const point = (i) => {
          const spot = x(times[i]) + " " + y(series.values[i]);
          path += (pen ? "L" : "M") + spot;
          pen = true;
          if (first === null) first = times[i];
          last = times[i];
        };
        const bucket = Math.max(1, Math.floor(2 * (b - a) / (wide ? 1500 : 500)));
        for (let i = a; i < b; i += bucket) {
          let least = -1, most = -1;
          for (let j = i; j < Math.min(i + bucket, b); j++) {
            const v = series.values[j];
            if (!usable(v)) continue;
            if (least < 0 || v < series.values[least]) least = j;
            if (most < 0 || v > series.values[most]) most = j;
          }
          if (least < 0) { pen = false; continue; }
          point(Math.min(least, most));
          if (least !== most) point(Math.max(least, most));
        }
        if (data.fill && k === 0 && path)
          lines = `<path class="area a0" d="${path}L${x(last)} ${y(0)}L${x(first)} ${y(0)}Z"/>` + lines;
        lines = `<path class="s${k % 6}" d="${path}"/>` + lines;
      });
      return stack ? lines + axes : axes + lines;
    }

    // The crosshair and the words beside it; `null` takes both away.
    say(i) {
      this.at = i;
      for (const svg of this.rest.keys()) {
        svg.querySelector(".cursor")?.remove();
        if (i === null) continue;
        const f = this.frame(svg), [from, to] = this.span;
        const x = f.left + (f.right - f.left) * (this.times[i] - from) / (to - from || 1);
        svg.insertAdjacentHTML("beforeend", `<path class="cursor" d="M${x.toFixed(1)} ${TOP}V${f.floor}"/>`);
      }
      if (i === null) { this.readout.textContent = ""; return; }
      const values = this.data.series.map((s, k) => this.on[k] ? `${s.name} ${shown(s.values[i], this.data.percent)}` : "");
      this.readout.textContent = [date(this.times[i], this.fine), ...values.filter(Boolean)].join(" · ");
    }

    listen(svg) {
      const place = (event) => {
        const box = svg.getBoundingClientRect(), f = this.frame(svg), [from, to] = this.span;
        const x = Math.min(f.right, Math.max(f.left, (event.clientX - box.left) * f.width / box.width));
        return { x, time: from + (to - from) * (x - f.left) / (f.right - f.left) };
      };
      let begun = null;
      svg.onpointerdown = (event) => {
        if (event.pointerType !== "touch" && event.button === 0) { begun = place(event); svg.setPointerCapture(event.pointerId); }
      };
      svg.onpointermove = (event) => {
        const here = place(event);
        this.say(this.nearest(here.time));
        svg.querySelector(".pick")?.remove();
        if (begun && Math.abs(here.x - begun.x) > 4) {
          const x = Math.min(here.x, begun.x), width = Math.abs(here.x - begun.x);
          svg.insertAdjacentHTML("beforeend", `<rect class="pick" x="${x}" y="${TOP}" width="${width}" height="${this.frame(svg).floor - TOP}"/>`);
        }
      };
      svg.onpointerup = (event) => {
        const here = place(event), from = begun;
        begun = null;
        svg.querySelector(".pick")?.remove();
        if (from && Math.abs(here.x - from.x) > 8) setRange([from.time, here.time].sort((p, q) => p - q));
      };
      svg.onpointerleave = () => { if (!begun && document.activeElement !== svg) this.say(null); };
      svg.onblur = () => this.say(null);
      svg.setAttribute("tabindex", "0");
      svg.onkeydown = (event) => this.key(event);
    }

    nearest(time) {
      const i = lower(this.times, time), n = this.times.length - 1;
      if (i > n) return n;
      return i > 0 && time - this.times[i - 1] < this.times[i] - time ? i - 1 : i;
    }

    key(event) {
      const [from, to] = this.span, [first, last] = [this.nearest(from), this.nearest(to)];
      const at = this.at ?? last, far = event.shiftKey ? 20 : 1;
      const go = { ArrowLeft: at - far, ArrowRight: at + far, Home: first, End: last }[event.key];
      this.readout.setAttribute("aria-live", "polite");
      if (go !== undefined) this.say(Math.max(first, Math.min(last, go)));
      else if (event.key === "Escape") setRange(null);
      else if (event.key === "+" || event.key === "-") {
        const half = (to - from) / (event.key === "+" ? 4 : 1);
        setRange([this.times[at] - half, this.times[at] + half]);
        this.say(at);
      } else return;
      event.preventDefault();
    }
  }

  const buttons = [];
  function setRange(to) {
    const first = Math.min(...charts.map((c) => c.times[0]));
    const last = Math.max(...charts.map((c) => c.times[c.times.length - 1]));
    if (to) to = [Math.max(first, to[0]), Math.min(last, to[1])];
    if (to && (to[1] - to[0] < 2 * Math.min(...charts.map((c) => c.data.unit)) || to[0] <= first && to[1] >= last)) to = null;
    range = to;
    for (const [button, years] of buttons) {
      const is = years ? !!to && Math.abs(to[1] - last) < DAY && Math.abs(to[1] - to[0] - years * 365.25 * DAY) < DAY : !to;
      button.setAttribute("aria-pressed", is);
    }
    for (const chart of charts) chart.draw();
  }

  for (const block of document.querySelectorAll('.chart > script[type="application/json"]')) {
    const data = JSON.parse(block.textContent);
    if (data.steps.length) charts.push(new Chart(block.parentNode, data));
  }
  if (!charts.length) return;
  const last = Math.max(...charts.map((c) => c.times[c.times.length - 1])), first = Math.min(...charts.map((c) => c.times[0]));
  const bar = make("div", "", { class: "tools", role: "group", "aria-label": "Range of all charts" });
  for (const [text, years] of [["1 year", 1], ["3 years", 3], ["5 years", 5], ["10 years", 10], ["all", 0]]) {
    if (years && last - first < years * 365.25 * DAY) continue;
    const button = make("button", text, { type: "button", "aria-pressed": String(!years) });
    button.onclick = () => setRange(years ? [last - years * 365.25 * DAY, last] : null);
    buttons.push([button, years]);
    bar.append(button);
  }
  bar.append(make("span", "or drag across a chart; with keys: arrows, +, −, Esc", { class: "hint" }));
  const section = charts[0].figure.closest("section");
  section.parentNode.insertBefore(bar, section);
})();
