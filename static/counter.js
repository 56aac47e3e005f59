// The counter page with comfort: scanning, a basket, a live "够 / 差 N 分", keys instead of a mouse.
//
// The page works without this file as plain forms. Here the basket is the one truth: lines, tiles and the fields that the
// form sends are drawn from it, and goods come from shelf.js, which has all of them. The balance is never asked for and never shown: the quote only says whether it is enough.
// Everything a code or the server says is put in as textContent, so no text can become markup.

import { Wedge, character, classify, clean, gapSetting, listen } from './wedge.js';
import { goods, know, loadGoods, lookUp, search, skusOf } from './shelf.js';
import { makeBar, showSlip } from './offline-bar.js';
import { startTill } from './offline-page.js';
import { shrink } from './photo.js';
import './sign-out.js';
import { beep } from './sound.js';
import { t } from './words.js';

const MOST = 99;
const OFFLINE = t`网络不通，尚未兑换，请稍候重试`;
const UNSURE = t`网络不通，还不知道是否兑成，请按“重试”`;
const byId = (id) => document.getElementById(id);
const page = document.querySelector('main.counter'), sale = byId('sale'), cardForm = byId('card-form'), photoForm = byId('photo-form');
const csrf = sale.elements.csrf.value, cardInput = byId('card'), find = byId('find'), confirm = byId('confirm');

const basket = new Map(); // sku → quantity, in the order of scanning
let current = null; // The sku that F8, + and − speak of: the one touched last, or chosen with the arrows.
let ticket = 0; // Rises with every change; an answer to an older ticket is stale and dropped.
let verdict = null; // The server's answer for exactly this basket and card, or null while there is none.
let trouble = ''; // Why there is no answer, in words.
let patient = false; // For half a second the last answer stays, dimmed, so that the bar does not flicker at every scan.
let sending = false;
let spoken = { text: '', short: 0 }; // What the status bar last refused aloud.
let unsure = null; // The redemption that went out and had no answer: only the same one may be sent again.

function make(tag, className, text, attributes) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  Object.keys(attributes || {}).forEach((name) => element.setAttribute(name, attributes[name]));
  return element;
}

function button(className, text, label, act) {
  const element = make('button', className, text, { type: 'button' });
  if (label) element.setAttribute('aria-label', label);
  element.addEventListener('click', act);
  return element;
}

// ---- Saying it: every sound has a flash with words, at most 600 ms long.

const flash = make('p', 'flash', '', { 'aria-hidden': 'true', hidden: '' });
const heard = make('p', 'hush', '', { role: 'status' });
document.body.append(flash, heard);
let flashTimer = 0;

function say(kind, text) {
  beep(kind);
  flash.className = `flash ${kind === 'bad' ? 'bad' : 'ok'}`;
  flash.textContent = heard.textContent = text;
  flash.hidden = false;
  clearTimeout(flashTimer);
  flashTimer = setTimeout(() => { flash.hidden = true; }, kind === 'bad' ? 600 : 350);
}

function refuse(text) {
  notice.textContent = text;
  notice.hidden = false;
  say('bad', text);
}

const notice = make('p', 'notice bad', '', { hidden: '' });
byId('status').before(notice);

const ask = make('div', 'ask', undefined, { role: 'alertdialog', 'aria-modal': 'true', 'aria-labelledby': 'ask-text', hidden: '' });
document.body.append(ask);

// Asks before something is replaced. Escape and "no" leave all as it was.
function question(text, yes, no, act) {
  const box = make('div', 'panel'), row = make('p', 'row');
  const refuseIt = button('button', no, '', closeQuestion);
  row.append(button('button primary', yes, '', () => { closeQuestion(); act(); }), refuseIt);
  box.append(make('p', 'lead', text, { id: 'ask-text' }), row);
  ask.textContent = '';
  ask.append(box);
  ask.hidden = false;
  say('bad', text);
  refuseIt.focus(); // The safe answer has the focus: a stray Enter changes nothing.
}

