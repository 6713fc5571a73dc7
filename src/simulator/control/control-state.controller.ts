import { Body, Controller, Get, HttpCode, Patch, Post } from '@nestjs/common';
import { z } from 'zod';
import type { AccountView } from './account.dto.js';
import { AccountsService } from '../wechat/accounts.service.js';
import { closedObject, jsonBody } from './closed-object.js';
import type { Fault } from '../faults/fault.dto.js';
import { FaultService } from '../faults/fault.service.js';
import { JournalService } from '../journal/journal.service.js';
import { SettingsPatchSchema } from './settings.dto.js';
import type { Settings, SettingsPatch } from './settings.dto.js';
import { SettingsService } from './settings.service.js';
import { SimulatedClock } from '../simulated-clock.js';

const TEN_YEARS_MS = 315_360_000_000;

const AdvanceSchema = closedObject({ advance_ms: z.int().nonnegative().max(TEN_YEARS_MS) });

export interface ClockView {
  now: string;
  /** How far ahead of the machine's clock it runs. */
  offset_ms: number;
}

export interface StateView {
  clock: ClockView;
  settings: Settings;
  accounts: AccountView[];
  faults: Fault[];
  journal: { entries: number; in_flight: number; last_seq: number; dropped: number };
}

/** The simulator as a whole: what it is, its settings, its clock, and back to the start. */
@Controller('__simulator')
export class ControlStateController {
  constructor(
    private readonly clock: SimulatedClock,
    private readonly settings: SettingsService,
    private readonly accounts: AccountsService,
    private readonly faults: FaultService,
    private readonly journal: JournalService,
  ) {}

  @Get('state')
  state(): StateView {
    return {
      clock: this.readClock(),
      settings: this.settings.current,
      accounts: this.accounts.all().map((account) => account.view()),
      faults: this.faults.all(),
      journal: {
        entries: this.journal.size,
        in_flight: this.journal.find({ outcome: 'in_flight' }).length,
        last_seq: this.journal.lastSeq,
        dropped: this.journal.dropped,
      },
    };
  }

  @Get('settings')
  readSettings(): Settings {
    return this.settings.current;
  }

  @Patch('settings')
  changeSettings(@Body({ schema: jsonBody(SettingsPatchSchema) }) patch: SettingsPatch): Settings {
    return this.settings.change(patch);
  }

  @Get('clock')
  readClock(): ClockView {
    return {
      now: new Date(this.clock.nowMs()).toISOString(),
      offset_ms: this.clock.offsetMs,
    };
  }

  @Post('clock')
  @HttpCode(200)
  advance(
    @Body({ schema: jsonBody(AdvanceSchema) }) input: z.output<typeof AdvanceSchema>,
  ): ClockView {
    this.clock.advance(input.advance_ms);
    return this.readClock();
  }

  /** Clock first: accounts are made by it. */
  @Post('reset')
  @HttpCode(200)
  reset(): StateView {
    this.clock.reset();
    this.settings.reset();
    this.accounts.reset();
    this.faults.clear();
    this.journal.clear();
    return this.state();
  }
}
