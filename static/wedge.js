// The keyboard-wedge reader: a scanning gun is a very fast typist, and this file tells it from a person.
//
// A gun types the text of a code and (normally) Enter. We read the *physical* key (`event.code`), because a Chinese input
// method reports every key as 'Process'/229 and then eats it. `Wedge` knows no DOM and no clock: it is fed plain objects and
// told the time, so that recorded key streams can be replayed in Node. `listen` at the end ties it to a page.

import { t } from './words.js';

export const MESSAGES = {
  ime: t`输入法是中文，请按 Shift 切换`,
  split: t`没有扫完整，请再扫一次`,
};

const PLAIN = {
  Minus: '-', Slash: '/', Period: '.', Comma: ',', Semicolon: ';', Equal: '=', Quote: "'",
  BracketLeft: '[', BracketRight: ']', Backslash: '\\', Space: ' ',
  NumpadSubtract: '-', NumpadDivide: '/', NumpadDecimal: '.', NumpadAdd: '+', NumpadMultiply: '*',
};
const SHIFTED = {
  Minus: '_', Slash: '?', Period: '>', Comma: '<', Semicolon: ':', Equal: '+', Quote: '"',
  BracketLeft: '{', BracketRight: '}', Backslash: '|',
  Digit1: '!', Digit2: '@', Digit3: '#', Digit4: '$', Digit5: '%', Digit6: '^', Digit7: '&', Digit8: '*', Digit9: '(', Digit0: ')',
};
const SILENT = /^(Shift|Control|Alt|Meta|OS|CapsLock|NumLock|Fn|AltGraph|HangulMode|Lang|Convert|NonConvert)/;
const NAMED = /^(F\d+|Arrow|Home|End|Page|Escape|Backspace|Delete|Insert|Context|Print|Pause|Scroll|Media|Audio|Browser|Launch)/;

// The character a key stands for, '' for a key that types nothing, null for one whose meaning the input method has swallowed.
// Letters come out in upper case: card links are printed so, and it makes Caps Lock harmless.
export function character(event) {
  const code = event.code || '', key = event.key || '';
  if (SILENT.test(code) || SILENT.test(key) || NAMED.test(code)) return '';
  if (event.shift && SHIFTED[code]) return SHIFTED[code];
  if (/^(Digit|Numpad)\d$/.test(code)) return code.slice(-1);
  if (/^Key[A-Z]$/.test(code)) return code.slice(3);
  if (PLAIN[code]) return PLAIN[code];
  if (key.length === 1) return key.normalize('NFKC').toUpperCase();
  return key === 'Process' || key === 'Unidentified' || key === 'Dead' || event.keyCode === 229 ? null : '';
}

// What a code looks like once full-width forms, Chinese punctuation, control characters, the AIM identifier (`]Q1`),
// the echoed ECI (`\000026`) and the house's own prefixes and suffixes are gone.
export function clean(text, affixes = {}) {
  let out = String(text == null ? '' : text).normalize('NFKC')
    .replace(/、/g, '/').replace(/。/g, '.').replace(/[—–−]/g, '-')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\ufeff]/g, '').trim();
  for (const prefix of affixes.prefixes || []) if (prefix && out.startsWith(prefix)) out = out.slice(prefix.length);
  for (const suffix of affixes.suffixes || []) if (suffix && out.endsWith(suffix)) out = out.slice(0, -suffix.length);
  return out.replace(/^\][A-Za-z][0-9A-Za-z]/, '').replace(/^\\0000\d\d/, '').trim();
}

// The GS1 check digit: weights 3 and 1 alternate from the right, beside the check digit itself.
export function gs1Valid(digits) {
  if (!/^(\d{8}|\d{12,14})$/.test(digits)) return false;
  let sum = 0;
  for (let i = 0; i < digits.length - 1; i += 1) sum += Number(digits[i]) * ((digits.length - i) % 2 ? 1 : 3);
  return (10 - sum % 10) % 10 === Number(digits[digits.length - 1]);
}

