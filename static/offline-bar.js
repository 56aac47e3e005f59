// What the counter shows of the hour without the network: one line that says how things are, the list of what waits, what
// became of it, and the slip for sales whose points are taken later.
//
// It draws what the till's books say and decides nothing. No name and no balance is on the screen or on the paper.

import { t } from './words.js';

const time = new Intl.DateTimeFormat('zh-CN', { timeZone: 'Asia/Shanghai', hour: '2-digit', minute: '2-digit', hour12: false });
const moment = new Intl.DateTimeFormat('zh-CN', {
  timeZone: 'Asia/Shanghai', year: 'numeric', month: 'numeric', day: 'numeric', hour: '2-digit', minute: '2-digit', hour12: false,
});

const OUTCOMES = {
  conflict: t`这一单服务器没有入账，已转办公室处理`,
  posted: t`上一单已经兑成，商品请交给住户`,
  refused: t`上一单没有兑成，商品请留下`,
};

function make(tag, className, text, attributes) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  Object.keys(attributes || {}).forEach((name) => element.setAttribute(name, attributes[name]));
  return element;
}

const pieces = ({ lines }) => lines.reduce((sum, { quantity }) => sum + quantity, 0);

// The line at the top: [class, words].
export function words({ state, till, line, trouble }) {
  if (state === 'unable') return ['muted', t`这台电脑不能断网办理（需要https）`];
  if (state === 'beside') return ['bad', t`另一个窗口正在用柜台，请到那个窗口办理，或关掉它再刷新`];
  if (!till) return ['', ''];
  const waiting = till.waiting(), why = till.unready(), each = till.hold ? t`每户最多${till.hold.points_each}分` : '';
  if (line.isCut && why) return ['bad', waiting ? t`网络不通，${waiting}单待入账。${why.text}` : t`网络不通。${why.text}`];
  if (line.isCut) return ['warn', waiting ? t`断网办理中，${waiting}单待入账，${each}` : t`断网办理中，${each}`];
  if (trouble) return ['bad', waiting ? t`${waiting}单待入账。${trouble}` : trouble];
  if (till.unsettled()) return ['warn', t`上一单还不知道是否兑成，正在核对`];
  if (waiting) return ['warn', t`正在补传，${waiting}单待入账`];
  return why ? ['', ''] : ['muted', t`断网备用已就绪，${each}`];
}

// Puts the bar before an element. `draw` is called with the counter whenever something has changed.
export function makeBar(before, { say }) {
  const status = make('p', 'network', '', { id: 'network', role: 'status' });
  const list = make('details', 'waiting', undefined, { hidden: '' }), summary = make('summary'), rows = make('ol', 'bare');
  const news = make('div', 'news', undefined, { hidden: '' });
  let wasCut = false;
  list.append(summary, rows);
  before.before(status, list, news);

  function drawWaiting(till) {
    const queue = till ? till.queue() : [];
    list.hidden = !queue.length;
    summary.textContent = t`待入账${queue.length}单`;
    rows.textContent = '';
    for (const entry of queue) {
      const how = entry.later ? t`等别的柜台` : entry.given ? t`已交货` : t`正在核对，先不要交货`;
      rows.append(make('li', '', [entry.number, time.format(entry.sold_at), t`${pieces(entry)}件`, t`${entry.points}分`, how].join('　')));
    }
  }

  function drawNews(till) {
    const notices = till ? till.notices() : [];
    news.hidden = !notices.length;
    news.textContent = '';
    for (const { outcome, number, points, location, detail } of notices) {
      const row = make('p', `notice ${outcome === 'posted' ? 'ok' : 'bad'}`, detail ? t`${number}（${points}分）：${OUTCOMES[outcome]}。${detail}` : t`${number}（${points}分）：${OUTCOMES[outcome]}`);
      if (location) row.append(' ', make('a', '', t`看小票`, { href: location }));
      news.append(row);
    }
    if (!notices.length) return;
    const seen = make('button', 'button quiet', t`知道了`, { type: 'button' });
    seen.addEventListener('click', () => till.dismiss());
    news.append(seen);
  }

  function draw(counter) {
    const [kind, text] = words(counter);
    status.className = `network ${kind}`;
    if (status.textContent !== text) status.textContent = text;
    if (wasCut && !counter.line.isCut) say('ok', t`网络恢复了`);
    if (!wasCut && counter.line.isCut && counter.till) say('bad', t`网络断了`);
    wasCut = counter.line.isCut;
    drawWaiting(counter.till);
    drawNews(counter.till);
  }

  return { draw };
}

// The slip for goods that went out without the network, over the whole page; the printer gets nothing else.
export function showSlip(slip, { programme, next }) {
  const sheet = make('section', 'offline-slip', undefined, { role: 'dialog', 'aria-modal': 'true', 'aria-labelledby': 'offline-number' });
  const paper = make('div', 'paper'), lines = make('ul', 'bare');
  for (const { name, quantity, points } of slip.lines) {
    const row = make('li');
    row.append(make('span', '', `${name} × ${quantity}`), make('b', 'number', t`${points * quantity}分`));
    lines.append(row);
  }
  const sum = make('p', 'sum');
  sum.append(make('span', '', t`合计`), make('b', 'number', t`${slip.points}分`));
  paper.append(make('h2', '', programme), make('p', '', `${slip.till}　${moment.format(slip.sold_at)}`), make('p', 'number', slip.number, { id: 'offline-number' }),
    lines, sum, make('p', 'pending', t`待入账，联网后生效`), make('p', 'sign', t`住户签字：`));
  const row = make('p', 'row screen-only'), print = make('button', 'button primary', t`打印小票`, { type: 'button' }), on = make('button', 'button', t`下一位`, { type: 'button' });
  print.addEventListener('click', () => globalThis.print());
  on.addEventListener('click', () => { document.body.classList.remove('has-slip'); sheet.remove(); next(); });
  // The slip holds the keys: Escape is the next household, Tab goes between its two buttons.
  sheet.addEventListener('keydown', (event) => {
    event.stopPropagation();
    if (event.key === 'Escape') on.click();
    if (event.key !== 'Tab') return;
    event.preventDefault();
    (document.activeElement === on ? print : on).focus();
  });
  row.append(print, on);
  sheet.append(paper, row);
  document.body.append(sheet);
  document.body.classList.add('has-slip');
  on.focus();
}
