const MESSAGES_MAX = 50;
const UNKNOWN = '–';

const element = (id) => document.getElementById(id);

/** Elements that are listened to. */
export const controls = {
  registerForm: element('register-form'),
  name: element('name'),
  callForm: element('call-form'),
  peer: element('peer'),
  microphone: element('microphone'),
  camera: element('camera'),
  hangUp: element('hang-up'),
  incoming: element('incoming'),
  accept: element('accept'),
  decline: element('decline'),
};

/** The transport that has been chosen. */
export function chosenTransport() {
  return document.querySelector('input[name=transport]:checked').value;
}

/**
 * Shows what can be done now.
 *
 * @param state `offline`, `idle` (not registered), `registering`, `registered`, `calling` or `talking`
 */
export function showState(state) {
  document.body.dataset.call = state;
  controls.name.disabled = state !== 'idle';
  element('register').disabled = state !== 'idle';
  for (const id of ['peer', 'call', 'transports']) element(id).disabled = state !== 'registered';
  const isInCall = state === 'calling' || state === 'talking';
  element('controls').hidden = !isInCall;
  element('placeholder').hidden = state === 'talking';
  // On a narrow screen the form may be where the picture was.
  if (isInCall) element('stage').scrollIntoView({ block: 'nearest' });
  if (!isInCall) showPath(undefined);
}

/** Shows whether there is a connection to the application server. */
export function showLink(isThere) {
  element('link').textContent = isThere ? 'connected' : 'no connection';
  element('link').dataset.state = isThere ? 'good' : 'bad';
}

/** Says something to the user, and to whoever has the page read aloud. */
export function say(text) {
  element('status').textContent = text;
}

/** Says something in the place of the picture. */
export function sayOnStage(text) {
  element('placeholder').textContent = text;
}

/** Leaves only those transports to be chosen that the gateway has. */
export function offerTransports(transports) {
  for (const radio of document.querySelectorAll('input[name=transport]')) {
    radio.disabled = radio.value !== 'any' && !transports.has(radio.value);
    if (radio.disabled && radio.checked) document.querySelector('input[value=any]').checked = true;
  }
}

/** Shows the own camera; undefined hides it. */
export function showLocal(stream, name) {
  element('local').srcObject = stream ?? null;
  element('self').hidden = stream === undefined;
  element('own-name').textContent = `${name} (you)`;
}

/** Shows the other one; undefined hides them. */
export function showRemote(stream, name) {
  element('remote').srcObject = stream ?? null;
  element('with').hidden = stream === undefined;
  element('with').textContent = name;
}

/** Shows a switch as on or off. */
export function showSwitch(button, isPressed) {
  button.setAttribute('aria-pressed', String(isPressed));
}

/** Asks whether to accept a call. */
export function showIncoming(from) {
  element('incoming-title').textContent = `${from} is calling`;
  controls.incoming.showModal();
}

/** Shows the way of the media and its figures; undefined shows that there is none. */
export function showPath(path) {
  const { local, remote } = path ?? {};
  element('path').dataset.state = local === undefined ? 'none' : 'good';
  element('local-type').textContent = local === undefined ? 'no call' : describeLocal(local);
  element('relay').textContent = local === undefined ? UNKNOWN : hostPort(local);
  element('remote-type').textContent =
    remote === undefined ? UNKNOWN : `${hostPort(remote)} (${remote.candidateType})`;
  element('round-trip').textContent = number(path?.roundTripMs, 'ms', 1);
  element('sending').textContent = number(path?.sendingKbps, 'kbit/s');
  element('receiving').textContent = number(path?.receivingKbps, 'kbit/s');
  element('picture').textContent = picture(path);
  element('frames').textContent = path?.framesDecoded ?? UNKNOWN;
  element('lost').textContent = path?.packetsLost ?? UNKNOWN;
}

/** Adds a line to the messages; session descriptions and credentials are left out. */
export function logMessage(direction, message) {
  const { id, from, to, name, response, callResponse, message: words, candidate } = message;
  const known = [from, to, name, response, callResponse, words, candidate?.candidate];
  const line = document.createElement('li');
  line.textContent = [direction, id, ...known.filter((part) => part !== undefined)].join(' ');
  const messages = element('messages');
  messages.append(line);
  if (messages.childElementCount > MESSAGES_MAX) messages.firstElementChild.remove();
  messages.scrollTop = messages.scrollHeight;
}

function describeLocal({ candidateType, relayProtocol }) {
  if (candidateType !== 'relay') return `goes a ${candidateType} way, past the gateway`;
  return relayProtocol === undefined
    ? 'relay candidate'
    : `relay candidate, TURN over ${relayProtocol.toUpperCase()}`;
}

function hostPort({ address, port, protocol }) {
  const host = address?.includes(':') ? `[${address}]` : (address ?? 'hidden');
  return `${host}:${port} ${protocol}`;
}

function picture(path) {
  if (!path?.width) return UNKNOWN;
  return `${path.width} × ${path.height}, ${Math.round(path.framesPerSecond ?? 0)}/s`;
}

function number(value, unit, digits = 0) {
  return value === undefined ? UNKNOWN : `${value.toFixed(digits)} ${unit}`;
}