// Routes by shape alone, so that no code can ever be mistaken for another's row number.
// `value` is canonical: NUMBER or NUMBER-SECRET for a card, the digits of goods, a short code in upper case.
export function classify(text) {
  const upper = text.toUpperCase(), bare = upper.replace(/\s+/g, '');
  const card = bare.match(/^([1-9]\d{9})(-[0-9A-Z]{6,20})?$/) || bare.match(/\/K\/([1-9]\d{9})(-[0-9A-Z]{6,20})?\/?(?:[?#].*)?$/);
  if (card) return { kind: 'card', value: card[1] + (card[2] || ''), text };
  if (gs1Valid(bare)) return { kind: 'goods', value: bare, text };
  // Goods that carry more than their number: GS1 element strings begin with (01), GS1 addresses have /01/ in the path.
  const within = bare.match(/^\(?01\)?(\d{14})(?=$|\D|1[0-7]|2[01]|3)/) || bare.match(/^HTTPS?:\/\/[^?#]*\/01\/(\d{14})(?=$|\D)/);
  if (within && gs1Valid(within[1])) return { kind: 'goods', value: within[1], text };
  if (/^(\d{1,4}|[A-Z]{1,2}\d{1,5})$/.test(bare)) return { kind: 'code', value: bare, text };
  return { kind: 'unknown', value: text, text };
}

const long = (found) => found.kind === 'card' || found.kind === 'goods';

export class Wedge {
  // gapMs: the longest pause inside one scan (50–300 by setting). minLength: shorter bursts are never a scan.
  // onScan({kind, value, text, source: 'keys'|'field', inField}); onReject({reason, message, text}).
  constructor({ gapMs = 100, minLength = 3, graceMs = 400, prefixes = [], suffixes = [], onScan, onReject }) {
    Object.assign(this, { gapMs, minLength, graceMs, affixes: { prefixes, suffixes }, onScan, onReject });
    Object.assign(this, { last: -Infinity, doneAt: -Infinity, rejectedAt: -Infinity, composing: false });
    this.reset();
  }

  reset() {
    Object.assign(this, { text: '', count: 0, lost: 0, span: 0, broken: false, inField: false });
  }

  // A person leaves more than half the gap between keys; a gun hardly ever does. Pauses that broke a scan do not count.
  machine() { return this.count >= this.minLength && this.span / (this.count - 1) <= this.gapMs / 2; }

  // Takes one event; true means the wedge has used it and the page should prevent its default action.
  feed(event) {
    if (event.type === 'compositionstart' || event.type === 'compositionend') {
      this.composing = event.type === 'compositionstart';
      return false;
    }
    if (event.type === 'input') { // Android delivers text late: the clock starts anew (Odoo met the same).
      if (this.count) this.last = Math.max(this.last, event.time);
      return false;
    }
    // A held key repeats as fast as a gun, and Ctrl/Alt/⌘ combinations are commands: neither is text.
    if (event.type !== 'keydown' || event.repeat || event.ctrl || event.alt || event.meta) return false;
    this.tick(event.time);
    if (/^(Enter|NumpadEnter|Tab)$/.test(event.code || event.key)) return this.end(event);
    const char = character(event);
    if (char === '') return false;
    const gap = event.time - this.last;
    if (this.count && gap <= this.gapMs) this.span += gap;
    if (char === null) this.lost += 1; else this.text += char;
    this.count += 1;
    this.last = event.time;
    this.inField = Boolean(event.inField);
    // From the third key on the burst is ours: its '/' must not open the browser's quick search, its '-' is no shortcut.
    return !this.inField && this.machine();
  }

  // Tells the wedge the time. A pause longer than the gap ends a person's typing, completes a scan of a gun that sends
  // no Enter, and otherwise marks the scan as broken; what still trickles in belongs to the broken one, so that the tail
  // of a barcode is never taken for a short code.
  tick(time) {
    const pause = time - this.last;
    if (!this.count || pause <= this.gapMs) return;
    if (!this.machine() || this.inField) { this.reset(); return; }
    const found = classify(clean(this.text, this.affixes));
    if (!this.broken && !this.lost && long(found)) this.accept(found, 'keys');
    else if (pause > this.graceMs) this.reject();
    else this.broken = true;
  }

  end(event) {
    const enter = event.code ? event.code !== 'Tab' : event.key !== 'Tab';
    if (event.inField) return this.endInField(event, enter);
    if (!this.count) return event.time - this.doneAt <= this.graceMs; // A late Enter must not press the focused button.
    if (!this.machine()) { this.reset(); return false; }
    this.last = event.time;
    const found = classify(clean(this.text, this.affixes));
    const tail = found.kind === 'code' && this.last - this.rejectedAt <= 5 * this.graceMs;
    if (this.broken || this.lost || tail) this.reject(); else this.accept(found, 'keys');
    return true;
  }

  // In a field the gun's own keys are trusted first (the field may hold half-composed pinyin), then the field's text.
  endInField(event, enter) {
    const machine = this.machine(), lost = this.lost;
    const found = machine && !lost && !this.broken ? classify(clean(this.text, this.affixes)) : null;
    this.last = event.time;
    if (found && long(found)) { this.accept(found, 'keys', true); return true; }
    if (!enter) { this.reset(); return false; }
    const composing = event.isComposing || this.composing || event.keyCode === 229;
    const field = classify(clean(event.fieldValue, this.affixes));
    if (machine && lost && !long(field)) { this.reject(); return true; }
    this.reset();
    if (composing || !field.text) return false; // Enter here only commits the candidate a person has chosen.
    this.accept(field, 'field', true);
    return true;
  }

  accept(found, source, inField = false) {
    this.doneAt = this.last;
    this.reset();
    this.onScan(Object.assign({ source, inField }, found));
  }

  reject() {
    const reason = this.lost ? 'ime' : 'split', text = this.text;
    this.doneAt = this.rejectedAt = this.last;
    this.reset();
    if (this.onReject) this.onReject({ reason, message: MESSAGES[reason], text });
  }
}

// How long a pause inside one scan may be, in milliseconds: what the page 试扫一下 offers, and keeps for this machine.
export const GAPS = [50, 100, 150, 200, 250, 300];
const KEPT = 'jishan.gap';

export function gapSetting(usual = 100) {
  let kept = null;
  try { kept = localStorage.getItem(KEPT); } catch (error) { /* A private window keeps nothing. */ }
  const gap = Number(kept || usual);
  return gap >= GAPS[0] && gap <= GAPS[GAPS.length - 1] ? gap : 100;
}

export function keepGap(gap) {
  try { localStorage.setItem(KEPT, String(gap)); } catch (error) { /* Then it holds for this page only. */ }
}

const EDITABLE = 'textarea,[contenteditable],input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit]):not([type=file])';

// Ties a wedge to a page. Only fields marked data-scan lend their text; another field (a PIN) is never read.
export function listen(wedge, root) {
  let timer = 0;
  const feed = (event) => {
    const target = event.target, inField = Boolean(target.matches && target.matches(EDITABLE));
    const used = wedge.feed({
      type: event.type, key: event.key, code: event.code, keyCode: event.keyCode, isComposing: event.isComposing,
      shift: event.shiftKey, ctrl: event.ctrlKey, alt: event.altKey, meta: event.metaKey, repeat: event.repeat,
      time: event.timeStamp, inField, fieldValue: inField && target.hasAttribute('data-scan') ? target.value : '',
    });
    if (used) { event.preventDefault(); event.stopImmediatePropagation(); }
    // Timers may overtake queued key events, hence the slack; the events carry their own time.
    clearTimeout(timer);
    const check = () => { wedge.tick(performance.now()); if (wedge.count) timer = setTimeout(check, wedge.graceMs); };
    timer = setTimeout(check, wedge.gapMs + 30);
  };
  for (const type of ['keydown', 'input', 'compositionstart', 'compositionend']) root.addEventListener(type, feed, true);
}
