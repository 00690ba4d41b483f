// A sheet to draw on. It is sent when a stroke ends, and drawn again when it comes back to the page.
import { ROLES } from "../colours.js";

const INKS = [["black", "#000000"], ["white", "#ffffff"], ["grey", "#808080"], ["blue", ROLES.input], ["orange", ROLES.kernel],
  ["green", ROLES.output], ["pink", ROLES.selection]];
const KEPT = 30;

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".pad"), sheet = root.querySelector("canvas");
  root.send = setStateValue;
  if (root.ready) return;
  root.ready = true;
  const ctx = sheet.getContext("2d", { willReadFrequently: true }), N = sheet.width, past = [];
  const blank = () => { ctx.fillStyle = "#fff"; ctx.fillRect(0, 0, N, N); };
  const named = (full) => sheet.setAttribute("aria-label", full ? "Your drawing" : "Empty sheet to draw on");
  const keep = () => { past.push(ctx.getImageData(0, 0, N, N)); if (past.length > KEPT) past.shift(); };
  const send = () => root.send("png", sheet.toDataURL("image/png"));
  let ink = INKS[0][1], from = null;
  blank();
  if (data.png) {
    const image = new Image();
    image.onload = () => { ctx.drawImage(image, 0, 0, N, N); named(true); };
    image.src = data.png;
  }
  const at = (e) => { const r = sheet.getBoundingClientRect(); return [((e.clientX - r.left) / r.width) * N, ((e.clientY - r.top) / r.height) * N]; };
  const line = (to) => {
    ctx.strokeStyle = ink; ctx.lineWidth = Number(root.querySelector("input").value); ctx.lineCap = ctx.lineJoin = "round";
    ctx.beginPath(); ctx.moveTo(...from); ctx.lineTo(...to); ctx.stroke();
    from = to;
  };
  sheet.onpointerdown = (e) => { if (e.button > 0) return; keep(); sheet.setPointerCapture(e.pointerId); from = at(e); line([from[0] + 0.01, from[1]]); };
  sheet.onpointermove = (e) => { if (from) for (const each of e.getCoalescedEvents?.() ?? [e]) line(at(each)); };
  sheet.onpointerup = sheet.onpointercancel = () => { if (!from) return; from = null; named(true); send(); };
  root.querySelector(".undo").onclick = () => { if (past.length) { ctx.putImageData(past.pop(), 0, 0); send(); } };
  root.querySelector(".clear").onclick = () => { keep(); blank(); named(false); send(); };
  const colours = root.querySelector(".colours");
  colours.innerHTML = INKS.map(([name, colour]) => `<button type="button" aria-label="${name}" title="${name}" data-ink="${colour}" style="background:${colour}"></button>`).join("");
  const press = () => [...colours.children].forEach((b) => b.setAttribute("aria-pressed", b.dataset.ink === ink));
  colours.onclick = (e) => { if (e.target.dataset.ink) { ink = e.target.dataset.ink; press(); } };
  press();
}
