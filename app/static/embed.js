// The site owner's page: what is chosen becomes a preview and the code that makes the same.

const texts = JSON.parse(document.getElementById("page-texts").textContent);
const form = document.getElementById("choices");
const preview = document.getElementById("preview");
const desk = new URL(".", location.href); // where the desk is served, with its path prefix

const byId = (id) => document.getElementById(id);

// Both of a double-quoted attribute and of text.
const escaped = (text) => text.replace(/[&<>"]/g, (sign) =>
  ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]);

function attributesOf(values) {
  return Object.entries(values).filter(([, value]) => value).map(([name, value]) => ` ${name}="${escaped(value)}"`).join("");
}

function chosen() {
  const data = new FormData(form);
  const text = (name) => (data.get(name) ?? "").trim();
  return {
    kind: data.get("kind"),
    language: text("language"),
    theme: text("theme"),
    accent: data.has("has_accent") ? text("accent") : "",
    position: text("position"),
    title: text("title"),
    greeting: text("greeting"),
    questions: text("questions").split("\n").map((each) => each.trim()).filter(Boolean).join("|"),
    documents: data.getAll("document").join(" "),
  };
}

function frameOf({ language, theme, accent, title, greeting, questions, documents }) {
  const address = new URL(`embed/${language || document.documentElement.lang}`, desk);
  for (const [name, value] of Object.entries({ theme, accent, title, greeting, questions, documents })) {
    if (value) address.searchParams.set(name, value);
  }
  return { src: address.href, title: title || document.querySelector(".collection").textContent };
}

function widgetOf({ kind, language, theme, accent, position, title, greeting, questions, documents }) {
  const isBubble = kind === "bubble";
  return {
    mode: isBubble ? "" : "inline", language, theme, accent, position: isBubble ? position : "",
    title, greeting, questions, documents,
  };
}

function codeOf(choice) {
  if (choice.kind === "frame") {
    return `<iframe${attributesOf({ ...frameOf(choice), width: "100%", height: "600" })} loading="lazy"></iframe>`;
  }
  return `<script src="${escaped(new URL("widget.js", desk).href)}" defer></script>\n`
    + `<briefing-desk${attributesOf(widgetOf(choice))}></briefing-desk>`;
}

// The element of the preview stays, so that a conversation in it does.
function showPreview(choice) {
  const isFrame = choice.kind === "frame";
  const name = isFrame ? "iframe" : "briefing-desk";
  let shown = preview.firstElementChild;
  if (shown?.localName !== name) {
    shown = document.createElement(name);
    preview.replaceChildren(shown);
  }
  const attributes = isFrame ? frameOf(choice) : { id: "preview-desk", ...widgetOf(choice) };
  for (const [attribute, value] of Object.entries(attributes)) {
    if (!value) shown.removeAttribute(attribute);
    else if (shown.getAttribute(attribute) !== value) shown.setAttribute(attribute, value);
  }
  byId("preview-bubble").hidden = choice.kind !== "bubble";
}

function show() {
  const choice = chosen();
  byId("position").hidden = choice.kind !== "bubble";
  byId("code").textContent = codeOf(choice);
  byId("policy").textContent = choice.kind === "frame" ? `frame-src ${desk.origin}`
    : `script-src ${desk.origin}; connect-src ${desk.origin}`;
  byId("local").hidden = !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(desk.hostname);
  clearTimeout(show.waiting);
  show.waiting = setTimeout(() => showPreview(choice), choice.kind === "frame" ? 400 : 0);
}

function showVerdict() {
  const verdict = byId("site-verdict");
  const setting = byId("site-setting");
  const address = byId("site").value.trim();
  verdict.hidden = !address;
  setting.hidden = true;
  if (!address) return;
  let origin = null;
  try {
    const { protocol, origin: read } = new URL(address);
    if (/^https?:$/.test(protocol)) origin = read;
  } catch { /* not an address yet */ }
  const state = origin === null ? "unreadable"
    : origin === desk.origin ? "same"
      : texts.allowed_origins.includes(origin) ? "allowed" : "not_allowed";
  verdict.textContent = texts[`site_${state}`].replace("{origin}", origin);
  verdict.className = state;
  setting.hidden = state !== "not_allowed";
  setting.textContent = `BRIEFING_DESK_ALLOWED_ORIGINS='${JSON.stringify([...texts.allowed_origins, origin])}'`;
}

async function listDocuments() {
  const response = await fetch(new URL("api/documents", desk));
  if (!response.ok) return;
  const { documents } = await response.json();
  byId("documents").hidden = documents.length < 2;
  byId("documents").querySelector(".list").append(...documents.map((one) => {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "document", value: one.document_id });
    const title = Object.assign(document.createElement("bdi"), { textContent: one.title, lang: one.language ?? "" });
    label.className = "choice";
    label.append(box, " ", title);
    return label;
  }));
}

byId("copy").addEventListener("click", async ({ currentTarget: button }) => {
  try {
    await navigator.clipboard.writeText(byId("code").textContent);
    button.textContent = texts.copied;
  } catch {
    button.textContent = texts.copy_failed;
  }
  setTimeout(() => { button.textContent = texts.copy_code; }, 2000);
});

form.addEventListener("input", (event) => {
  if (event.target.name === "accent") form.elements.has_accent.checked = true;
  show();
});
form.addEventListener("submit", (event) => event.preventDefault());
byId("site").addEventListener("input", showVerdict);
show();
showVerdict();
listDocuments().catch(() => { /* without the list, all documents are asked */ });
