// The counter's goods: taken from the server once, found at once by what a gun sends or a number pad types, searched while
// somebody types a name or its initials. There may be twenty thousand kinds; a page never draws more than sixty of them.
//
// The list comes in columns and in two parts: what is said about goods, which the browser keeps until it changes, and what
// is left of them. Nothing is drawn here.

import { clean } from './wedge.js';

export const SHOWN = 60;

export const goods = new Map(); // sku → { sku, name, barcode, code, points, unit, limit, left, words }
const names = new Map(); // barcode, short code, or the digits of a short code → sku

const digits14 = (text) => (/^\d{8,14}$/.test(text) ? text.padStart(14, '0') : text);

// What a gun or a number pad meant: the item's sku, or nothing.
export const lookUp = (text) => names.get(digits14(text)) || names.get(text.replace(/^0+(?=\d)/, ''));

// Makes goods known. What is known already keeps its place, so that a basket may hold on to it.
export function know(item) {
  const known = goods.get(item.sku);
  goods.set(item.sku, known ? Object.assign(known, item) : item);
  names.set(item.sku.toUpperCase(), item.sku);
  if (item.barcode) names.set(digits14(item.barcode), item.sku);
  if (item.code) names.set(item.code, item.sku);
  // A line end before each, so that a word's beginning can be told from its middle.
  const words = `\n${item.name}\n${item.sku}\n${item.code || ''}\n${item.barcode || ''}\n${item.initials || ''}`;
  (known || item).words = words.toLowerCase();
}

async function read(url, cache) {
  const answer = await fetch(url, { credentials: 'same-origin', cache, headers: { accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return { said: await answer.json(), list: (answer.headers.get('etag') || '').replace(/^W\/|"/g, '') };
}

// The list as the server sends it. Goods may change between its two parts; then both are asked for once more.
async function fetchGoods(cache) {
  const [list, left] = await Promise.all([read('/counter/goods', cache), read('/counter/goods/left', 'no-store')]);
  if (list.list === left.said.list) return Object.assign(list.said, { list: list.list, left: left.said.left });
  if (cache === 'reload') throw new Error('the list changes while it is read');
  return fetchGoods('reload');
}

let loading = null; // The list that is coming or has come.

// The short codes of the list of this name, in its order; nothing when the page has another list.
export async function skusOf(name) {
  const list = await loading;
  return list && list.list === name ? list.skus : null;
}

// The one place where the list of goods comes from. Answers how many there are.
export async function loadGoods() {
  loading = fetchGoods('no-cache');
  const list = await loading;
  const letters = new Map(), digits = new Map();
  for (const letter of Object.keys(list.initials)) for (const character of list.initials[letter]) letters.set(character, letter);
  const digitsOf = (sku) => sku.replace(/^[^0-9]*0*/, '');
  for (const sku of list.skus) digits.set(digitsOf(sku), digits.has(digitsOf(sku)) ? '' : sku);
  list.skus.forEach((sku, row) => {
    const name = list.names[row], code = digitsOf(sku);
    let initials = '';
    for (const character of name) initials += letters.get(character) || (/[\p{L}\p{N}]/u.test(character) ? character : '');
    know({
      sku, name, initials, barcode: list.barcodes[row], points: list.points[row], left: list.left[row], limit: list.limits[row],
      unit: list.unit_names[list.units[row]], code: digits.get(code) ? code : '', // Alone, or it is no code.
    });
  });
  return list.skus.length;
}

// Goods whose name, short code, barcode or initials hold these words: those of which there are some before those that are
// gone, and those that begin with the words before the others; and how many more there are.
export function search(words) {
  const wanted = clean(words).toLowerCase(), begins = `\n${wanted}`, places = [[], [], []];
  if (!wanted) return { wanted, shown: [], more: 0 };
  let total = 0;
  goods.forEach((item) => {
    if (item.words.indexOf(wanted) < 0) return;
    total += 1;
    const place = places[item.left <= 0 ? 2 : item.words.indexOf(begins) < 0 ? 1 : 0];
    if (place.length < SHOWN) place.push(item);
  });
  const shown = [].concat(...places).slice(0, SHOWN);
  return { wanted, shown, more: total - shown.length };
}
