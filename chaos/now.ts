/** Milliseconds since 1970, finer than the wall clock and never going back within a run. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
