import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountEditorService } from './account-editor.service.js';
import { AccountEntity } from './account.entity.js';
import { AccountFollowerService } from './account-follower.service.js';
import { AccountSealer } from './account-sealer.js';
import { AccountRepository } from './account.repository.js';
import { AccountService } from './account.service.js';
import { EnvironmentAccountService } from './environment-account.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([AccountEntity])],
  providers: [
    AccountEditorService,
    AccountFollowerService,
    AccountRepository,
    AccountSealer,
    AccountService,
    EnvironmentAccountService,
  ],
  exports: [AccountEditorService, AccountService],
})
export class AccountModule {}
