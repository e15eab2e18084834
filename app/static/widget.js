// <briefing-desk>: ask a set of documents from any page, and read each quote where it stands.
//
// One file, no build step. When it is served, __DESK__ becomes what this desk says (its title, its
// texts and starter questions by language, the longest question) and __STYLE__ becomes widget.css.
//
// Documents, questions and replies are data: they reach the page through text nodes only. Offsets
// count Unicode code points, while JavaScript strings count UTF-16 units: `unitsAt` converts.

(() => {
  "use strict";
  if (customElements.get("briefing-desk")) return;

  const DESK = __DESK__;
  const STYLE = new CSSStyleSheet();
  STYLE.replaceSync(__STYLE__);

  const script = document.currentScript;
  const TURNS_KEPT = 20;
  const BUSY_TRIES = 3;
  const BUSY_WAIT_MS = 2000;
  const ANSWER_WAIT_MS = 60000;
  const AROUND = 700; // how many characters of a document stand before and after a quote

  const UNSEEN = /([\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}])/u;
  const LINE = /^(> |- |\*\*)?(.*?)(?:\*\*)?((?: \\\[\d+\\\](?:\\\[\d+\\\])*)?)$/; // of Reply.markdown
  const ENTITIES = { amp: "&", lt: "<", gt: ">", "#91": "[", "#93": "]" };

  // ------------------------------------------------------------------------- building nodes

  // make("button.back", { lang: "en", click: act }, "Back"): a function listens for what its name says.
  function make(what, attributes, ...children) {
    const [name, ...classes] = what.split(".");
    const node = document.createElement(name);
    node.className = classes.join(" ");
    if (name === "button") node.type = name;
    for (const [key, value] of Object.entries(attributes ?? {})) {
      if (typeof value === "function") node.addEventListener(key, value);
      else if (value != null) node.setAttribute(key, value);
    }
    node.append(...children.flat().filter((child) => child != null));
    return node;
  }

  function icon(drawn) {
    const [picture, path] = ["svg", "path"].map((name) =>
      document.createElementNS("http://www.w3.org/2000/svg", name));
    picture.setAttribute("viewBox", "0 0 24 24");
    path.setAttribute("d", drawn);
    picture.append(path);
    return picture;
  }

  // Text whose unseen characters are kept, isolated, and shown as marks (the style draws the code).
  const visible = (text) => text.split(UNSEEN).filter(Boolean).map((part) => (UNSEEN.test(part)
    ? make("bdi.unseen", { "data-code": `U+${part.codePointAt(0).toString(16).toUpperCase().padStart(4, 0)}` }, part)
    : part));

  const outward = (href, text) => make("a", { href, target: "_blank", rel: "noopener" }, text);

  function unitsAt(text, codePoints) {
    let units = 0;
    while (codePoints-- > 0 && units < text.length) units += text.codePointAt(units) > 0xffff ? 2 : 1;
    return units;
  }

  // ------------------------------------------------------------------------- asking

  class Failure extends Error {
    constructor(code, message = code) {
      super(message);
      this.code = code;
    }
  }

  // A browser doesn't tell a script whether a request was refused or never answered.
  const whyUnanswered = (address) => (navigator.onLine
    ? fetch(address, { mode: "no-cors" }).then(() => "not_allowed", () => "unreachable") : "offline");

  async function fetched(address, options = {}) {
    let response;
    try {
      response = await fetch(address, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      throw new Failure(await whyUnanswered(new URL("/healthz", address)), error.message);
    }
    const body = await response.json().catch(() => null);
    if (response.ok && body) return body;
    const { code = "failed", message } = body?.error ?? {};
    throw new Failure([401, 403].includes(response.status) ? "not_allowed" : code, message);
  }

  // The languages that a desk's documents are in, asked for once, with the first question.
  const spoken = {};
  const languagesOf = (server) => spoken[server] ??= fetched(`${server}api/documents`).then(
    ({ documents }) => Object.fromEntries(documents.map((one) => [one.document_id, one.language])),
    () => {
      delete spoken[server];
      return {};
    });

  // ------------------------------------------------------------------------- the element

  class BriefingDesk extends HTMLElement {
    static observedAttributes = ["accent", "documents", "greeting", "heading-level", "language", "mode",
      "position", "questions", "server", "theme", "title"];

    #shadow = this.attachShadow({ mode: "open" });
    #parts = {};
    #turns = [];
    #asking = null; // the AbortController of the question that is being answered
    #opener = null; // the button of the citation that is open
    #willDraw = false;

    constructor() {
      super();
      this.#shadow.adoptedStyleSheets = [STYLE];
      // What is typed here is not a shortcut of the host page.
      for (const kind of ["keydown", "keypress", "keyup"]) {
        this.#shadow.addEventListener(kind, (event) => event.stopPropagation());
      }
    }

    connectedCallback() {
      this.#recall();
      this.#draw();
    }

    disconnectedCallback() {
      this.#asking?.abort();
      this.#asking = null;
    }

    // Several attributes change in one go: draw once.
    attributeChangedCallback() {
      if (this.#willDraw || !this.#parts.root) return;
      this.#willDraw = true;
      queueMicrotask(() => {
        this.#willDraw = false;
        if (!this.#asking) this.#recall();
        if (this.isConnected) this.#draw();
      });
    }

    // --------------------------------------------------------------- what a page may call

    open() {
      const { panel, launcher, box, heading } = this.#parts;
      if (!launcher || panel.open) return;
      panel.showModal();
      // A phone's keyboard would cover the starter questions.
      (innerWidth > 600 ? box : heading).focus();
      this.#tell("open");
    }

    close() {
      this.#parts.panel?.close?.();
    }

    // Resolves with the Reply, or with null where there is none (an error event says why).
    async ask(text) {
      const question = String(text).trim();
      if (!question || !this.isConnected) return null;
      this.open();
      this.#leaveContext();
      this.#asking?.abort();
      const asking = this.#asking = new AbortController();
      const turn = { question };
      const history = this.#turns.map((earlier) => earlier.question);
      this.#turns = [...this.#turns.slice(1 - TURNS_KEPT), turn];
      const { box, talk, scroll } = this.#parts;
      box.value = "";
      // What was pressed to ask goes away.
      if (talk.contains(this.#shadow.activeElement)) scroll.focus({ preventScroll: true });
      this.#drawTalk();
      this.#announce(this.#texts.searching);
      try {
        if ([...question].length > DESK.limit) throw new Failure("question_too_long");
        const [reply, languages] = await Promise.all(
          [this.#answer(question, history, asking.signal), languagesOf(this.#server)]);
        asking.signal.throwIfAborted();
        turn.reply = reply;
        turn.languages = Object.fromEntries([...reply.citations, ...reply.nearest]
          .map(({ document_id: id }) => [id, languages[id]]));
      } catch (error) {
        this.#turns = this.#turns.filter((one) => one !== turn);
        if (this.#asking === asking) this.#giveUp(error, question);
        return null;
      }
      this.#asking = null;
      this.#remember();
      this.#drawTalk();
      this.#announce(turn.reply.text);
      this.#tell("answer", turn.reply);
      return turn.reply;
    }

    // --------------------------------------------------------------- what the attributes say

    get #language() {
      const wished = this.getAttribute("language") || this.closest("[lang]")?.lang || "";
      const language = wished.slice(0, 2).toLowerCase();
      return DESK.languages[language] ? language : "en";
    }

    get #texts() { return DESK.languages[this.#language]; }

    get #server() {
      const address = this.getAttribute("server") ?? new URL(".", script?.src ?? location);
      return new URL(address, document.baseURI).href.replace(/\/*$/, "/");
    }

    get #level() {
      return /^[1-5]$/.test(this.getAttribute("heading-level")) ? Number(this.getAttribute("heading-level")) : 2;
    }

    get #documents() {
      return this.getAttribute("documents")?.match(/[^\s,]+/g) ?? null;
    }

    get #questions() {
      const own = this.getAttribute("questions");
      if (own !== null) return own.split("|").filter((each) => each.trim());
      return this.#documents || this.hasAttribute("server") ? [] : this.#texts.starters;
    }

    // --------------------------------------------------------------- the conversation is kept

    get #key() {
      const place = this.id || [...document.querySelectorAll("briefing-desk")].indexOf(this);
      return ["briefing-desk", this.#server, place, this.#documents].join(" ");
    }

    // Storage can be empty, forbidden, full, or filled by someone else.
    #recall() {
      this.#turns = [];
      try {
        this.#turns = JSON.parse(sessionStorage.getItem(this.#key)).filter(({ reply }) => reply.citations);
      } catch { /* nothing to recall */ }
    }

    #remember() {
      try {
        sessionStorage.setItem(this.#key, JSON.stringify(this.#turns));
      } catch { /* it lasts until the page is left */ }
    }

    // --------------------------------------------------------------- asking

    async #answer(question, history, signal) {
      const clock = setTimeout(() => this.#asking?.abort(new Failure("unreachable")), ANSWER_WAIT_MS);
      const body = JSON.stringify({ question, history, documents: this.#documents });
      try {
        for (let tries = 1; ; tries += 1) {
          try {
            return await fetched(`${this.#server}api/ask`,
              { method: "POST", headers: { "Content-Type": "application/json" }, body, signal });
          } catch (error) {
            if (error.code !== "busy" || tries === BUSY_TRIES) throw error;
            this.#parts.pending.textContent = this.#texts.errors.busy;
            await new Promise((resolve) => setTimeout(resolve, BUSY_WAIT_MS));
            signal.throwIfAborted();
          }
        }
      } finally {
        clearTimeout(clock);
      }
    }

    // A question that got no answer goes back into the box, with the reason above it.
    #giveUp({ code = "failed", message }, question) {
      const { box } = this.#parts;
      const { errors, ask_again: askAgain } = this.#texts;
      this.#asking = null;
      box.value ||= question;
      if (code === "stopped") {
        this.#drawTalk();
        this.#announce("");
        return;
      }
      const said = (errors[code] ?? errors.failed).replace("{limit}", DESK.limit);
      this.#drawTalk(make("div.notice", null, make("p", null, said),
        /long|allowed/.test(code) ? null : make("button.wide", { click: () => this.ask(box.value) }, askAgain)));
      this.#announce(said);
      this.#tell("error", { code, message, question });
    }

    #announce(text) {
      this.#parts.status.textContent = text;
    }

    #tell(name, detail) {
      this.dispatchEvent(new CustomEvent(`briefing-desk:${name}`, { bubbles: true, composed: true, detail }));
    }

    // --------------------------------------------------------------- drawing

    #draw() {
      const { box: before, panel: earlier } = this.#parts;
      const texts = this.#texts;
      const isInline = this.getAttribute("mode") === "inline";
      const own = this.getAttribute("title");
      const invitation = own || texts.invitation;
      const title = own || (this.hasAttribute("server") ? invitation : DESK.title);
      const tool = (name, click, drawn) => make("button.icon", { "aria-label": name, title: name, click }, icon(drawn));

      const heading = make(`h${this.#level}`, { id: "title", tabindex: -1 }, visible(title));
      const restart = tool(texts.new_conversation, () => this.#restart(), "M4 12a8 8 0 1 0 3-6M4 4v4h4");
      const talk = make("div");
      const context = make("div", { hidden: "" });
      const scroll = make("div.scroll", { tabindex: 0, role: "group", "aria-labelledby": "title" }, talk, context);
      const box = make("textarea", {
        rows: 2, "aria-label": texts.invitation, placeholder: texts.invitation,
        keydown: (event) => {
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          if (!this.#asking) this.ask(box.value);
        },
      });
      box.value = before?.value ?? "";
      const ask = make("button", {
        click: () => (this.#asking ? this.#asking.abort(new Failure("stopped")) : this.ask(box.value)),
      });
      const full = outward("", texts.full_chat);
      const status = make("p.unvoiced", { role: "status" });

      let panel = make("div.panel", { part: "panel" },
        make("div.bar", null, heading, restart,
          isInline ? null : tool(texts.close, () => this.close(), "M6 6l12 12M18 6L6 18")),
        scroll,
        make("div.foot", null, make("div.row", null, box, ask),
          make("div.row.small", null, texts.disclaimer, full)),
        status);
      let launcher = null;
      if (!isInline) {
        launcher = make("button.launcher", { "aria-haspopup": "dialog", click: () => this.open() },
          icon("M4 5h16v11H9l-5 4zM8 9h8M8 12h5"), visible(invitation));
        panel = make("dialog", {
          "aria-labelledby": "title",
          close: () => this.#closed(),
          // Only the backdrop is the dialog's own.
          pointerdown: ({ target }) => target === panel && this.close(),
        }, panel);
      }
      const root = make("section.desk", {
        lang: this.#language, "aria-label": isInline ? title : invitation,
        "data-theme": this.getAttribute("theme"), "data-position": this.getAttribute("position"),
        title: "", // or the element's own title is a tooltip over all of it
        keydown: (event) => {
          if (event.key !== "Escape" || context.hidden) return;
          event.preventDefault();
          this.#leaveContext();
        },
      }, launcher, panel);
      const accent = this.getAttribute("accent");
      if (CSS.supports("color", accent)) {
        root.dataset.accent = "";
        root.style.setProperty("--given", accent);
      }

      this.#parts = { root, heading, restart, talk, context, scroll, box, ask, full, status, panel, launcher };
      this.#shadow.replaceChildren(root);
      this.#drawTalk();
      if (earlier?.open && launcher) panel.showModal();
    }

    #closed() {
      this.#leaveContext();
      this.#parts.launcher.focus();
      this.#tell("close");
    }

    #restart() {
      this.#asking?.abort();
      this.#asking = null;
      this.#turns = [];
      this.#remember();
      this.#leaveContext();
      this.#drawTalk();
      this.#parts.box.focus();
    }

    #drawTalk(notice) {
      const { talk, ask, restart, scroll } = this.#parts;
      const texts = this.#texts;
      const last = this.#turns.at(-1);
      const turns = this.#turns.map((turn, place) => make("div.turn", null,
        this.#subheading("", visible(turn.question)),
        turn.reply ? this.#reply(turn, place)
          : this.#parts.pending = make("p.pending", null, texts.searching),
        turn === last && turn.reply ? this.#choices(turn.reply.suggestions) : null));
      if (!last) {
        turns.push(make("p.greeting", null, visible(this.getAttribute("greeting") || texts.lead)),
          this.#choices(this.#questions));
      }
      if (notice) turns.push(notice);
      talk.replaceChildren(...turns);
      ask.textContent = this.#asking ? texts.stop : texts.ask;
      ask.className = this.#asking ? "ask stop" : "ask";
      restart.hidden = !last;
      this.#aim();
      // The newest question goes to the top, or the reason why there is no answer into view.
      if (last || notice) {
        scroll.scrollTop += turns.at(-1).getBoundingClientRect().top - scroll.getBoundingClientRect().top - 20;
      }
    }

    // The full chat opens with what is read here: the newest question, or the open citation.
    #aim(place) {
      const last = this.#turns.at(-1);
      this.#parts.full.href = `${this.#server}${this.#language}/${
        place ?? (last ? `?${new URLSearchParams({ q: last.question })}` : "")}`;
    }

    #subheading(lang, nodes) {
      return make(`h${this.#level + 1}.asked`, null, make("bdi", { lang }, nodes));
    }

    #choices(questions) {
      return make("div", null, questions.map((each) => make("button.wide", { click: () => this.ask(each) }, visible(each))));
    }

    // A document's words in its language, apart from the direction of ours; a table's bars are drawn
    // lighter.
    #words(what, text, language) {
      return make(what, null, make("bdi", { lang: language }, text.split("|").flatMap((part, place) =>
        [place ? make("span.rule", null, "|") : null, visible(part)].flat())));
    }

    #reply({ reply, languages }, place) {
      const texts = this.#texts;
      const article = make(`div.reply.${reply.kind}.${reply.reason}`);
      const languageOf = (citation) => languages[citation?.document_id] ?? "";
      const opening = (what, attributes, citation, ...children) => make(what,
        { ...attributes, click: ({ currentTarget }) => this.#showContext(citation, currentTarget) }, ...children);
      const chip = (citation) => [" ", opening("button.number",
        { "aria-label": `${texts.source} ${citation.number}: ${citation.title}` }, citation, citation.number)];
      const source = (citation) => {
        const state = texts.source_state[citation.source_state];
        return [opening("button.source", null, citation,
          make("span.number", null, make("span.unvoiced", null, texts.source, " "), citation.number),
          make("bdi", { lang: languageOf(citation) }, visible(this.#place(citation)))),
        state ? make("p.warn", null, state) : null];
      };
      const figure = (text, citation, ...others) => make("figure", null,
        this.#words("blockquote.words", text, languageOf(citation)),
        make("figcaption", null, ...[citation, ...others].flatMap(source)));

      if (place && reply.standalone_question.toLowerCase() !== reply.question.toLowerCase()) {
        article.append(make("p.soft", null, texts.understood_as, " ", make("bdi", null, visible(reply.standalone_question))));
      }
      if (reply.reason) article.append(make("p.verdict", null, texts.abstention[reply.reason]));

      let items = null;
      let language = languageOf(reply.citations[0]); // of the quote that a line belongs to
      const uncaptioned = new Set(reply.citations);
      for (const line of reply.markdown.split(/\n+/)) {
        const [, role, escaped, marks] = line.match(LINE);
        const cited = reply.citations.filter((one) => marks.includes(`[${one.number}\\]`));
        const [citation] = cited;
        const text = escaped.replace(/\\([^\w\s])|&(#?\w+);/g, (_, sign, name) => sign ?? ENTITIES[name]);
        const mark = cited.flatMap(chip);
        if (citation) language = languageOf(citation);
        if (role === "- ") {
          items ??= article.appendChild(make("ul.items"));
          items.append(make("li", null, this.#words("span.words", text, language), mark));
          continue;
        }
        items = null;
        if (role === "> " && citation) {
          for (const one of cited) uncaptioned.delete(one);
          article.append(figure(text, ...cited));
        } else {
          article.append(make("p", { lang: reply.language },
            role ? this.#words("span.short", text, language) : visible(text), mark));
        }
      }
      if (uncaptioned.size) article.append(make("p.soft", null, texts.sources), ...[...uncaptioned].flatMap(source).filter(Boolean));

      // What comes nearest: of a near miss the closest one in sight, the others behind a disclosure.
      const nearest = reply.nearest.map((citation) => figure(citation.quote, citation));
      if (reply.reason === "near_miss") article.append(...nearest.splice(0, 1));
      if (nearest.length) {
        article.append(make("details", null, make("summary", null, `${texts.nearest} (${nearest.length})`), nearest));
      }
      return article;
    }

    #place({ title, heading_path: headings, page, sheet, row }) {
      const texts = this.#texts;
      return [title, ...headings.filter((heading) => heading !== title),
        sheet && texts.sheet.replace("{sheet}", sheet),
        page && texts.page.replace("{page}", page), row && texts.row.replace("{row}", row)].filter(Boolean).join(" › ");
    }

    // --------------------------------------------------------------- a quote where it stands

    async #showContext(citation, opener) {
      const { context, talk, scroll } = this.#parts;
      const texts = this.#texts;
      const { document_id: id, start, end, sha256 } = citation;
      const address = `${this.#server}api/documents/${encodeURIComponent(id)}`;
      const back = make("button.back", { click: () => this.#leaveContext() }, icon("M15 5l-7 7 7 7"), texts.back_to_answer);
      let shown = [make("p.pending", null, texts.loading)];
      this.#opener = opener;
      this.#aim(`#${new URLSearchParams({ document: id, start, end, sha256: sha256.slice(0, 12) })}`);
      context.replaceChildren(make("div.row.tools", null, back,
        outward(`${address}/source${citation.link.replace(/^[^#]*/, "")}`, texts.original)), ...shown);
      talk.hidden = true;
      context.hidden = false;
      scroll.scrollTop = 0;
      back.focus();
      try {
        shown = this.#passage(await fetched(address), citation);
      } catch ({ code }) {
        shown = [make("p.warn", null, texts.errors[code] ?? texts.errors.failed)];
      }
      if (this.#opener !== opener || !context.lastChild) return;
      context.lastChild.replaceWith(...shown.filter(Boolean));
      const mark = context.querySelector("mark");
      if (!mark) return;
      mark.tabIndex = -1;
      // Focus first: the browser's own scrolling is then overruled by ours.
      mark.focus({ preventScroll: true });
      mark.scrollIntoView({ block: "nearest" });
    }

    // The quote with what stands around it, line by line, each character once and in order.
    #passage(found, citation) {
      const texts = this.#texts;
      const { text, sections } = found;
      const lang = found.language ?? "";
      const isSame = found.sha256 === citation.sha256;
      const state = isSame ? texts.source_state[found.source_state] : texts.document_changed;
      const body = make("div.text", { lang, dir: "auto" });
      const shown = [this.#subheading(lang, visible(this.#place(citation))),
        make("p.soft", null, visible([found.path, found.date].filter(Boolean).join(" · "))),
        state ? make("p.warn", null, state) : null];
      if (!isSame) return shown;

      const quoted = [unitsAt(text, citation.start), unitsAt(text, citation.end)];
      const write = (parent, start, stop) => {
        const cuts = [start, ...quoted, stop].map((cut) => Math.min(Math.max(cut, start), stop));
        const [before, inside, after] = [0, 1, 2].map((part) => visible(text.slice(cuts[part], cuts[part + 1])));
        parent.append(...before, ...(inside.length ? [make("mark", null, inside)] : []), ...after);
      };
      // Whole lines, without the front matter that a quote doesn't stand in.
      const opening = text.match(/^---\r?\n[^]*?\n---[ \t]*\r?\n\s*/)?.[0].length ?? 0;
      const first = quoted[0] < opening ? 0 : opening;
      let from = text.indexOf("\n", quoted[0] - AROUND) + 1;
      if (quoted[0] - AROUND <= first) from = first;
      else if (!from || from > quoted[0]) [from] = quoted;
      let to = text.lastIndexOf("\n", quoted[1] + AROUND);
      if (quoted[1] + AROUND >= text.length) to = text.length;
      else if (to < quoted[1]) [, to] = quoted;
      const headings = new Set(sections.filter(({ start }) => start < citation.end + AROUND)
        .map(({ start }) => unitsAt(text, start)));

      if (from > first) body.append("… ");
      while (from < to) {
        const stop = Math.min(text.indexOf("\n", from) + 1 || to, to);
        const line = text.slice(from, stop);
        const kind = headings.has(from) ? "title" : /^\s*[-*+•]\s+\S/.test(line) ? "item" : line.trim() ? "" : "blank";
        const node = body.appendChild(make(`div.${kind}`));
        // The signs of Markdown stay in the text, out of sight; a table's bars are drawn lighter.
        const signs = kind === "title" ? /^\s*#+\s*/g : /^\s*[-*+•]\s+(?=\S)|^[\s|:-]*-{3}[\s|:-]*$|\*\*|\|/g;
        for (const { 0: sign, index } of line.matchAll(signs)) {
          const apart = make(sign === "|" ? "span.rule" : "span.sign");
          const at = stop - line.length + index;
          write(node, from, at);
          write(apart, at, from = at + sign.length);
          node.append(apart);
        }
        write(node, from, stop);
        from = stop;
      }
      if (to < text.length) body.append("…");
      return [...shown, body];
    }

    #leaveContext() {
      const { context, talk } = this.#parts;
      const opener = this.#opener;
      const isRead = context.contains(this.#shadow.activeElement);
      this.#opener = null;
      if (context.hidden) return;
      context.hidden = true;
      talk.hidden = false;
      this.#aim();
      if (isRead) opener.focus({ preventScroll: true });
      opener.scrollIntoView({ block: "nearest" });
    }
  }

  customElements.define("briefing-desk", BriefingDesk);

  // The script alone is a bubble, and its data-… are the element's attributes.
  function addBubble() {
    if (document.querySelector("briefing-desk") || script?.dataset.bubble === "off") return;
    const bubble = make("briefing-desk");
    for (const { name, value } of script?.attributes ?? []) {
      if (name.startsWith("data-")) bubble.setAttribute(name.slice(5), value);
    }
    document.body.append(bubble);
  }
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", addBubble);
  else addBubble();
})();
