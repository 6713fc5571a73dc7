import { Injectable } from '@nestjs/common';
import { InitialState } from '../initial-state.js';
import { DEFAULT_SETTINGS, mergeQuotas } from './settings.dto.js';
import type { Settings, SettingsPatch } from './settings.dto.js';

/**
 * The settings in force. A change counts from the next call on: what was minted keeps the deadlines
 * that it was given.
 */
@Injectable()
export class SettingsService {
  private settings: Settings;

  constructor(private readonly initial: InitialState) {
    this.settings = merge(DEFAULT_SETTINGS, initial.settings);
  }

  get current(): Settings {
    return this.settings;
  }

  change(patch: SettingsPatch): Settings {
    this.settings = merge(this.settings, patch);
    return this.settings;
  }

  reset(): void {
    this.settings = merge(DEFAULT_SETTINGS, this.initial.settings);
  }
}

/** Quotas are merged limit by limit; every other setting is replaced. */
function merge(base: Settings, patch: SettingsPatch): Settings {
  return { ...base, ...patch, quotas: mergeQuotas(base.quotas, patch.quotas ?? {}) };
}
