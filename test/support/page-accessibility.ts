import type { Page, SerializedAXNode } from 'puppeteer-core';

/** Roles of what somebody operates or looks for. */
const NAMED_ROLES = new Set([
  'button',
  'combobox',
  'link',
  'region',
  'searchbox',
  'table',
  'textbox',
]);

/** What can be used on a page and has no name for who cannot see it. */
export async function namelessControls(page: Page): Promise<string[]> {
  const nodes = flat(await page.accessibility.snapshot());
  if (!nodes.some(({ role }) => role === 'heading')) return ['the page has no heading'];
  return nodes.filter(({ role, name }) => NAMED_ROLES.has(role) && !name).map(({ role }) => role);
}

function flat(node: SerializedAXNode | null): SerializedAXNode[] {
  return node === null ? [] : [node, ...(node.children ?? []).flatMap(flat)];
}

/** The colours of a page in a theme of the system. */
export interface ThemeColours {
  readonly background: string;
  /** Texts whose contrast is less than WCAG 2.2 asks for (AA, 4.5). */
  readonly paleTexts: readonly string[];
}

/** Puts a theme in force and looks at every text that can be seen. */
export async function coloursOf(page: Page, theme: 'light' | 'dark'): Promise<ThemeColours> {
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: theme }]);
  return (await page.evaluate(COLOURS)) as ThemeColours;
}

/** Runs in the page; colours there are written as `rgb(1, 2, 3)`, or with a fourth number for how opaque they are. */
const COLOURS = `(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = numbers(colour).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const styleOf = (element) => getComputedStyle(element);
  const isOpaque = (colour) => (numbers(colour)[3] ?? 1) === 1;
  const behind = (element) => {
    const { backgroundColor } = styleOf(element);
    return isOpaque(backgroundColor) ? backgroundColor : behind(element.parentElement);
  };
  const contrast = (element) => {
    const [dark, light] = [styleOf(element).color, behind(element)].map(luminance).toSorted((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const isRead = (element) =>
    element.checkVisibility() && !element.disabled &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
  return {
    background: styleOf(document.body).backgroundColor,
    paleTexts: [...document.body.querySelectorAll('*')]
      .filter((element) => isRead(element) && contrast(element) < 4.5)
      .map((element) => element.innerText + ': ' + contrast(element)),
  };
})()`;
