// Replays key streams, as guns, input methods and people produce them, into the keyboard-wedge reader.
// Run: node --test tests/e2e/wedge.test.mjs
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { Wedge, classify, clean, character, gs1Valid, MESSAGES } from '../../static/wedge.js';

const CARD = '4028173651';
const LINK = `HTTPS://JISHAN.CN/K/${CARD}-7K3M9QX2`;
const SALT = '6900000001196';

const NAMES = { '-': 'Minus', '/': 'Slash', '.': 'Period', ':': 'Semicolon', ']': 'BracketRight', '\\': 'Backslash', '~': 'Backquote' };

function codeOf(char) {
  if (/\d/.test(char)) return `Digit${char}`;
  if (/[a-z]/i.test(char)) return `Key${char.toUpperCase()}`;
  return NAMES[char] || '';
}

// One burst of keys. `as` rewrites each key event, the way an input method or an odd keyboard would.
function keys(text, { at = 1000, every = 8, end = 'Enter', as = (event) => event, ...rest } = {}) {
  let time = at;
  const events = [];
  for (const char of text) {
    const shift = /[A-Z:~]/.test(char);
    if (shift) events.push(as({ type: 'keydown', key: 'Shift', code: 'ShiftLeft', keyCode: 16, time, ...rest }, char));
    events.push(as({ type: 'keydown', key: char, code: codeOf(char), keyCode: char.charCodeAt(0), isComposing: false, shift, time, ...rest }, char));
    time += every;
  }
  if (end) events.push({ type: 'keydown', key: end, code: end, keyCode: end === 'Tab' ? 9 : 13, isComposing: false, time, ...rest });
  return events;
}

// What the browser reports while a Chinese input method is on.
const imeOn = (event) => (event.key === 'Shift' ? event : { ...event, key: 'Process', keyCode: 229 });
const imeWithoutCode = (event) => ({ ...event, key: 'Process', code: '', keyCode: 229, isComposing: true });

function play(streams, options = {}) {
  const scans = [], rejects = [], used = [];
  const wedge = new Wedge({ onScan: (scan) => scans.push(scan), onReject: (reject) => rejects.push(reject), ...options });
  let time = 0;
  for (const event of streams.flat()) {
    time = event.time;
    used.push(wedge.feed(event));
  }
  for (const later of [150, 300, 600, 1200]) wedge.tick(time + later);
  return { scans, rejects, used, brief: scans.map(({ kind, value }) => `${kind} ${value}`) };
}

test('a gun with US keys and Enter scans a card, goods and a card link', () => {
  assert.deepEqual(play(keys(CARD)).brief, [`card ${CARD}`]);
  assert.deepEqual(play(keys(SALT)).brief, [`goods ${SALT}`]);
  assert.deepEqual(play(keys(LINK)).brief, [`card ${CARD}-7K3M9QX2`]);
});

test('the terminator is used up, so that it presses no focused button', () => {
  const { used } = play(keys(CARD));
  assert.equal(used[used.length - 1], true);
  assert.equal(used[0], false, 'the first key may still be a shortcut');
  assert.equal(used[5], true, 'a burst must not reach the quick search of the browser');
});

test('digits of the number pad are digits, whether NumLock is on or not', () => {
  const asNumpad = (event, char) => ({ ...event, key: 'End', code: `Numpad${char}` });
  assert.deepEqual(play(keys(CARD, { as: asNumpad })).brief, [`card ${CARD}`]);
});

test('with a Chinese input method on, the physical keys still give the text', () => {
  assert.deepEqual(play(keys(CARD, { as: imeOn })).brief, [`card ${CARD}`]);
  assert.deepEqual(play(keys(LINK, { as: imeOn })).brief, [`card ${CARD}-7K3M9QX2`]);
});

test('with an input method that hides the physical keys, the scan is refused loudly', () => {
  const stream = keys(CARD, { as: imeWithoutCode });
  stream.splice(1, 0, { type: 'compositionstart', time: 1001 });
  const { scans, rejects } = play(stream);
  assert.deepEqual(scans, []);
  assert.equal(rejects.length, 1);
  assert.equal(rejects[0].reason, 'ime');
  assert.equal(rejects[0].message, '输入法是中文，请按 Shift 切换');
});

