import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AccountsService } from './wechat/accounts.service.js';
import { AppCredentialsService } from './wechat/app-credentials.service.js';
import { CallHooksService } from './wechat/call-hooks.service.js';
import { CallerPolicy } from './wechat/caller.policy.js';
import { ControlAccountsController } from './control/control-accounts.controller.js';
import { ControlFaultsController } from './control/control-faults.controller.js';
import { ControlFilter } from './control/control.filter.js';
import { ControlJournalController } from './control/control-journal.controller.js';
import { ControlStateController } from './control/control-state.controller.js';
import { ControlTokensController } from './control/control-tokens.controller.js';
import { DraftController } from './business/draft.controller.js';
import { FaultService } from './faults/fault.service.js';
import { FaultStrikeService } from './faults/fault-strike.service.js';
import { ForeignMintService } from './wechat/foreign-mint.service.js';
import { InitialState } from './initial-state.js';
import { IpListController } from './wechat/ip-list.controller.js';
import { JournalService } from './journal/journal.service.js';
import { LiveTokenGuard } from './wechat/live-token.guard.js';
import { LoginController } from './login/login.controller.js';
import { MediaController } from './business/media.controller.js';
import { MessageController } from './business/message.controller.js';
import { MiniProgramCodeController } from './business/mini-program-code.controller.js';
import { SettingsService } from './control/settings.service.js';
import { SimulatedClock } from './simulated-clock.js';
import { StableTokenController } from './wechat/stable-token.controller.js';
import { TicketController } from './wechat/ticket.controller.js';
import { TokenAnswerService } from './wechat/token-answer.service.js';
import { TokenController } from './wechat/token.controller.js';
import { TokenIssuerService } from './wechat/token-issuer.service.js';
import { UnknownPathController } from './business/unknown-path.controller.js';
import { WechatErrorFilter } from './wechat/wechat-error.filter.js';

/**
 * WeChat's behaviour as a separate application; neither it nor the service imports the other.
 *
 *   wechat/   WeChat's paths and rules: tokens, tickets, IP lists, quotas, errcodes
 *   business/ ordinary calls, made with a live token
 *   login/    a user's code becomes a session, or a token of the user's own
 *   control/  `/__simulator`: accounts, settings, the clock, tokens
 *   faults/   what goes wrong with which call
 *   journal/  which calls came and what they got
 */
@Module({})
export class SimulatorModule {
  static startingAs(initial: InitialState): DynamicModule {
    return {
      module: SimulatorModule,
      controllers: [
        TokenController,
        StableTokenController,
        IpListController,
        TicketController,
        LoginController,
        DraftController,
        MediaController,
        MessageController,
        MiniProgramCodeController,
        ControlStateController,
        ControlAccountsController,
        ControlTokensController,
        ControlFaultsController,
        ControlJournalController,
        UnknownPathController,
      ],
      providers: [
        { provide: InitialState, useValue: initial },
        SimulatedClock,
        SettingsService,
        AccountsService,
        CallerPolicy,
        LiveTokenGuard,
        AppCredentialsService,
        TokenIssuerService,
        TokenAnswerService,
        ForeignMintService,
        FaultService,
        FaultStrikeService,
        JournalService,
        CallHooksService,
        // The later filter is asked first: WechatErrorFilter takes what is its own.
        { provide: APP_FILTER, useClass: ControlFilter },
        { provide: APP_FILTER, useClass: WechatErrorFilter },
      ],
    };
  }
}
