// The partner's counter: a basket that the points do not reach for is redeemed with cash for the rest. The page's own form
// goes as it is; without this script the button sends it all the same.
const button = document.getElementById('top-up-go'), sale = document.getElementById('sale');
button.addEventListener('click', (event) => {
  event.preventDefault();
  if (sale.reportValidity && !sale.reportValidity()) return;
  sale.dataset.done = 'yes';
  sale.submit();
});
