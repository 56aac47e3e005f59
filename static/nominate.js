// Nominating with comfort: a scan anywhere on the page finds the household, items are found while one types, the last look
// keeps up with what is changed, photos are made small before they travel. Every page works without this file.

import { Wedge, listen } from './wedge.js';
import { shrink } from './photo.js';
import { t } from './words.js';

const byId = (id) => document.getElementById(id);
document.documentElement.classList.add('quick');

// ---- Which household.

const whom = document.querySelector('form#whom');
if (whom) {
  const box = byId('query');
  listen(new Wedge({
    onScan: (scan) => {
      if (scan.kind !== 'card' && !scan.inField) return;
      if (scan.kind === 'card') box.value = scan.value;
      whom.submit();
    },
    onReject: () => { box.value = ''; },
  }), document);
  whom.elements.photo.addEventListener('change', async (event) => {
    await replace(event.target, 1);
    whom.submit();
  });
}

// ---- What it did.

const words = byId('words');
if (words) {
  const offers = Array.from(document.querySelectorAll('.items li')).map((row) => ({ row, text: row.textContent.toLowerCase() }));
  const folds = document.querySelectorAll('.items');
  words.addEventListener('input', () => {
    const wanted = words.value.trim().toLowerCase();
    let shown = 0;
    offers.forEach(({ row, text }) => { row.hidden = Boolean(wanted) && text.indexOf(wanted) < 0; if (!row.hidden) shown += 1; });
    folds.forEach((fold) => { fold.hidden = !fold.querySelector('li:not([hidden])'); fold.open = Boolean(wanted) && !fold.hidden; });
    byId('none').hidden = shown > 0;
  });
}

// ---- The last look.

const form = byId('nominate');
if (form) {
  const other = form.querySelector('.other-day'), count = byId('count');
  let ticket = 0;
  // Asks again what would come of it, and puts the answer in its place.
  const look = async () => {
    const mine = ticket += 1, sent = new FormData(form), check = byId('check');
    sent.delete('photo');
    if (sent.get('occurred_on') === 'other' && !sent.get('other_day')) return;
    check.classList.add('dim');
    try {
      const answer = await fetch(form.dataset.check, { method: 'POST', body: sent, credentials: 'same-origin', cache: 'no-store' });
      const fresh = answer.ok && new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('check');
      if (mine === ticket && fresh) check.replaceWith(document.adoptNode(fresh));
    } catch (error) { /* The server looks again when it is sent. */ }
    if (mine === ticket) byId('check').classList.remove('dim');
  };
  const days = () => { other.hidden = form.elements.occurred_on.value !== 'other'; };
  form.addEventListener('change', (event) => {
    if (!/^(occurred_on|other_day|count)$/.test(event.target.name)) return;
    days();
    if (!other.hidden && event.target.name === 'occurred_on') byId('other_day').focus();
    look();
  });
  if (count) stepper(count, look);
  days();
}

function stepper(input, changed) {
  const box = document.createElement('span');
  box.className = 'stepper';
  input.replaceWith(box);
  const step = (sign, by) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = sign;
    button.setAttribute('aria-label', by > 0 ? t`多一次` : t`少一次`);
    button.addEventListener('click', () => {
      const wanted = (Number(input.value) || 1) + by;
      input.value = Math.max(Number(input.min), Math.min(Number(input.max), wanted));
      changed();
    });
    return button;
  };
  box.append(step('−', -1), input, step('+', 1));
}

// ---- Photos.

// Puts small copies into the field, so that the form sends those. An old browser that cannot, sends what was taken.
async function replace(input, most) {
  const chosen = Array.from(input.files).slice(0, most);
  try {
    const carrier = new DataTransfer();
    for (const file of chosen) {
      const small = await shrink(file);
      carrier.items.add(small === file ? file : new File([small], 'photo.jpg', { type: 'image/jpeg' }));
    }
    input.files = carrier.files;
  } catch (error) { /* As it was. */ }
}

const photo = byId('photo');
if (photo) {
  const thumbs = byId('thumbs'), kept = [], most = 6;
  const carrier = () => { const all = new DataTransfer(); kept.forEach((file) => all.items.add(file)); return all.files; };
  const draw = () => {
    thumbs.textContent = '';
    kept.forEach((file, at) => {
      const box = document.createElement('figure'), picture = new Image(), remove = document.createElement('button');
      picture.src = URL.createObjectURL(file);
      picture.alt = t`选好的照片${at + 1}`;
      picture.onload = () => URL.revokeObjectURL(picture.src);
      remove.type = 'button';
      remove.className = 'button';
      remove.textContent = t`去掉`;
      remove.setAttribute('aria-label', t`去掉照片${at + 1}`);
      remove.addEventListener('click', () => { kept.splice(at, 1); photo.files = carrier(); draw(); });
      box.append(picture, remove);
      thumbs.append(box);
    });
  };
  // Each choice adds to those before: a phone's camera gives one at a time.
  photo.addEventListener('change', async () => {
    const sending = photo.form.querySelector('button.big, button.button');
    if (sending) sending.disabled = true;
    await replace(photo, most);
    if (sending) sending.disabled = false;
    try {
      kept.push(...Array.from(photo.files));
      kept.splice(most);
      photo.files = carrier();
      draw();
    } catch (error) { /* An old browser keeps its own list. */ }
  });
}
