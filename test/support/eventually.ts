import { setTimeout as delay } from 'node:timers/promises';

const LOOK_AGAIN_MS = 25;

/**
 * Waits for a condition that no event tells of: repeats `check` until it no longer throws.
 * @returns what `check` returned
 * @throws what `check` threw last, once `withinMs` are over
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  withinMs = 120_000,
): Promise<Awaited<T>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= deadline) {
        throw error;
      }
    }
    await delay(LOOK_AGAIN_MS);
  }
}
