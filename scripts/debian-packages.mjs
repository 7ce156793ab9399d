import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from './prepare.mjs';

/** What the interoperability tests run beside the gateway: Debian package, and the command or file it brings. */
const DEBIAN_PACKAGES = [
  { name: 'coturn', command: 'turnserver' },
  { name: 'chromium', command: 'chromium' },
  { name: 'libnss3-tools', command: 'certutil' },
  { name: 'openssl', command: 'openssl' },
  { name: 'testssl.sh', command: 'testssl' },
  { name: 'haproxy', command: 'haproxy' },
  { name: 'nginx', command: 'nginx' },
  { name: 'libnginx-mod-stream', file: '/usr/lib/nginx/modules/ngx_stream_module.so' },
  { name: 'pebble', command: 'pebble' },
  { name: 'prometheus', command: 'promtool' },
  { name: 'janus', command: 'janus' },
  { name: 'kubernetes-client', command: 'kubectl' },
];

/** Packages that Debian starts as a service of the same name with every boot. */
const SERVICES = ['coturn', 'haproxy', 'nginx', 'prometheus', 'janus'];

const POLICY_FILE = '/usr/sbin/policy-rc.d';
const APT_OPTIONS = ['-qq', '-o', 'Acquire::Retries=2', '-o', 'Acquire::http::Timeout=30'];
const APT_TIMEOUT_MS = 240_000;

/** Installs the packages that the interoperability tests need where it may, else says what is skipped. */
export function installDebianPackages() {
  const wanted = missingPackages();
  if (wanted.length === 0) return;
  if (process.getuid?.() === 0 && findCommand('apt-get')) {
    say(`installing Debian packages for the interoperability tests: ${wanted.join(' ')} …`);
    withoutStartingServices(() => install(wanted));
  }
  for (const name of missingPackages()) {
    say(`${name} is missing, so its tests are skipped; get it with: sudo apt-get install ${name}`);
  }
}

function missingPackages() {
  return DEBIAN_PACKAGES.filter(({ command, file }) => {
    return command === undefined ? !existsSync(file) : !findCommand(command);
  }).map(({ name }) => name);
}

function findCommand(command) {
  const directories = [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/usr/sbin'];
  return directories.some((directory) => directory !== '' && existsSync(join(directory, command)));
}

function install(names) {
  apt('update');
  // One by one, so that a package this Debian lacks does not take the others with it.
  for (const name of names) apt('install', '--yes', '--no-install-recommends', name);
  const services = names.filter((name) => SERVICES.includes(name));
  if (services.length > 0 && existsSync('/run/systemd/system')) {
    spawnSync('systemctl', ['disable', '--now', ...services], { stdio: 'ignore' });
  }
}

function apt(...args) {
  const { status, stderr } = spawnSync('apt-get', [...APT_OPTIONS, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: APT_TIMEOUT_MS,
  });
  if (status === 0) return;
  const reason = (stderr ?? '').trim().split('\n').at(-1);
  say(`apt-get ${args.join(' ')} failed${reason ? `: ${reason}` : ''}`);
}

/** Takes a signal and lets the installation end, so that the file below never stays behind. */
function finishFirst() {}

/** Debian starts a service as it installs it, unless this file says no. */
function withoutStartingServices(work) {
  if (existsSync(POLICY_FILE)) {
    work();
    return;
  }
  process.on('SIGINT', finishFirst).on('SIGTERM', finishFirst);
  try {
    writeFileSync(POLICY_FILE, '#!/bin/sh\nexit 101\n');
    chmodSync(POLICY_FILE, 0o755);
    work();
  } catch (error) {
    say(`the packages could not be installed: ${error.message}`);
  } finally {
    rmSync(POLICY_FILE, { force: true });
    process.off('SIGINT', finishFirst).off('SIGTERM', finishFirst);
  }
}
