import fc from 'fast-check';
import t from 'tap';
import { checkDelay, renewalTime, retryDelay } from '../../src/acme/renewal-times.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

t.test('when a certificate is renewed', (t) => {
  const rows = [
    { lifeDays: 90, beforeDays: 30, renewalDay: 60 },
    { lifeDays: 90, beforeDays: 45, renewalDay: 45 },
    { lifeDays: 90, beforeDays: 60, renewalDay: 45 },
    { lifeDays: 6, beforeDays: 30, renewalDay: 3 },
    { lifeDays: 6, beforeDays: 0, renewalDay: 6 },
  ];
  for (const { lifeDays, beforeDays, renewalDay } of rows) {
    const from = 1000 * DAY;
    const certificate = { validFrom: from, validTo: from + lifeDays * DAY };
    const renewal = renewalTime(certificate, (beforeDays * DAY) / 1000);
    t.equal(renewal, from + renewalDay * DAY, `${beforeDays} of ${lifeDays} days before`);
  }
  t.end();
});

t.test('how long until the next look', (t) => {
  const now = 1000 * DAY;
  const rows = [
    { ahead: 30 * DAY, expected: HOUR },
    { ahead: 10 * MINUTE, expected: 10 * MINUTE },
    { ahead: 1, expected: MINUTE },
    { ahead: -DAY, expected: MINUTE },
  ];
  for (const { ahead, expected } of rows) {
    t.equal(checkDelay(now + ahead, now, 0), expected);
    t.equal(checkDelay(now + ahead, now, 1), (expected * 11) / 10, 'with all of the jitter');
  }
  t.end();
});

t.test('how long until the next attempt', (t) => {
  const minutes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360];
  for (const [index, expected] of minutes.entries()) {
    t.equal(retryDelay(index + 1, 0), expected * MINUTE, `failure ${index + 1}`);
  }
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, random) => {
        const delay = retryDelay(failures, random);
        return delay >= MINUTE && delay <= 6.6 * HOUR && delay >= retryDelay(failures, 0);
      },
    ),
  );
  t.end();
});
