// The equation of the selected cell, as HTML whose terms can be hovered, and as plain text.

import { isPadding } from "./scene.js";
import { esc, number, place1 } from "./words.js";

const signed = (v) => (v < 0 || Object.is(v, -0) ? `(${number(v)})` : number(v));
const exact = (v) => !Number.isFinite(v) || Number(number(v).replace("−", "-")) === v;
const SUPER = { "0": "⁰", "1": "¹", "2": "²", "3": "³", "4": "⁴", "5": "⁵", "6": "⁶", "7": "⁷", "8": "⁸", "9": "⁹", ".": "·", "−": "⁻" };
const raised = (p) => [...number(p)].map((c) => SUPER[c] ?? c).join("");

function termSum(terms) {
  let s = 0;
  for (const t of terms) s += t.x * t.w;
  return s;
}

// Whether the number in the cell is the sum of its terms, to float32 accuracy.
function agrees(total, parts, bias) {
  let sum = bias || 0, size = Math.abs(sum) + 1e-6;
  for (const p of parts) for (const q of p.groups) for (const t of q.terms) {
    sum += t.x * t.w;
    size += Math.abs(t.x * t.w);
  }
  return !Number.isFinite(total) || !Number.isFinite(sum) || Math.abs(total - sum) <= 1e-4 * size;
}

// The first terms, as many as the line has room for; where that is not all, zeros of padding give way. The others are counted.
function joined(terms, link, room, hot, show, glue) {
  const html = terms.map((t, i) => `<span class="t${i === hot ? " hot" : ""}" data-t="${i}">${show(t)}</span>`);
  const nil = ({ x, w }) => x === 0 || (link.weighted && w === 0);
  const zero = (i) => terms[i].x === 0 && isPadding(link.from, terms[i].src) && !(link.from.source?.[terms[i].src] >= 0), all = [...terms.keys()], told = all.filter((i) => i === hot || !zero(i));
  const fitting = (list) => {
    let cut = 0, used = 0;
    while (cut < list.length && cut < room.terms && used < room.chars) used += html[list[cut++]].replace(/<[^>]*>/g, "").length + 3;
    return cut >= list.length - 1 && used < room.chars * 1.1 ? list : list.slice(0, cut);
  };
  let shown = fitting(all);
  if (shown.length < all.length && told.length) shown = fitting(told);
  const left = all.filter((i) => !shown.includes(i)), rest = left.length, zeros = left.some(zero) ? left.filter((i) => nil(terms[i])).length : 0, are = zeros === 1 ? "is" : "are";
  const what = !zeros ? `${rest} more ${rest === 1 ? "term" : "terms"}` : zeros === rest ? `${rest} more ${are} 0` : `${rest} more, ${zeros} ${are} 0`;
  return [...shown.map((i) => html[i]), ...(rest ? [`<span class="more">… ${what}</span>`] : [])].join(`<i>${glue}</i>`);
}

function product(t, link) {
  const x = `<b class="x">${t.x < 0 ? signed(t.x) : number(t.x)}</b>`;
  return link.weighted ? `${x}·<b class="w">${signed(t.w)}</b>` : x;
}

