import { Document, isScalar, YAMLMap, YAMLSeq, type Node } from 'yaml';

/** A value of a configuration with a remark that stands next to it. */
export class Remarked {
  readonly value: unknown;
  readonly remark: string;

  /** @param remark - one line without `#`. */
  constructor(value: unknown, remark: string) {
    this.value = value;
    this.remark = remark;
  }
}

/**
 * Writes plain data with `Remarked` values in it as YAML: the remark of a scalar follows it, that of a map or list
 * stands above it. Keys that are undefined are left out.
 *
 * @param head - comment lines above everything.
 */
export function commentedYaml(data: object, head: readonly string[]): string {
  const document = new Document();
  document.contents = nodeOf(data, document);
  document.commentBefore = head.map((line) => (line === '' ? ' ' : ` ${line}`)).join('\n');
  return document.toString({ lineWidth: 0, singleQuote: true });
}

function nodeOf(value: unknown, document: Document): Node {
  if (value instanceof Remarked) return withRemark(nodeOf(value.value, document), value.remark);
  if (typeof value !== 'object' || value === null) return document.createNode(value);
  if (Array.isArray(value)) {
    const list = new YAMLSeq<Node>(document.schema);
    list.items.push(...value.map((item) => nodeOf(item, document)));
    list.flow = value.length === 0;
    return list;
  }
  const map = new YAMLMap<Node, Node>(document.schema);
  for (const [key, child] of Object.entries(value)) {
    if (child !== undefined) map.set(document.createNode(key), nodeOf(child, document));
  }
  map.flow = map.items.length === 0;
  return map;
}

function withRemark(node: Node, remark: string): Node {
  if (isScalar(node)) node.comment = ` ${remark}`;
  else node.commentBefore = ` ${remark}`;
  return node;
}
