// Signing out and closing a shift wait until the till's queue is empty: what was handed over without the network must not
// be left behind in a browser.
//
// On every page of people with a till. When nothing waits, the hold goes back first, so that no page that is opened without
// the network can sell from it, and signing out throws the kept counter away.

import { able, borrowTill } from './offline-page.js';
import { t } from './words.js';

const KEPT = 'jishan-counter';
const FORMS = 'form[action="/sign-out"], form[data-needs-empty-queue]';

// Why the person may not go yet, or null; when it is null the till has nothing left.
export async function mayNotLeave(csrf) {
  const borrowed = await borrowTill(csrf);
  if (!borrowed) return t`另一个窗口还开着柜台，请先关掉那个窗口。`;
  try {
    if (borrowed.till.waiting()) await borrowed.till.drain();
    const waiting = borrowed.till.waiting();
    if (waiting) return t`这台电脑还有${waiting}单没有入账，请先到柜台，等网络恢复、补传完。`;
    await borrowed.till.giveBack().catch(() => {}); // Without an answer it goes back with the next sign of life.
    return borrowed.till.waiting() ? t`刚刚又有一单没有入账，请再试一次。` : null;
  } finally { borrowed.done(); }
}

// Throws away the counter as it was kept for the hour without network.
export async function forgetCounter() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(KEPT)).map((name) => caches.delete(name)));
}

function refuse(form, text) {
  let notice = form.parentNode.querySelector('.must-wait');
  if (!notice) {
    notice = document.createElement('p');
    notice.className = 'notice bad must-wait';
    notice.setAttribute('role', 'alert');
    form.after(notice);
  }
  const link = document.createElement('a');
  link.href = '/counter';
  link.textContent = t`去柜台`;
  notice.textContent = text;
  if (location.pathname !== '/counter') notice.append(' ', link);
}

async function ask(form, submitter) {
  let why = null;
  try { why = await mayNotLeave(form.elements.csrf ? form.elements.csrf.value : ''); } catch (error) { /* No books, nothing in them. */ }
  if (why) { refuse(form, why); return; }
  if (form.matches('[action="/sign-out"]')) await forgetCounter().catch(() => {});
  form.dataset.mayGo = 'yes';
  if (form.requestSubmit) form.requestSubmit(submitter); else form.submit();
}

if (typeof document !== 'undefined' && able()) {
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches(FORMS) || form.dataset.mayGo || event.defaultPrevented) return;
    event.preventDefault();
    ask(form, event.submitter || undefined);
  });
}
