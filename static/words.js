// What scripts say, in the language of the page: t`${name}最多${most}件`. The key is the Chinese with {0}, {1} … where values
// stand; a page in another language brings its sentences along (`sentences.en.js`), and what it lacks stays Chinese.

const sentences = (typeof window === 'object' && window.jishanSentences) || {};

export function t(parts, ...values) {
  const key = parts.reduce((before, part, at) => `${before}{${at - 1}}${part}`), sentence = sentences[key] || key;
  return sentence.replace(/\{(\d+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, at, one, many) => (one === undefined ? values[at] : Number(values[at]) === 1 ? one : many));
}
