// The page 试扫一下: what a gun sends, key by key, and what the counter would take it for.
//
// The same wedge as at the counter listens here; beside it every key of a burst is written down with its gap. Nothing is
// sent to the server.

import { GAPS, Wedge, classify, clean, gapSetting, keepGap, listen } from './wedge.js';
import { beep } from './sound.js';
import { t } from './words.js';

const byId = (id) => document.getElementById(id);
const BURST_ENDS_MS = 700;
const KINDS = { card: t`积分卡`, goods: t`商品条码`, code: t`短码`, unknown: t`没认出来` };

let keys = []; // The burst: { shown, gap, ime }.
let last = -Infinity;
let over = true;
let timer = 0;

const wedge = new Wedge({ gapMs: gapSetting(), onScan: (scan) => tell(scan), onReject: ({ message, text }) => tell({ kind: '', message, text }) });

function note(event) {
  if (event.repeat || /^(Shift|Control|Alt|Meta|CapsLock)$/.test(event.key)) return;
  if (event.target.matches('select, button, a') && event.key === 'Tab') return;
  if (over || event.timeStamp - last > BURST_ENDS_MS) { keys = []; over = false; }
  const ime = event.key === 'Process' || event.isComposing || event.keyCode === 229;
  const shown = ime ? `${event.code.replace(/^(Key|Digit|Numpad)/, '') || '?'}` : event.key;
  keys.push({ shown, ime, gap: keys.length ? Math.round(event.timeStamp - last) : null });
  last = event.timeStamp;
  clearTimeout(timer);
  timer = setTimeout(() => { if (!over) tell(null); }, BURST_ENDS_MS + wedge.graceMs);
}

const endOf = (key) => ({ Enter: t`回车`, Tab: t`制表键` })[key] || '';

// `found` is what the wedge made of it, or null when it took the keys for a person's.
function tell(found) {
  over = true;
  clearTimeout(timer);
  const gaps = keys.map(({ gap }) => gap).filter((gap) => gap !== null), most = Math.max(0, ...gaps);
  const mean = gaps.length ? gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length : 0;
  const end = keys.length ? endOf(keys[keys.length - 1].shown) : '', ime = keys.some((key) => key.ime);
  const typed = found ? found.text : keys.filter(({ shown }) => shown.length === 1).map(({ shown }) => shown).join('');
  const kind = found && found.kind ? KINDS[found.kind] : t`没认出来`;
  const known = Boolean(found && /card|goods|code/.test(found.kind));
  show({
    verdict: known ? t`${kind}：${found.value.split('-')[0]}` : (found && found.message) || (found ? t`没认出来` : t`太慢了，像是人打的字，不算扫码`),
    kind: found && found.kind === 'card' ? (found.value.includes('-') ? t`${kind}，二维码，算“扫卡”` : t`${kind}，只有卡号，算“手输”`) : kind,
    raw: typed || t`什么也没有`,
    end: end || (keys.length ? t`没有` : '—'),
    ime: ime ? t`开着中文` : t`没有妨碍`,
    gaps: gaps.length ? t`平均${Math.round(mean)}毫秒，最长${most}毫秒` : '—',
  }, known);
  advise({ ime, end, most, known });
  byId('keys').replaceChildren(...keys.map(({ shown, gap, ime: eaten }) => {
    const item = document.createElement('li'), key = document.createElement('b'), small = document.createElement('small');
    key.textContent = endOf(shown) || (shown === ' ' ? t`空格` : shown);
    small.textContent = gap === null ? '' : `${gap}`;
    if (eaten) item.className = 'ime';
    item.append(key, small);
    return item;
  }));
}

function show(words, known) {
  byId('verdict').textContent = words.verdict;
  for (const name of ['kind', 'raw', 'end', 'ime', 'gaps']) byId(name).textContent = words[name];
  byId('measured').hidden = false;
  byId('arrived').classList.toggle('known', known);
  beep(known ? 'scan' : 'bad');
}

function advise({ ime, end, most, known }) {
  const advice = [];
  if (ime) advice.push(t`输入法是中文，请按Shift切换成英文。`);
  if (keys.length > 3 && most > wedge.gapMs && most < BURST_ENDS_MS) advice.push(t`最长的间隔${most}毫秒，超过设定的${wedge.gapMs}毫秒：请把下面的时间调大，或换一个USB口。`);
  if (known && keys.length && !end) advice.push(t`枪没有发“回车”：也能用，每次要多等一会儿。按说明书给枪加上“回车”更快。`);
  byId('advice').textContent = advice.join(' ');
  byId('advice').hidden = !advice.length;
}

document.addEventListener('keydown', note, true);
listen(wedge, document);

for (const millis of GAPS) if (millis === wedge.gapMs) byId('gap').value = String(millis);
byId('gap').addEventListener('change', () => {
  wedge.gapMs = Number(byId('gap').value);
  keepGap(wedge.gapMs);
  byId('heading').focus();
});

byId('camera').addEventListener('click', () => import('./camera.js').then(({ toggle }) => {
  const onCode = (text) => { keys = []; tell(Object.assign(classify(clean(text)), { text })); };
  toggle({ decoder: byId('camera').dataset.decoder, place: byId('settings'), onCode, onClose: () => byId('heading').focus() });
  byId('heading').focus({ preventScroll: true });
}).catch(() => { byId('verdict').textContent = t`网络不通，摄像头没有打开，请重试`; }));

byId('live').hidden = byId('settings').hidden = false;
byId('heading').focus({ preventScroll: true }); // Ready: on something that cannot be edited the input method sleeps.