test('the same refusal comes without a terminator, and inside a field', () => {
  assert.deepEqual(play(keys(CARD, { as: imeWithoutCode, end: null })).rejects.map((r) => r.reason), ['ime']);
  const inField = { inField: true, fieldValue: '是哦你' };
  const { scans, rejects } = play(keys(CARD, { as: imeWithoutCode, ...inField }));
  assert.deepEqual([scans.length, rejects.map((r) => r.message)], [0, [MESSAGES.ime]]);
});

test('a full-width stream into a field is read as half-width', () => {
  const wide = (event) => ({ ...event, key: 'Process', code: '', keyCode: 229 });
  const { scans, rejects } = play(keys(SALT, { as: wide, inField: true, fieldValue: '６９００００００01196' }));
  assert.deepEqual(rejects, []);
  assert.deepEqual(scans.map((s) => [s.kind, s.value, s.source]), [['goods', SALT, 'field']]);
  const typed = 'ＨＴＴＰＳ：、、ＪＩＳＨＡＮ。ＣＮ、Ｋ、４０２８１７３６５１—７Ｋ３Ｍ９ＱＸ２';
  assert.deepEqual(play(keys('x', { every: 300, inField: true, fieldValue: typed })).brief, [`card ${CARD}-7K3M9QX2`]);
});

test('in a field half-composed pinyin loses against the keys of the gun', () => {
  const { scans } = play(keys(LINK, { as: imeOn, inField: true, fieldValue: '好特1' }));
  assert.deepEqual(scans.map((s) => [s.value, s.source, s.inField]), [[`${CARD}-7K3M9QX2`, 'keys', true]]);
});

test('a scan into some other field is taken from the keys, whatever that field holds', () => {
  const { scans } = play(keys(SALT, { inField: true, fieldValue: '' }));
  assert.deepEqual(scans.map((s) => [s.kind, s.source]), [['goods', 'keys']]);
});

test('in a field silence ends nothing, and a short code is what the field says', () => {
  const { scans, rejects } = play(keys(CARD, { inField: true, fieldValue: CARD, end: null }));
  assert.deepEqual([scans, rejects], [[], []]);
  assert.deepEqual(play(keys('013', { inField: true, fieldValue: 'G013' })).scans.map((s) => [s.value, s.source]), [['G013', 'field']]);
});

test('in a field a person acts only with Enter', () => {
  const field = { inField: true, fieldValue: ' 402 817 3651 ', every: 240 };
  assert.deepEqual(play(keys('4028173651', { ...field, end: null })).brief, []);
  assert.deepEqual(play(keys('4028173651', { ...field, end: 'Tab' })).brief, []);
  const { scans } = play(keys('4028173651', field));
  assert.deepEqual(scans.map((s) => [s.kind, s.value, s.source]), [['card', CARD, 'field']]);
});

test('the Enter that chooses a candidate is left to the input method', () => {
  const stream = keys('xiyi', { every: 200, as: imeOn, end: null, inField: true, fieldValue: 'xi’yi' });
  stream.push({ type: 'keydown', key: 'Process', code: 'Enter', keyCode: 229, isComposing: true, time: 2000, inField: true, fieldValue: 'xi’yi' });
  const { scans, rejects, used } = play(stream);
  assert.deepEqual([scans, rejects, used.includes(true)], [[], [], false]);
});

test('words for the goods search pass through unharmed', () => {
  const { scans } = play(keys('x', { every: 300, inField: true, fieldValue: '洗衣液' }));
  assert.deepEqual(scans.map((s) => [s.kind, s.value]), [['unknown', '洗衣液']]);
});

test('a pause up to the gap is joined', () => {
  const first = keys(SALT.slice(0, 6), { end: null });
  const rest = keys(SALT.slice(6), { at: first[first.length - 1].time + 95 });
  assert.deepEqual(play([first, rest]).brief, [`goods ${SALT}`]);
  const late = keys(SALT.slice(6), { at: first[first.length - 1].time + 220 });
  assert.deepEqual(play([first, late], { gapMs: 250 }).brief, [`goods ${SALT}`], 'the gap is a setting');
});

