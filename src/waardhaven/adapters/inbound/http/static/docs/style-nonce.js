"use strict";
/* The content policy takes style elements that carry the word of this very page; libraries know none. */
(function () {
  const nonce = document.currentScript.nonce;
  const create = document.createElement;
  document.createElement = function (...wanted) {
    const made = create.apply(this, wanted);
    if (made instanceof HTMLStyleElement) {
      made.nonce = nonce;
    }
    return made;
  };
})();
