// The replies on the page, each with the documents that it was asked of.
//
// A reply travels in its bubble as the value of a button: JSON, compressed, in base64.

const read = new Map();

async function unpacked(value) {
  const bytes = Uint8Array.from(atob(value), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).json();
}

// The record of the reply that a node stands in: { reply, documents }.
export async function recordAt(node) {
  const value = node?.closest?.(".reply")?.querySelector("button.record")?.value;
  if (!value) return null;
  if (!read.has(value)) read.set(value, unpacked(value));
  return read.get(value);
}

export function allRecords() {
  return Promise.all([...document.querySelectorAll("#conversation .reply")].map(recordAt));
}

export function citationsOf(reply) {
  return reply.citations.length ? reply.citations : reply.nearest;
}

export function numberIn(place) {
  return Number(place.get("citation")?.split("-")[1]);
}

// The language of a citation's document, as the server told it from the text.
export function languageAt(link) {
  const number = numberIn(new URLSearchParams(link.hash.slice(1)));
  const sources = [...(link.closest(".reply")?.querySelectorAll("a.source") ?? [])];
  const source = sources.find((one) => numberIn(new URLSearchParams(one.hash.slice(1))) === number);
  return source?.querySelector(".place").lang ?? "";
}
