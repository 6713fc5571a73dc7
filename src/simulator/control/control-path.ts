/** Everything below it steers the simulator: no fault strikes there, and the journal does not see it. */
const CONTROL_PREFIX = '/__simulator';

export function isControlPath(path: string): boolean {
  return path === CONTROL_PREFIX || path.startsWith(`${CONTROL_PREFIX}/`);
}