function closeQuestion() {
  ask.hidden = true;
  ready();
}

// "Ready to scan" is the focus on something that cannot be edited: there the input method stays asleep.
function ready() { page.focus({ preventScroll: true }); }

// ---- The basket.

function change(sku, quantity) {
  if (!goods.has(sku)) return;
  const wanted = Math.max(0, Math.min(MOST, Math.floor(Number(quantity)) || 0));
  if (sending || unsure) { drawTiles(true); refuse(unsure ? UNSURE : t`正在兑换，请稍候`); return; }
  if (wanted) { basket.set(sku, wanted); current = sku; } else basket.delete(sku);
  if (!basket.has(current)) current = Array.from(basket.keys()).pop() || null;
  drawTiles(true);
  changed();
}

function add(sku) {
  const before = basket.get(sku) || 0, item = goods.get(sku);
  if (!before && item.left <= 0) { refuse(t`${item.name}暂时没有货`); return; }
  change(sku, before + 1);
  const after = basket.get(sku) || 0;
  if (after > before) { say('scan', `${item.name} × ${after}`); line(sku).row.scrollIntoView({ block: 'nearest' }); }
  else if (before === MOST) refuse(t`${item.name}最多${MOST}件`);
}

function changed() {
  ticket += 1;
  verdict = null;
  trouble = '';
  patient = true;
  writeForm();
  draw();
  clearTimeout(changed.ask);
  clearTimeout(changed.wait);
  changed.ask = setTimeout(quote, 120, ticket);
  changed.wait = setTimeout(() => { patient = false; draw(); }, 500);
}

// The form says what the basket holds, whoever sends it.
const chosen = make('div', '', undefined, { hidden: '' });
sale.append(chosen);

function writeForm() {
  chosen.textContent = '';
  basket.forEach((quantity, sku) => chosen.append(make('input', '', undefined, { type: 'hidden', name: `quantity.${sku}`, value: quantity })));
}

function total() {
  let sum = 0;
  basket.forEach((quantity, sku) => { sum += quantity * goods.get(sku).points; });
  return sum;
}

function stepper(sku, input) {
  const { name } = goods.get(sku), box = make('span', 'stepper');
  box.append(button('', '−', t`${name}减一`, () => change(sku, (basket.get(sku) || 0) - 1)), input,
    button('', '+', t`${name}加一`, () => change(sku, (basket.get(sku) || 0) + 1)));
  return box;
}

// ---- Drawing.

// What stands on the shelf: the server's choice, and what was found instead. { sku, tile, input }; no input: none is left.
let shelf = [], foundTiles = [];

// Puts − and + beside a tile's field, which is no field of the form: the basket fills those.
function quicken(sku, tile, input) {
  if (input) {
    const slot = input.parentNode, mark = document.createTextNode('');
    slot.replaceChild(mark, input);
    slot.replaceChild(stepper(sku, input), mark);
    input.removeAttribute('name');
    input.setAttribute('data-goods', sku);
    input.setAttribute('data-scan', '');
    input.addEventListener('change', () => change(sku, input.value));
  }
  return { sku, tile, input };
}

function foundTile(item) {
  const { sku, name, unit, limit, left } = item, out = left <= 0 && !basket.has(sku);
  const tile = make('div', `goods${out ? ' out' : ''}`, undefined, { 'data-sku': sku, 'data-name': name });
  // A partner's shelf is its own: nobody counts it here.
  const stock = 'partner' in page.dataset ? '' : t`存${left}${unit}`;
  const title = make('p', 'name', `${name} `), said = make('small', '', out ? t`暂时没有货` : stock);
  title.append(make('b', '', t`${item.points}分`));
  tile.append(title, said);
  if (out) return { sku, tile, input: null };
  if (limit) said.append(make('br'), t`每月限${limit}${unit}`);
  const input = make('input', '', undefined, { type: 'number', min: 0, max: MOST, value: 0, inputmode: 'numeric', 'aria-label': name });
  tile.append(input);
  return quicken(sku, tile, input);
}

