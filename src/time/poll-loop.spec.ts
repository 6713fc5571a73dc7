import { describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PollLoop } from './poll-loop.js';

const logger = new Logger('poll-loop.spec');

/** A promise, and the hand that resolves it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('a poll loop', () => {
  it('waits for what must come before, then runs its step again and again, one at a time', async () => {
    const before = gate();
    const third = gate();
    let running = 0;
    const seen: number[] = [];
    const loop = new PollLoop(async () => {
      running += 1;
      seen.push(running);
      await Promise.resolve();
      running -= 1;
      if (seen.length === 3) {
        third.open();
      }
    }, logger);
    loop.start(before.opened);
    await Promise.resolve();
    expect(seen).toEqual([]);
    before.open();
    await third.opened;
    await loop.stop();
    expect(seen).toEqual([1, 1, 1]);
  });

  it('goes on after a step that fails, and logs the failure', async () => {
    const second = gate();
    const logged: unknown[] = [];
    let steps = 0;
    const loop = new PollLoop(
      () => {
        steps += 1;
        if (steps === 2) {
          second.open();
          return Promise.resolve();
        }
        return Promise.reject(new Error('the first'));
      },
      Object.assign(new Logger('poll-loop.spec'), {
        error: (error: unknown) => logged.push(error),
      }),
    );
    loop.start(Promise.resolve());
    await second.opened;
    await loop.stop();
    expect(logged).toEqual([new Error('the first')]);
  });

  it('stops when the step that runs has ended, and begins no other', async () => {
    const begun = gate();
    const end = gate();
    const events: string[] = [];
    const loop = new PollLoop(async () => {
      events.push('begun');
      begun.open();
      await end.opened;
      events.push('ended');
    }, logger);
    loop.start(Promise.resolve());
    await begun.opened;
    const stopped = loop.stop().then(() => events.push('stopped'));
    end.open();
    await stopped;
    expect(events).toEqual(['begun', 'ended', 'stopped']);
  });

  it('stops at once where it has not begun', async () => {
    const loop = new PollLoop(() => Promise.reject(new Error('never')), logger);
    loop.start(gate().opened);
    await expect(loop.stop()).resolves.toBeUndefined();
  });
});
