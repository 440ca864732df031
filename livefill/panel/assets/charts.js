// Live numbers: two sparklines of the last minute and one bar of stages, each with its words beside it.

import { byId } from "./link.js";

const SPAN_MS = 60_000;
const SHORTEST_MS = 15_000; // a young chart is stretched, so that it tells something from the start
const GAP_MS = 1500; // a longer silence is a gap in the line, not a slope
const WORDS_MS = 1000; // how often what a chart is to those who hear it changes

export const figure = (value, digits = 1) => (Number.isFinite(value) ? value.toFixed(digits) : "–");

export function createCharts() {
  const past = [];
  const rows = new Map(); // of the legend, by stage
  let wordsAt = 0;

  function add(status) {
    const now = performance.now();
    past.push({ at: now, fps: status.fps, p50: status.age_p50, p95: status.age_p95 });
    while (now - past[0].at > SPAN_MS) past.shift();

    byId("fps").textContent = figure(status.fps);
    byId("age").textContent = figure(status.age_p50, 0);
    byId("age-p95").textContent = figure(status.age_p95, 0);
    const target = status.settings.fps;
    drawSpark(byId("fps-chart"), now, ["fps"], Math.max(target, highest("fps")) * 1.15, target);
    drawSpark(byId("age-chart"), now, ["p95", "p50"], Math.max(60, highest("p95") * 1.15));
    byId("fps-range").textContent = `${between("fps")} in the last minute`;
    byId("age-range").textContent = `${between("p50", 0)} in the last minute`;
    showStages(status.stages, target);
    if (now - wordsAt > WORDS_MS) {
      wordsAt = now;
      describe(status);
    }
  }

  const known = (name) => past.map((one) => one[name]).filter(Number.isFinite);
  const highest = (name) => Math.max(0, ...known(name));
  const between = (name, digits) => {
    const values = known(name);
    if (!values.length) return "nothing measured yet";
    const [low, high] = [figure(Math.min(...values), digits), figure(Math.max(...values), digits)];
    return low === high ? `steady at ${low}` : `${low} to ${high}`;
  };

  function describe(status) {
    byId("fps-chart").setAttribute(
      "aria-label",
      `Frames a second: now ${figure(status.fps)}; ${between("fps")}`,
    );
    byId("age-chart").setAttribute(
      "aria-label",
      `Frame age in milliseconds: half are under ${figure(status.age_p50, 0)}, 95 % under ` +
        `${figure(status.age_p95, 0)}; half: ${between("p50", 0)}; 95 %: ${between("p95", 0)}`,
    );
  }

  function drawSpark(canvas, now, names, top, mark = null) {
    const ratio = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * ratio);
    const height = Math.round(canvas.clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const style = getComputedStyle(canvas);
    const context = canvas.getContext("2d");
    const span = Math.max(SHORTEST_MS, now - past[0].at);
    const x = (at) => (1 - (now - at) / span) * width;
    const y = (value) => height - ratio - (value / top) * (height - 3 * ratio);
    context.clearRect(0, 0, width, height);
    context.lineWidth = ratio;
    context.strokeStyle = style.getPropertyValue("--line");
    for (const level of mark === null ? [0] : [0, mark]) {
      context.setLineDash(level ? [2 * ratio, 4 * ratio] : []);
      context.beginPath();
      context.moveTo(0, y(level));
      context.lineTo(width, y(level));
      context.stroke();
    }
    context.setLineDash([]);
    context.lineJoin = "round";
    for (const name of names) {
      const tail = name === "p95";
      context.lineWidth = (tail ? 1.25 : 2) * ratio;
      context.strokeStyle = style.getPropertyValue(tail ? "--tail" : "--accent");
      context.beginPath();
      let before = null;
      for (const one of past) {
        if (!Number.isFinite(one[name])) continue;
        if (before === null || one.at - before > GAP_MS) context.moveTo(x(one.at), y(one[name]));
        else context.lineTo(x(one.at), y(one[name]));
        before = one.at;
      }
      context.stroke();
    }
  }

  // The stages run one after another, so what is left of the bar is what is left of the time for a frame.
  function showStages(stages, target) {
    const names = Object.keys(stages);
    const work = Object.values(stages).reduce((sum, ms) => sum + ms, 0);
    const room = 1000 / target;
    if (names.join() !== [...rows.keys()].join()) buildStages(names);
    for (const [name, { part, number }] of rows) {
      part.style.flexGrow = stages[name];
      number.textContent = figure(stages[name]);
    }
    byId("stages").lastElementChild.style.flexGrow = Math.max(0, room - work);
    byId("work").textContent = names.length ? figure(work) : "–";
    byId("work-room").textContent = names.length ? `of ${figure(room)} ms at ${target} a second` : "";
    byId("stages").classList.toggle("over", work > room);
  }

  function buildStages(names) {
    rows.clear();
    const bar = byId("stages");
    const legend = byId("stage-legend");
    bar.replaceChildren();
    legend.replaceChildren();
    names.forEach((name, index) => {
      const tint = `tint-${index % 6}`;
      const part = document.createElement("span");
      part.className = `part ${tint}`;
      bar.append(part);
      const row = document.createElement("li");
      const key = document.createElement("span");
      key.className = `key ${tint}`;
      key.setAttribute("aria-hidden", "true");
      const number = document.createElement("b");
      row.append(key, `${name} `, number);
      legend.append(row);
      rows.set(name, { part, number });
    });
    const rest = document.createElement("span");
    rest.className = "part rest";
    bar.append(rest);
  }

  return { add };
}