export function equation(scene, sel, opts) {
  const g = scene.byId[sel.grid];
  const all = scene.terms(g, sel.ch, sel.cell, opts.upto), parts = all.filter((p) => p.groups.length);
  const total = g.values ? g.values[sel.ch * g.n + sel.cell] : null;
  if (!all.length) return { main: "", sub: "", part: null };
  if (isPadding(g, sel.cell)) {
    const from = g.source && g.source[sel.cell] >= 0;
    return { main: `<b class="y">${total == null ? "" : number(total)}</b> is padding${from ? ", copied from a real cell" : ""}`, sub: "", part: null };
  }
  const y = `<b class="y">${total == null ? "" : number(total)}</b>`;
  if (all.every((p) => p.groups.every((q) => !q.terms.length))) {
    const { bias } = all[0].link;
    const made = bias ? `<span class="bias">bias ${number(bias[sel.ch])}</span>` : "0";
    return { main: `${y} <i>=</i> ${made} <span class="soft">no input cell reaches it${opts.upto < Infinity ? " so far" : ""}</span>`, sub: "", part: null };
  }
  const { link, groups } = parts[0];
  const many = groups.length + parts.length > 2;
  const at = Math.max(0, groups.findIndex((q) => q.pair.i === opts.channel));
  const { terms, pair } = groups[at];
  const hot = opts.tap == null ? -1 : terms.findIndex((t) => t.tap === opts.tap && (opts.src == null || t.src === opts.src));
  const bias = link.bias ? link.bias[sel.ch] : null;
  const part = { link, pair, terms, hot, at };
  const count = terms.length;
  let main = "", sub = "";
  if (link.reduce === "copy") main = `<span class="soft">${esc(link.from.title)}, ${place1(link.from, terms[0].src)}:</span> <b class="x">${number(total)}</b>`;
  else if (total == null || !link.from.values || link.reduce === "reads" || (!link.weighted && link.reduce === "sum" && !agrees(total, parts, bias))) {
    main = `<span class="soft">This cell reads ${opts.reads}</span>`;
  } else if (link.reduce === "max") {
    const show = (t) => `<b class="x${link.weighted && t.w === 1 ? " won" : ""}">${number(t.x)}</b>`;
    main = `${y} <i>=</i> max(${joined(terms, link, opts.room, hot, show, ", ")})`;
  } else if (link.reduce === "mean") {
    const w = terms[0].w, by = link.weighted && w > 0 && w < 1 ? 1 / w : count;
    main = `${y} <i>${exact(total) ? "=" : "≈"}</i> (${joined(terms, link, opts.room, hot, (t) => `<b class="x">${signed(t.x)}</b>`, " + ")})<i>/</i>${number(Math.abs(by - Math.round(by)) < 1e-4 ? Math.round(by) : by)}`;
  } else if (link.reduce === "lp") {
    const root = link.p === 2 ? "½" : `1/${number(link.p)}`;
    main = `${y} <i>${exact(total) ? "=" : "≈"}</i> (${joined(terms, link, opts.room, hot, (t) => `<b class="x">${signed(t.x)}</b>${raised(link.p)}`, " + ")})<sup>${root}</sup>`;
  } else {
    const rounded = !exact(total) || parts.some((p) => p.groups.some((q) => q.terms.some((t) => !exact(t.x) || !exact(t.w))));
    const eq = !agrees(total, parts, bias) ? "≠" : rounded ? "≈" : "=";
    const tail = bias == null ? "" : ` <i>${bias < 0 ? "−" : "+"}</i> <span class="bias">bias ${number(Math.abs(bias))}</span>`;
    const body = count ? joined(terms, link, opts.room, hot, (t) => product(t, link), " + ") : "0";
    const done = hot >= 0 ? termSum(terms.slice(0, hot + 1)) : null;
    const running = hot >= 0 ? ` <span class="run">${hot + 1} of ${count} terms make <b>${number(done)}</b></span>` : "";
    if (!many) {
      main = `${y} <i>${eq}</i> ${body}${tail}`;
      if (hot >= 0) {
        const t = terms[hot], before = done - t.x * t.w;
        sub = `<span class="run">${hot ? `${number(before)} + ` : ""}${number(t.x)}·${signed(t.w)} = <b>${number(done)}</b> after ${hot + 1} of ${count} terms</span>`;
      }
    } else {
      const every = parts.flatMap((p) => p.groups.map((q) => ({ ...q, link: p.link })));
      const fits = Math.max(2, Math.floor(opts.room.terms / 2));
      const first = every.length > fits + 1 ? Math.min(Math.max(0, at - fits + 1), every.length - fits) : 0;
      const some = every.length > fits + 1 ? every.slice(first, first + fits) : every;
      const rest = every.length - some.length;
      const name = (q) => (parts.length > 1 ? esc(q.link.from.title) : esc(q.link.from.planes?.[q.pair.i] ?? `channel ${q.pair.i}`));
      const pieces = some.map((q) => {
        const on = q.pair === pair;
        return `<button type="button" class="ch${on ? " on" : ""}" data-ch="${q.pair.i}" aria-pressed="${on}"><small>${name(q)}</small> ${number(termSum(q.terms))}</button>`;
      });
      if (rest) {
        const others = every.filter((q) => !some.includes(q)).reduce((s, q) => s + termSum(q.terms), 0);
        pieces.push(`<span class="more">… ${rest} more ${rest === 1 ? "channel" : "channels"} ${signed(others)}</span>`);
      }
      main = `${y} <i>${eq}</i> ${pieces.join(" <i>+</i> ")}${tail}`;
      sub = `<span class="soft">${name(every[at])}</span> <b>${number(termSum(terms))}</b> <i>${eq}</i> ${body}${running}`;
    }
  }
  return { main, sub, part };
}
