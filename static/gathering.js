// Signing in at the door with comfort: one card after the other, without a key and without a new page in between. The page
// works without this file; then each scan brings a new page.

import { Wedge, listen } from './wedge.js';
import { shrink } from './photo.js';
import { beep } from './sound.js';
import { t } from './words.js';

const byId = (id) => document.getElementById(id);
const form = byId('door');
document.documentElement.classList.add('quick');

if (form) {
  const card = byId('card');
  // One after the other, in the order of the scans: none is lost while an answer is on its way.
  let line = Promise.resolve();
  const send = (body) => { line = line.then(() => take(body)); };

  const take = async (body) => {
    try {
      const answer = await fetch(form.getAttribute('action'), { method: 'POST', body, credentials: 'same-origin', cache: 'no-store' });
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (!fresh.getElementById('board')) { location.reload(); return; }
      for (const id of ['board', 'list', 'signed']) {
        const old = byId(id), now = fresh.getElementById(id);
        if (!old || !now) continue;
        if (old.open !== undefined) now.open = old.open;
        old.replaceWith(document.adoptNode(now));
      }
      const word = byId('board').querySelector('.big-word, [role=alert]');
      beep(answer.ok ? (word && word.classList.contains('again') ? 'scan' : 'ok') : 'bad');
      if (word) word.scrollIntoView({ block: 'nearest' });
    } catch (error) {
      const told = document.createElement('div');
      told.className = 'notice bad';
      told.setAttribute('role', 'alert');
      told.textContent = t`网络不通，刚才这一户没有签上，请再扫一次。`;
      byId('board').prepend(told);
      beep('bad');
    }
  };

  const of = (name, value, file) => {
    const body = new FormData();
    body.append('csrf', form.elements.csrf.value);
    if (file) body.append(name, value, 'card.jpg'); else body.append(name, value);
    return body;
  };

  listen(new Wedge({
    onScan: (scan) => {
      if (scan.kind === 'card') send(of('card', scan.value));
      else if (document.activeElement === card && scan.source === 'field') send(of('card', scan.value));
      else return;
      card.value = '';
    },
    onReject: () => { card.value = ''; beep('bad'); },
  }), document);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (card.value.trim()) send(of('card', card.value));
    card.value = '';
    card.focus();
  });
  form.elements.photo.addEventListener('change', async (event) => {
    const file = event.target.files[0];
    if (file) send(of('photo', await shrink(file), true));
    event.target.value = '';
  });
  // A tap on a door.
  document.addEventListener('submit', (event) => {
    const button = event.submitter;
    if (!button || button.name !== 'household') return;
    event.preventDefault();
    send(of('household', button.value));
  });
}
