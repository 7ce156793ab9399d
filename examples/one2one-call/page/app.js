import { readPath } from './path.js';
import { openCamera, Peer, transportsOf } from './peer.js';
import { Signalling } from './signalling.js';
import * as view from './view.js';

const MEASURE_MS = 1000;
/** How long before its end a credential is replaced. */
const RENEW_BEFORE_MS = 60_000;
/** The longest that timers of browsers can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;
/** The server may take a while to notice that the connection that had the name is lost. */
const NAME_RETRY_MS = 2000;
const NAME_RETRIES_MAX = 15;

const { controls } = view;
const signalling = new Signalling();

let state = 'offline';
let ownName = '';
let iceConfiguration;
let renewal;
/** How often the own name is still asked for once more; 0 unless it was held when the connection was lost. */
let nameRetries = 0;
/** The call that there is: who with, early candidates, camera, connection, timer of the measurements. */
let call;
/** What the server has said of a call that is ringing here. */
let ringing;

const handlers = {
  registerResponse: onRegistered,
  callResponse: ({ response, sdpAnswer, message }) => {
    if (response === 'accepted') void startTalking(sdpAnswer);
    else endCall(`No call: ${message}.`);
  },
  incomingCall: onIncomingCall,
  startCommunication: ({ sdpAnswer }) => void startTalking(sdpAnswer),
  stopCommunication: ({ message }) => endCall(`The call is over: ${message}.`),
  iceCandidate: ({ candidate }) => {
    if (call?.peer !== undefined) void call.peer.addCandidate(candidate);
    else (call ?? ringing)?.candidates.push(candidate);
  },
  error: onError,
};

signalling.addEventListener('open', onOpen);
signalling.addEventListener('lost', onLost);
signalling.addEventListener('message', ({ detail }) => {
  view.logMessage('←', detail);
  handlers[detail.id]?.(detail);
});
controls.registerForm.addEventListener('submit', (event) => {
  event.preventDefault();
  ownName = controls.name.value.trim();
  register();
});
controls.callForm.addEventListener('submit', (event) => {
  event.preventDefault();
  void placeCall(controls.peer.value.trim());
});
controls.hangUp.addEventListener('click', hangUp);
controls.accept.addEventListener('click', () => void acceptCall());
controls.decline.addEventListener('click', decline);
// The escape key.
controls.incoming.addEventListener('cancel', decline);
controls.microphone.addEventListener('click', () => toggle(controls.microphone, 'audio'));
controls.camera.addEventListener('click', () => toggle(controls.camera, 'video'));
signalling.connect();
enter('offline');

function onOpen() {
  view.showLink(true);
  enter('idle');
  if (ownName === '') view.say('');
  else register();
}

function onLost() {
  const wasThere = state !== 'offline';
  clearTimeout(renewal);
  view.showLink(false);
  endCall(
    wasThere
      ? 'The connection to the application server is lost. Trying again …'
      : 'The application server cannot be reached. Trying again …',
  );
  enter('offline');
}

function register() {
  enter('registering');
  view.say('Registering …');
  askForName();
}

function askForName() {
  send({ id: 'register', name: ownName });
}

function onRegistered({ response, message, iceConfiguration: configuration }) {
  if (response !== 'accepted') {
    onRefused(message);
    return;
  }
  nameRetries = NAME_RETRIES_MAX;
  iceConfiguration = configuration;
  view.offerTransports(transportsOf(configuration));
  scheduleRenewal(configuration.expiresAt);
  if (state !== 'registering') return;
  enter('registered');
  view.say(`You are registered as ${ownName}.`);
  view.sayOnStage('Call somebody, or wait for a call.');
  controls.peer.focus();
}

function onRefused(message) {
  if (nameRetries > 0) {
    nameRetries--;
    clearTimeout(renewal);
    renewal = setTimeout(askForName, NAME_RETRY_MS);
    return;
  }
  if (state !== 'registering') return;
  ownName = '';
  enter('idle');
  view.say(`Not registered: ${message}.`);
  controls.name.focus();
}

/** The server has not understood a message, and does nothing about it. */
function onError({ message }) {
  if (state === 'registering') enter('idle');
  endCall(`The server refuses a message: ${message}.`);
}

/** Registering once more brings a new credential. */
function scheduleRenewal(expiresAt) {
  clearTimeout(renewal);
  if (expiresAt === undefined) return;
  const waitMs = Math.max(expiresAt * 1000 - Date.now() - RENEW_BEFORE_MS, RENEW_BEFORE_MS);
  renewal = setTimeout(askForName, Math.min(waitMs, TIMER_MS_MAX));
}

