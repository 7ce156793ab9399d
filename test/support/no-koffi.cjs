/* oxlint-disable no-underscore-dangle -- the loader of Node names it so */
// Preloaded, makes koffi unavailable, as on a platform that it has no binary for.
const Module = require('node:module');
const load = Module._load;
Module._load = (request, ...rest) => {
  if (request === 'koffi') throw new Error('koffi has no binary for this platform');
  return load(request, ...rest);
};