// A field that somebody is just typing into is left alone, unless what was typed has been taken.
function drawTiles(taken) {
  for (const { sku, tile, input } of shelf.concat(foundTiles)) {
    tile.classList.toggle('chosen', basket.has(sku));
    if (input && (taken || input !== document.activeElement)) input.value = basket.get(sku) || 0;
  }
}

const lineOf = new Map(); // sku → the parts of its line, kept so that a pressed button is not pulled from under the finger.

function line(sku) {
  if (lineOf.has(sku)) return lineOf.get(sku);
  const item = goods.get(sku), row = make('li', 'line'), count = make('output', 'number'), sum = make('b', 'number'), problem = make('p', 'error');
  const remove = button('button quiet', '✕', t`去掉${item.name}`, () => change(sku, 0));
  row.append(make('span', 'name', item.name), sum, stepper(sku, count), remove, problem);
  row.addEventListener('click', () => { if (basket.has(sku)) { current = sku; draw(); } });
  const parts = { row, count, sum, problem };
  lineOf.set(sku, parts);
  return parts;
}

function draw() {
  const list = byId('lines'), problems = (verdict && verdict.problems) || [];
  lineOf.forEach((parts, sku) => { if (!basket.has(sku)) { parts.row.remove(); lineOf.delete(sku); } });
  let pieces = 0;
  basket.forEach((quantity, sku) => {
    const { row, count, sum, problem } = line(sku), found = problems.filter((p) => p.sku === sku).map((p) => p.text).join(t`；`);
    pieces += quantity;
    count.textContent = quantity;
    sum.textContent = t`${quantity * goods.get(sku).points}分`;
    problem.textContent = found;
    problem.hidden = !found;
    row.className = `line${sku === current ? ' current' : ''}${found ? ' refused' : ''}`;
    if (row.parentNode !== list) list.append(row);
  });
  drawTiles();
  byId('pieces').textContent = pieces ? t`${pieces}件` : '';
  byId('total').textContent = verdict ? verdict.total : total();
  page.classList.toggle('filled', basket.size > 0);
  const [state, text] = status();
  const bar = byId('status');
  const dim = state === 'wait' && patient && !sending && !unsure && /enough|short/.test(bar.className);
  bar.classList.toggle('dim', dim);
  if (!dim) {
    bar.className = `status ${state}`;
    if (bar.textContent !== text) bar.textContent = text;
  }
  byId('confirming').hidden = !(verdict && verdict.to_confirm);
  byId('hold').disabled = sending || unsure || !basket.size;
  confirm.disabled = sending || !(state === 'enough' || unsure);
  const doing = unsure ? (till.line.isCut ? t`断网交货` : t`重试`) : till.line.isCut && till.till ? t`断网兑换` : t`确认兑换`;
  confirm.firstChild.textContent = `${doing} `;
}

// Cards that are not taken, and why.
const REFUSED_CARDS = { stopped: t`此卡已挂失停用，不能兑换`, merged: t`已并入另一户，请用那一户的卡`, left: t`迁出已满90天，积分已到期`, unknown: t`没有这张卡` };

// The one line everybody at the counter looks at: [class, words].
function status() {
  const card = sale.elements.card.value;
  if (sending) return ['wait', t`正在兑换…`];
  if (unsure) return ['wait', UNSURE];
  if (trouble) return ['refused', trouble];
  if (!card) return ['idle', basket.size ? t`请扫积分卡` : t`请扫卡，再扫商品`];
  if (!verdict) return ['wait', t`正在核对…`];
  if (!verdict.card || verdict.card.state !== 'ok') return ['refused', verdict.card && REFUSED_CARDS[verdict.card.state] || t`没有这张卡`];
  if (!basket.size) return ['idle', t`请扫商品`];
  if (verdict.short_by > 0) return ['short', t`差${verdict.short_by}分`];
  if (verdict.problems && verdict.problems.length) return ['refused', verdict.problems[0].text];
  return ['enough', t`够`];
}

