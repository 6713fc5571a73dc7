import type { AccountInput } from './control/account.dto.js';
import type { SettingsPatch } from './control/settings.dto.js';

/** What the simulator starts with, and what a reset brings back. Checked before it gets here. */
export class InitialState {
  constructor(
    readonly settings: SettingsPatch,
    readonly accounts: readonly AccountInput[],
  ) {}
}
