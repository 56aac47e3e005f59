// The counter for the hour without network: a service worker that keeps the page and all it is made of, so that the counter
// opens when the line is cut, also after a power cut.
//
// What is kept belongs together: the page, its scripts and its styles are fetched at one time and stand in one cache whose
// name is made of their contents; a new one takes the old one's place only when it is whole. A page that came from the cache
// gets its scripts from there too, one that came from the network gets them from the network. Nothing with a household's
// name is kept: the server makes a page for this purpose (?shell=1). Other addresses are left alone.

const KEPT = 'jishan-counter-';
const WHOLE = '/counter/whole'; // Not a page: put last, it says that the cache is complete.
const SHELL = '/counter?shell=1';
const GOODS = ['/counter/goods', '/counter/goods/left']; // What is said of them, and what is left.
const PATIENCE_MS = 3_000;
const FRESH_MS = 5 * 60_000;

const fromCache = new Set(); // Tabs whose page came from the cache.
let keptAt = 0, keeping = null;

// ---- Keeping.

const same = { credentials: 'same-origin' };

// What a page or a script names: /static/… in the page, './….js' in a script.
function named(text, from) {
  const found = [];
  const pattern = from.endsWith('.js') ? /(?:from\s*|import\s*\(?\s*)['"](\.\/[\w.-]+\.js)['"]/g : /(?:href|src)="(\/static\/[\w./-]+)"/g;
  for (const match of text.matchAll(pattern)) found.push(new URL(match[1], new URL(from, location.origin)).pathname);
  return found;
}

async function fetchAll() {
  const page = await fetch(SHELL, { ...same, cache: 'no-store' });
  // Somebody who is not signed in, or has no shift, is led elsewhere; that is no counter to keep.
  if (!page.ok || page.redirected) return null;
  const files = new Map(), wanted = named(await page.clone().text(), SHELL), contents = [];
  while (wanted.length) {
    const path = wanted.pop();
    if (files.has(path)) continue;
    const answer = await fetch(path, { ...same, cache: 'no-cache' });
    if (!answer.ok) throw new Error(path);
    files.set(path, answer.clone());
    const text = await answer.text();
    contents.push(`${path}\n${text}`);
    if (path.endsWith('.js')) wanted.push(...named(text, path));
  }
  const bytes = new TextEncoder().encode(contents.sort().join('\n'));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).slice(0, 8);
  return { page, files, name: KEPT + Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') };
}

async function keepAll() {
  const all = await fetchAll();
  if (!all) return;
  const cache = await caches.open(all.name);
  await Promise.all(Array.from(all.files, ([path, answer]) => cache.put(path, answer)));
  for (const path of GOODS) {
    const goods = await fetch(path, { ...same, cache: 'no-cache' }).catch(() => null);
    if (goods && goods.ok && !goods.redirected) await cache.put(path, goods);
  }
  await cache.put(SHELL, all.page);
  await cache.put(WHOLE, new Response(''));
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(KEPT) && name !== all.name).map((name) => caches.delete(name)));
  keptAt = Date.now();
}

async function keep() {
  if (Date.now() - keptAt < FRESH_MS && await whole()) return;
  keeping = keeping || keepAll().catch(() => {}).finally(() => { keeping = null; });
  await keeping;
}

// The cache that is complete, or null.
async function whole() {
  for (const name of await caches.keys()) {
    if (!name.startsWith(KEPT)) continue;
    const cache = await caches.open(name);
    if (await cache.match(WHOLE)) return cache;
  }
  return null;
}

async function kept(path) {
  const cache = await whole();
  return (cache && await cache.match(path)) || null;
}

// ---- Answering.

// The network's answer if it comes in time and is one, else what is kept; with nothing kept, whatever the network says.
// A server that is just being restarted answers through its proxy with 502: that is no answer.
async function networkFirst(request, path, seen = () => {}) {
  const live = fetch(request), late = new Promise((resolve) => { setTimeout(resolve, PATIENCE_MS, null); });
  const answer = await Promise.race([live.catch(() => null), late]);
  if (answer && answer.status < 500) { seen(answer); return answer; }
  const old = await kept(path);
  if (!old) return answer || live;
  live.catch(() => {});
  return old.clone();
}

async function page(event) {
  let isLive = false;
  const answer = await networkFirst(event.request, SHELL, () => { isLive = true; });
  if (!isLive && event.resultingClientId) fromCache.add(event.resultingClientId);
  return answer;
}

async function file(event, path) {
  const old = fromCache.has(event.clientId) && await kept(path);
  return old || networkFirst(event.request, path);
}

// The decoder of the camera lies under its version and never changes: once fetched, it is kept.
async function decoder(event) {
  const old = await caches.match(event.request);
  if (old) return old;
  const answer = await fetch(event.request), cache = answer.ok && await whole();
  if (cache) await cache.put(event.request, answer.clone());
  return answer;
}

function goods(event, path) {
  const putAway = (answer) => {
    if (!answer.ok || answer.redirected) return;
    const copy = answer.clone();
    event.waitUntil(whole().then((cache) => cache && cache.put(path, copy)));
  };
  return networkFirst(event.request, path, putAway);
}

self.addEventListener('fetch', (event) => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (request.mode === 'navigate') { if (pathname === '/counter') event.respondWith(page(event)); return; }
  if (pathname.startsWith('/static/decoder/')) event.respondWith(decoder(event));
  else if (pathname.startsWith('/static/')) event.respondWith(file(event, pathname));
  else if (GOODS.includes(pathname)) event.respondWith(goods(event, pathname));
});

// ---- Life.

self.addEventListener('install', (event) => { self.skipWaiting(); event.waitUntil(keep()); });
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));
self.addEventListener('message', (event) => { if (event.data === 'keep') event.waitUntil(keep()); });