function drawCard(card) {
  const box = byId('card-state'), words = REFUSED_CARDS[card.state];
  box.className = `card-state ${words && card.state !== 'unknown' ? 'stopped' : card.state}`;
  box.textContent = '';
  box.append(make('strong', '', words || card.masked_name));
  if (words) return;
  drawProxies(card.proxies || []);
  box.append(make('span', 'muted', card.household), make('span', card.typed ? 'badge warn' : 'badge ok', card.typed ? t`手输` : t`扫卡`));
}

// Who may fetch for the household that is being served.
const pickup = byId('pickup');

function drawProxies(proxies) {
  const known = Array.from(pickup.querySelectorAll('[data-proxy]'));
  if (known.map((option) => option.value).join() === proxies.map((proxy) => `proxy:${proxy.id}`).join()) return;
  known.forEach((option) => option.remove());
  proxies.forEach((proxy) => pickup.options[1].before(make('option', '', t`代领：${proxy.name}`, { value: `proxy:${proxy.id}`, 'data-proxy': '' })));
}

// Only the field that the choice needs is there.
function drawPickup() {
  page.querySelectorAll('[data-for]').forEach((field) => { field.hidden = field.dataset.for !== pickup.value; });
}

// A basket put aside and one taken up again are pages of the server: the forms go as they are.
function holdBasket() {
  if (byId('hold').disabled) { say('bad', t`篮子是空的，不用挂单`); return; }
  sale.dataset.done = 'yes';
  sale.action = '/counter/holds';
  sale.submit();
}

function resume() {
  const first = page.querySelector('[data-resume]');
  if (!first) say('bad', t`没有挂单`);
  else if (basket.size || sale.elements.card.value) say('bad', t`请先办完或挂起眼前这一单`);
  else first.click();
}

// ---- The server's word.

// A request that ends: no answer in good time is the same as no network.
function send(url, options, seconds) {
  const slow = new Promise((resolve, reject) => { setTimeout(reject, seconds * 1000, new Error('slow')); });
  return Promise.race([fetch(url, Object.assign({ method: 'POST', credentials: 'same-origin', cache: 'no-store' }, options)), slow]);
}

const isJson = (answer) => /json/.test(answer.headers.get('content-type') || '');

// The one place where the counter asks what would happen to a basket: the answer, or why there is none.
async function askQuote(card, lines) {
  try {
    const answer = await send(page.dataset.quote, {
      headers: { 'content-type': 'application/json', accept: 'application/json', 'x-csrf': csrf }, body: JSON.stringify({ card, lines }),
    }, 8);
    if (answer.status >= 500) throw new Error('failed');
    till.line.there();
    if (answer.ok && isJson(answer)) return { found: await answer.json(), problem: '' };
    return { found: null, problem: (isJson(answer) && (await answer.json()).detail) || t`登录已过期，请重新登录` };
  } catch (error) {
    till.line.failed();
    return { found: null, problem: OFFLINE };
  }
}

// The same question to the till's own books, while the line is cut.
async function quoteOffline(card) {
  const why = card && basket.size ? await till.till.look(Object.assign(wish(), { signs: true })) : null, { hold } = till.till;
  const state = { state: 'ok', masked_name: t`断网办理`, household: '', typed: card.indexOf('-') < 0 };
  const toConfirm = Boolean(hold && hold.confirm_from !== null && total() >= hold.confirm_from);
  return { found: { total: total(), card: card ? state : null, to_confirm: toConfirm, problems: [] }, problem: why ? why.text : '' };
}

