/** How good or bad what a text says is; the colour never stands alone, the text says it too. */
export type Tone = 'good' | 'warning' | 'bad' | 'neutral';

/** Finds an element of the page by its id; throws a TypeError when it is not there or of another kind. */
export function byId<Kind extends Element>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`the page has no ${kind.name} with the id ${id}`);
}

/** Makes an element; strings become text, never markup. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Sets a text only when it is another one, so that nothing is announced or selected anew. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets text and tone of an element. */
export function setToned(target: HTMLElement, text: string, tone: Tone): void {
  setText(target, text);
  target.dataset['tone'] = tone;
}

/** Makes a button. */
export function button(text: string, label: string, onClick: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', 'aria-label': label }, text);
  made.addEventListener('click', onClick);
  return made;
}
