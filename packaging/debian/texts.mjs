const MAINTAINER = 'Turnpike contributors <turnpike@packages.invalid>';

/** What dpkg knows of the package: it needs the C and C++ libraries that every Debian has, and nothing else. */
export function control({ version, debianArch, kibibytes }) {
  return `Package: turnpike
Version: ${version}
Architecture: ${debianArch}
Maintainer: ${MAINTAINER}
Installed-Size: ${kibibytes}
Depends: libc6 (>= 2.28), libgcc-s1 (>= 4.2), libstdc++6 (>= 8)
Section: net
Priority: optional
Description: TURN and STUN gateway for WebRTC
 Turnpike lets WebRTC clients anywhere reach media servers that have no public
 address. A client shows a credential that an application server gave it, over
 UDP, TCP, TLS or DTLS, and its media is relayed to the backends that a route
 table names, and to nothing else.
 .
 It speaks TURN (RFC 8656) and STUN (RFC 8489), reads the configuration files of
 STUNner, hands out credentials over HTTP, and changes its configuration without
 ending a call.
`;
}

/** The unit of a service that is built in place, for the program of the package. */
export function unit(text) {
  return text
    .replace(/^# Turnpike, built in .*$/m, '# Turnpike, from the Debian package.')
    .replace(/^Description=.*$/m, '$&\nDocumentation=man:turnpike(1)')
    .replaceAll('/usr/bin/node /opt/turnpike/dist/main.js', '/usr/bin/turnpike');
}

/** The license in the form that Debian reads; what is inside beside the gateway has a file of its own. */
export function copyright(license) {
  const [, owner] = /^Copyright \(c\) (.+)$/m.exec(license);
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Turnpike

Files: *
Copyright: ${owner}
License: Expat
${indented(license.split(/^Copyright .*$/m)[1])}

Files: usr/bin/turnpike
Copyright: ${owner}, and the authors of Node.js and of the packages that it carries
License: Expat and others
 Each license is in /usr/share/doc/turnpike/third-party-notices.gz.
`;
}

/** The entry of this version, in the form that Debian reads. */
export function changelog(version, unixSeconds) {
  const date = new Date(unixSeconds * 1000).toUTCString().replace('GMT', '+0000');
  return `turnpike (${version}) stable; urgency=medium

  * Version ${version}; its changes are in CHANGELOG.md of the source.

 -- ${MAINTAINER}  ${date}
`;
}

/** A field of several lines: each begins with a blank, and one with nothing on it is a full stop. */
function indented(text) {
  return text
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}