async function quote(mine) {
  const card = sale.elements.card.value;
  if (mine !== ticket || sending || (!card && !basket.size)) return;
  const ask = till.till && till.line.isCut ? quoteOffline : askQuote;
  const { found, problem } = await ask(card, Array.from(basket, ([sku, quantity]) => ({ sku, quantity })));
  if (mine !== ticket) return;
  // The basket stays, and the question is asked again by itself: without an answer, or while another till gives something back.
  if (problem === OFFLINE || (found && found.again)) setTimeout(quote, 4000, mine);
  if (found && trouble === OFFLINE) say('ok', t`网络恢复了`);
  verdict = found;
  trouble = problem;
  if (found && found.card && card) drawCard(found.card);
  draw();
  speakUp();
}

// A new refusal is said aloud; a shortage that shrinks while things are put back is not.
function speakUp() {
  const [state, text] = status(), short = (verdict && verdict.short_by) || 0;
  if (state !== 'short' && state !== 'refused') spoken = { text: '', short: 0 };
  else {
    if (text !== spoken.text && !(short && short < spoken.short)) say('bad', text);
    spoken = { text, short };
  }
}

function setCard(value) {
  const held = sale.elements.card.value, number = (text) => text.split('-')[0];
  if (sending || unsure) { refuse(UNSURE); return; }
  const use = () => {
    sale.elements.card.value = value;
    say('scan', t`已读到积分卡`);
    changed();
  };
  if (held && basket.size && number(held) !== number(value)) question(t`篮子里还有商品。换成刚扫的这张卡吗？`, t`换卡，留下篮子`, t`不换`, use);
  else if (held !== value && !(number(held) === number(value) && value === number(value))) use(); // A typed number never replaces the same card scanned.
  else say('scan', t`还是这张卡`);
}

// The one place where a sale leaves the counter: where its slip is, or why it was refused, or that the server has a page
// to show. No answer, or one of a server that failed, is an error: then nobody knows.
async function sendSale() {
  const answer = await send(sale.action, { headers: { accept: 'application/json, text/html' }, body: new URLSearchParams(new FormData(sale)) }, 20);
  if (answer.status >= 500) throw new Error('failed');
  // Only a receipt's own address proves the redemption: a session that ran out leads, with 200, to the sign-in page.
  const slip = answer.ok && (isJson(answer) ? (await answer.json()).location : answer.url.startsWith(`${sale.action}/`) && answer.url);
  return slip ? { slip } : isJson(answer) ? { refused: (await answer.json()).detail } : {};
}

// ---- The till's books: they know what may be sold without the network, and what the server does not know yet.

const bar = makeBar(page.querySelector('.card-panel'), { say });
let wasCut = false;
const till = startTill({ csrf, skusOf, onChange: (now) => {
  bar.draw(now);
  if (unsure && unsure.key && !sending) take(outcome());
  if (now.line.isCut !== wasCut) { wasCut = now.line.isCut; changed(); }
} });
bar.draw(till);

const wish = () => ({
  card: sale.elements.card.value, points: total(), signs: sale.elements.signs.checked, pickup: pickup.value,
  lines: Array.from(basket, ([sku, quantity]) => ({ sku, quantity, name: goods.get(sku).name, points: goods.get(sku).points })),
});

// Sends the form once, under the key that the books have for it.
async function throughForm(entry) {
  sale.elements.key.value = entry.key;
  const { slip, refused } = await sendSale();
  return slip ? { location: slip } : { detail: refused || t`登录已过期，请重新登录` };
}

// Sends the form where the browser keeps no books. The key in it makes a repeat harmless.
async function alone() {
  try {
    const { slip, refused } = await sendSale();
    return slip ? { location: slip } : refused ? { detail: refused } : { page: true };
  } catch (error) { return { unsettled: {} }; }
}

// What became of the sale that had no answer; null while nobody knows.
function outcome() {
  if (till.till.queue().some(({ key }) => key === unsure.key)) return null;
  const told = till.till.notices().find(({ key }) => key === unsure.key) || {};
  till.till.dismiss();
  return told.location ? { location: told.location } : { detail: told.detail || t`上一单没有兑成，请重新办理` };
}

async function askAgain() {
  if (!unsure.key) return alone();
  await till.pulse();
  return unsure && (outcome() || (till.line.isCut ? till.handOver(unsure.key) : { unsettled: unsure }));
}

