// Reads the number and the last lines to whoever would rather listen, with the browser's own voice. Without one the button
// stays hidden.

const button = document.querySelector("[data-read]");
if (button && "speechSynthesis" in window) {
  button.hidden = false;
  button.addEventListener("click", () => {
    speechSynthesis.cancel();
    const words = new SpeechSynthesisUtterance(button.dataset.read);
    words.lang = "zh-CN";
    words.rate = 0.85;
    speechSynthesis.speak(words);
  });
}
