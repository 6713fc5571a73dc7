import {
  BadRequestException,
  ConflictException,
  Injectable,
  NotFoundException,
} from '@nestjs/common';
import { allowListProblems } from '../control/account.dto.js';
import type { AccountInput, AccountPatch } from '../control/account.dto.js';
import { Account } from './account.js';
import { InitialState } from '../initial-state.js';
import { SimulatedClock } from '../simulated-clock.js';

/** Which accounts this WeChat has. Its methods that throw are for the control interface. */
@Injectable()
export class AccountsService {
  private readonly accounts = new Map<string, Account>();

  constructor(
    private readonly clock: SimulatedClock,
    private readonly initial: InitialState,
  ) {
    this.reset();
  }

  all(): Account[] {
    return [...this.accounts.values()];
  }

  secrets(): string[] {
    return this.all().map((account) => account.secret);
  }

  find(appId: string): Account | undefined {
    return this.accounts.get(appId);
  }

  findByToken(text: string): Account | undefined {
    return this.all().find((account) => account.findToken(text) !== undefined);
  }

  get(appId: string): Account {
    const account = this.accounts.get(appId);
    if (account === undefined) {
      throw new NotFoundException(
        `there is no account ${appId}; GET /__simulator/accounts lists those there are`,
      );
    }
    return account;
  }

  add(input: AccountInput): Account {
    if (this.accounts.has(input.app_id)) {
      throw new ConflictException(
        `the account ${input.app_id} exists; alter it with PATCH /__simulator/accounts/${input.app_id}`,
      );
    }
    const account = new Account(input, this.clock);
    this.accounts.set(account.appId, account);
    return account;
  }

  alter(appId: string, patch: AccountPatch): Account {
    const account = this.get(appId);
    const problems = allowListProblems({
      kind: patch.kind ?? account.kind,
      ip_allow_list: patch.ip_allow_list ?? account.ipAllowList,
    });
    if (problems.length > 0) {
      throw new BadRequestException({
        detail: 'the allow list does not fit the account',
        errors: problems.map((message) => ({ path: 'ip_allow_list', message })),
      });
    }
    account.alter(patch);
    return account;
  }

  /** Its tokens are unknown from then on: 40001. */
  remove(appId: string): void {
    this.accounts.delete(this.get(appId).appId);
  }

  reset(): void {
    this.accounts.clear();
    for (const input of this.initial.accounts) {
      this.add(input);
    }
  }
}
