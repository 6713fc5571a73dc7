import { UsageError } from './exit.js';

/** What cannot be undone wants a word more. @throws UsageError without `--yes` */
export function assertConfirmed({ yes }: { readonly yes?: boolean }, what: string): void {
  if (yes !== true) {
    throw new UsageError(`This would ${what}, and cannot be undone. Say --yes if it is meant.`);
  }
}
