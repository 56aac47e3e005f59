// Where the till's books lie: IndexedDB, in one store of names and values. What is saved together is written in one
// transaction and waits for the disk; what was aborted in the middle has never been.
//
// It knows nothing of sales. The books stay when the page goes, the browser is killed or the power is cut; against a browser
// that throws old data away when the disk is full, `persist` asks for them to be kept.

const STORE = 'books';

// Opens the books. Rejects where the browser has no IndexedDB, or does not let a page use it.
export function openStore(name = 'jishan-till', indexedDB = globalThis.indexedDB) {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error('blocked'));
    asked.onsuccess = () => resolve(storeOf(asked.result));
  });
}

function storeOf(database) {
  // Somebody who wants to delete the books or to change their form must not wait for this page.
  database.onversionchange = () => database.close();
  return {
    load: () => new Promise((resolve, reject) => {
      const all = new Map(), reading = database.transaction(STORE, 'readonly'), cursor = reading.objectStore(STORE).openCursor();
      cursor.onsuccess = () => {
        const at = cursor.result;
        if (!at) return;
        all.set(at.key, at.value);
        at.continue();
      };
      reading.oncomplete = () => resolve(all);
      reading.onabort = reading.onerror = () => reject(reading.error);
    }),
    save: (changes) => new Promise((resolve, reject) => {
      const writing = database.transaction(STORE, 'readwrite', { durability: 'strict' }), books = writing.objectStore(STORE);
      writing.oncomplete = () => resolve();
      writing.onabort = () => reject(writing.error || new Error('aborted'));
      try {
        changes.forEach((value, key) => { if (value === undefined) books.delete(key); else books.put(value, key); });
      } catch (error) {
        writing.abort(); // A value that cannot be written must not leave its neighbours behind.
        throw error;
      }
    }),
    close: () => database.close(),
  };
}

// Asks the browser not to throw the books away. It may say no; the queue's count is on the page in any case.
export async function persist() {
  try { return await navigator.storage.persist(); } catch (error) { return false; }
}
