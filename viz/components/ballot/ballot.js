// A phone in a room. It waits with one request that the server holds until there is something new, and sends an answer
// until it is heard; so neither costs a run of the page. What it is known by to the room stays in this browser.

const KEY = "convscope.rooms", MOST = 20, PATIENCE = 40_000;

class Refused extends Error {
  constructor(status, told) {
    super(told);
    this.status = status;
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Code of a room → what this phone is known by there.
function all() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function kept(code) {
  return all()[code] ?? null;
}

function keep(code, visitor) {
  const { [code]: _, ...others } = all();
  const rooms = [...Object.entries(others), ...(visitor ? [[code, visitor]] : [])].slice(-MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(rooms)));
  } catch {} // storage is switched off, or full
}

class Ballot {
  constructor(root, code) {
    this.at = (name) => root.querySelector(name);
    this.code = code;
    this.visitor = kept(code);
    this.view = null;
    this.trouble = this.sending = "";
    this.going = null;
    this.ended = false;
    this.seen = this.count = 0;
    this.at(".name").replaceChildren("Room ", Object.assign(document.createElement("b"), { textContent: code }));
    this.at(".leave").onclick = () => this.leave();
    this.at(".typed").onsubmit = (e) => {
      e.preventDefault();
      const answer = this.view?.several ? this.marked() : this.at(".typed input").value.trim();
      if (answer) this.vote(answer);
    };
    this.at(".back").onclick = () => this.go(this.view?.page ?? "room");
    // A phone that was locked has lost its connection, and does not know it.
    this.awake = () => document.hidden || this.waiting?.abort();
    document.addEventListener("visibilitychange", this.awake);
    this.wait();
  }

