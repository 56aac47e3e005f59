// Makes the one photograph of a form small before it travels; without this file it goes as it was taken.

import { shrink } from './photo.js';

const field = document.getElementById('one-photo');
if (field) field.addEventListener('change', async () => {
  const [file] = field.files, send = field.form.querySelector('button.big');
  if (!file) return;
  send.disabled = true;
  try {
    const small = await shrink(file), carrier = new DataTransfer();
    carrier.items.add(small === file ? file : new File([small], 'photo.jpg', { type: 'image/jpeg' }));
    field.files = carrier.files;
  } catch (error) { /* As it was. */ }
  send.disabled = false;
});
