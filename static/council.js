// Keeps the pages of a session fresh: looks every few seconds whether something happened, and shows it. The pages work
// without this file; a link does the same by hand. What is half filled in stays.

import { t } from './words.js';

const EVERY = 4_000;
const region = () => document.querySelector('[data-live]');

/** What somebody has written or chosen in the region: name and value. */
function filledIn(part) {
  return Array.from(part.querySelectorAll('input, textarea, select'))
    .filter((input) => input.type !== 'hidden' && (input.type === 'radio' || input.type === 'checkbox' ? input.checked !== input.defaultChecked && input.checked : input.value !== input.defaultValue && input.value))
    .map((input) => [input.name, input.value, input.type === 'radio' || input.type === 'checkbox', input.closest('form').getAttribute('action')]);
}

function fillIn(part, values) {
  for (const [name, value, isTick, action] of values) {
    const inputs = Array.from(part.querySelectorAll('input, textarea, select')).filter((input) => input.name === name && input.closest('form').getAttribute('action') === action);
    if (isTick) inputs.filter((input) => input.value === value).forEach((input) => { input.checked = true; });
    else if (inputs.length === 1) inputs[0].value = value;
  }
}

const motionOf = (part) => { const field = part.querySelector('input[name="motion"]'); return field ? field.value : ''; };

async function look() {
  const old = region();
  if (!old || document.hidden) return;
  const answer = await fetch(old.dataset.from, { credentials: 'same-origin' });
  if (answer.redirected || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-live]');
  if (!fresh || fresh.dataset.live === old.dataset.live) return;
  // Whoever is typing is not disturbed; the server refuses what came too late, in words.
  const here = document.activeElement;
  if (old.contains(here) && /^(text|password|search)$/.test(here.type || '') && here.value) return;
  const values = motionOf(old) === motionOf(fresh) ? filledIn(old) : [];
  const unfolded = Array.from(old.querySelectorAll('details[open] > summary'), (summary) => summary.textContent);
  old.replaceWith(document.adoptNode(fresh));
  fillIn(fresh, values);
  for (const summary of fresh.querySelectorAll('details > summary')) if (unfolded.includes(summary.textContent)) summary.parentNode.open = true;
}

if (region()) setInterval(() => look().catch(() => {}), EVERY);

// The roll call counts along.
for (const roll of document.querySelectorAll('[data-roll]')) {
  const told = roll.querySelector('[data-roll-count]');
  const need = Number(roll.dataset.roll);
  const count = () => {
    const present = roll.querySelectorAll('input[type=checkbox]:checked').length;
    told.textContent = present < need ? t`到会${present}人，最少${need}人，还不够` : t`到会${present}人，最少${need}人，可以开会`;
  };
  roll.addEventListener('change', count);
  told.hidden = false;
  count();
}