test('a longer pause is refused once and loudly, and its tail is never a short code', () => {
  for (const pause of [150, 390, 700, 1500]) {
    const first = keys(SALT.slice(0, 9), { end: null });
    const tail = keys(SALT.slice(9), { at: first[first.length - 1].time + pause });
    const { scans, rejects } = play([first, tail]);
    assert.deepEqual(scans, [], `pause of ${pause} ms`);
    assert.ok(rejects.length >= 1 && rejects.every((r) => r.reason === 'split'), `pause of ${pause} ms`);
  }
});

test('a short label that breaks is refused as loudly, though its pause makes it look slow', () => {
  const { scans, rejects } = play([keys('G01', { end: null }), keys('3', { at: 1316 })]);
  assert.deepEqual([scans, rejects.map((r) => r.reason)], [[], ['split']]);
});

test('a broken scan is not mended by its tail, even if the digits happen to fit', () => {
  const first = keys(SALT.slice(0, 9), { end: null });
  const tail = keys(SALT.slice(9), { at: first[first.length - 1].time + 200, end: null });
  assert.deepEqual(play([first, tail]).scans, []);
});

test('a scan that lost one key to the input method is refused, even if the rest happens to fit', () => {
  const stream = keys(`7${CARD}`, { end: null });
  Object.assign(stream[0], { key: 'Process', code: '', keyCode: 229 });
  const { scans, rejects } = play(stream);
  assert.deepEqual([scans, rejects.map((r) => r.reason)], [[], ['ime']]);
});

test('after a refused scan the next whole scan is accepted at once', () => {
  const broken = keys(SALT.slice(0, 9), { end: null });
  const { brief, rejects } = play([broken, keys(SALT, { at: 2200 })]);
  assert.deepEqual([brief, rejects.length], [[`goods ${SALT}`], 1]);
});

test('a gun without a terminator is understood by its silence', () => {
  assert.deepEqual(play(keys(CARD, { end: null })).brief, [`card ${CARD}`]);
  assert.deepEqual(play([keys(CARD, { end: null }), keys(SALT, { at: 1600, end: null })]).brief, [`card ${CARD}`, `goods ${SALT}`]);
});

test('a late Enter after such a scan is still used up', () => {
  const stream = keys(CARD, { end: null });
  stream.push({ type: 'keydown', key: 'Enter', code: 'Enter', time: stream[stream.length - 1].time + 160 });
  const { brief, used } = play(stream);
  assert.deepEqual([brief, used[used.length - 1]], [[`card ${CARD}`], true]);
});

test('a slow human outside a field is ignored, and keeps the keys', () => {
  for (const every of [70, 120, 260]) {
    const { scans, rejects, used } = play(keys(CARD, { every }));
    assert.deepEqual([scans, rejects, used.includes(true)], [[], [], false], `one key every ${every} ms`);
  }
});

test('a held key and commands with Ctrl are not text', () => {
  const held = (event) => ({ ...event, repeat: true });
  assert.deepEqual(play(keys('555555', { as: held })).scans, []);
  assert.deepEqual(play(keys('vvvv', { as: (event) => ({ ...event, ctrl: true }) })).scans, []);
});

test('F-keys and arrows do not disturb', () => {
  assert.equal(character({ key: 'F9', code: 'F9' }), '');
  assert.equal(character({ key: 'ArrowUp', code: 'ArrowUp' }), '');
  assert.equal(character({ key: 'Process', code: '', keyCode: 229 }), null);
});

test('AIM identifiers, control characters, the ECI echo and own affixes are stripped', () => {
  assert.deepEqual(play(keys(`]C0${CARD}`)).brief, [`card ${CARD}`]);
  assert.deepEqual(play(keys(`]Q1${LINK}`)).brief, [`card ${CARD}-7K3M9QX2`]);
  assert.deepEqual(play(keys(`\\000026${LINK}`)).brief, [`card ${CARD}-7K3M9QX2`]);
  assert.deepEqual(play(keys(`~${SALT}X`), { prefixes: ['~'], suffixes: ['X'] }).brief, [`goods ${SALT}`]);
  assert.equal(clean(`\u0002]E0${SALT}\u0003\r\n`), SALT);
  assert.equal(clean(`\\000026${CARD}`), CARD);
  assert.equal(clean(null), '');
});

