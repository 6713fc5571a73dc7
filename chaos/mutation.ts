import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** A guard of the refresh protocol that can be taken out of the built code. */
export type Guard = 'fence' | 'suspect' | 'floor' | 'lease';

export const GUARDS: readonly Guard[] = ['fence', 'suspect', 'floor', 'lease'];

/** A text of the built engine, and what takes its place. */
interface Patch {
  readonly find: string;
  readonly replace: string;
}

const ENGINE = 'wechat/credentials';

/** Each text must stand in the engine exactly once: a guard that has been rewritten is noticed. */
const PATCHES: Readonly<Record<Guard, readonly Patch[]>> = {
  // What a holder writes at the end no longer asks whether the claim is still its own.
  fence: [{ find: "'fence = :fence AND owner = :owner'", replace: "'1 = 1'" }],
  // A fetch of unknown outcome, and a holder that died, leave no doubt about the stored value.
  suspect: [
    { find: "'owner IS NOT NULL AND attempt_forced = 0'", replace: "'1 = 0'" },
    {
      find: 'const suspect = isUnknown && policy.fetchEndsOlderValue',
      replace: 'const suspect = false',
    },
    {
      find: 'function probeRequiredByRow(policy, row, suspectAtMs) {',
      replace:
        'function probeRequiredByRow(policy, row, suspectAtMs) {\n    if (row) return Infinity;',
    },
  ],
  // Two fetches may follow each other at once, by the row and by memory.
  floor: [
    { find: 'claimed_at + :floorMs <=', replace: '0 * :floorMs <=' },
    { find: 'fetch_ended_at + :floorMs <=', replace: '0 * :floorMs <=' },
    { find: 'policy.floorMs * scaleOf(policy, lifetimeMs)', replace: '0' },
  ],
  // Whoever finds a claim in flight takes it over.
  lease: [
    { find: 'lease_until <=', replace: '0 * lease_until <=' },
    {
      find: 'leasedUntilMs: isFromBrokenClock(row.leaseUntil, nowMs) ? 0 : row.leaseUntil',
      replace: 'leasedUntilMs: 0',
    },
  ],
};

/**
 * Copies the built service into `folder` and takes one guard out of the copy.
 * @returns where the copy is
 * @throws Error when a text to be replaced is not there exactly once
 */
export function mutate(dist: string, guard: Guard, folder: string): string {
  const copy = join(folder, 'dist');
  cpSync(dist, copy, { recursive: true });
  const root = dirname(resolve(dist));
  // ES modules, and their packages.
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const engine = join(copy, ENGINE);
  const files = readdirSync(engine).filter((name) => name.endsWith('.js'));
  for (const patch of PATCHES[guard]) {
    const found = files.flatMap((name) => textsOf(join(engine, name), patch.find));
    const [only] = found;
    if (only === undefined || found.length > 1) {
      throw new Error(
        `the guard has moved: ${ENGINE} holds ${found.length} times, not once: ${patch.find} (chaos/mutation.ts)`,
      );
    }
    writeFileSync(
      only.path,
      only.text.replace(patch.find, () => patch.replace),
    );
  }
  return copy;
}

/** The file once for each time that it holds the text. */
function textsOf(path: string, find: string): { path: string; text: string }[] {
  const text = readFileSync(path, 'utf8');
  return Array.from({ length: text.split(find).length - 1 }, () => ({ path, text }));
}