// Sends the sale once, or asks once more what became of it.
async function redeem() {
  if (sending) return;
  if (confirm.disabled) { say('bad', status()[1]); return; }
  if (sale.reportValidity && !sale.reportValidity()) return;
  if (verdict && verdict.to_confirm && !unsure && !sale.elements.pin.value && !sale.elements.signs.checked) {
    refuse(t`请住户输密码，或勾选“小票上签字”`);
    sale.elements.pin.focus();
    return;
  }
  sending = true;
  draw();
  const answer = unsure ? await askAgain() : await till.sell(wish(), throughForm) || await alone();
  sending = false;
  take(answer);
}

function take(answer) {
  if (!answer) return;
  const { location: to, slip, unsettled, refusal } = answer;
  if (to) {
    sending = true; // Nothing more on this page.
    say('ok', t`兑换成功`);
    sale.dataset.done = 'yes';
    setTimeout(() => location.assign(to), 400);
    return;
  }
  if (slip) { handOut(slip); return; }
  if (answer.page) { sale.dataset.done = 'yes'; sale.submit(); return; } // The server's own page says why, for the same key.
  unsure = unsettled || (refusal && unsure) || null;
  if (!unsure) {
    trouble = refusal ? refusal.text : answer.detail;
    verdict = null;
  }
  refuse(unsettled ? UNSURE : refusal ? refusal.text : trouble);
  draw();
}

// The goods go with a slip; the counter is ready for the next household.
function handOut(slip) {
  unsure = null;
  basket.clear();
  current = null;
  sale.elements.card.value = sale.elements.pin.value = '';
  sale.elements.signs.checked = false;
  byId('card-state').className = 'card-state none';
  byId('card-state').textContent = '';
  byId('card-state').append(make('strong', '', t`请扫积分卡`));
  notice.hidden = true;
  say('ok', t`${slip.number}已记下，待入账`);
  showSlip(slip, { programme: document.querySelector('.brand span').firstChild.textContent.trim(), next: ready });
  changed();
}

// ---- Finding goods.

const found = make('div', 'shelf found', undefined, { hidden: '' }), foundTitle = make('h3', ''), foundGoods = make('div', 'shelf-goods');
found.append(foundTitle, foundGoods);
byId('more').after(found);

let loaded = false;

// All goods, asked for until they are there; what is on the page can be sold meanwhile.
const list = (async () => {
  for (let tries = 1; ; tries += 1) {
    try {
      const count = await loadGoods();
      loaded = true;
      shelf.forEach(({ sku, tile }) => { tile.dataset.code = goods.get(sku).code || ''; });
      page.dataset.goods = count;
      if (find.value) filter(find.value);
      return;
    } catch (error) {
      if (tries === 1) refuse(t`网络不通，商品表还没有读到，正在重试`); // Said once: the counter goes on with what is on the page.
      await new Promise((resolve) => { setTimeout(resolve, 4000); });
    }
  }
})();

// Shows what is looked for instead of the server's choice.
function filter(words) {
  const { wanted, shown, more } = search(words);
  page.querySelectorAll('.shelf').forEach((one) => { one.hidden = Boolean(wanted); });
  shelf.forEach(({ tile }) => { tile.hidden = Boolean(wanted); });
  found.hidden = !shown.length;
  foundTitle.textContent = t`找到${shown.length + more}种`;
  foundGoods.textContent = '';
  foundTiles = shown.map(foundTile);
  foundTiles.forEach(({ tile }) => foundGoods.append(tile));
  byId('none').hidden = !wanted || shown.length > 0;
  byId('more').textContent = more ? t`还有${more}种，请再输几个字。` : '';
  drawTiles();
  return shown;
}

// With the arrows from the search field through what was found, and back.
function walk(step) {
  const plus = Array.from(foundGoods.querySelectorAll('.stepper button:last-child')), at = plus.indexOf(document.activeElement) + step;
  (plus[Math.min(at, plus.length - 1)] || find).focus();
}