test('Tab ends a scan as well as Enter', () => {
  assert.deepEqual(play(keys(SALT, { end: 'Tab' })).brief, [`goods ${SALT}`]);
  const { brief, used } = play(keys(SALT, { end: 'Tab', inField: true, fieldValue: SALT }));
  assert.deepEqual([brief, used[used.length - 1]], [[`goods ${SALT}`], true]);
});

test('Caps Lock turns nothing upside down', () => {
  const caps = (event, char) => ({ ...event, key: char.toLowerCase() });
  assert.deepEqual(play(keys(LINK, { as: caps })).brief, [`card ${CARD}-7K3M9QX2`]);
  assert.deepEqual(play(keys(LINK.toLowerCase())).brief, [`card ${CARD}-7K3M9QX2`]);
});

test('an unknown code is handed on as it came, to be shown', () => {
  assert.deepEqual(play(keys('WIFI:S:CUN')).brief, ['unknown WIFI:S:CUN']);
  assert.deepEqual(play(keys('6900000001197')).brief, ['unknown 6900000001197'], 'a wrong check digit');
});

test('shapes decide, never row numbers', () => {
  const kinds = (text) => { const { kind, value } = classify(text); return `${kind} ${value}`; };
  assert.equal(kinds('402 817 3651'), `card ${CARD}`);
  assert.equal(kinds(`${CARD}-7k3m9qx2`), `card ${CARD}-7K3M9QX2`);
  assert.equal(kinds(`https://jishan.cn/p/nanshan/k/${CARD}-7k3m9qx2?x=1`), `card ${CARD}-7K3M9QX2`);
  assert.equal(kinds('0028173651'), 'unknown 0028173651', 'card numbers never begin with 0');
  assert.equal(kinds('13'), 'code 13');
  assert.equal(kinds('g013'), 'code G013');
  assert.equal(kinds('40170725'), 'goods 40170725');
  assert.equal(kinds('036000291452'), 'goods 036000291452');
  assert.equal(kinds('10012345678902'), 'goods 10012345678902');
  assert.equal(kinds('12345'), 'unknown 12345');
});

test('every barcode of the sample catalogue has a good check digit, and one wrong digit is noticed', () => {
  for (const code of ['6900000001011', '6900000001196', '6900000001264', '2100000001248', '6900000001400']) {
    assert.ok(gs1Valid(code), code);
    for (let i = 0; i < 13; i += 1) assert.ok(!gs1Valid(code.slice(0, i) + (Number(code[i]) + 1) % 10 + code.slice(i + 1)));
  }
});

test('text that arrives by input events postpones the clock', () => {
  const first = keys(SALT.slice(0, 6), { end: null });
  const last = first[first.length - 1].time;
  const nudge = { type: 'input', time: last + 80 };
  assert.deepEqual(play([first, nudge, keys(SALT.slice(6), { at: last + 160 })]).brief, [`goods ${SALT}`]);
});

// Streams in files, written down from what browsers document and not recorded from real guns: each key as [key, code, keyCode, time in ms, shift]; `field` is what the field holds, if one has the focus.
const STREAMS = new URL('../fixtures/keys/', import.meta.url);
for (const file of readdirSync(STREAMS).sort()) {
  const { about, expected, keys: stream } = JSON.parse(readFileSync(new URL(file, STREAMS), 'utf8'));
  test(`stream: ${about}`, () => {
    const inField = expected.field !== undefined;
    const events = stream.map(([key, code, keyCode, time, shift]) => ({ type: 'keydown', key, code, keyCode, time, shift: Boolean(shift), isComposing: false, inField, fieldValue: expected.field || '' }));
    const { brief, rejects } = play(events);
    assert.deepEqual([brief, rejects.map(({ reason }) => reason)], [expected.scans, expected.rejects || []]);
  });
}

test('goods that carry more than their number are goods, and a number that only looks so is not', () => {
  assert.equal(classify('(01)06900000001196(10)AB').value, '06900000001196');
  assert.equal(classify('0106900000001197').kind, 'unknown', 'a wrong check digit');
  assert.equal(classify('https://evil.example/k/x?/01/06900000001196').kind, 'unknown', 'what stands behind the question mark is no path');
});