async function placeCall(to) {
  view.say(`Calling ${to} …`);
  view.sayOnStage(`Calling ${to} …`);
  const own = begin(to);
  await attempt(own, async () => {
    await open(own);
    const sdpOffer = await own.peer.offer();
    if (call === own) send({ id: 'call', from: ownName, to, sdpOffer });
  });
}

function onIncomingCall({ from, sdpOffer }) {
  if (call !== undefined || ringing !== undefined) {
    reject(from);
    return;
  }
  ringing = { from, sdpOffer, candidates: [] };
  view.say(`${from} is calling.`);
  view.showIncoming(from);
}

async function acceptCall() {
  const { from, sdpOffer, candidates } = ringing;
  stopRinging();
  view.say(`Connecting with ${from} …`);
  view.sayOnStage(`Connecting with ${from} …`);
  const own = begin(from, candidates);
  await attempt(own, async () => {
    await open(own);
    // Some media servers offer, to others the browser does.
    const description =
      sdpOffer === undefined
        ? { sdpOffer: await own.peer.offer() }
        : { sdpAnswer: await own.peer.answer(sdpOffer) };
    if (call !== own) return;
    send({ id: 'incomingCallResponse', from, callResponse: 'accept', ...description });
  });
}

function decline() {
  if (ringing === undefined) return;
  const { from } = ringing;
  stopRinging();
  reject(from);
}

function reject(from) {
  send({ id: 'incomingCallResponse', from, callResponse: 'reject' });
}

function stopRinging() {
  ringing = undefined;
  controls.incoming.close();
}

function begin(name, candidates = []) {
  call = { name, candidates };
  enter('calling');
  return call;
}

/** Opens the camera and the connection of a call, unless it has ended meanwhile. */
async function open(own) {
  own.stream = await openCamera();
  if (call !== own) return stopTracks(own);
  view.showLocal(own.stream, ownName);
  const peer = new Peer(iceConfiguration, view.chosenTransport(), own.stream);
  own.peer = peer;
  peer.addEventListener('candidate', ({ detail }) => {
    send({ id: 'onIceCandidate', candidate: detail });
  });
  peer.addEventListener('stream', ({ detail }) => view.showRemote(detail, own.name));
  peer.addEventListener('connected', () => {
    own.isConnected = true;
    view.say(`You are talking to ${own.name}.`);
  });
  peer.addEventListener('interrupted', () => view.say('The media is interrupted …'));
  peer.addEventListener('failed', () => {
    giveUp('The call is over: the media server cannot be reached through the gateway.');
  });
  for (const candidate of own.candidates.splice(0)) await peer.addCandidate(candidate);
}

/** Does a step of a call, and ends the call in words when it goes wrong. */
async function attempt(own, step) {
  try {
    await step();
  } catch (error) {
    if (call === own) giveUp(error.message);
  }
}

async function startTalking(sdpAnswer) {
  const own = call;
  if (own?.peer === undefined) return;
  await attempt(own, async () => {
    if (sdpAnswer !== undefined) await own.peer.accept(sdpAnswer);
    if (call !== own) return;
    enter('talking');
    // The media may have been faster than the message.
    if (!own.isConnected) view.say(`Connecting with ${own.name} …`);
    own.timer = setInterval(() => void measure(own), MEASURE_MS);
  });
}

async function measure(own) {
  const report = await own.peer.statistics();
  if (call !== own) return;
  view.showPath(readPath(report, own.report));
  own.report = report;
}

function hangUp() {
  send({ id: 'stop' });
  endCall('You hung up.');
}

/** Ends the call from here because it cannot go on. */
function giveUp(words) {
  send({ id: 'stop', failed: true });
  endCall(words);
}

/** Ends the call that there is, or rings, and says why. */
function endCall(words) {
  if (ringing !== undefined) stopRinging();
  view.say(words);
  if (call === undefined) return;
  clearInterval(call.timer);
  call.peer?.close();
  stopTracks(call);
  call = undefined;
  view.showLocal(undefined, ownName);
  view.showRemote(undefined, '');
  view.showSwitch(controls.microphone, false);
  view.showSwitch(controls.camera, false);
  view.sayOnStage('Call somebody, or wait for a call.');
  enter('registered');
  controls.peer.focus();
}

function toggle(button, kind) {
  const track = call?.stream?.getTracks().find((each) => each.kind === kind);
  if (track === undefined) return;
  track.enabled = !track.enabled;
  view.showSwitch(button, !track.enabled);
}

function stopTracks({ stream }) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function enter(next) {
  state = next;
  view.showState(next);
}

function send(message) {
  view.logMessage('→', message);
  signalling.send(message);
}
