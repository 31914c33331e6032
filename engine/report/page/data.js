// What the page knows: compressed blocks of JSON in the page, and chunks of transcripts in it or beside it.
"use strict";

/** The dossier, as report.json has it; set before anything is drawn. */
let dossier = null;
let commonLines = null;
let chunkIndex = [];
/** Chunks by place, each a promise. */
const chunks = new Map();
/** Who waits for a chunk that lies beside the page. */
const awaited = new Map();

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

function block(id) {
  return unpacked(document.getElementById(id).textContent);
}

/** Called by the files beside the page. */
function transcripts(place, base64) {
  awaited.get(place)?.(base64);
}

function beside(place) {
  return new Promise((resolve, reject) => {
    awaited.set(place, resolve);
    const script = document.createElement("script");
    script.src = `report-transcripts/${place}.js`;
    script.onerror = () => reject(new Error(`report-transcripts/${place}.js is not beside this page`));
    document.head.append(script);
  });
}

async function readChunk(entry) {
  const inside = document.getElementById(`chunk-${entry.place}`);
  const { pool, texts, episodes } = await unpacked(inside ? inside.textContent : await beside(entry.place));
  // Each text stands there once, and is named by its place.
  const message = ([kind, text, more, failed]) => [kind, texts[text], kind === "assistant" ? more.map(([tool, given]) => [tool, texts[given]]) : more, failed];
  return new Map(episodes.map((episode) => [episode.ordinal, { ...episode, pool, messages: episode.messages.map(message), answer: texts[episode.answer] }]));
}

function chunk(entry) {
  if (!chunks.has(entry.place)) chunks.set(entry.place, readChunk(entry));
  return chunks.get(entry.place);
}

/** The transcript of an event; null where none was kept. */
async function episodeOf(ordinal) {
  commonLines ??= block("pool");
  await commonLines;
  const entry = chunkIndex.find((one) => one.ordinals.includes(ordinal));
  return entry ? (await chunk(entry)).get(ordinal) : null;
}

/** A text of an episode, from its lines. */
function textOf(episode, lines, common) {
  return lines.map((line) => (line < 0 ? episode.pool[-1 - line] : common[line])).join("\n");
}
