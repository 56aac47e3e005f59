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
