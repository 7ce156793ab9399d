import ts from 'typescript';

/** An element of a page or drawing. */
export interface PageElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Elements and texts below it, in their order; character references are left as they are. */
  readonly children: readonly (PageElement | string)[];
}

/** What parsing found. */
export interface ParsedPage {
  /** All elements, those above before those below. */
  readonly elements: readonly PageElement[];
  /** Everything that is not well-formed, such as an element that is not closed. */
  readonly problems: readonly string[];
}

/** Parses HTML or SVG in which every element is closed, as JSX wants it; style sheets are left out. */
export function parsePage(text: string): ParsedPage {
  const body = text.replace(/^<!doctype html>\n/, '').replaceAll(/<style>[^]*?<\/style>/g, '');
  const file = 'page.tsx';
  const source = ts.createSourceFile(
    file,
    `(<>${body}</>)`,
    ts.ScriptTarget.ES2023,
    true,
    ts.ScriptKind.TSX,
  );
  const { diagnostics = [] } = ts.transpileModule(source.text, {
    fileName: file,
    reportDiagnostics: true,
    compilerOptions: { jsx: ts.JsxEmit.Preserve },
  });
  const problems = diagnostics.map(({ messageText, start = 0 }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, ' ');
    return `${message} in ${source.text.slice(Math.max(0, start - 40), start + 40)}`;
  });
  return { elements: elementsIn(source), problems };
}

/** The text of an element and everything below it. */
export function textOf({ children }: PageElement): string {
  return children.map((child) => (typeof child === 'string' ? child : textOf(child))).join('');
}

/** The elements directly below one. */
export function childrenOf({ children }: PageElement): PageElement[] {
  return children.filter((child) => typeof child !== 'string');
}

/** Elements below a node, each before those that are below itself. */
function elementsIn(node: ts.Node): PageElement[] {
  const elements: PageElement[] = [];
  const collect = (element: PageElement): void => {
    elements.push(element);
    childrenOf(element).forEach(collect);
  };
  const search = (each: ts.Node): void => {
    if (isElement(each)) collect(elementOf(each));
    else ts.forEachChild(each, search);
  };
  search(node);
  return elements;
}

function isElement(node: ts.Node): node is ts.JsxElement | ts.JsxSelfClosingElement {
  return ts.isJsxElement(node) || ts.isJsxSelfClosingElement(node);
}

function elementOf(node: ts.JsxElement | ts.JsxSelfClosingElement): PageElement {
  const opening = ts.isJsxElement(node) ? node.openingElement : node;
  const attributes = opening.attributes.properties
    .filter(ts.isJsxAttribute)
    .map(
      (attribute) =>
        [
          attribute.name.getText(),
          attribute.initializer && ts.isStringLiteral(attribute.initializer)
            ? attribute.initializer.text
            : '',
        ] as const,
    );
  const children = ts.isJsxElement(node) ? node.children : [];
  return {
    name: opening.tagName.getText(),
    attributes: new Map(attributes),
    children: children.flatMap((child): (PageElement | string)[] => {
      if (ts.isJsxText(child)) return [child.text];
      return isElement(child) ? [elementOf(child)] : [];
    }),
  };
}
