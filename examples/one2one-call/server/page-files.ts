import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';

const PAGE = new URL('../page/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
const FILES = [
  'index.html',
  'style.css',
  'favicon.svg',
  'app.js',
  'path.js',
  'peer.js',
  'signalling.js',
  'view.js',
];
/** The page loads nothing but its own files, and nobody puts it into a frame. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'permissions-policy': 'camera=(self), microphone=(self)',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
};

/** Answers a request for a file of the page. */
export async function servePage(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://page').pathname;
  const name = path === '/' ? 'index.html' : path.slice(1);
  const isKnown = FILES.includes(name);
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  const status = isKnown ? (isRead ? 200 : 405) : 404;
  const type = status === 200 ? TYPES[name.split('.').at(-1)!]! : 'text/plain; charset=utf-8';
  const body = status === 200 ? await readFile(new URL(name, PAGE)) : `${status}\n`;
  response.writeHead(status, { ...HEADERS, 'content-type': type }).end(body);
}