function route(scan) {
  const field = document.activeElement;
  const quantity = scan.inField && field.dataset.goods || '';
  notice.hidden = true;
  if (!ask.hidden) { say('bad', t`请先回答“换不换卡”`); return; }
  // In a quantity field a person's number is a quantity; a gun's burst is a scan and the field gets its number back.
  if (quantity && scan.source === 'field' && scan.kind !== 'card' && scan.kind !== 'goods') { change(quantity, clean(field.value)); ready(); return; }
  if (quantity) field.value = basket.get(quantity) || 0;
  const inCard = field === cardInput && scan.source === 'field';
  const sku = scan.kind === 'card' || (inCard && scan.kind !== 'goods') ? null : lookUp(scan.value);
  if (scan.kind === 'card') setCard(scan.value);
  else if (sku) add(sku);
  else if (!loaded && /^(goods|code)$/.test(scan.kind)) { say('ok', t`正在读商品表，请稍候`); list.then(() => route(Object.assign(scan, { inField: false }))); return; }
  else if (scan.kind === 'goods') refuse(t`没有这个商品：${scan.value}`);
  else if (field === find) {
    const shown = filter(scan.text);
    if (shown.length !== 1) { if (!shown.length) refuse(t`没有找到：${scan.text}`); return; }
    add(shown[0].sku);
  } else { refuse(inCard ? t`卡号是10位数字，请再看一下` : t`没认出来：${scan.text}`); return; }
  for (const input of [cardInput, find]) input.value = '';
  filter('');
  if (ask.hidden && (field !== find || scan.source === 'keys')) ready();
}

// ---- A photo of the card, where there is no gun: read by the server.

async function sendPhoto() {
  const input = photoForm.elements.photo, file = input.files[0];
  if (!file) return;
  const body = new FormData();
  body.append('csrf', csrf);
  body.append('photo', await shrink(file), 'photo.jpg');
  input.value = '';
  try {
    const answer = await send(photoForm.action, { headers: { accept: 'application/json' }, body }, 30);
    const found = isJson(answer) ? await answer.json() : {};
    if (answer.ok && found.text) route(Object.assign({ source: 'photo', inField: false }, classify(clean(found.text))));
    else refuse(found.detail || t`照片里没有找到码，请靠近些再拍`);
  } catch (error) { refuse(t`网络不通，照片没有送到，请重试`); }
}

// ---- Keys.

function move(step) {
  const skus = Array.from(basket.keys()), at = skus.indexOf(current) + step;
  if (!skus.length) return;
  current = skus[Math.max(0, Math.min(skus.length - 1, at))];
  draw();
  line(current).row.scrollIntoView({ block: 'nearest' });
}

function nudge(step) {
  if (current) change(current, basket.get(current) + step);
  if (current) line(current).row.scrollIntoView({ block: 'nearest' });
}

function back() {
  const help = byId('help');
  notice.hidden = true;
  if (!ask.hidden) closeQuestion();
  else if (!help.hidden) help.hidden = true;
  else if (document.activeElement !== page) { cardInput.value = find.value = ''; filter(''); ready(); }
  else if (basket.size && !unsure && !sending) question(t`清空篮子吗？`, t`清空`, t`不清空`, () => Array.from(basket.keys()).forEach((sku) => change(sku, 0)));
}

const KEYS = {
  F2: () => cardInput.focus(),
  F3: () => find.focus(),
  F8: () => { if (current) { const { name } = goods.get(current); change(current, 0); say('scan', t`去掉${name}`); } },
  F4: holdBasket,
  F6: resume,
  F9: redeem,
  Escape: back,
};
const SHORT = {
  '?': () => { byId('help').hidden = !byId('help').hidden; },
  ArrowUp: () => move(-1),
  ArrowDown: () => move(1),
  '+': () => nudge(1),
  '-': () => nudge(-1),
};

function onKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const asking = !ask.hidden, field = event.target;
  // The short keys work outside fields, and in an empty search field, so that the number pad alone is enough.
  const empty = (field === find || field === cardInput) && !field.value;
  const typing = field.matches && field.matches('input:not([type=checkbox]):not([type=radio]),textarea,select') && !empty;
  // With a Chinese input method on, '+' arrives as 'Process' and the physical key has to tell.
  const plain = event.key === 'Process' ? character({ code: event.code, shift: event.shiftKey }) : (event.key || '').normalize('NFKC');
  const key = plain === '=' ? '+' : plain;
  if (asking && key === 'Tab') { // The two answers hold the focus between them.
    event.preventDefault();
    Array.from(ask.querySelectorAll('button')).find((answer) => answer !== document.activeElement).focus();
    return;
  }
  const act = asking ? (key === 'Escape' ? back : null) : KEYS[key] || (typing ? null : SHORT[key]);
  const searching = (field === find && find.value) || found.contains(field) && !typing;
  if (searching && /^Arrow(Up|Down)$/.test(key)) {
    event.preventDefault();
    walk(key === 'ArrowDown' ? 1 : -1);
    return;
  }
  if (!act) {
    // Enter in a field would press the form's first button, which puts the basket aside.
    if (event.key === 'Enter' && field.form === sale && field.matches('input')) {
      event.preventDefault();
      if (field.name === 'pin' || field.name === 'signs') redeem();
    }
    return;
  }
  event.preventDefault();
  if (!(event.repeat && (key === 'F9' || key === 'F8'))) act();
}

// ---- Start.

shelf = Array.from(page.querySelectorAll('.goods[data-sku]'), (tile) => {
  const { sku, name, barcode, points, left } = tile.dataset, input = tile.querySelector('input[type=number]');
  if (!goods.has(sku)) know({ sku, name, barcode, points: Number(points), left: Number(left) });
  if (input && Number(input.value) > 0) basket.set(sku, Number(input.value));
  return quicken(sku, tile, input);
});
current = Array.from(basket.keys()).pop() || null;
byId('look').remove();
byId('check').hidden = true;
find.removeAttribute('name');
find.value = '';
page.classList.add('quick');
for (const input of [cardInput, find]) input.setAttribute('data-scan', '');
find.addEventListener('input', () => filter(find.value));

listen(new Wedge({
  gapMs: gapSetting(page.dataset.gap),
  onScan: route,
  onReject: ({ message }) => { cardInput.value = find.value = ''; refuse(message); },
}), document);
document.addEventListener('keydown', onKey);

cardForm.addEventListener('submit', (event) => {
  event.preventDefault();
  cardInput.focus();
  route(Object.assign({ source: 'field', inField: true }, classify(clean(cardInput.value))));
});
byId('hold').addEventListener('click', (event) => { event.preventDefault(); holdBasket(); });
pickup.addEventListener('change', drawPickup);
drawPickup();
sale.addEventListener('submit', (event) => { event.preventDefault(); redeem(); });
if (photoForm) photoForm.elements.photo.addEventListener('change', sendPhoto);
byId('camera').hidden = false;
byId('camera').addEventListener('click', () => import('./camera.js').then(({ toggle }) => {
  const onCode = (text) => route(Object.assign({ source: 'camera', inField: false }, classify(clean(text))));
  toggle({ decoder: byId('camera').dataset.decoder, place: page.querySelector('.card-panel'), onCode, onClose: ready });
  ready();
}).catch(() => refuse(t`网络不通，摄像头没有打开，请重试`)));
window.addEventListener('online', () => quote(ticket));
// Leaving by accident would lose the basket; leaving after the redemption is what we want.
window.addEventListener('beforeunload', (event) => {
  if ((!basket.size && !unsure) || sale.dataset.done) return;
  event.preventDefault();
  event.returnValue = '';
});
// Coming back by the browser's history must not leave the page locked.
window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });

changed();
ready();
