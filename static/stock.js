// The scanning gun on the stock keeper's pages: what it reads goes into the field marked data-scan, wherever the cursor is.
// A field with data-scan="go" sends its form at once. Without scripts the gun types into the field that has the cursor.

import { Wedge, listen } from '/static/wedge.js';

const field = document.querySelector('[data-scan]');
if (field) {
  const wedge = new Wedge({
    onScan: ({ kind, value }) => {
      if (kind === 'card' && field.dataset.scan !== 'card') return;
      field.value = value;
      field.focus();
      if (field.dataset.scan === 'go' && field.form) field.form.requestSubmit ? field.form.requestSubmit() : field.form.submit();
    },
  });
  listen(wedge, document);
}

// The receipt grows line by line, and every line is a new page: what was entered below for the whole receipt goes along.
// Without scripts the lines come first and the rest is entered last.
const whole = document.getElementById('document');
for (const form of whole ? document.querySelectorAll('form[data-carries]') : []) {
  form.addEventListener('submit', () => {
    for (const name of ['store', 'kind', 'donor', 'declared', 'intent', 'note']) {
      const field = whole.elements[name];
      if (!field) continue;
      const carried = form.querySelector(`input[type="hidden"][name="${name}"]`) || form.appendChild(Object.assign(document.createElement('input'), { type: 'hidden', name }));
      carried.value = field.value;
    }
  });
}