  async ask(act, given, control = new AbortController()) {
    const late = setTimeout(() => control.abort(), PATIENCE);
    try {
      const body = JSON.stringify({ code: this.code, ...given });
      const answer = await fetch(new URL(`./rooms/${act}`, document.baseURI), { method: "POST", body, signal: control.signal });
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) return said;
      throw new Refused(answer.status, said.error ?? "The server did not answer as it should.");
    } finally {
      clearTimeout(late);
    }
  }

  async join() {
    ({ visitor: this.visitor } = await this.ask("join", {}));
    keep(this.code, this.visitor);
  }

  async wait() {
    for (let failed = 0; !this.ended;) {
      this.waiting = new AbortController();
      try {
        if (!this.visitor) await this.join();
        const view = await this.ask("look", { visitor: this.visitor, seen: this.seen }, this.waiting);
        failed = 0;
        this.seen = view.version;
        this.show(view);
      } catch (error) {
        if (this.ended || this.waiting.signal.aborted) continue;
        if (error instanceof Refused && error.status === 404) {
          const known = this.visitor;
          this.visitor = null;
          keep(this.code, null);
          if (known) continue;
          this.close(error.message);
          return;
        }
        failed += 1;
        this.told(error instanceof Refused ? error.message : "No connection: trying again …");
        await pause(Math.min(8000, 500 * 2 ** failed) * (0.5 + Math.random()));
        this.seen = 0;
      }
    }
  }

  close(message) {
    const { view } = this, score = view?.answered ? `: you were right ${view.right} of ${view.answered} times` : "";
    this.over = true;
    document.body.classList.remove("asked", "led");
    this.told(`${view ? `The room has ended${score}.` : message} “Leave” lets you type another code.`);
    for (const one of [...this.at(".options").children, ...this.at(".typed").elements]) one.disabled = true;
  }

  async vote(answer) {
    const { round } = this.view;
    this.sending = answer;
    this.draw();
    for (let failed = 0; !this.ended && this.view.round === round; failed += 1) {
      try {
        await this.ask("vote", { visitor: this.visitor, round, answer });
        this.view.mine = answer;
        break;
      } catch (error) {
        if (error instanceof Refused && error.status < 500) {
          this.trouble = error.message;
          this.seen = 0;
          this.waiting.abort();
          break;
        }
        this.told("No connection: your answer is sent as soon as there is one …");
        await pause(Math.min(8000, 500 * 2 ** failed) * (0.5 + Math.random()));
      }
    }
    this.sending = "";
    this.draw();
  }

  show(view) {
    if (view.round !== this.view?.round) this.sending = "";
    this.view = view;
    this.draw();
    this.follow();
  }

  // Not all phones at once: each page that one opens costs the server a moment.
  async follow() {
    const { view, data } = this, to = view?.page;
    if (to == null || data.around || to === data.followed || to === this.going) return;
    this.going = to;
    await pause(1000 * (view.spread ?? 0) * Math.random());
    if (!this.ended && this.going === to && !this.data.around) this.go(to);
  }

  go(page) {
    this.going = page;
    this.send("go", { page, n: ++this.count });
  }

  leave() {
    this.send("leave", ++this.count);
  }

  told(text) {
    this.at(".told").textContent = text;
  }

  draw() {
    const { view, data } = this;
    this.at(".back").hidden = !data.around || this.over;
    if (!view || this.over) return;
    this.at(".score").textContent = view.answered ? `right ${view.right} of ${view.answered}` : "";
    const asked = view.text != null, chosen = view.mine ?? this.sending;
    this.at(".text").hidden = !asked;
    if (asked) this.at(".text").textContent = view.text;
    this.options(asked ? view : { options: [] });
    const typed = this.at(".typed"), closed = Boolean(view.revealed || chosen);
    typed.hidden = !asked || view.options.length > 0 || Boolean(view.cells && !view.several);
    typed.elements[0].hidden = Boolean(view.several);
    for (const one of typed.elements) one.disabled = closed;
    if (chosen && !view.several && !typed.hidden) typed.elements[0].value = chosen;
    const part = (whole, one) => (view.several ? Boolean(whole?.includes(one)) : one === whole);
    for (const one of this.at(".options").children) {
      // Several are marked one after another, and sent together.
      if (chosen || !view.several) one.setAttribute("aria-pressed", part(chosen, one.value));
      one.disabled = closed;
      one.classList.toggle("right", Boolean(view.revealed) && part(view.answer, one.value));
    }
    document.body.classList.toggle("asked", asked && !view.revealed && view.name === data.question);
    document.body.classList.toggle("led", view.page != null && !data.around);
    this.told((!view.revealed && !view.mine && this.trouble) || this.status(asked));
  }

  // The cells that are marked, in their order, as a room spells them.
  marked() {
    return [...this.at(".options").querySelectorAll("[aria-pressed=true]")].map((one) => one.value).join(", ");
  }

  // The answers to choose from; where cells are, a button for each.
  options({ options, cells, several }) {
    const box = this.at(".options"), [rows, columns] = cells ?? [0, 0], mark = JSON.stringify([this.view.round, options, cells]);
    if (box.mark === mark) return;
    box.mark = mark;
    this.trouble = this.at(".typed input").value = "";
    const places = Array.from({ length: rows * columns }, (_, i) => [Math.floor(i / columns), i % columns]);
    const names = places.map(([row, column]) => `row ${row}, column ${column}`);
    const texts = options.length ? options : names;
    box.classList.toggle("cells", texts === names);
    box.style.setProperty("--columns", columns);
    box.replaceChildren(...texts.map((text, i) => {
      const one = document.createElement("button");
      const toggle = () => one.setAttribute("aria-pressed", one.getAttribute("aria-pressed") !== "true");
      Object.assign(one, { type: "button", value: several ? `(${places[i].join(", ")})` : text });
      one.onclick = several ? toggle : () => this.vote(text);
      if (texts === names) one.setAttribute("aria-label", text);
      else one.textContent = text;
      return one;
    }));
  }

  status(asked) {
    const { revealed, mine, answer, explanation, round } = this.view;
    if (!asked) return `${round ? "The lecturer has gone on" : "You are in"}. The question comes when the lecturer asks it.`;
    if (revealed) return `${mine === answer ? "Yes." : mine ? `Not quite: ${answer}.` : `The answer: ${answer}.`} ${explanation}`;
    if (mine) return `Your answer is ${mine}. You will see with the others whether it is right.`;
    return this.sending ? "Sending …" : "";
  }

  end() {
    this.ended = true;
    document.body.classList.remove("asked", "led");
    this.waiting?.abort();
    document.removeEventListener("visibilitychange", this.awake);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".ballot");
  if (root.ballot?.code !== data.code) root.ballot?.end();
  const fresh = root.ballot?.code !== data.code || root.ballot.ended;
  const one = fresh ? (root.ballot = new Ballot(root, data.code)) : root.ballot;
  Object.assign(one, { data, send: setTriggerValue });
  if (one.going === data.followed) one.going = null;
  one.draw();
  one.follow();
  return () => one.end();
}
