let mutation;

/** Takes `{ file, from, to }`: what stands in the place of the only occurrence of a text in a file. */
export function initialize(data) {
  mutation = data;
}

/** Changes the source of that file before anything else looks at it. */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  const { file, from, to } = mutation;
  if (!url.endsWith(`/${file}`)) return loaded;
  const parts = String(loaded.source).split(from);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places to mutate`);
  return { ...loaded, source: parts.join(to) };
}
