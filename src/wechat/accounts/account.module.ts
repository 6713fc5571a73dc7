import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountEditorService } from './account-editor.service.js';
import { AccountEntity } from './account.entity.js';
import { AccountLoaderService } from './account-loader.service.js';
import { AccountPollService } from './account-poll.service.js';
import { AccountSealer } from './account-sealer.js';
import { AccountRepository } from './account.repository.js';
import { AccountService } from './account.service.js';
import { EnvironmentAccountService } from './environment-account.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([AccountEntity])],
  providers: [
    AccountEditorService,
    AccountLoaderService,
    AccountPollService,
    AccountRepository,
    AccountSealer,
    AccountService,
    EnvironmentAccountService,
  ],
  exports: [AccountEditorService, AccountPollService, AccountService],
})
export class AccountModule {}
